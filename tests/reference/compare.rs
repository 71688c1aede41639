//! What the engine says and what the reference says, made alike.

use std::collections::BTreeMap;

use etiolog::model::Evidence;
use etiolog::{Diagnosis, Engine, Event, State, Status, Subject, Summary, Timestamp};
use etiolog_reference::{Answer, Episode, evaluate};

use crate::reference::scenario::{Scenario, at};

/// What the engine says of records as they arrive.
pub(crate) fn engine_says(
    engine: &Engine,
    sources: usize,
    arrivals: &[(usize, Event)],
) -> (Vec<Diagnosis>, Summary) {
    let mut run = engine.run();
    let open: Vec<_> = (0..sources).map(|source| run.open(&source.to_string())).collect();
    for (source, event) in arrivals {
        run.push(open[*source], event.clone());
    }
    run.finish()
}

pub(crate) fn reference_says(scenario: &Scenario, engine: &Engine, arrivals: &[(usize, Event)]) -> Answer {
    let lateness = std::time::Duration::from_secs(scenario.lateness.unsigned_abs());
    let settings = (lateness, scenario.as_of.map(|second| at(second + 300)), scenario.complete);
    evaluate(engine.plan(), settings, scenario.sources, arrivals).unwrap()
}

/// Whether there is a diagnosis for an episode.
fn is_news(episode: &Episode) -> bool {
    episode.symptoms.iter().any(|judged| judged.status.is_present() && !judged.ordinary)
}

/// The first and the last claimed event of what is present before `unless` and not ordinary.
fn span(episode: &Episode) -> Option<(Timestamp, Timestamp)> {
    let news = episode.symptoms.iter().filter(|judged| judged.before_unless.is_present() && !judged.ordinary);
    let times: Vec<Timestamp> = news.flat_map(|judged| &judged.claims).map(|(time, _)| *time).collect();
    times.iter().min().copied().zip(times.iter().max().copied())
}

/// The first four of a list and the last four.
fn kept<T: Clone>(all: &[T]) -> Vec<T> {
    let first = all.len().min(Evidence::KEPT);
    let last = all.len().saturating_sub(Evidence::KEPT).max(first);
    [&all[..first], &all[last..]].concat()
}

/// Time and place; where the places of one instant are not promised, only times.
type Shown = Vec<(i64, u64)>;

fn shown(tied: bool, list: impl Iterator<Item = (i64, u64)>) -> Shown {
    list.map(|(time, place)| (time, if tied { 0 } else { place })).collect()
}

/// A diagnosis, or an episode that asks for one, in words.
fn said_of_symptom(id: &str, status: &Status, events: u64, evidence: &Shown, measures: &[String]) -> String {
    let measures = if status.is_present() { measures.join(" ") } else { String::new() };
    format!("{id} {status:?} {events} {evidence:?} {measures}")
}

pub(crate) fn of_diagnosis(
    tied: &dyn Fn(&str) -> bool,
    diagnosis: &Diagnosis,
    problems: bool,
) -> Vec<String> {
    let mut lines: Vec<String> = diagnosis
        .symptoms
        .iter()
        .map(|s| {
            let evidence = shown(tied(&s.id), s.evidence.iter().map(|e| (e.time.nanos(), e.offset)));
            let measures: Vec<String> = s.measures.iter().map(|(name, m)| format!("{name}={m:?}")).collect();
            said_of_symptom(&s.id, &s.status, s.events, &evidence, &measures)
        })
        .collect();
    lines.sort_unstable();
    let counted = if problems { diagnosis.problem_events } else { 0 };
    lines.push(format!("{:?} {:?} {counted}", diagnosis.state, (diagnosis.first_seen, diagnosis.last_seen)));
    lines
}

