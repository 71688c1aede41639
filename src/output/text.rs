//! For a person at three in the morning: what is wrong, how sure, what to do, and which lines say so.
//!
//! Diagnoses with one story are one entry, so the report is written when the run is over.

use std::collections::BTreeSet;
use std::io;

use crate::model::{
    Begin, CauseReport, Diagnosis, ExhibitReport, Measure, Severity, SolutionKind, Summary, SymptomReport,
};
use crate::output::escape::terminal;
use crate::output::group::{Explained, Group, Groups};
use crate::output::layout::{Page, Paint, tied};
use crate::output::{Report, ReportKind, Style, account, human, live};

/// How many records of evidence an entry points to.
const LINES: usize = 4;
/// How many measures of a symptom are named.
const MEASURES: usize = 3;
/// How many symptoms speak for a cause in an entry, and how many against.
const POINTS: usize = 3;
/// How many causes are named when none of them wins.
const CANDIDATES: usize = 3;

/// Text for a terminal: grouped, wrapped, and safe whatever the logs hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl ReportKind for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn open(&self, style: Style) -> Box<dyn Report> {
        Box::new(TextReport { style, begin: None, groups: Groups::new(), told: false })
    }
}

#[derive(Debug)]
struct TextReport {
    style: Style,
    begin: Option<Begin>,
    groups: Groups,
    /// Whether a change of a live stream was told.
    told: bool,
}

impl Report for TextReport {
    fn begin(&mut self, begin: &Begin, _out: &mut dyn io::Write) -> io::Result<()> {
        self.begin = Some(begin.clone());
        Ok(())
    }

    fn diagnosis(&mut self, diagnosis: &Diagnosis, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(change) = diagnosis.change {
            self.told = true;
            let mut page = Page::new(self.style.width, self.style.color);
            live::tell(&mut page, change, diagnosis);
            return out.write_all(page.into_text().as_bytes());
        }
        self.groups.add(diagnosis);
        Ok(())
    }

    fn summary(&mut self, summary: &Summary, out: &mut dyn io::Write) -> io::Result<()> {
        let groups = std::mem::replace(&mut self.groups, Groups::new());
        let (entries, orphans) = groups.finish();
        let mut page = Page::new(self.style.width, self.style.color);
        if self.told && !entries.is_empty() {
            page.line(&[(Paint::Plain, "Not over when the stream ended:")]);
        }
        if entries.is_empty() && orphans.is_empty() && !self.told {
            account::nothing_found(&mut page, summary);
        }
        for (group, explained) in &entries {
            page.gap();
            entry(&mut page, group, explained);
        }
        if !orphans.is_empty() {
            page.gap();
            page.line(&[(Paint::Plain, "Explained by diagnoses that are not listed here:")]);
            explains(&mut page, &orphans);
        }
        page.gap();
        account::sum(&mut page, self.begin.as_ref(), summary);
        out.write_all(page.into_text().as_bytes())
    }
}

pub(super) fn entry(page: &mut Page, group: &Group, explained: &Explained) {
    let first = &group.first;
    headline(page, group);
    page.item((Paint::Plain, ""), &[(Paint::Plain, &who(group))]);
    page.item((Paint::Plain, ""), &[(Paint::Plain, &when(group))]);
    let benign = group.severity == Severity::Benign;
    if !benign {
        if group.subjects.episodes() > 1 {
            page.item((Paint::Bold, "such as"), &[(Paint::Plain, &terminal(&first.subject.to_string()))]);
        }
        seen(page, first);
        if let Some(cause) = first.cause() {
            points(page, cause);
        }
        rivals(page, first);
    }
    if let Some(cause) = first.cause() {
        solutions(page, cause);
    }
    if let Some(next) = first.next.as_ref().filter(|_| !benign) {
        let (title, why) = (human::prose(&next.title), human::prose(&next.why));
        let id = format!("({})", terminal(&next.symptom));
        page.item(
            (Paint::Bold, "look at"),
            &[(Paint::Plain, &title), (Paint::Dim, &id), (Paint::Plain, &format!("which is unknown: {why}"))],
        );
    }
    if !benign {
        lines(page, first);
    }
    explains(page, explained);
}

