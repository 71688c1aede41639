//! From the texts of packs to a [`Plan`]: read every file, then give every name its meaning.
//!
//! A fault stops nothing. What is faulty keeps its name, so that all else is checked and nobody who refers to it is blamed;
//! only at the end, when anything was told, there is no plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::detector::ClassId;
use crate::error::Problem;
use crate::input::Mapping;
use crate::model::Schema;
use crate::plugin::Registry;
use crate::predicate::{Compiler, Kind, Predicate, Root};
use crate::rule::case;
use crate::rule::class::{Class, Condition};
use crate::rule::expression;
use crate::rule::files::{Article, Forms, PackTexts};
use crate::rule::names;
use crate::rule::schema::Identity;
use crate::rule::sound::{self, Material, Written};
use crate::rule::table::Tables;
use crate::rule::{ArticlePlan, Case, Cause, PackPlan, Plan, Solution, Symptom, Texts};
use crate::yaml::Node;

/// The most problems that are told: with more, it is another kind of file.
const MOST: usize = 1_000;

/// Compiles packs, or lists what is wrong with them.
pub(crate) fn compile(packs: &[Texts], registry: &Registry) -> Result<Plan, Vec<Problem>> {
    let forms = Forms::new(registry);
    let mut faults = Vec::new();
    let files: Vec<PackTexts> =
        packs.iter().map(|texts| PackTexts::read(texts, &forms, &mut faults)).collect();
    let mut build = Build::new(registry, &forms, faults);
    for pack in &files {
        build.pack(pack);
    }
    for pack in &files {
        build.names(pack);
    }
    let articles = files
        .iter()
        .enumerate()
        .flat_map(|(at, pack)| pack.articles.iter().map(move |article| (at, pack, article)));
    for (at, (pack_at, pack, article)) in articles.enumerate() {
        build.article((pack_at, pack), at, article);
    }
    build.same_solutions();
    let articles = files.iter().flat_map(|pack| &pack.articles);
    for (at, article) in articles.enumerate() {
        build.causes(at, article);
    }
    build.same_causes();
    build.sound(&files);
    if build.faults.is_empty() {
        build.faults.extend(files.iter().flat_map(|pack| pack.tables.unused()));
    }
    build.finish(&files)
}

/// What a plan is made from while it is made.
pub(super) struct Build<'a> {
    pub(super) registry: &'a Registry,
    pub(super) forms: &'a Forms,
    compiler: Compiler,
    pub(super) faults: Vec<Problem>,
    pub(super) schema: Schema,
    pub(super) levels_known: bool,
    /// Whether all classes of the article at hand have a name.
    pub(super) classes_known: bool,
    quiet: Vec<Duration>,
    identity: Identity,
    identities: Vec<Identity>,
    packs: Vec<PackPlan>,
    classes: Vec<Class>,
    class_names: Vec<Arc<str>>,
    problems: Vec<ClassId>,
    mappings: Vec<Arc<Mapping>>,
    article_ids: BTreeSet<Arc<str>>,
    /// Articles of which not every name is known: what is not found in them may be there all the same.
    unread: BTreeSet<String>,
    pub(super) articles: Vec<ArticlePlan>,
    pub(super) symptoms: Vec<Option<Symptom>>,
    pub(super) symptom_ids: BTreeMap<String, usize>,
    pub(super) causes: Vec<Cause>,
    /// Causes that are not the same as others, faulty ones included, and where each sound one stands.
    pub(super) cause_ids: BTreeMap<String, Option<usize>>,
    pub(super) solutions: Vec<Solution>,
    pub(super) solution_ids: BTreeMap<String, Option<usize>>,
    /// What is the same as what, among causes and among solutions, and where a file says so.
    pub(super) same_causes: BTreeMap<String, Same>,
    pub(super) same_solutions: BTreeMap<String, Same>,
}

/// What something is the same as.
pub(super) struct Same {
    pub(super) target: String,
    pub(super) place: Node,
    /// The article that says so.
    pub(super) article: usize,
}

