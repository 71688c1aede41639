//! What an engine says of a stream beside what the text says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};

use etiolog::detector::Definition;
use etiolog::model::{Accounts, Evidence, Measure};
use etiolog::rule::Plan;
use etiolog::{Diagnosis, Ending, Engine, Event, State, Status, Subject, Summary, SymptomTrace, Timestamp};

use crate::{Answer, Episode, Judged};

/// Numbers are the same when they differ by less than this share: the order of sums is not everywhere in the text.
const TOLERANCE: f64 = 1e-9;
/// So many endings of a subject an engine keeps.
const ENDINGS: usize = 64;

/// All that an engine says of a stream.
#[derive(Clone, Debug)]
pub struct Said {
    /// The diagnoses, in the order of leaving.
    pub diagnoses: Vec<Diagnosis>,
    /// What became of the records.
    pub summary: Summary,
    /// How the episodes of each subject ended, and how it stands at the end.
    pub subjects: BTreeMap<Subject, (Vec<Ending>, Vec<SymptomTrace>)>,
}

/// Asks an engine: records as they arrive, each with its source.
pub fn say(engine: &Engine, sources: usize, arrivals: &[(usize, Event)]) -> Said {
    let mut run = engine.run();
    run.follow(|_| true);
    let open: Vec<_> = (0..sources).map(|source| run.open(&source.to_string())).collect();
    for (source, event) in arrivals {
        run.push(open[*source], event.clone());
    }
    open.into_iter().for_each(|source| run.close(source));
    let mut diagnoses = run.drain();
    if engine.is_complete() {
        run.advance(Timestamp::MAX);
    }
    let subjects = run.subjects().into_iter().map(|subject| {
        let both = (run.endings(&subject).to_vec(), run.trace(&subject));
        (subject, both)
    });
    let subjects = subjects.collect();
    let (rest, summary) = run.finish();
    diagnoses.extend(rest);
    Said { diagnoses, summary, subjects }
}

/// One thing of which engine and text say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is, in words.
    pub what: String,
    /// What the engine says.
    pub engine: String,
    /// What the text says.
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, engine, text } = self;
        write!(f, "{what}: the engine says {engine}, the reference {text}")
    }
}

/// Where an engine and the text differ: in the accounts, in episodes, and in what they hold, symptom by symptom.
pub fn differences(plan: &Plan, answer: &Answer, said: &Said) -> Vec<Difference> {
    let mut out = Vec::new();
    let Accounts { read, decoded, skipped, duplicate, late, future, .. } = &said.summary.records;
    let problems = said.summary.explained + said.summary.benign + said.summary.unexplained;
    let engine = (read, decoded, skipped, duplicate, late, future, problems);
    let Accounts { read, decoded, skipped, duplicate, late, future, .. } = &answer.accounts;
    let text = (read, decoded, skipped, duplicate, late, future, answer.problems);
    note(&mut out, "read, decoded, skipped, duplicate, late, future, problem events", engine, text);
    let mut episodes: BTreeMap<&Subject, Vec<&Episode>> = BTreeMap::new();
    answer.episodes.iter().for_each(|episode| episodes.entry(&episode.subject).or_default().push(episode));
    let seen: BTreeSet<&Subject> =
        said.subjects.keys().filter(|one| !answer.left_out.contains(one)).collect();
    note(&mut out, "the subjects", seen, episodes.keys().copied().collect());
    for (subject, episodes) in episodes {
        if let Some((endings, trace)) = said.subjects.get(subject) {
            of_endings(subject, endings, trace, &episodes, &mut out);
        }
        let diagnoses: Vec<&Diagnosis> = said.diagnoses.iter().filter(|d| d.subject == *subject).collect();
        of_diagnoses(plan, subject, &diagnoses, &episodes, &mut out);
    }
    out
}

fn note<T: PartialEq + Debug>(out: &mut Vec<Difference>, what: &str, engine: T, text: T) {
    if engine != text {
        let (engine, text) = (format!("{engine:?}"), format!("{text:?}"));
        out.push(Difference { what: what.to_owned(), engine, text });
    }
}

/// Episode by episode: when it ended, and each symptom.
fn of_endings(
    subject: &Subject,
    endings: &[Ending],
    trace: &[SymptomTrace],
    episodes: &[&Episode],
    out: &mut Vec<Difference>,
) {
    let ended = &episodes[..episodes.len().saturating_sub(1)];
    let ended = &ended[ended.len().saturating_sub(ENDINGS)..];
    let times: Vec<Timestamp> = endings.iter().map(|ending| ending.time).collect();
    note(out, &format!("{subject}, ends of episodes"), times, ended.iter().flat_map(|e| e.end).collect());
    let stood = endings.iter().map(|ending| ending.symptoms.as_slice()).chain([trace]);
    for (symptoms, episode) in stood.zip(ended.iter().chain(episodes.last())) {
        for (symptom, judged) in symptoms.iter().filter_map(|s| Some((s, find(episode, &s.id)?))) {
            let when =
                episode.end.map_or("at the end".to_owned(), |end| format!("in the episode until {end}"));
            let what = format!("{subject} {} {when}", symptom.id);
            of_symptom(&what, (&symptom.status, &symptom.measures), judged, out);
        }
    }
}

