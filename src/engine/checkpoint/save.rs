//! A run into a checkpoint.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use xxhash_rust::xxh3::Xxh3;

use crate::engine::chart::{Chart, Entry, Tally};
use crate::engine::checkpoint::image::{
    Counters, EntryImage, EventImage, Group, Head, HeldImage, MeasureImage, PastImage, PendingImage,
    SignatureImage, SourceImage, Stream, SubjectImage,
};
use crate::engine::checkpoint::{Checkpoint, encode, group_of};
use crate::engine::door::Waiting;
use crate::engine::ghosts::Ghosts;
use crate::engine::run::Run;
use crate::engine::subjects::key_of;
use crate::engine::ward::Ward;
use crate::error::Error;
use crate::model::Exhibit;
use crate::rule::{Identity, Plan};

impl Run {
    /// All that the run remembers, to be kept and taken in again by [`Engine::restore`](crate::Engine::restore).
    ///
    /// Diagnoses that are ready are no part of it. Endings that are [kept](Run::follow) are not either.
    ///
    /// # Errors
    ///
    /// When diagnoses are ready: they have to be [taken](Run::drain) first, or they would be lost.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        if self.wards().any(|ward| !ward.ready.is_empty()) {
            return Err(Error::config("diagnoses are ready: take them before the checkpoint"));
        }
        let groups = self.groups();
        let groups = groups.into_iter().map(|(group, image)| (group, encode(&image))).collect();
        Ok(Checkpoint {
            head: encode(&self.head()),
            stream: encode(&self.stream()),
            reading: Vec::new(),
            host: Vec::new(),
            groups,
        })
    }

    fn head(&self) -> Head {
        let plan = &self.plan;
        let levels = plan.schema.level_names().map(str::to_owned);
        let reads = |fields: &[_]| fields.iter().map(|&field| plan.schema.name(field).to_owned()).collect();
        let signature = |known: &crate::engine::signature::Signature| SignatureImage {
            classes: known.classes.as_slice().iter().map(|class| class.0).collect(),
            reads: reads(&known.reads),
        };
        Head {
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            levels: levels.collect(),
            symptoms: symptoms(plan),
            classes: classes(plan),
            causes: plan.causes.iter().map(|cause| cause.id.to_string()).collect(),
            files: self.ward.files.iter().map(|file| file.to_string()).collect(),
            signatures: self.door.signatures.iter().map(|known| signature(known)).collect(),
        }
    }

    fn stream(&self) -> Stream {
        let progress = self.door.ingress.progress();
        let mut sources = Vec::new();
        for (at, source) in progress.sources.into_iter().enumerate() {
            let held = source.held.map(|(event, time)| HeldImage {
                time,
                event: event.as_ref().map(|event| self.event(event, at)),
            });
            let file = self.door.source_files.get(at).copied().unwrap_or(u32::MAX);
            sources.push(SourceImage {
                name: self.ward.file_name(file).to_string(),
                open: source.open,
                newest: source.newest,
                held,
                position: self.door.positions.get(at).copied().unwrap_or_default(),
                previous: self.door.previous.get(at).copied().unwrap_or((crate::model::Timestamp::MIN, 0)),
                idle: source.idle,
            });
        }
        let named = |(at, time): (usize, _)| Some((self.plan.inputs().get(at)?.name.to_string(), time));
        Stream {
            sources,
            first: progress.first,
            last: progress.last,
            announced: progress.announced,
            reached: progress.reached,
            now: Some(self.ward.now),
            counters: self.counters(),
            evicted: self.evicted(),
            heard: self.ward.heard.all().filter_map(named).collect(),
        }
    }

    /// Whom each group has forgotten, in the order of groups.
    fn evicted(&self) -> Vec<(u8, Ghosts)> {
        let mut evicted: BTreeMap<u8, Ghosts> = BTreeMap::new();
        for (group, ghosts) in self.wards().flat_map(|ward| ward.bounds.all_evicted()) {
            evicted.entry(group).or_insert(ghosts);
        }
        evicted.into_iter().collect()
    }

    fn counters(&self) -> Counters {
        let summary = &self.summary();
        let named = |counts: &BTreeMap<std::sync::Arc<str>, u64>| {
            counts.iter().map(|(name, &count)| (name.to_string(), count)).collect()
        };
        let sample = |sample: &crate::model::RejectSample| {
            (sample.reason, sample.source.to_string(), sample.line, sample.offset)
        };
        Counters {
            read: summary.records.read,
            decoded: summary.records.decoded,
            skipped: summary.records.skipped,
            rejected: summary.records.rejected.iter().map(|(&reason, &count)| (reason, count)).collect(),
            duplicate: summary.records.duplicate,
            late: summary.records.late,
            future: summary.records.future,
            bytes: summary.bytes,
            partial: summary.partial,
            diagnoses: summary.diagnoses,
            explained: summary.explained,
            benign: summary.benign,
            unexplained: summary.unexplained,
            first: summary.first,
            last: summary.last,
            unknown_predicates: named(&summary.unknown_predicates),
            failed_detectors: named(&summary.failed_detectors),
            samples: summary.samples.iter().map(sample).collect(),
            evicted: summary.evicted,
            hurried: summary.hurried,
        }
    }

    fn groups(&self) -> BTreeMap<u8, Group> {
        let mut groups: BTreeMap<u8, Group> = BTreeMap::new();
        let of =
            |ward: &'_ Ward, subject: u32| (ward.subjects.key(subject), ward.subjects.id(subject).to_owned());
        // Outer subjects are followed by every ward, and what lies in them is covered there.
        let mut subjects: BTreeMap<(u64, String), Vec<(&Ward, u32)>> = BTreeMap::new();
        for ward in self.wards() {
            for subject in ward.subjects.all() {
                subjects.entry(of(ward, subject)).or_default().push((ward, subject));
            }
        }
        let mut places: BTreeMap<(u64, String), u32> = BTreeMap::new();
        for (name, followed) in subjects {
            let Some((&(ward, subject), others)) = followed.split_first() else { continue };
            let group = groups.entry(ward.group(subject)).or_default();
            places.insert(name, u32::try_from(group.subjects.len()).unwrap_or(u32::MAX));
            let parent = ward.subjects.parent(subject);
            let parent = parent.and_then(|parent| places.get(&of(ward, parent)).copied());
            let mut image = ward.subject(subject, parent);
            for &(ward, subject) in others {
                ward.add_covered(subject, &mut image);
            }
            group.subjects.push(image);
        }
        for (ward, pending) in self.wards().flat_map(|ward| ward.pending.iter().map(move |p| (ward, p))) {
            // Of a subject that was forgotten nothing is left but that its events explain nothing.
            let known = ward.subjects.key(pending.subject) == pending.key;
            let place = places.get(&of(ward, pending.subject)).filter(|_| known);
            let group = if known { ward.group(pending.subject) } else { group_of(pending.key) };
            let subject = place.copied().unwrap_or(u32::MAX);
            let image = PendingImage { time: pending.time, subject, signature: pending.signature };
            groups.entry(group).or_default().pending.push(image);
        }
        // In which order those of one time are booked makes no difference.
        for group in groups.values_mut() {
            group.pending.sort_by_key(|pending| (pending.time, pending.subject, pending.signature));
        }
        for (order, event) in self.door.waiting.iter() {
            let source = match self.plan.identity {
                Identity::Record if event.identity != 0 => 0,
                Identity::Record | Identity::Position => usize::try_from(order.a >> 32).unwrap_or(usize::MAX),
            };
            let image = self.event(event, source);
            groups.entry(self.group_of_event(&image)).or_default().waiting.push(image);
        }
        groups
    }

    /// The group of the outermost subject that an event names.
    fn group_of_event(&self, event: &EventImage) -> u8 {
        let schema = &self.plan.schema;
        let mut outermost = event.ids.iter().enumerate().filter(|&(level, _)| schema.parent(level).is_none());
        let named = outermost.find_map(|(level, id)| Some(key_of(None, level, id.as_ref()?)));
        named.map_or(0, group_of)
    }

    fn event(&self, event: &Waiting, source: usize) -> EventImage {
        let Waiting { time, identity, origin, signature, address, values } = event;
        let path = self.door.addresses.path(*address);
        EventImage {
            exhibit: Exhibit { time: *time, identity: *identity, origin: *origin, signature: *signature },
            source: u32::try_from(source).unwrap_or(u32::MAX),
            ids: path.into_iter().map(|id| id.map(String::from)).collect(),
            values: values.clone(),
        }
    }
}

