//! From the texts of packs to a [`Plan`]: read every file, then give every name its meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::detector::ClassId;
use crate::error::Problem;
use crate::input::Mapping;
use crate::model::{Schema, SolutionKind, Timestamp};
use crate::plugin::Registry;
use crate::predicate::{Compiler, Predicate, Root};
use crate::rule::class::{Class, Condition};
use crate::rule::files::{Article, PackTexts, version};
use crate::rule::names::{self, Scope, advise};
use crate::rule::schema::{Identity, Prior, Ties, Word};
use crate::rule::{ArticlePlan, Cause, PackPlan, Plan, Solution, Symptom, Texts};
use crate::yaml::Node;

/// A symptom's leak when it does not say: seen by chance on two in a thousand subjects.
const BACKGROUND: f64 = 0.002;

/// Compiles packs, or lists what is wrong with them.
pub(crate) fn compile(packs: &[Texts], registry: &Registry) -> Result<Plan, Vec<Problem>> {
    let mut faults = Vec::new();
    let files: Vec<PackTexts> =
        packs.iter().filter_map(|texts| PackTexts::read(texts, &mut faults)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut build = Build::new(registry);
    for pack in &files {
        build.pack(pack);
    }
    for pack in &files {
        build.article_names(pack);
    }
    for (at, pack) in files.iter().enumerate() {
        for article in &pack.articles {
            build.article(at, pack, article);
        }
    }
    build.same_solutions();
    for pack in &files {
        for article in &pack.articles {
            build.unless(article);
            build.causes(article);
        }
    }
    build.finish()
}

/// What a plan is made from while it is made.
struct Build<'a> {
    registry: &'a Registry,
    compiler: Compiler,
    faults: Vec<Problem>,
    schema: Schema,
    quiet: Vec<Duration>,
    identity: Option<Identity>,
    ties: Option<Ties>,
    packs: Vec<PackPlan>,
    classes: Vec<Class>,
    class_names: Vec<Arc<str>>,
    problems: Vec<ClassId>,
    mappings: Vec<Arc<Mapping>>,
    article_ids: BTreeSet<Arc<str>>,
    articles: Vec<ArticlePlan>,
    symptoms: Vec<Option<Symptom>>,
    symptom_ids: BTreeMap<String, usize>,
    causes: Vec<Cause>,
    solutions: Vec<Solution>,
    solution_ids: BTreeMap<String, usize>,
    /// What is the same as what, among causes and among solutions, and where a file says so.
    same_causes: BTreeMap<String, (String, Node)>,
    same_solutions: BTreeMap<String, (String, Node)>,
}

impl<'a> Build<'a> {
    fn new(registry: &'a Registry) -> Self {
        let functions: Vec<_> = registry.functions().cloned().collect();
        Self {
            registry,
            compiler: Compiler::new(&functions),
            faults: Vec::new(),
            schema: Schema::default(),
            quiet: Vec::new(),
            identity: None,
            ties: None,
            packs: Vec::new(),
            classes: Vec::new(),
            class_names: Vec::new(),
            problems: Vec::new(),
            mappings: Vec::new(),
            article_ids: BTreeSet::new(),
            articles: Vec::new(),
            symptoms: Vec::new(),
            symptom_ids: BTreeMap::new(),
            causes: Vec::new(),
            solutions: Vec::new(),
            solution_ids: BTreeMap::new(),
            same_causes: BTreeMap::new(),
            same_solutions: BTreeMap::new(),
        }
    }

    fn fault<T>(&mut self, outcome: Result<T, Problem>) -> Option<T> {
        outcome.map_err(|problem| self.faults.push(problem)).ok()
    }

    fn pack(&mut self, pack: &PackTexts) {
        let root = pack.document.root();
        let outcome = version(pack.file.etiolog, &pack.document);
        self.fault(outcome);
        self.packs.push(PackPlan {
            name: pack.file.pack.as_str().into(),
            title: pack.file.title.as_str().into(),
            version: pack.file.version.as_str().into(),
        });
        let outcome = self.levels(pack);
        self.fault(outcome);
        for (key, clash) in [
            ("identity", self.identity.is_some_and(|known| known != pack.file.identity)),
            ("ties", self.ties.is_some_and(|known| known != pack.file.ties)),
        ] {
            if clash {
                let node = root.get(key).unwrap_or(root);
                self.faults.push(
                    node.problem("packs-disagree", format!("packs of one engine must agree on `{key}`")),
                );
            }
        }
        self.identity = Some(pack.file.identity);
        self.ties = Some(pack.file.ties);
        self.mappings.extend(pack.mappings.iter().cloned().map(Arc::new));
        if let Some(node) = root.get("problem") {
            let outcome = self.class(node, pack.known_fields.as_deref());
            if let Some(class) = self.fault(outcome) {
                let id = self.add_class(class, "problem");
                self.problems.push(id);
            }
        }
    }