/// `critical The mains of a line failed (97 %) power#mains-cut`.
pub(super) fn headline(page: &mut Page, group: &Group) {
    let first = &group.first;
    let label = (Paint::Of(group.severity), group.severity.word());
    let Some(cause) = first.cause() else {
        let why = first.why.as_deref().map_or_else(String::new, |why| format!(": {}", human::prose(why)));
        page.item(label, &[(Paint::Bold, &format!("Cannot tell{why}"))]);
        return;
    };
    let mut probability = tied(&format!("({})", human::probabilities(group.lowest, group.highest)));
    if first.no_action {
        probability += &format!(": {}", tied("nothing to do"));
    }
    page.item(
        label,
        &[
            (Paint::Bold, &human::prose(&cause.title)),
            (Paint::Bold, &probability),
            (Paint::Dim, &terminal(&cause.id)),
        ],
    );
}

fn who(group: &Group) -> String {
    let subject = &group.first.subject;
    match group.subjects.episodes() {
        1 => terminal(&subject.to_string()).into_owned(),
        _ => format!("{}: {}", group.subjects.size(subject.level()), group.subjects.names()),
    }
}

fn when(group: &Group) -> String {
    let open = match (group.open, group.subjects.episodes()) {
        (0, _) => String::new(),
        (open, all) if open == all => ", not over".to_owned(),
        (open, _) => format!(", {} not over", human::count(open)),
    };
    human::times(group.first_seen, group.last_seen) + open.as_str()
}

/// The symptoms that are present, each with what its detector measured.
fn seen(page: &mut Page, diagnosis: &Diagnosis) {
    for (i, symptom) in diagnosis.present().enumerate() {
        let measures: Vec<String> = symptom
            .measures
            .iter()
            .filter(|(_, measure)| says_something(measure, symptom.events))
            .filter_map(|(name, measure)| human::measure(name, measure))
            .take(MEASURES)
            .map(|text| tied(&text))
            .chain(
                (symptom.events > 0).then(|| tied(&format!("({})", human::counted(symptom.events, "event")))),
            )
            .collect();
        let title = human::prose(&symptom.title);
        let bare = measures.first().is_none_or(|first| first.starts_with('('));
        let title = if bare { title } else { title + ":" };
        // The count of events stands in brackets, so no comma before it.
        let measures = measures.join(", ").replace(", (", " (");
        page.item(
            (Paint::Bold, if i == 0 { "seen" } else { "" }),
            &[(Paint::Plain, &title), (Paint::Plain, &measures)],
        );
    }
}

/// Whether a measure is more than a repeat of the number of events, or nothing.
fn says_something(measure: &Measure, events: u64) -> bool {
    match measure {
        Measure::Count(n) => *n != events,
        Measure::Span(span) => !span.is_zero(),
        Measure::Number(_) | Measure::Text(_) | Measure::Flag(_) => true,
    }
}

/// What speaks for the cause and against it.
fn points(page: &mut Page, cause: &CauseReport) {
    let strongest = |speaks: fn(f64) -> bool| -> String {
        let said: Vec<String> = cause
            .points
            .iter()
            .filter(|points| speaks(points.decibans))
            .filter_map(|points| {
                Some(format!("{} {}", terminal(&points.symptom), human::decibans(points.decibans)?))
            })
            .take(POINTS)
            .map(|text| tied(&text))
            .collect();
        said.join(", ")
    };
    for (label, said) in [("for", strongest(|x| x > 0.0)), ("against", strongest(|x| x < 0.0))] {
        if !said.is_empty() {
            page.item((Paint::Bold, label), &[(Paint::Plain, &said)]);
        }
    }
}

/// The causes that did not win, and the chance that it is none of them.
fn rivals(page: &mut Page, diagnosis: &Diagnosis) {
    let told = diagnosis.cause().is_some();
    let (skipped, shown) = if told { (1, 1) } else { (0, CANDIDATES) };
    let named = |cause: &CauseReport| {
        let probability = tied(&cause.probability.to_string());
        format!("{probability} {} ({})", human::prose(&cause.title), terminal(&cause.id))
    };
    let rivals = diagnosis.causes.iter().skip(skipped).take(shown).map(named);
    let none = format!("{} none of these", tied(&diagnosis.none_of_these.to_string()));
    let aside = diagnosis.set_aside.as_ref().map(|aside| {
        let causes = human::counted(aside.causes.len() as u64, "more cause");
        format!("{} each of {causes} that could not be weighed", tied(&format!("at most {}", aside.at_most)))
    });
    let label = if told { "or" } else { "maybe" };
    for (i, text) in rivals.chain([none]).chain(aside).enumerate() {
        page.item((Paint::Bold, if i == 0 { label } else { "" }), &[(Paint::Plain, &text)]);
    }
}

