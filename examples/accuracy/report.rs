//! The tables, as a page, and the floors that they must keep.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use etiolog::Severity;

use crate::calibration::{Calibration, ENOUGH};
use crate::healthy::{self, Healthy};
use crate::score::{Row, Score};
use crate::stage::{WAYS, Way};

/// All that was counted.
pub(crate) struct Report<'a> {
    pub(crate) seeds: u64,
    pub(crate) scores: &'a [Score],
    pub(crate) calibrations: &'a [(Way, Calibration)],
    pub(crate) healthy: &'a [Healthy],
}

/// The least share of right verdicts, by way.
fn floor(way: Way) -> Option<f64> {
    match way {
        Way::Plain => Some(0.98),
        Way::Lost | Way::Shuffled | Way::All => Some(0.95),
        Way::Snapshots => None,
    }
}

const INTRODUCTION: &str = "\
# How often it is right

Written by `cargo run --release --example accuracy -- --write`; do not edit. Fleets in which it is known what is the matter
([simulate](simulate.md)) are diagnosed with the shipped knowledge, complete and spoiled, and each verdict is held against
the truth. The fleets are written from what is known of the world and not from the rules; that they are like the world in
all that matters is not proved by this.

A *truth* is one cause in one subject for some time. It is **right** when a diagnosis of the subject in that time has this
cause as its verdict, or is explained by a diagnosis of the hub that has it; what is true of the hub, too, is also right of a
device of which nothing else is said while the hub has the right diagnosis. Where two things are true at once, one may be the
verdict if the other is named with at least 50 %. What is counted is what stands when the log ends.

- **top-1**: right, of the truths with enough evidence; those of which nothing was said count against it. Where records
  are lost, a truth of eight records or fewer has too little evidence when half of them or more are.
- **recall**: named with at least 50 %, at whatever place.
- **precision**: of the verdicts with this cause that nothing else explains, those that are true. A lost connection of a
  device that is otherwise well has no truth, so to call it what it is counts against this; and so does every device that
  shows too little to be told from others.
- **delay**: log time from the first record that shows it to the first right verdict, the middle one of all. It contains the
  lateness, 15 minutes. `--quick` does not measure it.
";