fn find<'a>(episode: &'a Episode, id: &str) -> Option<&'a Judged> {
    episode.symptoms.iter().find(|judged| &*judged.id == id)
}

/// The status, and of what is present the measures.
fn of_symptom<N: AsRef<str>>(
    what: &str,
    (status, measures): (&Status, &[(N, Measure)]),
    judged: &Judged,
    out: &mut Vec<Difference>,
) {
    let same = match (status, &judged.status) {
        (Status::Present(one), Status::Present(other)) => is_close(one.get(), other.get()),
        // The text leaves open how a span is spelt.
        (Status::Unknown(one), Status::Unknown(other)) => {
            other.strip_suffix('…').map_or(one == other, |begin| one.starts_with(begin))
        }
        (one, other) => one == other,
    };
    if !same {
        note(out, what, status, &judged.status);
    } else if status.is_present() {
        let alike = |((name, one), (known, other)): (&(N, Measure), &(&str, Measure))| {
            name.as_ref() == *known
                && match (one, other) {
                    (Measure::Number(one), Measure::Number(other)) => is_close(*one, *other),
                    (Measure::Span(one), Measure::Span(other)) => one.abs_diff(*other).as_nanos() <= 1,
                    (one, other) => one == other,
                }
        };
        if measures.len() != judged.measures.len() || !measures.iter().zip(&judged.measures).all(alike) {
            let named = measures.iter().map(|(name, measure)| (name.as_ref(), measure.clone()));
            note(out, &format!("{what}, measures"), named.collect(), judged.measures.clone());
        }
    }
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(1.0)
}

/// Diagnosis by diagnosis: its span, and of each symptom status, measures and evidence.
fn of_diagnoses(
    plan: &Plan,
    subject: &Subject,
    diagnoses: &[&Diagnosis],
    episodes: &[&Episode],
    out: &mut Vec<Difference>,
) {
    let is_news = |judged: &&Judged| judged.status.is_present() && !judged.ordinary;
    let asked: Vec<(&Episode, (Timestamp, Timestamp))> = episodes
        .iter()
        .filter(|episode| episode.symptoms.iter().any(|judged| is_news(&judged)))
        .filter_map(|episode| Some((*episode, span(episode)?)))
        .collect();
    let engine = diagnoses.iter().map(|d| (d.state == State::Resolved, (d.first_seen, d.last_seen)));
    let text = asked.iter().map(|(episode, span)| (episode.end.is_some(), *span));
    note(
        out,
        &format!("{subject}, resolved, first and last of its diagnoses"),
        engine.collect(),
        text.collect::<Vec<_>>(),
    );
    // A symptom of a level that holds others may take over problem events.
    let covers = |d: Definition| {
        matches!(d, Definition::Distinct { .. } | Definition::Surge { .. } | Definition::Dip { .. })
    };
    let covered = plan.symptoms().iter().any(|s| s.detector().definition().is_none_or(covers));
    for (diagnosis, (episode, _)) in diagnoses.iter().zip(asked) {
        let first = diagnosis.first_seen;
        if !covered {
            let what = format!("{subject}, problem events of the diagnosis from {first}");
            note(out, &what, diagnosis.problem_events, episode.problems);
        }
        for judged in episode.symptoms.iter().filter(|judged| judged.status.is_present()) {
            let what = format!("{subject} {} in the diagnosis from {first}", judged.id);
            let Some(symptom) = diagnosis.symptoms.iter().find(|symptom| symptom.id == judged.id) else {
                note(out, &what, "nothing", "present");
                continue;
            };
            // Which of the events of one instant stand in a chain is not promised.
            let definition =
                plan.symptoms().iter().find(|s| s.id == judged.id).and_then(|s| s.detector().definition());
            let sequence = match definition {
                Some(Definition::Restricted { sequence, .. }) => Some(*sequence),
                plain => plain,
            };
            let tied = matches!(sequence, Some(Definition::Sequence { ties_any: true, .. }));
            let place = |offset: u64| if tied { 0 } else { offset };
            of_symptom(&what, (&symptom.status, &symptom.measures), judged, out);
            note(out, &format!("{what}, events"), symptom.events, judged.claims.len() as u64);
            let engine = symptom.evidence.iter().map(|e| (e.time, place(e.offset)));
            let text = kept(&judged.claims).map(|(time, origin)| (*time, place(origin.offset)));
            note(out, &format!("{what}, evidence"), engine.collect(), text.collect::<Vec<_>>());
        }
    }
}

/// The first and the last claimed event of what is present before `unless` and not ordinary.
fn span(episode: &Episode) -> Option<(Timestamp, Timestamp)> {
    let news = episode.symptoms.iter().filter(|judged| judged.before_unless.is_present() && !judged.ordinary);
    let times: Vec<Timestamp> = news.flat_map(|judged| &judged.claims).map(|(time, _)| *time).collect();
    times.iter().min().copied().zip(times.iter().max().copied())
}

/// The first four of a list and the last four.
fn kept<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let first = all.len().min(Evidence::KEPT);
    let last = all.len().saturating_sub(Evidence::KEPT).max(first);
    all[..first].iter().chain(&all[last..])
}