fn solutions(page: &mut Page, cause: &CauseReport) {
    let mut above = "";
    for solution in &cause.solutions {
        let text = human::prose(&solution.text);
        let (label, text) = match solution.kind {
            SolutionKind::Do => ("do", text),
            SolutionKind::Avoid => ("avoid", text),
            SolutionKind::Nothing if text.to_lowercase().starts_with("no action") => ("do", text),
            SolutionKind::Nothing => ("do", format!("No action needed: {text}")),
        };
        let link = solution.link.as_deref().map_or_else(String::new, |link| format!("<{}>", terminal(link)));
        let shown = if label == above { "" } else { label };
        page.item((Paint::Bold, shown), &[(Paint::Plain, &text), (Paint::Dim, &link)]);
        above = label;
    }
}

/// Where to find the evidence: the first record of each present symptom, then the others.
fn lines(page: &mut Page, diagnosis: &Diagnosis) {
    let mut places = BTreeSet::new();
    let deepest = diagnosis.present().map(|symptom| symptom.evidence.len()).max().unwrap_or(0);
    let by_turns = (0..deepest).flat_map(|i| diagnosis.present().filter_map(move |symptom| nth(symptom, i)));
    for exhibit in by_turns {
        if places.len() < LINES {
            places.insert((exhibit.time, &*exhibit.source, exhibit.line, exhibit.offset));
        }
    }
    for (i, (time, source, line, offset)) in places.into_iter().enumerate() {
        let place = format!("{}:{line}", terminal(source));
        let rest = format!("{} {time}", tied(&format!("(byte {offset})")));
        page.item(
            (Paint::Bold, if i == 0 { "lines" } else { "" }),
            &[(Paint::Plain, &place), (Paint::Dim, &rest)],
        );
    }
}

fn nth(symptom: &SymptomReport, i: usize) -> Option<&ExhibitReport> {
    symptom.evidence.get(i)
}