impl Ward {
    fn group(&self, subject: u32) -> u8 {
        group_of(self.subjects.key(self.subjects.outermost(subject)))
    }

    /// Adds what is covered on an outer subject here.
    fn add_covered(&self, subject: u32, image: &mut SubjectImage) {
        let chart = usize::try_from(subject).ok().and_then(|at| self.charts.get(at));
        for (symptom, tally) in chart.iter().flat_map(|chart| &chart.covered) {
            let symptom = u32::try_from(*symptom).unwrap_or(u32::MAX);
            match image.covered.iter_mut().find(|(known, _)| *known == symptom) {
                Some((_, known)) => tally.iter().for_each(|(signature, count)| known.add(signature, count)),
                None => image.covered.push((symptom, tally.clone())),
            }
        }
        image.covered.sort_by_key(|&(symptom, _)| symptom);
    }

    fn subject(&self, subject: u32, parent: Option<u32>) -> SubjectImage {
        let nothing = Chart::default();
        let at = usize::try_from(subject).unwrap_or(usize::MAX);
        let chart = self.charts.get(at).unwrap_or(&nothing);
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        // What sleeps is saved as if it were watched: whoever goes on may have other rules, or other ways to sleep.
        let dreamt = self.asleep(self.subjects.level(subject), chart).into_iter();
        let dreamt = dreamt.filter_map(|symptom| self.dreamt(chart, symptom, self.now));
        let mut entries: Vec<EntryImage> = chart.entries.iter().map(entry).collect();
        entries.extend(dreamt.map(|dreamt| entry(&dreamt)));
        entries.sort_by_key(|image| image.symptom);
        let covered = chart.covered.iter().map(|(symptom, tally)| (narrow(*symptom), tally.clone()));
        let mut covered: Vec<(u32, Tally)> = covered.collect();
        covered.sort_by_key(|&(symptom, _)| symptom);
        let causes = |causes: &[(usize, f64)]| causes.iter().map(|&(cause, p)| (narrow(cause), p)).collect();
        SubjectImage {
            level: narrow(self.subjects.level(subject)),
            parent,
            id: self.subjects.id(subject).to_owned(),
            entries,
            problems: chart.problems.clone(),
            covered,
            active: chart.active,
            touched: Some(chart.touched),
            doubtful: chart.doubtful,
            look: chart.look,
            past: chart
                .past
                .iter()
                .map(|past| PastImage {
                    id: past.id.to_string(),
                    first: past.first,
                    last: past.last,
                    causes: causes(&past.causes),
                })
                .collect(),
            said: self.live.said_image(subject),
            pulse: chart.pulse.as_deref().cloned(),
        }
    }
}

