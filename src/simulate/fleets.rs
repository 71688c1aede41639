//! All fleets of a pack, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Problem, did_you_mean};
use crate::pack::Pack;
use crate::simulate::fleet::{Fleet, Mix, Truth};
use crate::simulate::reader::Reader;
use crate::simulate::shape::{Record, Shape};
use crate::yaml::{self, Node};

/// The fleets, mixes and shapes in a pack's `fleets/`.
///
/// ```
/// use etiolog::Pack;
/// use etiolog::simulate::Fleets;
///
/// let fleets = Fleets::of(&Pack::shipped("azure-iot-hub")?)?;
/// assert!(fleets.list().any(|fleet| fleet.name == "healthy-mixed"));
/// # Ok::<(), etiolog::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fleets {
    pub(super) levels: Vec<String>,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) shapes: BTreeMap<String, Shape>,
    pub(super) fleets: BTreeMap<String, Fleet>,
    pub(super) mixes: BTreeMap<String, Mix>,
}

/// A fleet or a mix, for choosing one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed<'a> {
    /// Its name.
    pub name: &'a str,
    /// What happens in it, for people.
    pub title: &'a str,
    /// The causes that are true in it, in the order of their names; none for healthy fleets and mixes.
    pub causes: Vec<&'a str>,
    /// The fleets of a mix with their shares; empty for a fleet.
    pub shares: Vec<(&'a str, u32)>,
}

/// A shape, for choosing one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is, for people.
    pub title: &'a str,
    /// Whether records in this shape can suffice to tell a cause.
    pub enough: bool,
}

/// What reading the fleets of a pack gives.
pub(crate) struct FleetsRead {
    fleets: Fleets,
    /// What is wrong with them, apart from the rules.
    pub(crate) problems: Vec<Problem>,
    /// Where a truth names a cause, spelt as `article#cause`; whether there is such a cause is for the rules to say.
    pub(crate) causes: Vec<Node>,
}

impl Fleets {
    /// Reads the fleets of a pack.
    ///
    /// # Errors
    ///
    /// With all problems of all its fleet files.
    pub fn of(pack: &Pack) -> Result<Self, Error> {
        let FleetsRead { fleets, problems, .. } = Self::read(pack);
        if problems.is_empty() { Ok(fleets) } else { Err(Error::rules(problems)) }
    }

    /// The fleets as far as they are without fault, and what is wrong with the others.
    pub(crate) fn read(pack: &Pack) -> FleetsRead {
        let texts = &pack.rules;
        let is_yaml = |path: &str| Path::new(path).extension().is_some_and(|e| e == "yaml" || e == "yml");
        let files = texts.files.iter().filter(|(path, _)| path.starts_with("fleets/") && is_yaml(path));
        let levels = levels(texts.files.iter().find(|(path, _)| path == "pack.yaml"));
        let mut reader = Reader::read(levels, files.map(|(path, text)| (texts.shown(path), text.as_str())));
        let problems = std::mem::take(&mut reader.problems);
        let Reader { levels, records, shapes, fleets, mixes, causes, .. } = reader;
        FleetsRead { fleets: Self { levels, records, shapes, fleets, mixes }, problems, causes }
    }

    /// The fleets, then the mixes, each in the order of their names.
    pub fn list(&self) -> impl Iterator<Item = Listed<'_>> {
        let fleets = self.fleets.iter().map(|(name, fleet)| {
            let causes: BTreeSet<&str> = truths(fleet).map(|truth| &*truth.cause).collect();
            Listed { name, title: &fleet.title, causes: causes.into_iter().collect(), shares: Vec::new() }
        });
        let mixes = self.mixes.iter().map(|(name, mix)| {
            let shares = mix.fleets.iter().map(|(fleet, share)| (fleet.as_str(), *share)).collect();
            Listed { name, title: &mix.title, causes: Vec::new(), shares }
        });
        fleets.chain(mixes)
    }

    /// The shapes in which records can be written, in the order of their names.
    pub fn shapes(&self) -> impl Iterator<Item = ShapeInfo<'_>> {
        let all = self.shapes.iter();
        all.map(|(name, shape)| ShapeInfo { name, title: &shape.title, enough: shape.enough })
    }

    pub(super) fn shape(&self, name: &str) -> Result<&Shape, Error> {
        let known: Vec<&str> = self.shapes.keys().map(String::as_str).collect();
        self.shapes.get(name).ok_or_else(|| missing("shape", name, &known))
    }

    /// A fleet with nothing to weigh it by, or the fleets of a mix with their shares.
    pub(super) fn named(&self, name: &str) -> Result<Vec<(&Fleet, Option<u32>)>, Error> {
        if let Some(fleet) = self.fleets.get(name) {
            return Ok(vec![(fleet, None)]);
        }
        let Some(mix) = self.mixes.get(name) else {
            let known: Vec<&str> = self.fleets.keys().chain(self.mixes.keys()).map(String::as_str).collect();
            return Err(missing("fleet", name, &known));
        };
        Ok(mix
            .fleets
            .iter()
            .filter_map(|(name, share)| Some((self.fleets.get(name)?, Some(*share))))
            .collect())
    }
}

/// What is true somewhere in a fleet.
pub(super) fn truths(fleet: &Fleet) -> impl Iterator<Item = &Truth> {
    let of_groups = fleet.groups.iter().filter_map(|group| group.truth.as_ref());
    of_groups.chain(fleet.incidents.iter().filter_map(|incident| incident.truth.as_ref()))
}

fn missing(what: &str, name: &str, known: &[&str]) -> Error {
    match did_you_mean(name, known.iter().copied()) {
        Some(meant) => Error::not_found(format!("there is no {what} `{name}`; did you mean `{meant}`?")),
        None => Error::not_found(format!("there is no {what} `{name}`; there are: {}", known.join(", "))),
    }
}

/// The levels of subjects that a pack names; what is wrong with them is told when its rules are read.
fn levels(pack: Option<&(String, String)>) -> Vec<String> {
    let document = pack.and_then(|(path, text)| yaml::document(path, text).ok());
    let subjects = document.as_ref().and_then(|document| document.root().get("subjects"));
    let items = subjects.map_or(&[][..], yaml::Node::one_or_more);
    items.iter().filter_map(|item| item.get("name")?.scalar().map(str::to_owned)).collect()
}