impl<'a> Build<'a> {
    fn new(registry: &'a Registry, forms: &'a Forms, faults: Vec<Problem>) -> Self {
        let functions: Vec<_> = registry.functions().cloned().collect();
        Self {
            registry,
            forms,
            compiler: Compiler::new(&functions),
            faults,
            schema: Schema::default(),
            levels_known: true,
            classes_known: true,
            quiet: Vec::new(),
            identity: Identity::default(),
            identities: Vec::new(),
            packs: Vec::new(),
            classes: Vec::new(),
            class_names: Vec::new(),
            problems: Vec::new(),
            mappings: Vec::new(),
            article_ids: BTreeSet::new(),
            unread: BTreeSet::new(),
            articles: Vec::new(),
            symptoms: Vec::new(),
            symptom_ids: BTreeMap::new(),
            causes: Vec::new(),
            cause_ids: BTreeMap::new(),
            solutions: Vec::new(),
            solution_ids: BTreeMap::new(),
            same_causes: BTreeMap::new(),
            same_solutions: BTreeMap::new(),
        }
    }

    pub(super) fn fault<T>(&mut self, outcome: Result<T, Problem>) -> Option<T> {
        outcome.map_err(|problem| self.faults.push(problem)).ok()
    }

    fn pack(&mut self, pack: &PackTexts) {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        self.packs.push(PackPlan {
            name: text(&pack.file.pack),
            title: text(&pack.file.title),
            version: text(&pack.file.version),
            facts: pack.tables.facts().cloned().collect(),
        });
        self.levels_known &= pack.levels_known;
        self.unread.extend(pack.unread.iter().cloned());
        if pack.file.identity == Identity::Record {
            self.identity = Identity::Record;
        }
        self.identities.extend(std::iter::repeat_n(pack.file.identity, pack.mappings.len()));
        self.mappings.extend(pack.mappings.iter().cloned().map(Arc::new));
        let Some(root) = &pack.root else { return };
        let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
        for level in root.get("subjects").map_or(&[][..], Node::one_or_more) {
            let outcome = self.level(level);
            self.fault(outcome);
            if let Some(place) = level.get("name")
                && let Some(first) = seen.insert(place.scalar().unwrap_or_default(), place)
            {
                // Nobody knows what the other one was to be called.
                self.levels_known = false;
                let message = format!("two levels of subjects are named `{}`", place.written());
                let problem = place.problem("duplicate-name", message);
                self.faults.push(problem.with_also(first.span(), "the first one"));
            }
        }
        if let Some(node) = root.get("problem") {
            let class = self.class(node, pack);
            let id = self.add_class(class, "problem");
            self.problems.push(id);
        }
    }

    fn level(&mut self, node: &Node) -> Result<(), Problem> {
        let Some(name) = node.get("name").and_then(Node::scalar) else { return Ok(()) };
        let parent = match node.get("in") {
            None => None,
            Some(place) => {
                let word = place.text()?;
                let found = self.schema.level(word);
                if found.is_none() && self.levels_known {
                    let message = format!("no level of subjects named `{word}` above this one");
                    let problem = place.problem("unknown-subject", message);
                    let problem = names::advise(problem, word, self.schema.level_names());
                    self.faults.push(match problem.help {
                        Some(_) => problem,
                        None => problem.with_help("levels stand in their order, the outermost first"),
                    });
                }
                found
            }
        };
        let known = self.schema.level(name);
        if known.is_some_and(|known| self.schema.parent(known) != parent) {
            return Err(node.problem("packs-disagree", format!("`{name}` lies elsewhere in another pack")));
        }
        let Some(at) = self.schema.add_level(name, parent) else {
            return Err(node.problem("too-many", "more than 65,534 fields"));
        };
        let quiet = node.get("quiet").map(Node::duration).transpose()?.unwrap_or_default();
        match self.quiet.get_mut(at) {
            Some(longest) => *longest = (*longest).max(quiet),
            None => self.quiet.push(quiet),
        }
        Ok(())
    }

