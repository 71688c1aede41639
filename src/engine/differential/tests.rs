use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::solve::{by_causes, by_symptoms};
use super::*;

// The worked example of four causes: token renewal, device network, hub fault, shared outage; and of six symptoms:
// periodic, chain, irregular, many at once, dip, errors. Expected values were computed independently.
const PRIORS: [f64; 4] = [0.30, 0.25, 0.02, 0.03];

fn case(seen: [Seen; 6]) -> Vec<Finding> {
    let table = [
        (0.002, [0.95, 0.02, 0.002, 0.002]),
        (0.002, [0.60, 0.02, 0.02, 0.002]),
        (0.02, [0.02, 0.85, 0.10, 0.10]),
        (0.002, [0.02, 0.002, 0.95, 0.95]),
        (0.01, [0.002, 0.002, 0.90, 0.90]),
        (0.02, [0.002, 0.002, 0.85, 0.02]),
    ];
    table
        .into_iter()
        .zip(seen)
        .map(|((leak, s), seen)| Finding { seen, leak, strengths: s.to_vec() })
        .collect()
}

fn solve(findings: &[Finding]) -> Posterior {
    Differential::new(&PRIORS, findings).posterior()
}

const P: Seen = Seen::Present(1.0);
const A: Seen = Seen::Absent;
const U: Seen = Seen::Unknown;

#[test]
fn a_regular_chain_is_the_first_cause_alone() {
    let posterior = solve(&case([P, P, A, A, A, A]));
    assert!(posterior.causes[0] > 0.999, "{posterior:?}");
    assert!(posterior.causes[1] < 0.08, "explaining away: {posterior:?}");
}

#[test]
fn errors_decide_between_the_hub_and_the_network() {
    let with_errors = solve(&case([A, A, A, P, P, P]));
    let without = solve(&case([A, A, A, P, P, A]));
    assert!(with_errors.causes[2] > 0.8 && with_errors.causes[3] < 0.3, "{with_errors:?}");
    assert!(without.causes[3] > 0.7 && without.causes[2] < 0.3, "{without:?}");
    let findings = case([A, A, A, P, P, P]);
    let points = Differential::new(&PRIORS, &findings).points();
    assert!(points[5][2] > 5.0, "errors speak for the hub: {points:?}");
}

#[test]
fn too_little_leaves_causes_close_and_says_what_would_help() {
    let findings = case([U, U, U, P, U, U]);
    let posterior = solve(&findings);
    assert!((posterior.causes[2] - posterior.causes[3]).abs() < 0.3, "{posterior:?}");
    let worth = Differential::new(&PRIORS, &findings).worth_knowing();
    let best = worth.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| *at);
    assert_eq!(best, Some(5), "the errors would tell the two apart: {worth:?}");
}

#[test]
fn an_unknown_finding_changes_nothing() {
    let unknown = case([P, U, A, U, U, U]);
    let known: Vec<Finding> = [0, 2].into_iter().filter_map(|at| unknown.get(at).cloned()).collect();
    let (a, b) = (solve(&unknown), solve(&known));
    for (x, y) in a.causes.iter().zip(&b.causes) {
        assert!((x - y).abs() < 1e-12);
    }
}

#[test]
fn posteriors_agree_with_counting_by_hand_for_one_cause() {
    let findings = [Finding { seen: P, leak: 0.1, strengths: vec![0.8] }];
    let seen = 1.0 - 0.9 * 0.2;
    let expected = 0.25 * seen / (0.25 * seen + 0.75 * 0.1);
    let posterior = Differential::new(&[0.25], &findings).posterior();
    assert!((posterior.causes[0] - expected).abs() < 1e-12);
}

/// Sums over all sets by the definition, one product at a time.
fn by_definition(priors: &[f64], findings: &[Finding]) -> Posterior {
    let (mut causes, mut none, mut total) = (vec![0.0; priors.len()], 0.0, 0.0);
    for set in 0..1_usize << priors.len() {
        let at_work = |cause: usize| set & (1 << cause) != 0;
        let mut weight = 1.0;
        for (cause, p) in priors.iter().enumerate() {
            weight *= if at_work(cause) { *p } else { 1.0 - p };
        }
        for finding in findings {
            let strengths = finding.strengths.iter().enumerate().filter(|(cause, _)| at_work(*cause));
            let silent = strengths.fold(1.0 - finding.leak, |silent, (_, s)| silent * (1.0 - s));
            weight *= match finding.seen {
                Seen::Present(q) => q * (1.0 - silent) + (1.0 - q) * silent,
                Seen::Absent => silent,
                Seen::Unknown => 1.0,
            };
        }
        total += weight;
        none += if set == 0 { weight } else { 0.0 };
        for (cause, sum) in causes.iter_mut().enumerate() {
            *sum += if at_work(cause) { weight } else { 0.0 };
        }
    }
    Posterior { causes: causes.into_iter().map(|sum| sum / total).collect(), none: none / total }
}

