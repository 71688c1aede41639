//! The one list of everything built in, and the one place where a host adds its own.
//!
//! A plugin is Rust code that registers formats, detectors, functions for predicates and reports. Packs are plugins made
//! of data and need nothing from here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::detector::{
    Absence, Change, Count, DetectorKind, Dip, Distinct, Occurrence, Periodic, Sequence, Session, Surge,
};
use crate::input::{self, Csv, Format, Json, Table};
use crate::output::{JsonLines, ReportKind, Text};
use crate::predicate::Function;

/// Something that adds to a [`Registry`].
pub trait Plugin {
    /// For messages.
    fn name(&self) -> &'static str;

    /// Adds formats, detectors, functions and reports.
    fn register(&self, registry: &mut Registry);
}

/// What rules, inputs and hosts can name: formats, detectors, functions, reports.
///
/// A later registration replaces an earlier one of the same name.
#[derive(Clone)]
pub struct Registry {
    formats: BTreeMap<&'static str, Arc<dyn Format>>,
    detectors: BTreeMap<&'static str, Arc<dyn DetectorKind>>,
    functions: BTreeMap<String, Function>,
    reports: BTreeMap<&'static str, Arc<dyn ReportKind>>,
}

impl Registry {
    /// Everything that comes with the library.
    pub fn builtin() -> Self {
        let mut registry = Self {
            formats: BTreeMap::new(),
            detectors: BTreeMap::new(),
            functions: BTreeMap::new(),
            reports: BTreeMap::new(),
        };
        registry
            .format(Csv)
            .format(Json)
            .format(Table)
            .format(input::Text::default())
            .detector(Absence)
            .detector(Change)
            .detector(Count)
            .detector(Dip)
            .detector(Distinct)
            .detector(Occurrence)
            .detector(Periodic)
            .detector(Sequence)
            .detector(Session)
            .detector(Surge)
            .report(JsonLines)
            .report(Text);
        registry
    }

    /// Adds all that a plugin brings.
    pub fn plugin(&mut self, plugin: &dyn Plugin) -> &mut Self {
        plugin.register(self);
        self
    }

    /// Adds a format, named under `format:` in an input file.
    pub fn format(&mut self, format: impl Format + 'static) -> &mut Self {
        self.formats.insert(format.name(), Arc::new(format));
        self
    }

    /// Adds a kind of detector, named under `detect:` in a rule file.
    pub fn detector(&mut self, kind: impl DetectorKind + 'static) -> &mut Self {
        self.detectors.insert(kind.name(), Arc::new(kind));
        self
    }

    /// Adds a function that `where` and `when` may call.
    pub fn function(&mut self, function: Function) -> &mut Self {
        self.functions.insert(function.name().to_owned(), function);
        self
    }

    /// Adds a way of writing diagnoses.
    pub fn report(&mut self, kind: impl ReportKind + 'static) -> &mut Self {
        self.reports.insert(kind.name(), Arc::new(kind));
        self
    }

    /// The format of this name.
    pub fn find_format(&self, name: &str) -> Option<&Arc<dyn Format>> {
        self.formats.get(name)
    }

    /// The kind of detector of this name.
    pub fn find_detector(&self, name: &str) -> Option<&Arc<dyn DetectorKind>> {
        self.detectors.get(name)
    }

    /// The report of this name.
    pub fn find_report(&self, name: &str) -> Option<&Arc<dyn ReportKind>> {
        self.reports.get(name)
    }

    /// The names of all formats.
    pub fn formats(&self) -> impl Iterator<Item = &'static str> {
        self.formats.keys().copied()
    }

    /// The names of all kinds of detectors.
    pub fn detectors(&self) -> impl Iterator<Item = &'static str> {
        self.detectors.keys().copied()
    }

    /// All functions.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// The names of all reports.
    pub fn reports(&self) -> impl Iterator<Item = &'static str> {
        self.reports.keys().copied()
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("formats", &self.formats.keys())
            .field("detectors", &self.detectors.keys())
            .field("functions", &self.functions.keys())
            .field("reports", &self.reports.keys())
            .finish()
    }
}