    /// Declares the names that the articles of a pack give.
    fn names(&mut self, pack: &PackTexts) {
        for article in &pack.articles {
            let at = self.articles.len();
            if !self.article_ids.insert(Arc::clone(&article.id)) {
                let problem = article
                    .node("article")
                    .problem("duplicate-id", format!("article `{}` stands twice", article.id));
                self.faults.push(problem.with_help("ids are shared by all packs of one engine: rename one"));
            }
            self.articles.push(ArticlePlan {
                pack: 0,
                id: Arc::clone(&article.id),
                title: article.file.title.as_deref().unwrap_or_default().into(),
                aliases: article.file.aliases.iter().map(|word| word.0.as_str().into()).collect(),
                symptoms: Vec::new(),
                causes: Vec::new(),
                solutions: Vec::new(),
            });
            for id in article.file.symptoms.keys() {
                self.symptom_ids.insert(format!("{}#{id}", article.id), self.symptoms.len());
                self.symptoms.push(None);
            }
            let same = |node: &Node| {
                let place = node.get("same-as")?;
                let target = qualify(&article.id, place.scalar()?);
                Some(Same { target, place: place.clone(), article: at })
            };
            let same_in = |section: &str| -> Vec<(String, Same)> {
                let entries = article.section(section).into_iter();
                entries.filter_map(|(id, node)| Some((format!("{}#{id}", article.id), same(node)?))).collect()
            };
            self.same_causes.extend(same_in("causes"));
            self.same_solutions.extend(same_in("solutions"));
            for id in article.file.causes.keys().map(|id| format!("{}#{id}", article.id)) {
                if !self.same_causes.contains_key(&id) {
                    self.cause_ids.insert(id, None);
                }
            }
            for id in article.file.solutions.keys().map(|id| format!("{}#{id}", article.id)) {
                if !self.same_solutions.contains_key(&id) {
                    self.solution_ids.insert(id, None);
                }
            }
        }
    }

    fn article(&mut self, (pack_at, pack): (usize, &PackTexts), at: usize, article: &Article) {
        self.classes_known = article.classes_known;
        let mut classes = BTreeMap::new();
        let faulty = Class { conditions: Vec::new(), predicate: None, reads: Vec::new() };
        for (name, node) in article.section("events") {
            let class = self.class(node, pack);
            let id = self.add_class(class, &format!("{}#{name}", article.id));
            classes.insert(name.to_owned(), id);
        }
        for name in &article.faulty_classes {
            let id = self.add_class(faulty.clone(), name);
            classes.entry(name.clone()).or_insert(id);
        }
        let mut symptoms = Vec::new();
        for (id, node) in article.section("symptoms") {
            let Some(file) = article.file.symptoms.get(id).filter(|_| self.faults.len() <= MOST) else {
                continue;
            };
            let Some(symptom) = self.symptom(pack, &article.id, &classes, (id, node, file)) else { continue };
            if let Some(&at) = self.symptom_ids.get(&*symptom.id) {
                symptoms.push(at);
                if let Some(slot) = self.symptoms.get_mut(at) {
                    *slot = Some(symptom);
                }
            }
        }
        let mut solutions = Vec::new();
        for (id, file) in &article.file.solutions {
            if let Some(solution) = Self::solution(&article.id, id, file) {
                self.solution_ids.insert(solution.id.to_string(), Some(self.solutions.len()));
                solutions.push(self.solutions.len());
                self.solutions.push(solution);
            }
        }
        if let Some(plan) = self.articles.get_mut(at) {
            plan.pack = pack_at;
            plan.symptoms = symptoms;
            plan.solutions = solutions;
        }
    }

