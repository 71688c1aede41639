//! What is given: the items under `given:`.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{FieldId, Timestamp, Value};
use crate::rule::case::reader::{Reader, lacks};
use crate::rule::case::{Burst, Given, Records, Series, Whom};
use crate::rule::names::advise;
use crate::yaml::Node;

/// The most events that one case may make.
const MOST_EVENTS: u64 = 1_000_000;
/// The most subjects that one item may have.
const MOST_SUBJECTS: usize = 100_000;

impl Reader<'_> {
    pub(super) fn given(&mut self, node: &Node, start: Timestamp) -> Vec<Given> {
        let Some(items) = self.fault(node.list()) else { return Vec::new() };
        let before = self.faults.len();
        let given: Vec<Given> = items.iter().filter_map(|item| self.item(item)).collect();
        if self.faults.len() > before || lacks(node) {
            return given;
        }
        let (mut events, mut records, mut length) = (0_u64, false, Duration::ZERO);
        let mut stretch = Duration::ZERO;
        for item in &given {
            match item {
                Given::Records(_) => records = true,
                Given::Wait(wait) => {
                    length = length.saturating_add(std::mem::take(&mut stretch)).saturating_add(*wait)
                }
                Given::Events(series) => {
                    let each = (series.subjects.len() as u64).saturating_mul(series.burst.len() as u64);
                    events = events.saturating_add(series.times.saturating_mul(each));
                    stretch = stretch.max(series.length());
                }
            }
        }
        let length = length.saturating_add(stretch);
        if events == 0 && !records {
            self.faults.push(node.problem("empty-case", "nothing is given: there is no event and no record"));
        } else if events > MOST_EVENTS {
            let message = format!("the case makes {events} events, and {MOST_EVENTS} is the most");
            self.faults.push(node.problem("too-many", message));
        } else if start.plus(length) == Timestamp::MAX {
            self.faults.push(node.problem("out-of-range", "the case runs beyond the year 2262"));
        }
        given
    }

    fn item(&mut self, node: &Node) -> Option<Given> {
        let kinds = ["event", "records", "file", "wait"];
        let mut found = kinds.into_iter().filter_map(|kind| Some((kind, node.entry(kind)?)));
        let (kind, value) = match (found.next(), found.next()) {
            (Some((kind, (_, value))), None) => (kind, value),
            (Some((kind, _)), Some((other, (key, _)))) => {
                let message = format!("an item is either `{kind}` or `{other}`");
                self.faults.push(key.problem("wrong-shape", message).with_help("make it two items"));
                return None;
            }
            (None, _) => {
                if !node.has_gaps() {
                    let message = "an item needs one of: event, records, file, wait";
                    self.faults.push(node.problem("missing-key", message));
                }
                return None;
            }
        };
        match kind {
            "event" => self.series(node, value).map(Given::Events),
            "wait" => {
                self.keys(node, &[kind])?;
                self.fault(value.duration()).map(Given::Wait)
            }
            _ => {
                self.keys(node, &[kind])?;
                self.records(kind == "file", value).map(Given::Records)
            }
        }
    }

    fn records(&mut self, beside: bool, node: &Node) -> Option<Records> {
        let text = self.fault(node.text())?;
        let place = node.place();
        let (file, text): (Option<Arc<str>>, Arc<str>) = if beside {
            let Some(found) = self.pack.cases.get(text) else {
                let message = format!("there is no file `{text}` among the pack's cases");
                let problem = node.problem("missing-file", message);
                let help = "put it into the folder `cases` of the pack and name it `cases/…`";
                let problem = problem.with_help(help);
                self.faults.push(advise(problem, text, self.pack.cases.keys().map(String::as_str)));
                return None;
            };
            (Some(text.into()), Arc::clone(found))
        } else {
            (None, text.into())
        };
        if text.trim().is_empty() {
            self.faults.push(node.problem("empty-case", "there are no records in it"));
            return None;
        }
        if self.pack.mappings.is_empty() {
            let message = "the pack has no input that could read records";
            self.faults
                .push(node.problem("missing-input", message).with_help("describe one in `inputs/*.yaml`"));
            return None;
        }
        Some(Records { file, text, place })
    }

    fn series(&mut self, node: &Node, event: &Node) -> Option<Series> {
        let at = self.span(node.get("at"));
        let every =
            node.get("every").map(|every| self.fault(every.duration()).unwrap_or(Duration::from_secs(1)));
        let times = node.get("times").map(|times| {
            let most = i64::try_from(MOST_EVENTS).unwrap_or(i64::MAX);
            self.fault(times.integer_within(1, most)).and_then(|n| u64::try_from(n).ok()).unwrap_or(1)
        });
        let length = node.get("for").map(|length| self.fault(length.duration()).unwrap_or_default());
        let times = self.how_often(node, every, times, length);
        let jitter = self.span(node.get("jitter"));
        let loss = node.get("loss").and_then(|loss| self.fault(loss.share())).unwrap_or(0.0);
        if let Some(place) = node.get("loss").filter(|_| loss >= 1.0) {
            self.faults.push(place.problem("out-of-range", "all events would be lost"));
        }
        let spread = self.span(node.get("spread"));
        let subjects = self.subjects(node.get("subject"))?;
        if let Some(place) = node.get("spread").filter(|_| subjects.len() == 1 && !node.has_gaps()) {
            let message = "`spread` shifts several subjects against each other, and there is one";
            self.faults.push(place.problem("wrong-shape", message));
        }
        let burst = self.burst(node, event, subjects.first().map_or(&[][..], Vec::as_slice))?;
        Some(Series { at, every: every.unwrap_or_default(), times, jitter, loss, spread, subjects, burst })
    }

    fn how_often(
        &mut self,
        node: &Node,
        every: Option<Duration>,
        times: Option<u64>,
        length: Option<Duration>,
    ) -> u64 {
        let key = |name: &str| node.entry(name).map_or(node, |(key, _)| key);
        match (every, times, length) {
            (None, None, None) => 1,
            (Some(_), Some(times), None) => times,
            // As often as there is a turn before the time is over.
            (Some(every), None, Some(length)) => {
                let turns = length.as_nanos().div_ceil(every.as_nanos().max(1));
                u64::try_from(turns).unwrap_or(u64::MAX)
            }
            (_, Some(_), Some(_)) => {
                let problem = key("for").problem("wrong-shape", "`times` and `for` both say how often");
                self.faults
                    .push(problem.with_also(key("times").span(), "here too").with_help("leave out one"));
                1
            }
            // One of the three was refused.
            _ if node.has_gaps() => 1,
            (Some(_), None, None) => {
                let message = "`every` needs `times` (how often) or `for` (how long)";
                self.faults.push(key("every").problem("missing-key", message));
                1
            }
            (None, ..) => {
                let word = if times.is_some() { "times" } else { "for" };
                let message = format!("`{word}` needs `every`, the time between two events");
                self.faults.push(key(word).problem("missing-key", message));
                1
            }
        }
    }

    /// The subjects that `{device: d1..d40}` means: level fields and their values, one list for each subject.
    fn subjects(&mut self, node: Option<&Node>) -> Option<Vec<Whom>> {
        let Some(node) = node else { return Some(vec![Vec::new()]) };
        let before = self.faults.len();
        let mut subjects: Vec<Whom> = vec![Vec::new()];
        for (key, value) in self.fault(node.map())? {
            let Some((_, field)) = self.level(key) else { continue };
            let ids: Vec<Option<Value>> = if value.is_null() {
                vec![None]
            } else {
                self.ids(value).into_iter().map(|id| Some(Value::text(id))).collect()
            };
            if subjects.len().saturating_mul(ids.len()) > MOST_SUBJECTS {
                let message = format!("more than {MOST_SUBJECTS} subjects");
                self.faults.push(value.problem("too-many", message));
                return None;
            }
            let with = |subject: &Whom, id: &Option<Value>| {
                subject.iter().cloned().chain([(field, id.clone())]).collect()
            };
            subjects =
                subjects.iter().flat_map(|subject| ids.iter().map(move |id| with(subject, id))).collect();
        }
        (self.faults.len() == before).then_some(subjects)
    }

    /// The level of subjects that a key names, and its field.
    pub(super) fn level(&mut self, key: &Node) -> Option<(usize, FieldId)> {
        let word = self.fault(key.text())?;
        let schema = self.names.schema;
        let found = schema.level(word).and_then(|level| Some((level, schema.level_field(level)?)));
        if found.is_none() {
            let problem = key.problem("unknown-subject", format!("no level of subjects named `{word}`"));
            let known = (0..schema.levels()).filter_map(|level| schema.level_field(level));
            self.faults.push(advise(problem, word, known.map(|field| schema.name(field))));
        }
        found
    }

    /// The identifiers that `d1`, `[d1, d2]` or `d1..d40` means.
    pub(super) fn ids(&mut self, node: &Node) -> Vec<Arc<str>> {
        let mut ids = Vec::new();
        if node.one_or_more().is_empty() {
            self.faults.push(node.expected("at least one name"));
        }
        for item in node.one_or_more() {
            let Some(text) = self.fault(item.text()) else { continue };
            match range(text) {
                None => ids.push(text.into()),
                Some(Ok(range)) => ids.extend(range.map(Arc::from)),
                Some(Err(why)) => self.faults.push(item.problem("out-of-range", format!("`{text}` {why}"))),
            }
        }
        ids
    }

    /// The events of an item or of one that follows it; `subject` is what they will be about.
    fn burst(&mut self, node: &Node, event: &Node, subject: &[(FieldId, Option<Value>)]) -> Option<Burst> {
        let before = self.faults.len();
        let events =
            event.one_or_more().iter().filter_map(|class| self.event(class, node.get("fields"), subject));
        let events = events.collect();
        let mut then = Vec::new();
        for next in node.get("then").map_or(&[][..], Node::one_or_more) {
            let after = self.span(next.get("after"));
            if let Some(event) = next.get("event")
                && let Some(burst) = self.burst(next, event, subject)
            {
                then.push((after, burst));
            }
        }
        (self.faults.len() == before).then_some(Burst { events, then })
    }
}

