//! Rule files in, a [`Plan`] out, or every file's problems at once.
//!
//! A plan is immutable and complete: event classes, detectors, predicates, causes with their strengths, and the fields
//! that decoders must extract. It remembers no YAML.

mod case;
mod cause;
mod class;
mod compile;
mod expression;
mod files;
mod ids;
mod names;
mod published;
mod reference;
pub mod schema;
mod sound;
mod symptom;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::detector::{ClassId, Detector};
use crate::input::Mapping;
use crate::model::{Event, FieldId, Schema, Severity, SolutionKind, Status};
use crate::predicate::Predicate;

pub use crate::yaml::Place;
pub use case::Case;
pub(crate) use case::{Burst, Expectation, Given, Records, Series, Unwanted, Wanted};
pub(crate) use class::{Class, Condition};
pub(crate) use compile::compile;
pub use schema::{Identity, Ties, prior_word, strength_word};
pub use table::Fact;
pub(crate) use table::{facts, misfit};

/// The texts of one pack: paths relative to its folder, and what stands there.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// How problems name the pack's folder; empty when the paths say it all.
    pub root: String,
    /// Path and text of each file, in path order.
    pub files: Vec<(String, String)>,
    /// How problems name a file that came from elsewhere, by its path.
    pub elsewhere: BTreeMap<String, String>,
    /// What facts of the pack's tables are set to, by `table.fact`.
    pub settings: BTreeMap<String, String>,
}

impl Texts {
    /// How problems name a file, by its path inside the pack.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self.elsewhere.get(path) {
            Some(elsewhere) => elsewhere.clone(),
            None if self.root.is_empty() => path.to_owned(),
            None => format!("{}/{path}", self.root),
        }
    }
}

/// Everything the engine needs to know, compiled.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) packs: Vec<PackPlan>,
    pub(crate) schema: Arc<Schema>,
    /// For each level of subjects, how long a subject must be quiet before an episode is over.
    pub(crate) quiet: Vec<Duration>,
    /// Whether some pack knows its records by what they say.
    pub(crate) identity: Identity,
    /// For each input, what makes two of its records one.
    pub(crate) identities: Vec<Identity>,
    pub(crate) classes: Vec<Class>,
    pub(crate) class_names: Vec<Arc<str>>,
    /// Classes of events that must end explained, benign or unexplained.
    pub(crate) problems: Vec<ClassId>,
    pub(crate) mappings: Vec<Arc<Mapping>>,
    pub(crate) articles: Vec<ArticlePlan>,
    pub(crate) symptoms: Vec<Symptom>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) solutions: Vec<Solution>,
    /// Causes and solutions that only stand for others, and for which.
    pub(crate) same_as: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) cases: Vec<Case>,
    /// Where classes, symptoms, causes and solutions stand, by `article` and the path in its file.
    pub(crate) places: BTreeMap<String, Place>,
}

/// A pack as it was loaded.
#[derive(Clone, Debug)]
pub struct PackPlan {
    /// Its name.
    pub name: Arc<str>,
    /// What it is about.
    pub title: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// What its tables say, with what was set.
    pub facts: Vec<Fact>,
}

/// The machine half of an article.
#[derive(Clone, Debug)]
pub struct ArticlePlan {
    /// Its pack, as an index into [`Plan::packs`].
    pub pack: usize,
    /// Its id, equal to the file's name.
    pub id: Arc<str>,
    /// What it is about.
    pub title: Arc<str>,
    /// Other names for it.
    pub aliases: Vec<Arc<str>>,
    /// Its symptoms, as indexes into [`Plan::symptoms`].
    pub symptoms: Vec<usize>,
    /// Its causes, with those that are the same as elsewhere, as indexes into [`Plan::causes`].
    pub causes: Vec<usize>,
    /// Its solutions, as indexes into [`Plan::solutions`].
    pub solutions: Vec<usize>,
}