    /// A class, without what is faulty in it.
    fn class(&mut self, node: &Node, pack: &PackTexts) -> Class {
        let known = pack.known_fields.as_deref();
        let mut class = Class { conditions: Vec::new(), predicate: None, reads: Vec::new() };
        for (key, value) in node.entries() {
            if self.faults.len() > MOST {
                break;
            }
            if key.scalar() == Some("where") {
                let fields = known.map(|known| expression::fields(&self.mappings, known));
                class.predicate = self.predicate(value, &pack.tables, "event", fields.as_deref());
                let reads = class.predicate.iter().flat_map(Predicate::reads);
                let reads: Option<Vec<_>> = reads.map(|(_, field)| self.schema.intern(field)).collect();
                let full = reads.is_none();
                class.reads = reads.unwrap_or_default();
                if full {
                    self.faults.push(value.problem("too-many", "more than 65,534 fields"));
                }
            } else {
                let field = names::field(&mut self.schema, known, key);
                let field = self.fault(field);
                let condition = match Condition::read(value) {
                    Err(problem) if self.is_told(value) => {
                        drop(problem);
                        None
                    }
                    outcome => self.fault(outcome),
                };
                class.conditions.extend(field.zip(condition));
            }
        }
        class
    }

    /// Whether something is wrong inside a node already.
    fn is_told(&self, node: &Node) -> bool {
        let (file, span) = (node.file(), node.span());
        let inside = |fault: &Problem| fault.span.start >= span.start && fault.span.end <= span.end;
        self.faults.iter().any(|fault| fault.file == file && inside(fault))
    }

