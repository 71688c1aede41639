//! Fleet files, from nodes: all problems of all files at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Problem, did_you_mean};
use crate::model::Timestamp;
use crate::simulate::file;
use crate::simulate::fleet::{
    Alternative, Emit, Fields, Fleet, Gauge, Group, Incident, Mix, State, Truth, combinations,
};

use crate::simulate::shape::{Record, Shape, Wanted};
use crate::simulate::spread::{Spread, nanos};
use crate::simulate::template::Template;
use crate::yaml::{self, Node};

/// The files in `fleets/` of one pack while they are read.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// The levels of subjects, the outermost first.
    pub(super) levels: Vec<String>,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) shapes: BTreeMap<String, Shape>,
    pub(super) fleets: BTreeMap<String, Fleet>,
    pub(super) mixes: BTreeMap<String, Mix>,
    /// Where a truth names a cause.
    pub(super) causes: Vec<Node>,
    /// The fields that shapes ask for, and where.
    pub(super) wanted: Wanted,
    /// The fields that anything gives.
    given: BTreeSet<String>,
    behaviours: BTreeMap<String, Node>,
    used: BTreeSet<String>,
}

impl Reader {
    /// Reads the files, each with its path as it is shown and its text.
    pub(super) fn read<'t>(levels: Vec<String>, files: impl Iterator<Item = (String, &'t str)>) -> Self {
        let given = levels.iter().cloned().collect();
        let mut reader = Self { levels, given, ..Self::default() };
        let mut sound: Vec<(String, &'static str, Node)> = Vec::new();
        for (path, text) in files {
            let Some(document) = yaml::read(&path, text, &mut reader.problems) else { continue };
            let root = document.into_root();
            let Some(kind) = file::KINDS.into_iter().find(|kind| root.get(kind).is_some()) else {
                let message = "this is neither a fleet nor shapes, behaviours or a mix";
                let help = format!("one of these keys says which: {}", file::KINDS.join(", "));
                reader.problems.push(root.problem("missing-key", message).with_help(help));
                continue;
            };
            let Some(schema) = file::schema(kind) else { continue };
            if let Some(root) = yaml::sound(root, schema, &mut reader.problems) {
                reader.problems.extend(root.unknown_version(kind));
                sound.push((path, kind, root));
            }
        }
        // What others refer to comes first.
        for wanted in ["shapes", "behaviours", "fleet", "mix"] {
            for (path, _, root) in sound.iter().filter(|(_, kind, _)| *kind == wanted) {
                match wanted {
                    "shapes" => reader.shapes_file(root),
                    "behaviours" => reader.behaviours_file(root),
                    "fleet" => reader.fleet_file(path, root),
                    _ => reader.mix_file(path, root),
                }
            }
        }
        reader.unused_behaviours();
        reader.unknown_fields();
        reader.problems.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
        let mut told = BTreeSet::new();
        reader.problems.retain(|problem| {
            told.insert((problem.file.clone(), problem.span.start, problem.message.clone()))
        });
        reader
    }

    pub(super) fn tell(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn told<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn behaviours_file(&mut self, root: &Node) {
        for (key, node) in entries(root.get("behaviours")) {
            let name = key.scalar().unwrap_or_default().to_owned();
            if self.behaviours.insert(name.clone(), node.clone()).is_some() {
                self.tell(key.problem("duplicate-key", format!("there are two behaviours `{name}`")));
            }
        }
    }

    /// What no group has is read by itself.
    fn unused_behaviours(&mut self) {
        let unused: Vec<Node> = self
            .behaviours
            .iter()
            .filter(|(name, _)| !self.used.contains(*name))
            .map(|(_, node)| node.clone())
            .collect();
        for node in unused {
            self.group("unused", &node);
        }
    }

    /// Fields that a shape asks for and nothing gives.
    fn unknown_fields(&mut self) {
        let wanted = std::mem::take(&mut self.wanted);
        for (field, node) in wanted.iter().filter(|(field, _)| !self.given.contains(field)) {
            let problem = node.problem("unknown-field", format!("no record or fleet has a field `{field}`"));
            let meant = did_you_mean(field, self.given.iter().map(String::as_str));
            self.problems.push(match meant {
                Some(meant) => problem.with_help(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
    }

    fn mix_file(&mut self, path: &str, root: &Node) {
        let name = self.name(path, root, "mix");
        let mut fleets = Vec::new();
        for item in list(root.get("fleets")) {
            let Some(node) = item.get("fleet") else { continue };
            let fleet = node.scalar().unwrap_or_default();
            if !self.fleets.contains_key(fleet) {
                let problem = unknown(node, "unknown-fleet", self.fleets.keys().map(String::as_str));
                self.tell(problem);
            }
            let share = item.get("share").and_then(|share| share.as_integer());
            fleets.push((fleet.to_owned(), share.and_then(|share| u32::try_from(share).ok()).unwrap_or(1)));
        }
        let title = text(root.get("title")).into();
        self.mixes.insert(name, Mix { title, fleets });
    }

    fn fleet_file(&mut self, path: &str, root: &Node) {
        let name = self.name(path, root, "fleet");
        let from = root.get("from").map(|node| {
            let stamp = node.scalar().and_then(Timestamp::parse);
            stamp.ok_or_else(|| node.expected("a time such as `2026-03-02T00:00:00Z`"))
        });
        let from = match from {
            Some(from) => self.told(from),
            // A Monday, so that weeks begin where people expect it.
            None => Timestamp::parse("2026-03-02T00:00:00Z"),
        };
        let span = self.span(root.get("for")).unwrap_or(0);
        let fields = self.fields(root.get("fields"));
        let mut groups = Vec::new();
        for (key, node) in entries(root.get("groups")) {
            groups.extend(self.group(key.scalar().unwrap_or_default(), node));
        }
        let incidents =
            list(root.get("incidents")).iter().filter_map(|node| self.incident(node, &groups)).collect();
        let gauge = root.get("gauge").and_then(|node| self.gauge(node, &groups));
        let fleet = Fleet {
            name: name.as_str().into(),
            title: text(root.get("title")).into(),
            from: from.unwrap_or(Timestamp::MIN),
            span,
            fields,
            groups,
            incidents,
            gauge,
        };
        self.fleets.insert(name, fleet);
    }

    /// The name that a file gives itself, which is that of the file.
    fn name(&mut self, path: &str, root: &Node, key: &str) -> String {
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        self.problems.extend(root.wrong_name(key, stem));
        stem.to_owned()
    }

    pub(super) fn fields(&mut self, node: Option<&Node>) -> Fields {
        let mut fields = Fields::new();
        for (key, value) in entries(node) {
            if let Some(template) = self.told(Template::read(value)) {
                let name = key.scalar().unwrap_or_default().to_owned();
                self.given.insert(name.clone());
                fields.insert(name, template);
            }
        }
        fields
    }

    pub(super) fn span(&mut self, node: Option<&Node>) -> Option<i64> {
        node.and_then(|node| self.told(node.span_of_time())).map(nanos)
    }

    /// A group: its behaviour, and what stands here on top of it.
    fn group(&mut self, name: &str, node: &Node) -> Option<Group> {
        let mut layers = vec![node.clone()];
        if let Some(word) = node.get("behaves") {
            let behaviour = word.scalar().unwrap_or_default();
            match self.behaviours.get(behaviour).cloned() {
                Some(base) => {
                    self.used.insert(behaviour.to_owned());
                    layers.insert(0, base);
                }
                None => {
                    let known = self.behaviours.keys().map(String::as_str);
                    let problem = unknown(word, "unknown-behaviour", known);
                    self.tell(problem);
                    return None;
                }
            }
        }
        let mut fields = Fields::new();
        let mut draws = Vec::new();
        let mut states: Vec<(&str, &Node)> = Vec::new();
        for layer in &layers {
            fields.extend(self.fields(layer.get("fields")));
            for alternatives in list(layer.get("draw")) {
                draws.push(alternatives.one_or_more().iter().map(|one| self.alternative(one)).collect());
            }
            for (key, state) in entries(layer.get("states")) {
                let name = key.scalar().unwrap_or_default();
                match states.iter_mut().find(|(known, _)| *known == name) {
                    Some(slot) => slot.1 = state,
                    None => states.push((name, state)),
                }
            }
        }
        let combinations = combinations(&draws);
        if combinations > MOST_COMBINATIONS {
            let message = format!(
                "the draws have {combinations} combinations; at most {MOST_COMBINATIONS} are possible"
            );
            self.tell(node.problem("out-of-range", message));
            return None;
        }
        let last = |key: &str| layers.iter().rev().find_map(|layer| layer.get(key));
        let names: Vec<&str> = states.iter().map(|(name, _)| *name).collect();
        if names.is_empty() {
            let problem = node.problem("missing-key", format!("group `{name}` has no states"));
            self.tell(problem);
            return None;
        }
        let start = last("start").map_or_else(|| vec![(0, 1)], |node| self.next(node, &names));
        let read = states.iter().map(|(name, node)| self.state(name, node, &names)).collect();
        let truth = last("truth").and_then(|node| self.truth(node, &names));
        let count = last("count").and_then(|count| u32::try_from(count.as_integer()?).ok());
        Some(Group {
            name: name.to_owned(),
            count: count.unwrap_or(1),
            fixed: last("fixed").is_some_and(|fixed| fixed.as_boolean().unwrap_or(false)),
            fields,
            draws,
            states: read,
            start,
            truth,
        })
    }

    fn alternative(&mut self, node: &Node) -> Alternative {
        let weight = node.get("weight").and_then(|weight| u32::try_from(weight.as_integer()?).ok());
        Alternative { weight: weight.unwrap_or(1), fields: self.fields(node.get("fields")) }
    }

    fn state(&mut self, name: &str, node: &Node, names: &[&str]) -> State {
        let emit = list(node.get("emit")).iter().filter_map(|emit| self.emit(emit)).collect();
        let after = node.get("after").and_then(|after| Spread::read(after, &mut self.problems));
        let next = node.get("next").map(|next| self.next(next, names)).unwrap_or_default();
        let repeat = node.get("repeat").map(|node| {
            let text = node.scalar().unwrap_or_default();
            let (low, high) = text.split_once("..").unwrap_or((text, text));
            let ends = low.parse().ok().zip(high.parse().ok()).filter(|(low, high): &(u32, u32)| low <= high);
            ends.ok_or_else(|| node.expected("a number or a range such as `3..9`"))
        });
        let repeat = repeat.and_then(|repeat| self.told(repeat)).unwrap_or((0, 0));
        for (key, needs) in [("next", "after"), ("repeat", "after"), ("after", "next")] {
            if let Some((word, _)) = node.entry(key)
                && node.get(needs).is_none()
            {
                let message = format!("`{key}` means nothing without `{needs}`");
                self.tell(word.problem("missing-key", message));
            }
        }
        State { name: name.to_owned(), emit, after, repeat, next }
    }

    fn emit(&mut self, node: &Node) -> Option<Emit> {
        let word = node.get("record").unwrap_or(node);
        let record = word.scalar()?;
        if !self.records.contains_key(record) {
            let known: Vec<&str> = self.records.keys().map(String::as_str).collect();
            let problem = unknown(word, "unknown-record", known.into_iter());
            self.tell(problem);
            return None;
        }
        Some(Emit { record: record.to_owned(), fields: self.fields(node.get("fields")) })
    }

    /// States with weights.
    fn next(&mut self, node: &Node, names: &[&str]) -> Vec<(usize, u32)> {
        let mut next = Vec::new();
        let weighted = entries(Some(node))
            .iter()
            .map(|(key, weight)| (key, u32::try_from(weight.as_integer().unwrap_or(1)).unwrap_or(1)));
        for (word, weight) in weighted.chain(node.scalar().map(|_| (node, 1))) {
            match self.known_state(word, names) {
                Some(at) => next.push((at, weight)),
                None => continue,
            }
        }
        next
    }

    fn known_state(&mut self, word: &Node, names: &[&str]) -> Option<usize> {
        let found = names.iter().position(|name| word.scalar() == Some(name));
        if found.is_none() {
            self.tell(unknown(word, "unknown-state", names.iter().copied()));
        }
        found
    }

    fn incident(&mut self, node: &Node, groups: &[Group]) -> Option<Incident> {
        let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let to = node.get("to")?;
        let target = to.scalar().unwrap_or_default();
        let mut hit = Vec::new();
        for word in list(node.get("groups")) {
            match groups.iter().position(|group| Some(group.name.as_str()) == word.scalar()) {
                Some(at) => {
                    let names: Vec<&str> = groups.get(at)?.states.iter().map(|s| s.name.as_str()).collect();
                    hit.extend(self.known_state(to, &names).map(|state| (at, state)));
                }
                None => self.tell(unknown(word, "unknown-group", known.iter().copied())),
            }
        }
        if node.get("groups").is_none() {
            hit.extend(groups.iter().enumerate().filter_map(|(at, group)| Some((at, group.state(target)?))));
        }
        let names: BTreeSet<&str> =
            groups.iter().flat_map(|group| &group.states).map(|state| state.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        self.known_state(to, &names);
        let inside = self.state_names(node.get("in"), &names);
        let mut matching = Vec::new();
        for (key, value) in entries(node.get("where")) {
            matching.push((text(Some(key)).to_owned(), text(Some(value)).to_owned()));
        }
        Some(Incident {
            at: node.get("at").and_then(|at| Spread::read(at, &mut self.problems))?,
            every: self.span(node.get("every")).filter(|every| *every > 0),
            groups: hit,
            share: node.get("share").map_or(1.0, |share| share.share().unwrap_or(1.0)),
            matching,
            inside,
            waits: node.get("waits").is_some_and(|waits| waits.as_boolean().unwrap_or(false)),
            over: self.span(node.get("over")).unwrap_or(0),
            truth: node.get("truth").and_then(|truth| self.truth(truth, &names)),
        })
    }

    fn state_names(&mut self, node: Option<&Node>, names: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for word in list(node) {
            if self.known_state(word, names).is_some() {
                found.push(text(Some(word)).to_owned());
            }
        }
        found
    }

    fn truth(&mut self, node: &Node, names: &[&str]) -> Option<Truth> {
        let cause = node.get("cause")?;
        let id = cause.scalar().unwrap_or_default();
        if id.split('#').count() != 2 || id.split('#').any(str::is_empty) {
            let problem =
                cause.problem("unknown-cause", format!("`{id}` does not name the cause of an article"));
            self.tell(problem.with_help("write `article#cause`"));
        } else {
            self.causes.push(cause.clone());
        }
        let mut levels = Vec::new();
        for word in list(node.get("of")) {
            match self.levels.iter().position(|level| Some(level.as_str()) == word.scalar()) {
                Some(at) => levels.push(at + 1),
                None => {
                    let known = self.levels.clone();
                    self.tell(unknown(word, "unknown-subject", known.iter().map(String::as_str)));
                }
            }
        }
        if levels.is_empty() {
            levels.push(self.levels.len());
        }
        Some(Truth {
            cause: id.into(),
            levels,
            enough: node.get("enough").is_none_or(|enough| enough.as_boolean().unwrap_or(true)),
            needs: self.span(node.get("needs")).unwrap_or(0),
            ends: self.state_names(node.get("ends"), names),
        })
    }

    fn gauge(&mut self, node: &Node, groups: &[Group]) -> Option<Gauge> {
        let names: BTreeSet<&str> =
            groups.iter().flat_map(|group| &group.states).map(|state| state.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let counts = self.state_names(node.get("counts"), &names);
        let every = self.span(node.get("every")).filter(|every| *every > 0)?;
        Some(Gauge { emit: self.emit(node.get("record")?)?, every, counts })
    }
}

/// So many combinations of draws may a group have: each has its forms of all records.
const MOST_COMBINATIONS: usize = 256;

pub(super) fn entries(node: Option<&Node>) -> &[(Node, Node)] {
    node.map_or(&[][..], Node::entries)
}

/// One or several; none when there is no such key.
pub(super) fn list(node: Option<&Node>) -> &[Node] {
    node.map_or(&[], Node::one_or_more)
}

pub(super) fn text(node: Option<&Node>) -> &str {
    node.and_then(Node::scalar).unwrap_or_default()
}

/// The problem with a word that should name something.
pub(super) fn unknown<'k>(
    node: &Node,
    code: &'static str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Problem {
    let what = code.strip_prefix("unknown-").unwrap_or(code);
    let word = node.scalar().unwrap_or_default();
    let problem = node.problem(code, format!("there is no {what} `{word}`"));
    match did_you_mean(word, known.clone()) {
        Some(meant) => problem.with_help(format!("did you mean `{meant}`?")),
        None => {
            let all: Vec<&str> = known.take(20).collect();
            problem.with_help(if all.is_empty() {
                format!("there is no {what} at all")
            } else {
                format!("there are: {}", all.join(", "))
            })
        }
    }
}