/// A pattern to look for on each subject of one level.
#[derive(Clone, Debug)]
pub struct Symptom {
    /// `article#symptom`.
    pub id: Arc<str>,
    /// What it means.
    pub title: Arc<str>,
    /// The kind of detector.
    pub kind: &'static str,
    pub(crate) level: usize,
    pub(crate) detector: Arc<dyn Detector>,
    pub(crate) classes: Vec<ClassId>,
    /// The fields that the detector reads.
    pub(crate) reads: Vec<FieldId>,
    pub(crate) detect: Arc<str>,
    /// Whether equal times satisfy "before" both ways.
    pub(crate) ties_any: bool,
    pub(crate) when: Option<Predicate>,
    pub(crate) unless: Vec<usize>,
    pub(crate) background: f64,
    /// Whether a cause that explains the symptom accounts for its events; if not, they only corroborate.
    pub(crate) accounts: bool,
    /// Whether it says of a subject what is no trouble by itself.
    pub(crate) ordinary: bool,
    /// What is known of a subject that has shown none of the events.
    pub(crate) unseen: Status,
}

impl Symptom {
    /// How often the symptom is there without any cause.
    pub fn background(&self) -> f64 {
        self.background
    }

    /// The detector and its parameters as their author wrote them, on one line.
    pub fn detect(&self) -> &str {
        &self.detect
    }

    /// What recognises it.
    pub fn detector(&self) -> &Arc<dyn Detector> {
        &self.detector
    }

    /// The level of subjects that it is about, as an index into the schema's levels.
    pub fn level(&self) -> usize {
        self.level
    }

    /// The predicate over what the detector measured.
    pub fn condition(&self) -> Option<&Predicate> {
        self.when.as_ref()
    }

    /// The predicate over what the detector measured, as its author wrote it.
    pub fn when(&self) -> Option<&str> {
        self.when.as_ref().map(Predicate::source)
    }
}

/// Why a symptom never sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wakeful {
    /// Others lie in its subjects.
    HoldsOthers,
    /// Its detector reads fields of its events.
    ReadsFields,
    /// Its detector must see every event as it comes.
    Detector,
}

/// A hypothesis that explains symptoms.
#[derive(Clone, Debug)]
pub struct Cause {
    /// `article#cause`.
    pub id: Arc<str>,
    /// What it means.
    pub title: Arc<str>,
    /// How probable it is before anything is known.
    pub prior: f64,
    /// How much it matters.
    pub severity: Severity,
    /// The outermost level of the symptoms that it explains: where it is decided.
    pub(crate) level: usize,
    /// Symptom and the probability that this cause alone shows it.
    pub(crate) explains: Vec<(usize, f64)>,
    pub(crate) solutions: Vec<usize>,
}

/// A step against a cause.
#[derive(Clone, Debug)]
pub struct Solution {
    /// `article#solution`.
    pub id: Arc<str>,
    /// Do, avoid or nothing.
    pub kind: SolutionKind,
    /// The advice.
    pub text: Arc<str>,
    /// Where to read more.
    pub link: Option<Arc<str>>,
}

impl Symptom {
    /// Whether it is no trouble by itself, because the rules say so or most healthy subjects show it (a background of one
    /// half or more): it weighs in a diagnosis and never asks for one.
    pub fn is_ordinary(&self) -> bool {
        self.ordinary || self.background >= 0.5
    }
}

impl Plan {
    /// The packs.
    pub fn packs(&self) -> &[PackPlan] {
        &self.packs
    }

    /// All articles, by pack and id.
    pub fn articles(&self) -> &[ArticlePlan] {
        &self.articles
    }

    /// All symptoms.
    pub fn symptoms(&self) -> &[Symptom] {
        &self.symptoms
    }

    /// All causes; one that is the same as another stands here once.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// All solutions; one that is the same as another stands here once.
    pub fn solutions(&self) -> &[Solution] {
        &self.solutions
    }

    /// The descriptions of inputs.
    pub fn inputs(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    /// The fields that rules read, subjects' levels first.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The words for the levels of subjects, in the order of the packs.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        (0..self.schema.levels()).filter_map(|at| Some(self.schema.name(self.schema.level_field(at)?)))
    }

    /// The word for the level of subjects that a symptom is about.
    pub fn level_of(&self, symptom: &Symptom) -> &str {
        self.schema.level_field(symptom.level).map_or("", |field| self.schema.name(field))
    }

    /// The cases of all articles, in the order of the files.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Where a symptom stands in its file.
    pub fn place_of(&self, symptom: &Symptom) -> Option<&Place> {
        self.places.get(&*symptom.id)
    }

