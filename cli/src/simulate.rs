//! `etiolog simulate`: writes the records of labelled fleets, and the truth about them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use etiolog::output::terminal;
use etiolog::simulate::{Degradation, Fleets, Label, Simulation};

use crate::args::{Facts, Simulate};
use crate::exit::{Exit, Stop};
use crate::{packs, style};

/// Runs the verb.
pub(crate) fn run(asked: &Simulate) -> Result<Exit, Stop> {
    let packs = packs::load(&asked.rules, &Facts::default())?;
    let mut all = Vec::new();
    for pack in &packs {
        all.push(Fleets::of(pack)?);
    }
    if asked.list {
        return list(&all);
    }
    let fleets = owner(&all, &asked.fleets)?;
    let mut simulation =
        Simulation::new(fleets, &asked.fleets)?.seed(asked.seed).degradation(degradation(asked));
    if let Some(devices) = asked.devices {
        simulation = simulation.devices(devices);
    }
    if let Some(span) = asked.span {
        simulation = simulation.span(span);
    }
    if let Some(from) = asked.from {
        simulation = simulation.from(from);
    }
    if let Some(size) = asked.size {
        simulation = simulation.size(u64::try_from(size).unwrap_or(u64::MAX));
    }
    if let Some(shape) = &asked.shape {
        simulation = simulation.shape(shape)?;
    }
    let mut truth = asked.truth.as_deref().map(create).transpose()?;
    let label = |label: Label| match &mut truth {
        Some(file) => {
            serde_json::to_writer(&mut *file, &label)?;
            file.write_all(b"\n")
        }
        None => Ok(()),
    };
    match asked.output.as_deref() {
        Some(path) => simulation.write(&mut create(path)?, label),
        None => simulation.write(&mut io::stdout().lock(), label),
    }
    .map_err(Stop::Output)?;
    if let Some(mut file) = truth {
        file.flush().map_err(Stop::Output)?;
    }
    Ok(Exit::Done)
}

fn degradation(asked: &Simulate) -> Degradation {
    let mut degradation = Degradation::default();
    degradation.loss = asked.loss;
    degradation.duplicates = asked.duplicates;
    degradation.disorder = asked.disorder.unwrap_or_default();
    degradation.late = asked.late.unwrap_or_default();
    degradation.skew = asked.skew.unwrap_or_default();
    degradation
}

/// The pack that has the fleets; the last, which will tell what it has, when none has them.
fn owner<'a>(all: &'a [Fleets], names: &[String]) -> Result<&'a Fleets, Stop> {
    let has = |fleets: &&Fleets| fleets.list().any(|fleet| names.iter().any(|name| name == fleet.name));
    let richest = || all.iter().max_by_key(|fleets| fleets.list().count());
    let found = all.iter().find(has).or_else(richest);
    found.filter(|fleets| fleets.list().next().is_some()).ok_or_else(|| {
        Stop::Usage("these packs have no fleets; docs/simulate.md says how to write one".to_owned())
    })
}

fn create(path: &Path) -> Result<BufWriter<File>, Stop> {
    let file = File::create(path);
    file.map(BufWriter::new).map_err(|why| Stop::Usage(format!("cannot write `{}`: {why}", path.display())))
}

/// Fleets with their causes, and shapes.
fn list(all: &[Fleets]) -> Result<Exit, Stop> {
    let mut lines = String::new();
    for fleets in all {
        for fleet in fleets.list() {
            lines.push_str(&format!("{}\n    {}\n", terminal(fleet.name), terminal(fleet.title)));
            match fleet.causes.as_slice() {
                [] if fleet.shares.is_empty() => lines.push_str("    healthy\n"),
                causes => {
                    causes.iter().for_each(|cause| lines.push_str(&format!("    {}\n", terminal(cause))))
                }
            }
        }
        if fleets.list().next().is_some() {
            lines.push_str("\nshapes:\n");
        }
        for shape in fleets.shapes() {
            lines.push_str(&format!("  {:<24}{}\n", terminal(shape.name), terminal(shape.title)));
        }
    }
    style::write(lines.as_bytes())?;
    Ok(Exit::Done)
}