fn entry(entry: &Entry) -> EntryImage {
    let shown = entry.shown();
    let measures = shown.measures.as_ref().map(|measures| {
        let image = |(name, measure): &(_, _)| MeasureImage {
            name: Clone::clone(name),
            measure: Clone::clone(measure),
        };
        measures.iter().map(image).collect()
    });
    EntryImage {
        symptom: u32::try_from(entry.symptom).unwrap_or(u32::MAX),
        stale: entry.stale,
        hits: entry.hits,
        last_hit: entry.last_hit,
        watch: entry.watch.save().map(ByteVec::from),
        evidence: shown.evidence.clone(),
        claims: shown.claims.clone(),
        span: shown.span,
        covered: shown.covered.clone(),
        status: shown.status.clone(),
        measures,
    }
}

/// Id and meaning of each symptom: a hash of all that decides what its watches remember. Titles, causes and the order of
/// rules are no part of it.
pub(super) fn symptoms(plan: &Plan) -> Vec<(String, u64)> {
    let classes = classes(plan);
    let meaning = |symptom: &crate::rule::Symptom| {
        let mut hash = Xxh3::new();
        let mut add = |part: &[u8]| {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        let lineage = plan.schema.lineage(symptom.level);
        for level in lineage {
            let name = plan.schema.level_field(level).map_or("", |field| plan.schema.name(field));
            add(name.as_bytes());
        }
        add(symptom.kind.as_bytes());
        add(symptom.detect.as_bytes());
        add(&[u8::from(symptom.ties_any)]);
        add(symptom.when.as_ref().map_or("", |when| when.source()).as_bytes());
        for class in &symptom.classes {
            let class = usize::try_from(class.0).ok().and_then(|at| classes.get(at));
            class.iter().for_each(|(name, meaning)| {
                add(name.as_bytes());
                add(&meaning.to_le_bytes());
            });
        }
        hash.digest()
    };
    plan.symptoms.iter().map(|symptom| (symptom.id.to_string(), meaning(symptom))).collect()
}

/// Name and meaning of each event class.
pub(super) fn classes(plan: &Plan) -> Vec<(String, u64)> {
    let meaning = |class: &crate::rule::Class| {
        let mut hash = Xxh3::new();
        for (field, condition) in &class.conditions {
            hash.update(plan.schema.name(*field).as_bytes());
            hash.update(format!("\0{condition:?}\0").as_bytes());
        }
        hash.update(class.predicate.as_ref().map_or("", |predicate| predicate.source()).as_bytes());
        hash.digest()
    };
    let named = plan.class_names.iter().zip(&plan.classes);
    named.map(|(name, class)| (name.to_string(), meaning(class))).collect()
}
