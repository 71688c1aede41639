//! `etiolog explain --trace`: of one subject of the logs, what each symptom wanted, what it got, and what was missing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use etiolog::model::Measure;
use etiolog::output::{Page, Paint, span, terminal, write_line};
use etiolog::predicate::Truth;
use etiolog::rule::Plan;
use etiolog::{Ending, Pipeline, Status, Subject, SymptomTrace, Timestamp, WhenTrace, did_you_mean};

use crate::args::{Explain, Listing};
use crate::exit::{Exit, Stop};
use crate::explain::unknown;
use crate::lookup::{Lookup, Part};
use crate::progress::Progress;
use crate::read::{self, Reading};
use crate::style::{self, prose};

/// Runs the verb on logs. `symptoms` are the ids that were asked for; all when there are none.
pub(crate) fn run(asked: &Explain, subject: &str, symptoms: &[Arc<str>]) -> Result<Exit, Stop> {
    let mut builder = read::engine(&asked.rules, &asked.facts, &asked.logs)?;
    if let Some(at) = asked.at {
        // What is later than the time asked for has not happened yet: the horizon lies five minutes behind `as_of`.
        builder = builder.as_of(at.minus(Duration::from_secs(300)));
    }
    let engine = builder.build()?;
    let wanted = Wanted::parse(subject, engine.plan())?;
    let inputs = read::gather(&asked.logs, &engine)?;
    let progress = Progress::new(inputs.size(), false);
    inputs.notes.iter().for_each(|note| progress.note(&format!("note: {}", terminal(note))));

    let mut pipeline = Pipeline::new(&engine).with_threads(asked.logs.threads());
    let whom = wanted.clone();
    pipeline.follow(move |subject| whom.means(subject));
    let mut reading = Reading::new(inputs, &asked.logs, &mut pipeline)?;
    while reading.step(&mut pipeline, &progress, false) {
        pipeline.drain();
        progress.show(0);
    }
    progress.clear();
    if let Some(until) = asked.at.or(asked.logs.complete.then_some(Timestamp::MAX)) {
        pipeline.advance(until);
    }

    let subject = wanted.find(&pipeline.subjects())?;
    let shown = Shown::of(&pipeline, &subject, symptoms);
    match asked.output {
        Listing::Text => {
            let mut page = style::page();
            shown.show(&mut page, &subject, !symptoms.is_empty());
            style::write(page.into_text().as_bytes())?;
        }
        Listing::Json => {
            let mut lines = Vec::new();
            shown
                .symptoms
                .iter()
                .try_for_each(|trace| write_line("trace", trace, &mut lines))
                .map_err(Stop::Output)?;
            style::write(&lines)?;
        }
    }
    let (_, summary) = pipeline.finish();
    Ok(match reading.ended_by() {
        Some(exit) => exit,
        None if reading.unreadable || summary.records.rejected_total() > 0 => Exit::Partly,
        None => Exit::Done,
    })
}

/// The symptoms that an id means: itself, those of the article, or those that the cause explains.
pub(crate) fn symptoms_of(lookup: &Lookup, id: &str) -> Result<Vec<Arc<str>>, Stop> {
    let plan = lookup.plan();
    let (name, part) = id.split_once('#').map_or((id, None), |(name, part)| (name, Some(part)));
    let found: Vec<Arc<str>> = match (lookup.entry(name), part) {
        (None, _) => Vec::new(),
        (Some(entry), None) => {
            let at = entry.rules.map_or(&[][..], |rules| &rules.symptoms);
            at.iter().filter_map(|&at| plan.symptoms().get(at)).map(|it| Arc::clone(&it.id)).collect()
        }
        (Some(entry), Some(part)) => {
            let id = format!("{}#{part}", entry.id);
            let id = lookup.same_as(&id).map_or(id.as_str(), |(_, target)| target);
            if lookup.parts(id).is_empty() {
                return Err(unknown(lookup, id));
            }
            let of = |part: &Part<'_>| -> Vec<Arc<str>> {
                match part {
                    Part::Symptom(it) => vec![Arc::clone(&it.id)],
                    Part::Cause(it) => plan.explained_by(it).map(|(it, _)| Arc::clone(&it.id)).collect(),
                    Part::Solution(_) => Vec::new(),
                }
            };
            lookup.parts(id).iter().flat_map(of).collect()
        }
    };
    if found.is_empty() {
        let message = format!("`{id}` has no symptom to trace; name an article, a symptom or a cause");
        return Err(Stop::Usage(message));
    }
    Ok(found)
}

/// A subject as a person names it: `device=d1`, `hub=h1,device=d1`, or `d1` alone.
#[derive(Clone, Debug)]
struct Wanted {
    /// Level and identifier, in the order of writing; no level means any.
    parts: Vec<(Option<String>, String)>,
}