    fn levels(&mut self, pack: &PackTexts) -> Result<(), Problem> {
        let nodes = pack.document.root().get("subjects").map_or(&[][..], Node::one_or_more);
        for (level, node) in pack.file.subjects.iter().zip(nodes) {
            let parent = match &level.parent {
                None => None,
                Some(name) => Some(self.schema.level(name).ok_or_else(|| {
                    let at = node.get("in").unwrap_or(node);
                    at.problem(
                        "unknown-subject",
                        format!("no level of subjects named `{name}` above this one"),
                    )
                })?),
            };
            let quiet = node.fields(&["name", "in", "quiet"])?.required("quiet")?.duration()?;
            let known = self.schema.level(&level.name);
            if known.is_some_and(|known| self.schema.parent(known) != parent) {
                return Err(node
                    .problem("packs-disagree", format!("`{}` lies elsewhere in another pack", level.name)));
            }
            let Some(at) = self.schema.add_level(&level.name, parent) else {
                return Err(node.problem("too-many", "more than 65,534 fields"));
            };
            match self.quiet.get_mut(at) {
                Some(longest) => *longest = (*longest).max(quiet),
                None => self.quiet.push(quiet),
            }
        }
        if self.quiet.is_empty() {
            return Err(pack
                .document
                .root()
                .problem("missing-key", "a pack needs at least one level of subjects"));
        }
        Ok(())
    }

    fn article_names(&mut self, pack: &PackTexts) {
        for article in &pack.articles {
            if !self.article_ids.insert(Arc::clone(&article.id)) {
                let problem = article
                    .node(&["article"])
                    .problem("duplicate-id", format!("article `{}` stands twice", article.id));
                self.faults.push(problem.with_help("ids are shared by all packs of one engine: rename one"));
            }
            for id in article.file.symptoms.keys() {
                self.symptom_ids.insert(format!("{}#{id}", article.id), self.symptoms.len());
                self.symptoms.push(None);
            }
            for (id, cause) in &article.file.causes {
                if let Some(word) = &cause.same_as {
                    let target =
                        (qualify(&article.id, word), article.node(&["causes", id, "same-as"]).clone());
                    self.same_causes.insert(format!("{}#{id}", article.id), target);
                }
            }
            for (id, solution) in &article.file.solutions {
                if let Some(word) = &solution.same_as {
                    let target =
                        (qualify(&article.id, word), article.node(&["solutions", id, "same-as"]).clone());
                    self.same_solutions.insert(format!("{}#{id}", article.id), target);
                }
            }
        }
    }

    fn article(&mut self, at: usize, pack: &PackTexts, article: &Article) {
        let mut classes = BTreeMap::new();
        if let Some(events) = article.document.root().get("events") {
            for (key, node) in events.map().unwrap_or_default() {
                let name = key.scalar().unwrap_or_default().to_owned();
                let outcome = self.class(node, pack.known_fields.as_deref());
                // A faulty class keeps its name, so that those who use it are not blamed for it.
                let class = self.fault(outcome).unwrap_or(Class { conditions: Vec::new(), predicate: None });
                let id = self.add_class(class, &format!("{}#{name}", article.id));
                classes.insert(name, id);
            }
        }
        let mut symptoms = Vec::new();
        for id in article.file.symptoms.keys() {
            let outcome = self.symptom(pack, article, &classes, id);
            let Some(symptom) = self.fault(outcome) else { continue };
            if let Some(&at) = self.symptom_ids.get(&*symptom.id) {
                symptoms.push(at);
                if let Some(slot) = self.symptoms.get_mut(at) {
                    *slot = Some(symptom);
                }
            }
        }
        let mut solutions = Vec::new();
        for id in article.file.solutions.keys() {
            let outcome = self.solution(article, id);
            if let Some(Some(solution)) = self.fault(outcome) {
                self.solution_ids.insert(solution.id.to_string(), self.solutions.len());
                solutions.push(self.solutions.len());
                self.solutions.push(solution);
            }
        }
        self.articles.push(ArticlePlan {
            pack: at,
            id: Arc::clone(&article.id),
            title: article.file.title.as_str().into(),
            aliases: article.file.aliases.iter().map(|word| word.0.as_str().into()).collect(),
            symptoms,
            causes: Vec::new(),
            solutions,
        });
    }