impl Series {
    /// When the last event can come at the latest.
    pub(crate) fn length(&self) -> Duration {
        let turns = u32::try_from(self.times.saturating_sub(1)).unwrap_or(u32::MAX);
        let parts = [self.at, self.every.saturating_mul(turns), self.spread, self.jitter, self.burst.span()];
        parts.into_iter().fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// `d1..d40`, also `d01..d40`; `None` for any other text.
fn range(text: &str) -> Option<Result<impl Iterator<Item = String>, &'static str>> {
    let (first, last) = text.split_once("..")?;
    let digits = |text: &str| text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (prefix, low) = first.split_at(first.len() - digits(first));
    let (same, high) = last.split_at(last.len() - digits(last));
    let width = if low.starts_with('0') { low.len() } else { 0 };
    if prefix != same || low.is_empty() || high.is_empty() {
        return None;
    }
    let (Ok(low), Ok(high)) = (low.parse::<usize>(), high.parse::<usize>()) else {
        return Some(Err("has too many digits"));
    };
    if low > high {
        return Some(Err("does not run upwards"));
    }
    if high - low >= MOST_SUBJECTS {
        return Some(Err("is too long a range"));
    }
    let prefix = prefix.to_owned();
    Some(Ok((low..=high).map(move |n| format!("{prefix}{n:0width$}"))))
}
