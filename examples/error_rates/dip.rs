//! `dip`: declines seen in a level that only fluctuates, and how soon falls and slides are seen.

use std::error::Error;
use std::sync::Arc;

use etiolog::detector::Detector;

use crate::draws::Draws;
use crate::stage::{Stage, detector};
use crate::table::{
    Published::{AtMost, Nothing},
    Tables,
};

const MINUTE: f64 = 60.0;

/// A given gauge, one sample a minute.
struct Gauge {
    stage: Stage,
    samples: u64,
}

impl Gauge {
    fn new(rule: &Arc<dyn Detector>) -> Self {
        Self { stage: Stage::new(rule), samples: 0 }
    }

    /// Whether the level is in decline with this sample.
    fn sample(&mut self, level: f64) -> bool {
        self.stage.show_value(self.samples as f64 * MINUTE, Some(level.round()));
        self.samples += 1;
        self.stage.wait(self.samples as f64 * MINUTE);
        self.stage.covered() > 0
    }
}

/// Prints the tables.
pub(crate) fn run(tables: &mut Tables, seed: u64, scale: u64) -> Result<(), Box<dyn Error>> {
    let rule = detector("dip", "{gauge: {event: sample, field: level}, at-least: 5%}")?;
    tables.title("dip of 5 %: declines that begin in noise, by sample");
    for (stream, (level, noise, most)) in
        (300..).zip([(1_000.0, 0.01, 1e-6), (200.0, 0.02, 1e-5), (100.0, 0.03, 2e-4)])
    {
        let (mut draws, mut gauge, mut on, mut begun) =
            (Draws::new(seed, stream), Gauge::new(&rule), false, 0);
        let samples = 1_000_000 / scale;
        for _ in 0..samples {
            let low = gauge.sample(level * (1.0 + noise * draws.normal()));
            begun += u64::from(low && !on);
            on = low;
        }
        tables.share(&format!("level {level}, noise {} %", noise * 100.0), begun, samples, AtMost(most));
    }
    tables.title("dip of 5 %: declines that are seen, and after how many samples (level 1,000)");
    // How far it goes down, in how many samples, with how much noise.
    let falls = [
        (0.10, 1.0, 0.01),
        (0.20, 1.0, 0.03),
        (0.10, 20.0, 0.01),
        (0.12, 20.0, 0.015),
        (0.15, 40.0, 0.02),
        (0.20, 60.0, 0.02),
        (0.20, 480.0, 0.02),
    ];
    for (stream, (share, length, noise)) in (320..).zip(falls) {
        let (mut draws, mut delays) = (Draws::new(seed, stream), Vec::new());
        let trials = 2_000 / scale;
        for _ in 0..trials {
            let mut gauge = Gauge::new(&rule);
            let mut level = |down: f64| 1_000.0 * (1.0 - share * down + noise * draws.normal());
            for _ in 0..80 {
                gauge.sample(level(0.0));
            }
            let last = length as u32 + 20;
            delays.extend((1..=last).find(|&n| gauge.sample(level((f64::from(n) / length).min(1.0)))));
        }
        let name = format!("by {:.0} % in {length} samples, noise {} %", share * 100.0, noise * 100.0);
        tables.share(&name, delays.len() as u64, trials, Nothing);
        tables.quantile("  samples until then, median", &mut delays, 0.5, Nothing);
        tables.quantile("  samples until then, 95 %", &mut delays, 0.95, Nothing);
    }
    Ok(())
}