    fn class(&mut self, node: &Node, known: Option<&[String]>) -> Result<Class, Problem> {
        let mut conditions = Vec::new();
        let mut predicate = None;
        let entries = node.map()?;
        if entries.is_empty() {
            return Err(node.expected("at least one condition"));
        }
        for (key, value) in entries {
            if key.scalar() == Some("where") {
                let compiled = self.predicate(value, "event", known)?;
                for (_, field) in compiled.reads() {
                    if self.schema.intern(field).is_none() {
                        return Err(value.problem("too-many", "more than 65,534 fields"));
                    }
                }
                predicate = Some(compiled);
            } else {
                conditions.push((names::field(&mut self.schema, known, key)?, Condition::read(value)?));
            }
        }
        Ok(Class { conditions, predicate })
    }

    fn predicate(&self, node: &Node, name: &str, fields: Option<&[String]>) -> Result<Predicate, Problem> {
        let fields: Option<Vec<&str>> = fields.map(|fields| fields.iter().map(String::as_str).collect());
        let root = Root { name, fields: fields.as_deref() };
        self.compiler.compile(node.text()?, &[root]).map_err(|fault| {
            let problem = node.problem_at(fault.offset, fault.code, fault.message);
            match fault.help {
                Some(help) => problem.with_help(help),
                None => problem,
            }
        })
    }

    fn add_class(&mut self, class: Class, name: &str) -> ClassId {
        let id = ClassId(u32::try_from(self.classes.len()).unwrap_or(u32::MAX));
        self.classes.push(class);
        self.class_names.push(name.into());
        id
    }

    fn symptom(
        &mut self,
        pack: &PackTexts,
        article: &Article,
        classes: &BTreeMap<String, ClassId>,
        id: &str,
    ) -> Result<Symptom, Problem> {
        let node = article.node(&["symptoms", id]);
        let Some(file) = article.file.symptoms.get(id) else { return Err(node.expected("a symptom")) };
        let at = |key| node.get(key).unwrap_or(node);
        let level = self.schema.level(&file.per).ok_or_else(|| {
            let problem =
                at("per").problem("unknown-subject", format!("no level of subjects named `{}`", file.per));
            advise(problem, &file.per, pack.file.subjects.iter().map(|level| level.name.as_str()))
        })?;
        let detect = at("detect");
        let entries = detect.map()?;
        let found = entries
            .iter()
            .find_map(|(key, value)| Some((self.registry.find_detector(key.scalar()?)?.as_ref(), value)));
        let Some((kind, value)) = found else {
            let word = entries.first().and_then(|(key, _)| key.scalar()).unwrap_or_default();
            let key = entries.first().map_or(detect, |(key, _)| key);
            let known: Vec<_> = self.registry.detectors().collect();
            let problem = key.problem("unknown-detector", format!("no detector named `{word}`"));
            let problem = problem.with_help(format!("registered: {}", known.join(", ")));
            return Err(advise(problem, word, known));
        };
        let params = if entries.len() == 1 { value } else { detect };
        let mut scope = Scope {
            classes,
            schema: &mut self.schema,
            known_fields: pack.known_fields.as_deref(),
            level,
            ties_any: pack.file.ties == Ties::Any,
            reads: Vec::new(),
        };
        let detector = kind.build(params, &mut scope)?;
        let reads = scope.reads;
        let when = match node.get("when") {
            None => None,
            Some(when) => {
                let measures: Vec<String> =
                    kind.measures().iter().map(|&measure| measure.to_owned()).collect();
                Some(self.predicate(when, kind.name(), Some(&measures))?)
            }
        };
        let unless = file
            .unless
            .iter()
            .zip(at("unless").one_or_more())
            .map(|(word, place)| self.find_symptom(&article.id, word, place))
            .collect::<Result<_, _>>()?;
        let mut wanted = detector.classes();
        wanted.sort_unstable();
        wanted.dedup();
        let unseen = Arc::clone(&detector).watch().reading(Timestamp::MIN).status;
        Ok(Symptom {
            id: format!("{}#{id}", article.id).into(),
            title: file.title.as_str().into(),
            kind: kind.name(),
            level,
            detector,
            classes: wanted,
            reads,
            detect: detect.written().split_whitespace().collect::<Vec<_>>().join(" ").into(),
            when,
            unless,
            background: file.background.map_or(BACKGROUND, |strength| strength.0),
            accounts: file.accounts.unwrap_or(true),
            unseen,
        })
    }