fn seen_as(word: u8) -> Seen {
    match word {
        0 => Seen::Absent,
        1 => Seen::Unknown,
        2 => Seen::Present(0.9),
        3 => Seen::Present(0.3),
        _ => P,
    }
}

/// Priors, and for each finding its leak, its strengths (a third of them zero, like in rules) and what was seen.
fn network(causes: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<f64>, Vec<Finding>)> {
    let strength = prop_oneof![Just(0.0), 0.01..0.999_f64, Just(0.95)];
    causes.prop_flat_map(move |n| {
        let finding = (0.0005..0.3_f64, vec(strength.clone(), n), 0..5_u8)
            .prop_map(|(leak, strengths, seen)| Finding { seen: seen_as(seen), leak, strengths });
        (vec(0.0001..0.9_f64, n), vec(finding, 0..9))
    })
}

fn whole(priors: &[f64], findings: &[Finding]) -> (Vec<Odds>, Vec<Row>) {
    let odds = (0..priors.len()).map(|cause| as_seen(priors, findings, cause)).collect();
    let row = |finding: &Finding| match finding.seen {
        Seen::Present(confidence) => {
            Some(Row { confidence, leak: finding.leak, strengths: finding.strengths.clone() })
        }
        Seen::Absent | Seen::Unknown => None,
    };
    (odds, findings.iter().filter_map(row).collect())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

proptest! {
    #[test]
    fn the_sum_is_that_of_the_definition((priors, findings) in network(1..9)) {
        let expected = by_definition(&priors, &findings);
        let differential = Differential::new(&priors, &findings);
        let posterior = differential.posterior();
        for (&a, &b) in posterior.causes.iter().zip(&expected.causes) {
            prop_assert!(close(a, b), "{posterior:?} {expected:?}");
        }
        prop_assert!(close(posterior.none, expected.none));
        // Leaving a finding out is the same as not knowing it.
        for (at, row) in differential.points().iter().enumerate() {
            let mut rest = findings.clone();
            rest[at].seen = Seen::Unknown;
            let without = by_definition(&priors, &rest);
            for (cause, points) in row.iter().enumerate() {
                let expected = decibans(expected.causes[cause]) - decibans(without.causes[cause]);
                prop_assert!((points - expected).abs() < 1e-6, "{points} {expected}");
            }
        }
    }

    #[test]
    fn what_is_worth_knowing_is_how_far_the_ranking_would_move((priors, findings) in network(1..6)) {
        let before = by_definition(&priors, &findings);
        for (at, worth) in Differential::new(&priors, &findings).worth_knowing() {
            let with = |seen: Seen| {
                let mut other = findings.clone();
                other[at].seen = seen;
                by_definition(&priors, &other)
            };
            let (present, absent) = (with(P), with(A));
            // How probable it is to be seen follows from the posterior being the mean of the two.
            let moved = |after: &Posterior| {
                let causes = before.causes.iter().zip(&after.causes).map(|(a, b)| (a - b).abs()).sum::<f64>();
                causes + (before.none - after.none).abs()
            };
            let apart = present.none - absent.none;
            prop_assume!(apart.abs() > 1e-6);
            let seen = (before.none - absent.none) / apart;
            let expected = seen * moved(&present) + (1.0 - seen) * moved(&absent);
            prop_assert!((worth - expected).abs() < 1e-5, "{worth} {expected}");
        }
    }

    #[test]
    fn both_ways_of_summing_give_the_same((priors, findings) in network(1..13)) {
        let (odds, rows) = whole(&priors, &findings);
        let (a, b) = (by_causes(&odds, &rows), by_symptoms(&odds, &rows));
        prop_assert!(close(a.total / b.total, 1.0), "{a:?} {b:?}");
        prop_assert!(close(a.none, b.none), "{a:?} {b:?}");
        for (&a, &b) in a.causes.iter().zip(&b.causes) {
            prop_assert!(close(a, b), "{a} {b}");
        }
    }

    #[test]
    fn no_cause_is_more_probable_than_its_bound((priors, findings) in network(1..9)) {
        let posterior = by_definition(&priors, &findings);
        for (cause, &p) in posterior.causes.iter().enumerate() {
            let log_odds = limit::log_odds(&findings, cause, as_seen(&priors, &findings, cause));
            let bound = limit::probability(log_odds);
            prop_assert!(p <= bound + 1e-12, "{p} {bound}");
        }
    }
}

/// Many causes that explain the same few symptoms, as on a device of which everything can be wrong.
fn crowd(causes: usize, present: usize) -> (Vec<f64>, Vec<Finding>) {
    let number = |a: usize, b: usize| f64::from(u32::try_from((a * 37 + b * 101) % 89).unwrap()) / 100.0;
    let finding = |at: usize| Finding {
        seen: P,
        leak: 0.002,
        strengths: (0..causes).map(|cause| number(cause, at).max(0.01)).collect(),
    };
    ((0..causes).map(|cause| 0.01 + number(cause, 7) / 10.0).collect(), (0..present).map(finding).collect())
}

#[test]
fn twenty_causes_are_weighed_as_exactly_as_two() {
    // One cause of the twenty explains nothing that was seen: it is as probable as before, and the others are as without.
    let (mut priors, mut findings) = crowd(13, 5);
    let expected = by_definition(&priors, &findings);
    priors.extend([0.3; 7]);
    findings.iter_mut().for_each(|finding| finding.strengths.extend([0.0; 7]));
    let posterior = Differential::new(&priors, &findings).posterior();
    for (&a, &b) in posterior.causes.iter().zip(expected.causes.iter().chain(&[0.3; 7])) {
        assert!(close(a, b), "{posterior:?} {expected:?}");
    }
    // And when all of them explain it, the two ways agree.
    let (priors, findings) = crowd(16, 6);
    let (odds, rows) = whole(&priors, &findings);
    let expected = by_causes(&odds, &rows);
    let posterior = Differential::new(&priors, &findings).posterior();
    assert!(posterior.causes.iter().zip(&expected.causes).all(|(&a, &b)| close(a, b)), "{posterior:?}");
    let (priors, findings) = crowd(40, 8);
    let differential = Differential::new(&priors, &findings);
    assert_eq!(differential.set_aside(), None);
    assert!(differential.posterior().causes.iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn evidence_as_improbable_as_can_be_does_not_drown() {
    // Twelve symptoms, each one in a million without its cause: sums of alternating signs would keep no digit of this.
    let (n, leak, prior, strength) = (12_usize, 1e-6, 1e-6, 1e-4);
    let strengths = |at: usize| (0..20).map(|cause| if cause == at { strength } else { 0.0 }).collect();
    let findings: Vec<Finding> =
        (0..n).map(|at| Finding { seen: P, leak, strengths: strengths(at) }).collect();
    let (odds, rows) = whole(&[prior; 20], &findings);
    let solved = by_symptoms(&odds, &rows);
    let shown = 1.0 - (1.0 - leak) * (1.0 - strength);
    let expected = prior * shown / (prior * shown + (1.0 - prior) * leak);
    for (cause, p) in solved.causes.iter().enumerate() {
        let expected = if cause < n { expected } else { prior };
        assert!((p / expected - 1.0).abs() < 1e-9, "{cause}: {p} {expected}");
    }
}

#[test]
fn beyond_what_can_be_summed_the_least_probable_are_set_aside() {
    let (mut priors, findings) = crowd(24, 18);
    priors[5] = 1e-12;
    let differential = Differential::new(&priors, &findings);
    let aside = differential.set_aside().cloned().unwrap();
    assert_eq!(aside.causes.len(), 8);
    assert!(aside.causes.contains(&5), "{aside:?}");
    assert!(aside.at_most > 0.0 && aside.at_most <= 1.0, "{aside:?}");
    let posterior = differential.posterior();
    assert!(aside.causes.iter().all(|&cause| posterior.causes[cause] == 0.0));
    assert_eq!(differential.points().len(), findings.len());
}

/// Networks that a program of a few lines has solved by taking every state in turn, in whole fractions.
const OTHER_HANDS: &str = include_str!("../../../tests/inference/networks.jsonl");

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn other_hands_get_the_same() {
    let mut networks = 0;
    for line in OTHER_HANDS.lines() {
        let network: Value = serde_json::from_str(line).unwrap();
        let priors = numbers(&network["priors"]);
        let finding = |finding: &Value| Finding {
            seen: match &finding["seen"] {
                Value::String(word) if word == "absent" => A,
                Value::String(_) => U,
                confidence => Seen::Present(confidence.as_f64().unwrap()),
            },
            leak: finding["leak"].as_f64().unwrap(),
            strengths: numbers(&finding["strengths"]),
        };
        let findings: Vec<Finding> = network["findings"].as_array().unwrap().iter().map(finding).collect();
        let differential = Differential::new(&priors, &findings);
        let posterior = differential.posterior();
        let expected = numbers(&network["causes"]);
        assert_eq!(posterior.causes.len(), expected.len());
        assert!(posterior.causes.iter().zip(&expected).all(|(&a, &b)| close(a, b)), "{posterior:?} {line}");
        assert!(close(posterior.none, network["none"].as_f64().unwrap()), "{posterior:?} {line}");
        for (row, expected) in differential.points().iter().zip(network["points"].as_array().unwrap()) {
            // Written with six digits.
            let expected = numbers(expected);
            assert!(row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{row:?} {line}");
        }
        let worth = differential.worth_knowing();
        let expected = network["worth"].as_array().unwrap();
        assert_eq!(worth.len(), expected.len(), "{line}");
        for ((at, worth), expected) in worth.iter().zip(expected) {
            assert_eq!(expected[0].as_u64(), u64::try_from(*at).ok());
            assert!(close(*worth, expected[1].as_f64().unwrap()), "{worth} {line}");
        }
        networks += 1;
    }
    assert!(networks >= 200);
}
