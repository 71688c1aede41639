//! What the engine says and what the reference says, made alike.

use etiolog::{Diagnosis, Engine, Event, Status, Subject, Summary, Timestamp};
use etiolog_reference::{Answer, Difference, differences, evaluate, say};

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

/// Where engine and reference differ, if they do.
pub(crate) fn difference(scenario: &Scenario) -> Option<String> {
    let engine = scenario.engine();
    let arrivals = scenario.events(&engine);
    let answer = reference_says(scenario, &engine, &arrivals);
    let said = say(&engine, scenario.sources, &arrivals);
    let all = differences(engine.plan(), &answer, &said);
    let lines: Vec<String> = all.iter().map(Difference::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
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