    fn find_symptom(&self, article: &str, word: &Word, place: &Node) -> Result<usize, Problem> {
        let id = qualify(article, word);
        self.symptom_ids.get(&id).copied().ok_or_else(|| {
            let problem = place.problem("unknown-symptom", format!("no symptom named `{id}`"));
            advise(problem, &id, self.symptom_ids.keys().map(String::as_str))
        })
    }

    /// A symptom gives way to symptoms of its own level only, and never, by whatever detour, to itself: all of a circle
    /// that is there at once would be gone at once.
    fn unless(&mut self, article: &Article) {
        for id in article.file.symptoms.keys() {
            let at = self.symptom_ids.get(&format!("{}#{id}", article.id)).copied().unwrap_or(usize::MAX);
            let Some(symptom) = self.symptoms.get(at).and_then(Option::as_ref) else { continue };
            let places = article.node(&["symptoms", id, "unless"]).one_or_more();
            for (&other, place) in symptom.unless.iter().zip(places) {
                let Some(target) = self.symptoms.get(other).and_then(Option::as_ref) else { continue };
                if target.level != symptom.level {
                    let message = format!("`{}` is not a symptom of the same level of subjects", target.id);
                    self.faults.push(place.problem("wrong-level", message));
                } else if self.gives_way(other, at) {
                    let message = format!("`{}` gives way to `{}` in turn", target.id, symptom.id);
                    self.faults.push(place.problem("unless-circle", message));
                }
            }
        }
    }