    /// An expression over the fields of `name`; whatever is wrong with it is told.
    pub(super) fn predicate(
        &mut self,
        node: &Node,
        tables: &Tables,
        name: &str,
        fields: Option<&[(&str, Kind)]>,
    ) -> Option<Predicate> {
        let facts = tables.changes(node, &mut self.faults)?;
        match self.compiler.compile_with(node.scalar()?, &facts, &[Root { name, fields }]) {
            Ok(predicate) => Some(predicate),
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| expression::problem(node, fault)));
                None
            }
        }
    }

    fn add_class(&mut self, class: Class, name: &str) -> ClassId {
        let id = ClassId(u32::try_from(self.classes.len()).unwrap_or(u32::MAX));
        self.classes.push(class);
        self.class_names.push(name.into());
        id
    }

    /// Tells that a name means nothing, unless it belongs to an article whose names are not all known.
    pub(super) fn unknown(
        &mut self,
        place: &Node,
        code: &'static str,
        id: &str,
        known: impl Fn(&Self) -> Vec<String>,
    ) {
        let article = id.split_once('#').map_or(id, |(article, _)| article);
        if self.unread.contains(article) {
            return;
        }
        // So many faults are one, and looking for neighbours takes its time.
        if self.faults.len() > MOST {
            return;
        }
        let what = code.trim_start_matches("unknown-");
        let message = match place.scalar().filter(|word| !word.contains('#')) {
            Some(word) => format!("no {what} named `{word}` in this article"),
            None if self.article_ids.contains(article) => format!("no {what} named `{id}`"),
            None => format!("no {what} named `{id}`: there is no article `{article}`"),
        };
        let problem = place.problem(code, message);
        let known = known(self);
        let (word, bare) =
            (place.scalar().unwrap_or_default(), |id: &str| id.split_once('#').map(|(_, id)| id.to_owned()));
        let own = known.iter().filter_map(|id| id.strip_prefix(article)?.strip_prefix('#'));
        let problem = match bare(word).is_none() {
            false => names::advise(problem, id, known.iter().map(String::as_str)),
            true => match known.iter().find(|id| bare(id).is_some_and(|name| name == word)) {
                Some(elsewhere) => problem
                    .with_help(format!("did you mean `{elsewhere}`? a bare name is one of this article"))
                    .with_edit(place.span(), elsewhere.as_str()),
                None => names::advise(problem, word, own),
            },
        };
        self.faults.push(problem);
    }

    /// Cases come after everything: they may name it all.
    fn cases(&mut self, packs: &[PackTexts]) -> Vec<Case> {
        let level = |at: usize| self.symptoms.get(at).and_then(Option::as_ref).map(|symptom| symptom.level);
        let symptoms = self.symptom_ids.iter().map(|(id, &at)| (id.as_str(), (at, level(at)))).collect();
        let causes = case::causes(packs);
        let causes = causes.iter().map(|id| (id.as_str(), follow(&self.same_causes, id))).collect();
        let (classes, class_names) = (&self.classes, &self.class_names);
        let names =
            case::Names { schema: &self.schema.clone().into(), classes, class_names, symptoms, causes };
        case::read(packs, &names, &mut self.faults)
    }

    /// Rules that are spelt right and cannot work.
    fn sound(&mut self, files: &[PackTexts]) {
        // Without its levels of subjects nothing of a pack can be judged.
        if files.iter().any(|file| file.root.is_none()) {
            return;
        }
        let articles = files.iter().enumerate().flat_map(|(pack, file)| {
            file.articles.iter().map(move |article| Written { id: &article.id, pack, root: &article.root })
        });
        // A faulty input may give anything.
        let in_input = |fault: &Problem| fault.file.starts_with("inputs/") || fault.file.contains("/inputs/");
        let known = files.iter().all(|file| !file.mappings.is_empty()) && !self.faults.iter().any(in_input);
        self.faults.extend(sound::circles(&self.same_causes));
        self.faults.extend(sound::circles(&self.same_solutions));
        let unsound = sound::check(&Material {
            schema: &self.schema,
            quiet: &self.quiet,
            classes: &self.classes,
            class_names: &self.class_names,
            inputs: known.then_some(self.mappings.as_slice()),
            symptoms: &self.symptoms,
            causes: &self.causes,
            packs: files.iter().filter_map(|file| file.root.as_ref()).collect(),
            articles: articles.collect(),
            faults: &self.faults,
        });
        self.faults.extend(unsound);
    }

    fn finish(mut self, packs: &[PackTexts]) -> Result<Plan, Vec<Problem>> {
        let (cases, places) = (self.cases(packs), case::places(packs));
        let lost =
            self.symptom_ids.iter().find(|&(_, &at)| self.symptoms.get(at).is_none_or(Option::is_none));
        let lost = lost.map(|(id, _)| id).or_else(|| {
            let ids = self.cause_ids.iter().chain(&self.solution_ids);
            ids.into_iter().find(|(_, at)| at.is_none()).map(|(id, _)| id)
        });
        // Invariant: what is left out was told. Better refused without a reason than dropped without a word.
        if let Some(id) = lost
            && self.faults.is_empty()
        {
            self.faults.push(Problem::of_file("left-out", id.as_str(), format!("`{id}` cannot be read")));
        }
        if !self.faults.is_empty() {
            self.faults.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
            self.faults.truncate(MOST);
            return Err(self.faults);
        }
        let causes = self.same_causes.iter();
        let causes = causes.map(|(id, _)| (id.as_str().into(), follow(&self.same_causes, id).into()));
        let solutions = self.same_solutions.iter();
        let solutions =
            solutions.map(|(id, _)| (id.as_str().into(), follow(&self.same_solutions, id).into()));
        let same_as = causes.chain(solutions).collect();
        Ok(Plan {
            packs: self.packs,
            schema: Arc::new(self.schema),
            quiet: self.quiet,
            identity: self.identity,
            identities: self.identities,
            classes: self.classes,
            class_names: self.class_names,
            problems: self.problems,
            mappings: self.mappings,
            articles: self.articles,
            symptoms: self.symptoms.into_iter().flatten().collect(),
            causes: self.causes,
            solutions: self.solutions,
            same_as,
            cases,
            places,
        })
    }
}

/// The end of a chain of `same-as`; a chain that runs in a circle ends on one of its own links.
pub(super) fn follow<'a>(same: &'a BTreeMap<String, Same>, id: &'a str) -> &'a str {
    let mut at = id;
    for _ in 0..=same.len() {
        match same.get(at) {
            Some(next) => at = &next.target,
            None => break,
        }
    }
    at
}

/// A bare name means one of this article; `other#name` one of another.
pub(super) fn qualify(article: &str, word: &str) -> String {
    if word.contains('#') { word.to_owned() } else { format!("{article}#{word}") }
}