pub(crate) fn of_episode(tied: &dyn Fn(&str) -> bool, episode: &Episode, problems: bool) -> Vec<String> {
    let mut lines: Vec<String> = episode
        .symptoms
        .iter()
        .map(|s| {
            let all: Vec<(i64, u64)> =
                s.claims.iter().map(|(time, place)| (time.nanos(), place.offset)).collect();
            let evidence = shown(tied(&s.id), kept(&all).into_iter());
            let measures: Vec<String> = s.measures.iter().map(|(name, m)| format!("{name}={m:?}")).collect();
            said_of_symptom(&s.id, &s.status, all.len() as u64, &evidence, &measures)
        })
        .collect();
    lines.sort_unstable();
    let state = if episode.end.is_some() { State::Resolved } else { State::Open };
    let counted = if problems { episode.problems } else { 0 };
    lines.push(format!("{state:?} {:?} {counted}", span(episode).unwrap()));
    lines
}

type Said = BTreeMap<(Subject, String), Vec<String>>;

/// Where engine and reference differ, if they do.
pub(crate) fn difference(scenario: &Scenario) -> Option<String> {
    let engine = scenario.engine();
    let arrivals = scenario.events(&engine);
    let (diagnoses, summary) = engine_says(&engine, scenario.sources, &arrivals);
    let answer = reference_says(scenario, &engine, &arrivals);
    let ties: Vec<String> = if scenario.rules.ties_any {
        let numbers = 0..scenario.rules.symptoms.len();
        numbers
            .filter(|&n| scenario.rules.symptoms[n].detect.starts_with("{sequence"))
            .map(|n| format!("x#s{n}"))
            .collect()
    } else {
        Vec::new()
    };
    let tied = |id: &str| ties.iter().any(|known| known == id);
    // A symptom of the hub may take over problem events of its devices.
    let problems = !scenario.rules.symptoms.iter().any(|s| s.detect.starts_with("{distinct"));
    let mut engine_said = Said::new();
    for diagnosis in &diagnoses {
        let key = (diagnosis.subject.clone(), diagnosis.first_seen.to_string());
        engine_said.entry(key).or_default().extend(of_diagnosis(&tied, diagnosis, problems));
    }
    let mut reference_said = Said::new();
    for episode in answer.episodes.iter().filter(|episode| is_news(episode)) {
        let first = span(episode).map(|(first, _)| first.to_string());
        let key = (episode.subject.clone(), first.unwrap());
        reference_said.entry(key).or_default().extend(of_episode(&tied, episode, problems));
    }
    let r = &summary.records;
    let accounts = (
        r.read,
        r.decoded,
        r.skipped,
        r.duplicate,
        r.late,
        r.future,
        summary.explained + summary.benign + summary.unexplained,
    );
    let a = &answer.accounts;
    let expected = (a.read, a.decoded, a.skipped, a.duplicate, a.late, a.future, answer.problems);
    if accounts != expected {
        return Some(format!("accounts {accounts:?}, by the text {expected:?}"));
    }
    (engine_said != reference_said)
        .then(|| format!("engine {engine_said:#?}\nby the text {reference_said:#?}"))
}

/// A diagnosis with all times earlier by `shift`, other names, and without what is made of both.
pub(crate) fn back(mut diagnosis: Diagnosis, shift: i64, name: &dyn Fn(&str) -> String) -> Diagnosis {
    let earlier = |time: Timestamp| Timestamp::from_nanos(time.nanos() - shift).unwrap();
    let text = |text: &str| match text.strip_prefix("waiting until ").and_then(Timestamp::parse) {
        Some(time) => format!("waiting until {}", earlier(time)),
        None => text.to_owned(),
    };
    diagnosis.id = "".into();
    diagnosis.explained_by = diagnosis.explained_by.map(|_| "".into());
    diagnosis.subject =
        Subject::new(diagnosis.subject.levels().map(|(level, id)| (level.to_owned(), name(id))));
    (diagnosis.first_seen, diagnosis.last_seen) =
        (earlier(diagnosis.first_seen), earlier(diagnosis.last_seen));
    for symptom in &mut diagnosis.symptoms {
        symptom.evidence.iter_mut().for_each(|exhibit| exhibit.time = earlier(exhibit.time));
        if let Status::Unknown(why) = &mut symptom.status {
            *why = text(why).into();
        }
    }
    if let Some(next) = &mut diagnosis.next {
        next.why = text(&next.why).into();
    }
    diagnosis
}
