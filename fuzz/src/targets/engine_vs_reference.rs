//! A scenario as `tests/reference/` makes them: the engine says what the reference says.
//!
//! A byte chooses the rules, one the settings; then four bytes for each record, in the order in which they arrive.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::reference::compare::difference;
use crate::reference::scenario::{Record, Rules, Scenario, WINDOW, WITHIN, rules};

/// Rules by their number; making them costs more than asking them.
static RULES: LazyLock<Mutex<BTreeMap<u8, Rules>>> = LazyLock::new(Mutex::default);

/// So many of the bytes are read.
const RECORDS: usize = 40;

/// Panics when engine and reference differ.
pub fn run(data: &[u8]) {
    let [number, settings, records @ ..] = data else { return };
    let rules = numbered(*number);
    let sources = 1 + usize::from(settings >> 6) % 3;
    let scenario = Scenario {
        records: arrivals(records, sources, rules.ties_any),
        rules,
        lateness: [0, 1, WITHIN, WINDOW, 900][usize::from(settings % 5)],
        as_of: [None, None, Some(100), Some(600)][usize::from(settings / 5 % 4)],
        complete: settings & 32 == 0,
        sources,
    };
    if let Some(difference) = difference(&scenario) {
        panic!("{}\n{scenario:#?}\n{difference}", scenario.rules.article());
    }
}

fn numbered(number: u8) -> Rules {
    let mut known = RULES.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(number).or_insert_with(|| {
        let dice = TestRng::from_seed(RngAlgorithm::ChaCha, &[number; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), dice);
        rules().new_tree(&mut runner).map(|tree| tree.current()).unwrap_or_else(|why| panic!("{why}"))
    });
    made.clone()
}

/// Records as they arrive. Their times go on and back by steps that meet the borders of windows and lateness.
fn arrivals(bytes: &[u8], sources: usize, ties_any: bool) -> Vec<Record> {
    const STEPS: [i64; 16] = [
        0,
        0,
        0,
        1,
        WITHIN - 1,
        WITHIN,
        WITHIN + 1,
        WINDOW - 1,
        WINDOW,
        WINDOW + 1,
        601,
        -1,
        -WITHIN,
        -WINDOW,
        5_000,
        100_000,
    ];
    // With `ties: any` a record of two classes of one sequence is left open by the text.
    let both = if ties_any { "a" } else { "ab" };
    let words = ["a", "b", "c", "m", "n", both, "unheard", "a"];
    let mut records: Vec<Record> = Vec::new();
    let mut second = 0_i64;
    for (number, bytes) in (0..).zip(bytes.chunks_exact(4).take(RECORDS)) {
        let [step, word, whom, how] = [0, 1, 2, 3].map(|at| usize::from(bytes[at]));
        // One in sixteen comes once more, from whichever source it came.
        if how % 16 == 15 && !records.is_empty() {
            let again = records[how / 16 % records.len()].clone();
            records.push(again);
            continue;
        }
        second = (second + STEPS[step % 16]).max(0);
        records.push(Record {
            number,
            source: how % 16 % sources,
            second,
            hub: [Some("h1"), Some("h1"), Some("h2"), None][whom % 4].map(str::to_owned),
            device: [Some("d1"), Some("d1"), Some("d2"), None][whom / 4 % 4].map(str::to_owned),
            word: words[word % 8],
            size: [None, Some(1), Some(2)][word / 8 % 3],
        });
    }
    records
}
