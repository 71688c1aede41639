//! How often the statistical detectors are wrong, and how soon they are right: simulated, beside the published figures.
//!
//! ```text
//! cargo run --release --example error_rates -- [--quick] [--seed N] [periodic] [surge] [dip]
//! ```
//!
//! The detectors are the shipped ones, reached through the public API. Each figure comes with its number of trials and
//! its 99 % interval; `within` says that the published figure (of 40,000 simulated sources, say) agrees with it, up to
//! the errors of both. The exit code is 1 when one does not. `--quick` makes a tenth of the trials.

#![allow(clippy::print_stdout, reason = "its tables are what it is for")]

mod dip;
mod draws;
mod periodic;
mod stage;
mod surge;
mod table;

use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut scale, mut seed, mut kinds) = (1, 1, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => scale = 10,
            "--seed" => seed = words.next().ok_or("`--seed` needs a number")?.parse()?,
            "periodic" | "surge" | "dip" => kinds.push(word),
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let wanted = |kind: &str| kinds.is_empty() || kinds.iter().any(|known| known == kind);
    let mut tables = table::Tables::default();
    if wanted("periodic") {
        periodic::run(&mut tables, seed, scale)?;
    }
    if wanted("surge") {
        surge::run(&mut tables, seed, scale)?;
    }
    if wanted("dip") {
        dip::run(&mut tables, seed, scale)?;
    }
    let (judged, outside) = tables.finish();
    println!("seed {seed}: {outside} of {judged} published figures are outside");
    Ok(if outside == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
