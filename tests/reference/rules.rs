//! Rules do not disturb each other, and what speaks for a symptom speaks for it alone.

use std::collections::BTreeSet;
use std::time::Duration;

use etiolog::detector::Definition;
use etiolog::{Engine, Event, Subject, SymptomTrace};
use proptest::prelude::*;

use crate::reference::properties::{SCENARIOS, hold};
use crate::reference::scenario::{Rules, Scenario, any_rules, calm_of, records, rules};
use crate::reference::shared::{compiled, shared};

/// No episode ends, so nothing begins anew because of another symptom.
const NEVER_QUIET: [i64; 2] = [2_600_000; 2];

/// How every symptom of a subject stands in the end, in the order of their names.
fn stand(
    engine: &Engine,
    events: &[(usize, Event)],
    of: &BTreeSet<Subject>,
) -> (BTreeSet<Subject>, Vec<SymptomTrace>) {
    let mut run = engine.run();
    let source = run.open("0");
    events.iter().for_each(|(_, event)| run.push(source, event.clone()));
    run.close(source);
    // Whatever was waited for is decided, and still no episode is over.
    if let Some(last) = run.frontier(source).filter(|_| engine.is_complete()) {
        run.advance(last.plus(Duration::from_secs(1_000_000)));
    }
    let mut all: Vec<SymptomTrace> = of.iter().flat_map(|subject| run.trace(subject)).collect();
    for trace in &mut all {
        // Whether there is a memory of a subject that showed nothing of it is seen nowhere else.
        trace.unseen = false;
        if !trace.status.is_present() {
            (trace.measures, trace.when, trace.shortfall) = (Vec::new(), None, None);
        }
    }
    all.sort_by(|a, b| (&a.subject, &a.id).cmp(&(&b.subject, &b.id)));
    (run.subjects().into_iter().collect(), all)
}

/// The same article under another name, with other titles.
fn named(rules: &Rules, name: &str) -> String {
    let text = rules.article().replacen("article: x\n", &format!("article: {name}\n"), 1);
    text.replace("title: C of", &format!("title: {name} of"))
}

fn engine(rules: &Rules, complete: bool, files: &[(&str, &str)]) -> Result<Engine, String> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    compiled(std::iter::once(("pack.yaml".to_owned(), rules.head())).chain(files).collect(), complete)
}

/// The same article with its symptoms in the opposite order.
fn turned(text: &str) -> String {
    let (head, rest) = text.split_once("symptoms:\n").unwrap();
    let (symptoms, tail) = rest.split_once("causes:\n").unwrap();
    let mut blocks: Vec<String> = Vec::new();
    for line in symptoms.lines() {
        if line.starts_with("  s") {
            blocks.push(String::new());
        }
        *blocks.last_mut().unwrap() += &format!("{line}\n");
    }
    blocks.reverse();
    format!("{head}symptoms:\n{}causes:\n{tail}", blocks.concat())
}

#[test]
fn p11_the_symptoms_of_two_rule_files_are_those_of_each() {
    let both = (any_rules(), any_rules(), any::<bool>()).prop_map(|(one, other, complete)| {
        let one = Rules { quiet: NEVER_QUIET, ..one };
        let texts = (named(&one, "x"), named(&other, "y"));
        (one, texts, complete)
    });
    // What is seen once must not count twice: such rules are refused.
    let both = both.prop_filter("the same symptom twice", |(rules, (x, y), _)| {
        engine(rules, false, &[("x.yaml", x), ("y.yaml", y)]).is_ok()
    });
    let both = shared(both).prop_flat_map(|(rules, texts, complete)| {
        let ties = rules.ties_any;
        (Just(rules), Just(texts), records(ties, 1), Just(complete))
    });
    hold("P11", SCENARIOS, both, |(one, (x, y), records, complete)| {
        let engine = |files: &[(&str, &str)]| engine(&one, complete, files);
        let all = engine(&[("x.yaml", &x), ("y.yaml", &y)]).unwrap();
        let scenario = Scenario { complete, ..calm_of(one.clone(), records) };
        let subjects = stand(&all, &scenario.events(&all), &BTreeSet::new()).0;
        let say = |engine: &Engine| stand(engine, &scenario.events(engine), &subjects).1;
        let together = say(&all);
        let turned = engine(&[("y.yaml", &turned(&y)), ("x.yaml", &turned(&x))]).unwrap();
        prop_assert_eq!(&together, &say(&turned));
        // Rules that only ask about fields of the other file cannot be loaded alone.
        if let (Ok(x), Ok(y)) = (engine(&[("x.yaml", &x)]), engine(&[("y.yaml", &y)])) {
            let mut apart = [say(&x), say(&y)].concat();
            apart.sort_by(|a, b| (&a.subject, &a.id).cmp(&(&b.subject, &b.id)));
            prop_assert_eq!(&together, &apart);
        }
        Ok(())
    });
}

/// For kinds that claim all that their pattern needs: occurrence, count and sequence. `distinct` claims four events of a
/// window however many it counts, a session its closings only, and what learns needs more than it claims.
#[test]
fn p19_evidence_alone_shows_the_same_symptom() {
    let rules = rules().prop_map(|mut rules| {
        rules.quiet = NEVER_QUIET;
        rules.symptoms.iter_mut().for_each(|symptom| symptom.unless = false);
        rules
    });
    // Without it, two symptoms may be one, and such rules are refused.
    let rules = rules.prop_filter("the same symptom twice", Rules::load);
    let both = rules.prop_flat_map(|rules| (records(rules.ties_any, 1), Just(rules)));
    hold("P19", SCENARIOS, both, |(records, rules)| {
        let scenario = calm_of(rules, records);
        let engine = scenario.engine();
        let events = scenario.events(&engine);
        let mut run = engine.run();
        let source = run.open("0");
        events.iter().for_each(|(_, event)| run.push(source, event.clone()));
        let whole = |id: &str| {
            let symptom = engine.plan().symptoms().iter().find(|symptom| &*symptom.id == id);
            let definition = symptom.and_then(|symptom| symptom.detector().definition());
            matches!(
                definition,
                Some(Definition::Occurrence { .. } | Definition::Count { .. } | Definition::Sequence { .. })
            )
        };
        for diagnosis in run.finish().0 {
            let shown = diagnosis.symptoms.iter().filter(|s| s.status.is_present() && whole(&s.id));
            for symptom in shown.filter(|s| s.events == s.evidence.len() as u64) {
                let speaks = |event: &Event| {
                    symptom
                        .evidence
                        .iter()
                        .any(|e| (e.time, e.offset) == (event.time(), event.origin().offset))
                };
                let alone: Vec<(usize, Event)> =
                    events.iter().filter(|(_, event)| speaks(event)).cloned().collect();
                let stood = stand(&engine, &alone, &BTreeSet::from([diagnosis.subject.clone()])).1;
                let same = stood.iter().find(|trace| trace.id == symptom.id).unwrap();
                prop_assert_eq!(
                    &same.status,
                    &symptom.status,
                    "{} {:?}\n{}",
                    symptom.id,
                    alone,
                    scenario.rules.article()
                );
                prop_assert_eq!(&same.measures, &symptom.measures);
            }
        }
        Ok(())
    });
}