    /// Whether records are the same by where they stand or by what they say.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether subjects of a level hold others.
    pub fn holds_others(&self, level: usize) -> bool {
        (0..self.schema.levels()).any(|inner| self.schema.parent(inner) == Some(level))
    }

    /// Until when a symptom may sleep on a subject: of each group of classes an event must have come.
    ///
    /// # Errors
    ///
    /// Why it never may.
    pub(crate) fn waking(&self, symptom: &Symptom) -> Result<Vec<Vec<ClassId>>, Wakeful> {
        // What others lie in is watched for everything from its first event on.
        if self.holds_others(symptom.level) {
            return Err(Wakeful::HoldsOthers);
        }
        // What sleeps is shown later that something happened, and not what stood in it.
        if !symptom.reads.is_empty() {
            return Err(Wakeful::ReadsFields);
        }
        symptom.detector.sleeps().ok_or(Wakeful::Detector)
    }

    /// How long a subject of a level must be quiet before an episode is over.
    pub fn quiet(&self, level: usize) -> Duration {
        self.quiet.get(level).copied().unwrap_or_default()
    }

    /// The classes of events that must end explained, benign or unexplained.
    pub fn problem_classes(&self) -> &[ClassId] {
        &self.problems
    }

    /// `article#class` of a class, or `problem` for that of a pack.
    pub fn class_name(&self, class: ClassId) -> Option<&Arc<str>> {
        self.class_names.get(usize::try_from(class.0).ok()?)
    }

    /// The classes that an event belongs to, ascending: each is asked by itself.
    pub fn classes_of(&self, event: &Event) -> Vec<ClassId> {
        let holds = |class: &Class| {
            class.conditions.iter().all(|(field, what)| what.test(event.field(*field)) == Some(true))
                && class.agrees(event, &mut || ())
        };
        let all = (0..).map(ClassId).zip(&self.classes);
        all.filter(|(_, class)| holds(class)).map(|(id, _)| id).collect()
    }

    /// What a cause explains: symptom and strength.
    pub fn explained_by<'a>(&'a self, cause: &'a Cause) -> impl Iterator<Item = (&'a Symptom, f64)> {
        cause.explains.iter().filter_map(|&(at, p)| Some((self.symptoms.get(at)?, p)))
    }

    /// What helps against a cause, in order.
    pub fn solutions_of<'a>(&'a self, cause: &'a Cause) -> impl Iterator<Item = &'a Solution> {
        cause.solutions.iter().filter_map(|&at| self.solutions.get(at))
    }

    /// The causes that explain a symptom, with their strengths; the strongest first.
    pub fn causes_of<'a>(&'a self, symptom: &Symptom) -> Vec<(&'a Cause, f64)> {
        let strength = |cause: &'a Cause| {
            self.explained_by(cause)
                .find(|(explained, _)| explained.id == symptom.id)
                .map(|(_, p)| (cause, p))
        };
        let mut causes: Vec<_> = self.causes.iter().filter_map(strength).collect();
        causes.sort_by(|(_, p), (_, q)| q.total_cmp(p));
        causes
    }

    /// The symptoms whose presence blocks this one.
    pub fn blocking<'a>(&'a self, symptom: &'a Symptom) -> impl Iterator<Item = &'a Symptom> {
        symptom.unless.iter().filter_map(|&at| self.symptoms.get(at))
    }

    /// The ids of causes and solutions that only stand for others, each with the id that is meant in the end.
    pub fn same_as(&self) -> impl Iterator<Item = (&str, &str)> {
        self.same_as.iter().map(|(id, target)| (&**id, &**target))
    }

    /// The article of this id or alias, or whose family (`7xx`) contains it.
    pub fn article(&self, name: &str) -> Option<&ArticlePlan> {
        let exact = |article: &&ArticlePlan| {
            article.id.eq_ignore_ascii_case(name)
                || article.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
        };
        let family = |article: &&ArticlePlan| {
            let code = name.parse::<i64>().ok();
            let range = class::family(&article.id);
            matches!((code, range), (Some(code), Some((low, high))) if (low..=high).contains(&code))
        };
        self.articles.iter().find(exact).or_else(|| self.articles.iter().find(family))
    }
}