fn explains(page: &mut Page, explained: &Explained) {
    for (i, (level, crowd)) in explained.iter().enumerate() {
        let text = format!("{}: {}", crowd.size(level), crowd.names());
        page.item((Paint::Bold, if i == 0 { "explains" } else { "" }), &[(Paint::Plain, &text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Accounts, Reject};
    use crate::output::escape::columns;
    use crate::output::sample;

    fn report(style: Style, diagnoses: &[Diagnosis], summary: &Summary) -> String {
        let mut out = Vec::new();
        let mut report = Text.open(style);
        assert!(report.begin(&sample::begin(), &mut out).is_ok());
        for diagnosis in diagnoses {
            assert!(report.diagnosis(diagnosis, &mut out).is_ok());
        }
        assert!(report.summary(summary, &mut out).is_ok());
        String::from_utf8(out).unwrap_or_default()
    }

    fn plain(width: usize, diagnoses: &[Diagnosis]) -> String {
        report(Style { width, color: false }, diagnoses, &sample::summary())
    }

    /// The entries without the summary.
    fn entries(width: usize, diagnoses: &[Diagnosis]) -> String {
        let text = plain(width, diagnoses);
        text.split_once("    rules").map_or_else(String::new, |(entries, _)| entries.trim_end().to_owned())
    }

    fn everything() -> Vec<Diagnosis> {
        let mut all = vec![sample::mains(), sample::undecided()];
        all.extend((0..118).map(sample::renewal));
        all.extend((0..12).map(sample::crash));
        all.extend((0..7).map(|n| sample::explained(n, "mains-1")));
        all.push(sample::explained(9, "gone"));
        all
    }

    #[test]
    fn a_fault_of_a_line_names_the_pumps_that_it_explains() {
        let mut all = vec![sample::mains()];
        all.extend((0..118).map(|n| sample::explained(n, "mains-1")));
        insta::assert_snapshot!(entries(80, &all), @"
        critical The mains of a line failed (> 99.9 %) power#mains-cut
                 line north
                 2026-03-04 08:00:05 to 08:37:05 UTC (37m), not over
            seen Many pumps stop at once: 118 pumps, factor 38 (9 events)
                 The voltage of the line dips: span 1h 5m 2s, kind slow (6 events)
             for power#mass-stop +21.6 dB, power#voltage-dip +6.0 dB
         against prior -9.5 dB
              or 2.1 % The network switch of the line failed (net#switch)
                 0.4 % none of these
              do Call the grid operator and ask when the line is back
                 Check the standby supply <https://example.org/standby>
           avoid Resetting pumps one by one; they start by themselves
           lines logs/volts.csv:7 (byte 3500) 2026-03-04T08:07:05Z
                 logs/volts.csv:9 (byte 4500) 2026-03-04T08:09:05Z
                 logs/north.log.gz:182 (byte 91000) 2026-03-04T11:02:05Z
                 logs/north.log.gz:190 (byte 95000) 2026-03-04T11:10:05Z
        explains 118 pumps: pump-0, pump-1, pump-2, pump-3, pump-4 and 113 more of line
                 north
        ");
    }

    #[test]
    fn expected_behaviour_of_many_is_one_short_entry() {
        let all: Vec<Diagnosis> = (0..118).map(sample::renewal).collect();
        insta::assert_snapshot!(entries(80, &all), @"
        benign Certificate renewed, as expected (91 % to 97 %): nothing to do
               cert#renewal
               118 pumps: pump-0, pump-1, pump-2, pump-3, pump-4 and 113 more of line
               north
               2026-03-04 08:00:05 to 10:34:05 UTC (2h 34m)
            do No action needed: the pump does this by itself
        ");
    }

    #[test]
    fn pumps_with_one_cause_share_an_entry() {
        let all: Vec<Diagnosis> = (0..4).map(sample::crash).collect();
        insta::assert_snapshot!(entries(120, &all), @"
        warning The pump lost its network or crashed (83 %) net#loss
                4 pumps: pump-0, pump-1, pump-2, pump-3 of line north
                2026-03-04 08:00:05 to 08:37:05 UTC (37m), 2 not over
        such as pump pump-0 of line north
           seen Stops at no regular interval: count 12 (6 events)
            for net#irregular +12.3 dB
        against cert#regular -8.0 dB
             or 9.0 % A firmware fault (net#firmware)
                0.4 % none of these
             do Test the pump's link <https://example.org/a/rather/long/address/of/a/page/on/links>
                No action needed: one stop a day is normal on radio links
          lines a.log:1 (byte 500) 2026-03-04T08:01:05Z
                b.log:3 (byte 1500) 2026-03-04T08:03:05Z
        ");
    }

    #[test]
    fn an_entry_fits_a_narrow_terminal() {
        insta::assert_snapshot!(entries(40, &[sample::crash(1)]), @"
        warning The pump lost its network or
                crashed (83 %) net#loss
                pump pump-1 of line north
                2026-03-04 08:00:05 to
                08:37:05 UTC (37m), not over
           seen Stops at no regular interval:
                count 12 (6 events)
            for net#irregular +12.3 dB
        against cert#regular -8.0 dB
             or 9.0 % A firmware fault
                (net#firmware)
                0.4 % none of these
             do Test the pump's link
                <https://example.org/a/rather/
                long/address/of/a/page/on/link
                s>
                No action needed: one stop a
                day is normal on radio links
          lines a.log:2 (byte 1000)
                2026-03-04T08:02:05Z
                b.log:4 (byte 2000)
                2026-03-04T08:04:05Z
        ");
    }

    #[test]
    fn what_cannot_be_told_says_why_and_where_to_look() {
        insta::assert_snapshot!(entries(80, &[sample::undecided()]), @"
        warning Cannot tell: two causes are too close
                pump pump-7 of line north
                2026-03-04 08:00:05 to 08:37:05 UTC (37m)
           seen Stopped and never came back (3 events)
          maybe 44 % The pump lost its network or crashed (net#loss)
                41 % The certificate expired (cert#expired)
                0.4 % none of these
        look at Refused because of its certificate (cert#refused) which is unknown: no
                such input
          lines a.log:12 (byte 6000) 2026-03-04T08:12:05Z
        ");
    }

    #[test]
    fn the_summary_accounts_for_every_record() {
        assert!(sample::summary().records.balance());
        insta::assert_snapshot!(plain(80, &[]), @"
        No diagnosis: 1,200,000 events looked at, and none of the symptoms that the
        rules know was there.

            rules pumps 3: 12 symptoms and 9 causes in 4 articles etiolog 0.1.0
          records 1,234,567 read = 1,200,000 decoded + 34,554 skipped + 4 rejected +
                  2 duplicate + 5 late + 2 future
         rejected 3 malformed: not a complete record of this format
                  at logs/north.log.gz:12 (byte 6000)
                  at logs/north.log.gz:99 (byte 49500)
                  1 truncated: the stream is damaged or could not be read to its end
                  at logs/volts.csv:567 (byte 283500)
           events 1,938 problem events: 1,100 explained, 826 benign, 12 unexplained
             time 2026-03-04 08:00:05 to 2026-03-05 17:20:05 UTC (1d 9h 20m)
            input logs/north.log.gz: 1,234,000 records, 812.0 MB, pump-log
                  logs/volts.csv: 567 records, 345.7 kB, pump-log
             hint 5 records came too late to count (more than 15m); raise --lateness to
                  take them in
             hint 2 records claimed a time in the future beyond 2026-03-05T17:25:05Z; if
                  it is right, declare it with --as-of
             hint 1 record held a part that could not be read; the rest of each was used
             hint net#irregular met a missing field or a wrong type 4 times
        ");
    }

    #[test]
    fn nothing_read_is_not_nothing_wrong() {
        insta::assert_snapshot!(report(Style::default(), &[], &Summary::default()), @"
        Nothing was read: the input holds no records.

            rules pumps 3: 12 symptoms and 9 causes in 4 articles etiolog 0.1.0
          records 0 read
        ");
        let skipped = Accounts { read: 5, skipped: 5, ..Accounts::default() };
        let text = report(Style::default(), &[], &Summary { records: skipped, ..Summary::default() });
        assert!(text.starts_with("No diagnosis: the rules ask about none of the records"), "{text}");
        let future = Accounts { read: 5, future: 5, ..Accounts::default() };
        let text = report(Style::default(), &[], &Summary { records: future, ..Summary::default() });
        assert!(
            text.starts_with("No diagnosis: none of the records that were read could be used."),
            "{text}"
        );
        assert!(text.contains("--as-of") && !text.contains("--format"), "{text}");
        for (reason, n, says) in [(Reject::NoTime, 2, true), (Reject::Oversize, 1, false)] {
            let records = Accounts { read: n, rejected: [(reason, n)].into(), ..Accounts::default() };
            let text = report(Style::default(), &[], &Summary { records, ..Summary::default() });
            assert_eq!(text.contains("--format"), says, "{text}");
            assert!(text.starts_with("Nothing could be read: ") && !text.contains("all 1"), "{text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_page_or_ends_in_a_space() {
        let mut all = everything();
        all.push(sample::about(&"日本x\u{1b}".repeat(80)));
        for width in 40..=200 {
            for line in plain(width, &all).lines() {
                assert!(columns(line) <= width, "{width}: {line}");
                assert!(!line.ends_with(' '), "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn hostile_text_reaches_the_terminal_only_spelled_out() {
        let texts = sample::hostile();
        assert!(texts.len() >= 200);
        for text in &texts {
            let mut summary = sample::summary();
            for source in &mut summary.sources {
                source.name = text.as_str().into();
            }
            for reject in &mut summary.samples {
                reject.source = text.as_str().into();
            }
            summary.unknown_predicates = [(text.as_str().into(), 1)].into();
            let children = sample::explained(1, text);
            let out = report(Style::default(), &[sample::about(text), children], &summary);
            for line in out.lines() {
                assert!(line.chars().all(is_harmless), "{text:?}: {line:?}");
                assert!(columns(line) <= 100 && !line.ends_with(' '), "{text:?}: {line:?}");
            }
            let colored = report(Style { width: 100, color: true }, &[sample::about(text)], &summary);
            let stripped = strip(&colored);
            assert_eq!(stripped, report(Style::default(), &[sample::about(text)], &summary), "{text:?}");
        }
    }

    /// Written down again, and not asked of `escape`: what this report may hold.
    fn is_harmless(c: char) -> bool {
        matches!(c, ' '..='~' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{2010}' | '\u{202f}' | '\u{301}' | '\u{fffd}')
            || ('ぁ'..='龥').contains(&c)
            || ['👩', '🚒'].contains(&c)
    }

    /// The text without the colours that this room writes itself.
    fn strip(text: &str) -> String {
        let codes =
            ["\x1b[1;31m", "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"];
        codes.iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    #[test]
    fn the_same_diagnoses_give_the_same_text() {
        assert_eq!(plain(80, &everything()), plain(80, &everything()));
    }
}