impl Report<'_> {
    /// The page.
    pub(crate) fn text(&self) -> String {
        let mut text = INTRODUCTION.to_owned();
        self.ways(&mut text);
        self.causes(&mut text);
        self.by_way(&mut text);
        self.healthy(&mut text);
        self.calibration(&mut text);
        text
    }

    /// The floors that are broken, in words.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (way, score) in WAYS.iter().zip(self.scores) {
            let right = share(score, |row| row.right, |row| row.truths);
            if let Some(least) = floor(*way).filter(|least| right.is_some_and(|right| right < *least)) {
                broken.push(format!("top-1 {} is below {}", way.name(), percent(Some(least))));
            }
        }
        for row in self.healthy.iter().filter(|row| row.count(Severity::Critical) > 0) {
            broken.push(format!("critical diagnoses in {}", row.fleet));
        }
        for (way, calibration) in self.calibrations {
            for (low, high, bin) in calibration.rows().filter(|(_, _, bin)| bin.is_off()) {
                let (low, high) = (percent(Some(low)), percent(Some(high)));
                let is = percent(Some(bin.share()));
                broken.push(format!(
                    "{}: what is said to be {low} to {high} likely is true in {is}",
                    way.name()
                ));
            }
        }
        broken
    }

    fn ways(&self, text: &mut String) {
        let _ = writeln!(text, "\n## In all\n\nSeeds of each fleet: {}.\n", self.seeds);
        text.push_str("| evidence | truths | top-1 | mean of the causes | floor | cannot tell | wrong | nothing said | too little evidence | wrong all the same |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        for (way, score) in WAYS.iter().zip(self.scores) {
            let sum = |of: fn(&Row) -> u64| score.causes.values().map(of).sum::<u64>();
            let each: Vec<f64> = score
                .causes
                .values()
                .filter(|row| row.truths > 0)
                .map(|row| ratio(row.right, row.truths))
                .collect();
            let mean = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                way.name(),
                sum(|row| row.truths),
                percent(share(score, |row| row.right, |row| row.truths)),
                percent(mean),
                floor(*way).map_or(String::new(), |floor| percent(Some(floor))),
                sum(|row| row.cannot_tell),
                sum(Row::wrongs),
                sum(|row| row.missed),
                sum(|row| row.scant),
                sum(|row| row.scant_wrong),
            );
        }
    }

    fn causes(&self, text: &mut String) {
        let Some(score) = self.scores.first() else { return };
        text.push_str("\n## By cause, with all evidence\n\n| cause | truths | top-1 | recall | precision | verdicts | cannot tell | nothing said | taken for | delay |\n|---|--:|--:|--:|--:|--:|--:|--:|---|--:|\n");
        for (cause, row) in &score.causes {
            let taken: Vec<String> =
                row.wrong.iter().map(|(other, count)| format!("{other} {count}")).collect();
            let _ = writeln!(
                text,
                "| {cause} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.truths,
                percent(some_ratio(row.right, row.truths)),
                percent(some_ratio(row.named, row.truths)),
                percent(some_ratio(row.verdicts_true, row.verdicts)),
                row.verdicts,
                percent(some_ratio(row.cannot_tell, row.truths)),
                percent(some_ratio(row.missed, row.truths)),
                taken.join(", "),
                middle(&row.delays).map_or(String::new(), span),
            );
        }
    }

    fn by_way(&self, text: &mut String) {
        text.push_str("\n## By cause and evidence\n\nTop-1; for evidence without codes, which is too little, the truths of which something wrong was said.\n\n");
        self.each_way(text, |way, row| match way {
            Way::Snapshots if row.scant > 0 => format!("{} of {}", row.scant_wrong, row.scant),
            _ => percent(some_ratio(row.right, row.truths)),
        });
        text.push_str("\n## Precision by cause and evidence\n\n");
        self.each_way(text, |_, row| percent(some_ratio(row.verdicts_true, row.verdicts)));
    }

    fn each_way(&self, text: &mut String, word: impl Fn(Way, &Row) -> String) {
        text.push_str("| cause |");
        WAYS.iter().for_each(|way| {
            let _ = write!(text, " {} |", way.name());
        });
        text.push_str("\n|---|");
        WAYS.iter().for_each(|_| text.push_str("--:|"));
        text.push('\n');
        let causes: BTreeSet<&Arc<str>> = self.scores.iter().flat_map(|score| score.causes.keys()).collect();
        for cause in causes {
            let _ = write!(text, "| {cause} |");
            for (way, score) in WAYS.iter().zip(self.scores) {
                let cell = score.causes.get(cause).map_or(String::new(), |row| word(*way, row));
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
    }

    fn healthy(&self, text: &mut String) {
        if self.healthy.is_empty() {
            return;
        }
        text.push_str("\n## Of healthy fleets\n\nDiagnoses of fleets in which nothing is the matter, per device and month of 30 days.\n\n| fleet | evidence | device-months | records | critical | error | warning | info | benign | what is said |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n");
        for row in self.healthy {
            let rate = |severity| {
                let count = row.count(severity);
                if count == 0 { "0".to_owned() } else { format!("{:.4}", count as f64 / row.device_months) }
            };
            let said: Vec<String> = row
                .verdicts
                .iter()
                .map(|((_, verdict), count)| format!("{} {count}", healthy::word(verdict)))
                .collect();
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {} | {} |",
                row.fleet,
                row.way.name(),
                row.device_months,
                row.records,
                rate(Severity::Critical),
                rate(Severity::Error),
                rate(Severity::Warning),
                rate(Severity::Info),
                rate(Severity::Benign),
                said.join(", "),
            );
        }
    }

    fn calibration(&self, text: &mut String) {
        for (way, calibration) in self.calibrations {
            let _ = writeln!(
                text,
                "\n## Calibration, {}\n\nThe leading cause of each diagnosis in the hubs of `mix`, whose causes are as frequent as the priors say. Each hub's log is diagnosed by itself. Where a row has {ENOUGH} diagnoses or more, the last two columns must not be more than five points apart. Brier score {:.4} of {} diagnoses (0 is perfect, 0.25 is a coin).\n",
                way.name(),
                calibration.brier(),
                calibration.diagnoses,
            );
            text.push_str("| said | diagnoses | mean of what is said | true |\n|---|--:|--:|--:|\n");
            for (low, high, bin) in calibration.rows().filter(|(_, _, bin)| bin.diagnoses > 0) {
                let _ = writeln!(
                    text,
                    "| {:.0} % to {:.0} % | {} | {} | {} |",
                    low * 100.0,
                    high * 100.0,
                    bin.diagnoses,
                    percent(Some(bin.said())),
                    percent(Some(bin.share())),
                );
            }
        }
    }
}

fn share(score: &Score, part: fn(&Row) -> u64, whole: fn(&Row) -> u64) -> Option<f64> {
    some_ratio(score.causes.values().map(part).sum(), score.causes.values().map(whole).sum())
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn some_ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| ratio(part, whole))
}

/// Rounded down, so that 100 % is all of them.
fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:.1} %", (share * 1000.0 + 1e-9).floor() / 10.0))
}

fn middle(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