    fn gives_way(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut ahead) = (BTreeSet::new(), vec![from]);
        while let Some(at) = ahead.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                ahead.extend(self.symptoms.get(at).and_then(Option::as_ref).map_or(&[][..], |s| &s.unless));
            }
        }
        false
    }

    fn solution(&mut self, article: &Article, id: &str) -> Result<Option<Solution>, Problem> {
        let node = article.node(&["solutions", id]);
        let Some(file) = article.file.solutions.get(id) else { return Err(node.expected("a solution")) };
        let texts = [
            (SolutionKind::Do, &file.act),
            (SolutionKind::Avoid, &file.avoid),
            (SolutionKind::Nothing, &file.nothing),
        ];
        let mut given = texts.into_iter().filter_map(|(kind, text)| Some((kind, text.as_ref()?)));
        match (given.next(), given.next(), &file.same_as) {
            (Some((kind, text)), None, None) => Ok(Some(Solution {
                id: format!("{}#{id}", article.id).into(),
                kind,
                text: text.as_str().into(),
                link: file.link.as_deref().map(Into::into),
            })),
            (None, None, Some(_)) if file.link.is_none() => Ok(None),
            _ => Err(node.problem(
                "wrong-shape",
                format!("solution `{id}` needs exactly one of: do, avoid, nothing, same-as"),
            )),
        }
    }

    /// Causes come last: they may name symptoms, causes and solutions of any article.
    fn causes(&mut self, article: &Article) {
        let mut own = Vec::new();
        for (id, file) in &article.file.causes {
            let node = article.node(&["causes", id]).clone();
            if file.same_as.is_some() {
                let bare = file.title.is_none()
                    && file.prior.is_none()
                    && file.explains.is_empty()
                    && file.severity.is_none()
                    && file.solutions.is_empty();
                if !bare {
                    let message = format!("cause `{id}` is the same as another and cannot say more");
                    self.faults.push(node.problem("wrong-shape", message));
                }
                continue;
            }
            let outcome = self.cause(article, id, &node);
            if let Some(cause) = self.fault(outcome) {
                own.push(self.causes.len());
                self.causes.push(cause);
            }
        }
        if let Some(plan) = self.articles.iter_mut().find(|plan| plan.id == article.id) {
            plan.causes = own;
        }
    }

    fn cause(&self, article: &Article, id: &str, node: &Node) -> Result<Cause, Problem> {
        let Some(file) = article.file.causes.get(id) else { return Err(node.expected("a cause")) };
        let missing = |key: &str| node.problem("missing-key", format!("cause `{id}` is missing key `{key}`"));
        let title = file.title.as_deref().ok_or_else(|| missing("title"))?;
        let severity = file.severity.map(|word| word.0).ok_or_else(|| missing("severity"))?;
        if file.explains.is_empty() {
            return Err(missing("explains"));
        }
        let mut explains = Vec::new();
        for (word, strength) in &file.explains {
            let place = node.get("explains").and_then(|map| map.entry(&word.0)).map_or(node, |(key, _)| key);
            explains.push((self.find_symptom(&article.id, word, place)?, strength.0));
        }
        let solutions = file
            .solutions
            .iter()
            .zip(node.get("solutions").map_or(&[][..], Node::one_or_more))
            .map(|(word, place)| self.find_solution(&article.id, word, place))
            .collect::<Result<_, _>>()?;
        let level = explains
            .iter()
            .filter_map(|&(at, _)| self.symptoms.get(at)?.as_ref())
            .map(|symptom| symptom.level);
        let level = level.min_by_key(|&level| self.schema.lineage(level).len()).unwrap_or(0);
        Ok(Cause {
            id: format!("{}#{id}", article.id).into(),
            title: title.into(),
            prior: file.prior.map_or(Prior::DEFAULT, |prior| prior.0),
            severity,
            level,
            explains,
            solutions,
        })
    }

    fn find_solution(&self, article: &str, word: &Word, place: &Node) -> Result<usize, Problem> {
        let id = qualify(article, word);
        let found = self.solution_ids.get(follow(&self.same_solutions, &id)).copied();
        // One that is the same as nothing has been reported where it says so.
        let dangling = self.same_solutions.contains_key(&id).then_some(usize::MAX);
        found.or(dangling).ok_or_else(|| {
            let problem = place.problem("unknown-solution", format!("no solution named `{id}`"));
            advise(problem, &id, self.solution_ids.keys().map(String::as_str))
        })
    }

    /// A solution that is the same as another must lead to one.
    fn same_solutions(&mut self) {
        for (id, (target, place)) in &self.same_solutions {
            if !self.solution_ids.contains_key(follow(&self.same_solutions, id)) {
                let problem = place.problem("unknown-solution", format!("no solution named `{target}`"));
                self.faults.push(advise(problem, target, self.solution_ids.keys().map(String::as_str)));
            }
        }
    }

    /// A cause that is the same as another must lead to one, and stands among its article's causes too.
    fn same_causes(&mut self) {
        for (id, (target, place)) in &self.same_causes {
            let real = follow(&self.same_causes, id);
            let Some(at) = self.causes.iter().position(|cause| *cause.id == *real) else {
                let problem = place.problem("unknown-cause", format!("no cause named `{target}`"));
                self.faults.push(advise(problem, target, self.causes.iter().map(|cause| &*cause.id)));
                continue;
            };
            let article = id.split_once('#').map_or("", |(article, _)| article);
            if let Some(plan) = self.articles.iter_mut().find(|plan| &*plan.id == article) {
                plan.causes.push(at);
            }
        }
    }

    fn finish(mut self) -> Result<Plan, Vec<Problem>> {
        // A faulty cause would be reported again by everything that is the same.
        if self.faults.is_empty() {
            self.same_causes();
        }
        if !self.faults.is_empty() {
            self.faults.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
            return Err(self.faults);
        }
        let same = [&self.same_causes, &self.same_solutions];
        let same_as = same
            .into_iter()
            .flat_map(|same| same.keys().map(|id| (id.as_str().into(), follow(same, id).into())));
        let same_as = same_as.collect();
        Ok(Plan {
            packs: self.packs,
            schema: Arc::new(self.schema),
            quiet: self.quiet,
            identity: self.identity.unwrap_or_default(),
            classes: self.classes,
            class_names: self.class_names,
            problems: self.problems,
            mappings: self.mappings,
            articles: self.articles,
            symptoms: self.symptoms.into_iter().flatten().collect(),
            causes: self.causes,
            solutions: self.solutions,
            same_as,
        })
    }
}

/// The end of a chain of `same-as`; a chain that runs in a circle ends on one of its own links.
fn follow<'a>(same: &'a BTreeMap<String, (String, Node)>, id: &'a str) -> &'a str {
    let mut at = id;
    for _ in 0..=same.len() {
        match same.get(at) {
            Some((target, _)) => at = target,
            None => break,
        }
    }
    at
}

/// A bare name means one of this article; `other#name` one of another.
fn qualify(article: &str, word: &Word) -> String {
    if word.0.contains('#') { word.0.clone() } else { format!("{article}#{}", word.0) }
}