impl Wanted {
    fn parse(text: &str, plan: &Plan) -> Result<Self, Stop> {
        let known: Vec<&str> = plan.levels().collect();
        let mut parts = Vec::new();
        for part in text.split(',') {
            let (level, id) = match part.split_once('=') {
                Some((level, id)) => (Some(level.trim()), id.trim()),
                None => (None, part.trim()),
            };
            if id.is_empty() {
                return Err(Stop::Usage(format!(
                    "`{text}` names no subject; write for example `{}=…`",
                    known.join("=…,")
                )));
            }
            if let Some(level) = level.filter(|level| !known.contains(level)) {
                let known = known.join(", ");
                return Err(Stop::Usage(format!(
                    "no level of subjects is called `{level}`; there are: {known}"
                )));
            }
            parts.push((level.map(str::to_owned), id.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Whether every part agrees, and one of them names the subject itself and not only what it lies in.
    fn means(&self, subject: &Subject) -> bool {
        let agrees = |(level, id): &(Option<String>, String)| match level {
            Some(level) => subject.get(level) == Some(id),
            None => subject.id() == id,
        };
        let itself = |(level, _): &(Option<String>, String)| {
            level.as_deref().is_none_or(|level| level == subject.level())
        };
        self.parts.iter().all(agrees) && self.parts.iter().any(itself)
    }

    /// The one subject that is meant.
    fn find(&self, subjects: &[Subject]) -> Result<Subject, Stop> {
        /// How many of several are named.
        const NAMED: usize = 3;
        let meant: Vec<&Subject> = subjects.iter().filter(|subject| self.means(subject)).collect();
        match meant.as_slice() {
            [] => Err(Stop::Usage(self.missing(subjects))),
            [one] => Ok((*one).clone()),
            several => {
                let names: Vec<String> =
                    several.iter().take(NAMED).map(|it| format!("`{}`", spelt(it))).collect();
                let more = if several.len() > NAMED { ", …" } else { "" };
                let count = several.len();
                Err(Stop::Usage(format!("{count} subjects are called so: {}{more}", names.join(", "))))
            }
        }
    }

    fn missing(&self, subjects: &[Subject]) -> String {
        let asked: Vec<String> = self
            .parts
            .iter()
            .map(|(level, id)| level.as_ref().map_or(id.clone(), |level| format!("{level}={id}")))
            .collect();
        let mut text = format!("no event is about `{}`", asked.join(","));
        // The part that names the subject itself is the last one, as people write it.
        if let Some((level, id)) = self.parts.last() {
            let alike = |it: &&Subject| level.as_deref().is_none_or(|level| level == it.level());
            let ids: BTreeSet<&str> = subjects.iter().filter(alike).map(Subject::id).collect();
            let near = did_you_mean(id, ids.iter().copied());
            let known = subjects.iter().filter(alike).map(|it| format!("`{}`", spelt(it)));
            let like = |it: &&Subject| near.as_deref() == Some(it.id());
            let near: Vec<String> =
                subjects.iter().filter(alike).filter(like).map(|it| format!("`{}`", spelt(it))).collect();
            match (near.as_slice(), ids.len()) {
                ([], 0) => text.push_str("; the logs hold no event of the rules about any such subject"),
                ([], 1..=3) => {
                    text.push_str(&format!("; there are {}", known.collect::<Vec<_>>().join(", ")))
                }
                ([], count) => text.push_str(&format!("; there are {count} such subjects of other names")),
                (near, _) => text.push_str(&format!("; did you mean {}?", near.join(" or "))),
            }
        }
        text
    }
}

/// `hub=h1,device=d1`, as it may be asked for.
fn spelt(subject: &Subject) -> String {
    subject.levels().map(|(level, id)| format!("{level}={id}")).collect::<Vec<_>>().join(",")
}

/// What is shown of a subject: the episode that is under way, or the last one when nothing has happened since.
struct Shown {
    symptoms: Vec<SymptomTrace>,
    /// When the episode ended that is shown.
    ended: Option<Timestamp>,
    /// When those before it ended.
    before: Vec<Timestamp>,
}

impl Shown {
    fn of(pipeline: &Pipeline, subject: &Subject, only: &[Arc<str>]) -> Self {
        let mut symptoms = pipeline.trace(subject);
        let (last, rest) = match pipeline.endings(subject).split_last() {
            Some((last, rest)) => (Some(last), rest),
            None => (None, &[][..]),
        };
        let under_way = symptoms.iter().any(|trace| trace.events > 0);
        let times = |endings: &[Ending]| endings.iter().map(|ending| ending.time).collect::<Vec<_>>();
        let (mut ended, mut before) = (None, times(rest));
        match last {
            Some(last) if !under_way => {
                symptoms.clone_from(&last.symptoms);
                ended = Some(last.time);
            }
            Some(last) => before.push(last.time),
            None => {}
        }
        symptoms.retain(|trace| only.is_empty() || only.contains(&trace.id));
        Self { symptoms, ended, before }
    }

    fn show(&self, page: &mut Page, subject: &Subject, named: bool) {
        page.line(&[(Paint::Bold, &terminal(&subject.to_string()))]);
        if let Some(ended) = self.ended {
            let text = format!("As its last episode stood, which ended at {ended}.");
            page.line(&[(Paint::Dim, &text)]);
        }
        if let Some(last) = self.before.last() {
            let count = self.before.len();
            let episodes = if count == 1 { "episode" } else { "episodes" };
            let text =
                format!("{count} earlier {episodes}, the last until {last}; `--at` shows how one stood.");
            page.line(&[(Paint::Dim, &text)]);
        }
        let rank = |trace: &SymptomTrace| match (&trace.status, trace.events) {
            (Status::Present(_), _) => 0,
            (_, 1..) => 1,
            (_, 0) => 2,
        };
        let mut symptoms: Vec<&SymptomTrace> = self.symptoms.iter().collect();
        symptoms.sort_by_key(|trace| rank(trace));
        let (seen, unseen): (Vec<&SymptomTrace>, Vec<_>) =
            symptoms.into_iter().partition(|trace| named || rank(trace) < 2);
        for trace in seen {
            page.gap();
            symptom(page, trace);
        }
        if !unseen.is_empty() {
            page.gap();
            let ids: Vec<String> = unseen.iter().map(|trace| terminal(&trace.id).into_owned()).collect();
            page.item((Paint::Bold, "no events"), &[(Paint::Plain, &ids.join(", "))]);
        }
        if self.symptoms.is_empty() {
            page.gap();
            page.line(&[(Paint::Plain, "None of the symptoms asked for is about such a subject.")]);
        }
    }
}

fn symptom(page: &mut Page, trace: &SymptomTrace) {
    let paint = if trace.status.is_present() { Paint::Bold } else { Paint::Plain };
    page.item(
        (paint, trace.status.word()),
        &[(Paint::Bold, &prose(&trace.title)), (Paint::Dim, &terminal(&trace.id))],
    );
    page.item((Paint::Bold, "wanted"), &[(Paint::Plain, &terminal(&trace.wanted))]);
    page.item((Paint::Bold, "got"), &[(Paint::Plain, &got(trace))]);
    if let Some(missing) = &trace.shortfall {
        page.item((Paint::Bold, "missing"), &[(Paint::Plain, &terminal(missing))]);
    }
    if let Some(when) = &trace.when {
        page.item((Paint::Bold, "when"), &[(Paint::Plain, &prose(&when.source))]);
        page.item((Paint::Bold, "got"), &[(Paint::Plain, &answer(when))]);
    }
    if !trace.blocked_by.is_empty() {
        let ids: Vec<String> = trace.blocked_by.iter().map(|id| terminal(id).into_owned()).collect();
        let text = format!("blocked by {}, which is present", ids.join(", "));
        page.item((Paint::Bold, "unless"), &[(Paint::Plain, &text)]);
    }
}

/// `3 events seen, the detector found it (99 %): events 3, span 4h`.
fn got(trace: &SymptomTrace) -> String {
    let events = match trace.events {
        0 if trace.unseen => "nothing that it asks for was seen".to_owned(),
        1 => "1 event seen".to_owned(),
        count => format!("{count} events seen"),
    };
    let found = match &trace.found {
        Status::Present(confidence) if confidence.get() >= 1.0 => "found".to_owned(),
        Status::Present(confidence) => format!("found ({confidence})"),
        Status::Absent if trace.status.is_present() => "found earlier, over now".to_owned(),
        Status::Absent => "not found".to_owned(),
        Status::Unknown(why) => format!("unknown: {}", terminal(why)),
    };
    let measures =
        trace.measures.iter().map(|(name, value)| format!("{} {}", terminal(name), measure(value)));
    let measures = measures.collect::<Vec<_>>().join(", ");
    let colon = if measures.is_empty() { "" } else { "; " };
    format!("{events}, {found}{colon}{measures}")
}

fn answer(when: &WhenTrace) -> String {
    let word = match &when.answer {
        Some(Truth::True) => "it holds".to_owned(),
        Some(Truth::False) => "it does not hold".to_owned(),
        Some(Truth::Unknown(why)) => format!("unknown: {}", terminal(&why.to_string())),
        None => "not asked, because the detector did not find it".to_owned(),
    };
    let reads = when.reads.iter().map(|(name, value)| {
        let value = value.as_ref().map_or_else(|| "missing".to_owned(), measure);
        format!("{} {value}", terminal(name))
    });
    let reads = reads.collect::<Vec<_>>().join(", ");
    let colon = if reads.is_empty() { "" } else { "; " };
    format!("{word}{colon}{reads}")
}

fn measure(value: &Measure) -> String {
    match value {
        Measure::Count(count) => count.to_string(),
        Measure::Number(number) => {
            let text = format!("{number:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Measure::Span(length) => span(*length),
        Measure::Text(text) => terminal(text).into_owned(),
        Measure::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        other => format!("{other:?}"),
    }
}
