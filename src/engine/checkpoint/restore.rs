//! A checkpoint into a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::codec::Tables;
use crate::detector::ClassId;
use crate::engine::Settings;
use crate::engine::chart::{Chart, Entry, Past, Shown};
use crate::engine::checkpoint::image::{Counters, EntryImage, EventImage, Group, Head, Stream, SubjectImage};
use crate::engine::checkpoint::save::{classes, symptoms};
use crate::engine::checkpoint::{Checkpoint, decode};
use crate::engine::door::Waiting;
use crate::engine::fence::Fenced;
use crate::engine::rest::Rest;
use crate::engine::run::{Run, SourceId};
use crate::engine::signature::Signature;
use crate::engine::ward::{Pending, Ward};
use crate::error::Error;
use crate::model::{RejectSample, Timestamp, Value};
use crate::rule::Plan;
use crate::timeline::{Ingress, Progress, SourceProgress};

/// Fresh memory that takes in checkpoints: one, or the parts that one was split into.
pub(in crate::engine) fn restore(
    plan: &Arc<Plan>,
    settings: Settings,
    checkpoints: &[Checkpoint],
) -> Result<Run, Error> {
    let mut run = Run::new(Arc::clone(plan), settings);
    let mut progress = None;
    let mut remembered = BTreeSet::new();
    for checkpoint in checkpoints {
        let head: Head = decode(&checkpoint.head, Tables::default())?;
        let here = Here::new(&head, &mut run);
        remembered.extend(here.symptoms.iter().copied().flatten());
        let stream: Stream = decode(&checkpoint.stream, here.tables.clone())?;
        here.stream(stream, &mut run, &mut progress)?;
        for (_, group) in &checkpoint.groups {
            here.group(decode(group, here.tables.clone())?, &mut run)?;
        }
    }
    let Some(progress) = progress else { return Err(Error::config("there is no checkpoint to go on from")) };
    run.door.ingress = Ingress::resume(settings.lateness, settings.horizon(), progress);
    run.ward.pending.make_contiguous().sort_by_key(|pending| (pending.time, pending.key, pending.signature));
    run.door.name_signatures();
    run.work();
    run.ward.watch_outer(&remembered);
    Ok(run)
}

/// What the numbers of one checkpoint mean here.
struct Here {
    tables: Tables,
    levels: Vec<Option<usize>>,
    /// None for a symptom that is no more, or means something else now.
    symptoms: Vec<Option<usize>>,
    causes: Vec<Option<usize>>,
    /// For each set of event classes the names of the fields that were kept.
    reads: Vec<Vec<String>>,
}

impl Here {
    fn new(head: &Head, run: &mut Run) -> Self {
        let plan = Arc::clone(&run.plan);
        let known = symptoms(&plan);
        let mut here = Vec::new();
        for (id, meaning) in &head.symptoms {
            let at = known.iter().position(|(known, _)| known == id);
            let same = at.filter(|&at| known.get(at).is_some_and(|(_, known)| known == meaning));
            if let (Some(at), None) = (at, same)
                && let Some(symptom) = plan.symptoms.get(at)
                && !run.begun_anew.contains(&symptom.id)
            {
                run.begun_anew.push(Arc::clone(&symptom.id));
            }
            here.push(same);
        }
        let known = classes(&plan);
        let class = |old: &u32| {
            let old = head.classes.get(usize::try_from(*old).ok()?)?;
            let at = known.iter().position(|known| known == old)?;
            u32::try_from(at).ok().map(ClassId)
        };
        let mut signatures = Vec::new();
        for signature in &head.signatures {
            let mut classes: Vec<ClassId> = signature.classes.iter().filter_map(class).collect();
            classes.sort_unstable();
            classes.dedup();
            signatures.push(run.door.signatures.number(&run.plan, &classes));
        }
        let cause = |id: &String| plan.causes.iter().position(|cause| *cause.id == **id);
        Self {
            tables: Tables { files: files(&head.files, run).into(), signatures: signatures.into() },
            levels: head.levels.iter().map(|name| plan.schema.level(name)).collect(),
            symptoms: here,
            causes: head.causes.iter().map(cause).collect(),
            reads: head.signatures.iter().map(|signature| signature.reads.clone()).collect(),
        }
    }

    fn stream(
        &self,
        stream: Stream,
        run: &mut Run,
        progress: &mut Option<Progress<Option<Waiting>>>,
    ) -> Result<(), Error> {
        run.ward.now = run.ward.now.max(stream.now.unwrap_or(Timestamp::MIN));
        count(stream.counters, run);
        stream.evicted.into_iter().for_each(|(group, evicted)| run.ward.bounds.set_evicted(group, evicted));
        for (name, time) in stream.heard {
            let known = run.plan.inputs().iter().position(|input| input.name == *name);
            if let Some(input) = known {
                run.hear(input, time);
            }
        }
        let first_time = progress.is_none();
        let known = progress.get_or_insert_with(|| Progress {
            sources: Vec::new(),
            first: None,
            last: None,
            announced: None,
            reached: None,
        });
        known.first = known.first.into_iter().chain(stream.first).min();
        known.last = known.last.max(stream.last);
        known.announced = known.announced.max(stream.announced);
        known.reached = known.reached.max(stream.reached);
        if !first_time && stream.sources.len() != known.sources.len() {
            return Err(Error::checkpoint("it is a part of another one: its sources are others"));
        }
        for (at, source) in stream.sources.into_iter().enumerate() {
            let held = match source.held {
                None => None,
                Some(held) => {
                    let event = held.event.map(|event| self.event(event, run)).transpose()?;
                    Some((event.map(|(_, event)| event), held.time))
                }
            };
            match known.sources.get_mut(at) {
                Some(known) => {
                    known.newest = known.newest.max(source.newest);
                    known.held = known.held.take().or(held);
                    known.open |= source.open;
                    known.idle &= source.idle;
                }
                None => {
                    known.sources.push(SourceProgress {
                        newest: source.newest,
                        held,
                        open: source.open,
                        idle: source.idle,
                    });
                    let file = run.ward.files.iter().position(|file| **file == *source.name);
                    let file = file.and_then(|at| u32::try_from(at).ok());
                    run.door.source_files.push(file.unwrap_or_else(|| {
                        run.ward.files.push(source.name.into());
                        u32::try_from(run.ward.files.len() - 1).unwrap_or(u32::MAX)
                    }));
                    run.door.positions.push(source.position);
                    run.door.previous.push(source.previous);
                }
            }
        }
        Ok(())
    }

    /// An event that waits, and the source that it came from.
    fn event(&self, image: EventImage, run: &mut Run) -> Result<(SourceId, Waiting), Error> {
        let exhibit = image.exhibit;
        let mut ids: Vec<Option<SmolStr>> = vec![None; run.plan.schema.levels()];
        for (old, id) in image.ids.into_iter().enumerate() {
            let slot = self.levels.get(old).copied().flatten().and_then(|level| ids.get_mut(level));
            if let (Some(slot), Some(id)) = (slot, id) {
                *slot = Some(SmolStr::new(id));
            }
        }
        let signature = Signature::of(&run.door.signatures, exhibit.signature);
        let signature = signature.ok_or_else(|| Error::checkpoint("it is damaged: an event of no class"))?;
        // The old numbers of signatures are gone by now, but fields have names.
        let old = self.tables.signatures.iter().zip(&self.reads);
        let mut old =
            old.filter(|(number, reads)| **number == exhibit.signature && reads.len() == image.values.len());
        let kept: BTreeMap<&str, &Option<Value>> = old
            .next()
            .map(|(_, reads)| reads.iter().map(String::as_str).zip(&image.values).collect())
            .unwrap_or_default();
        let name = |field| run.plan.schema.name(field);
        let value = |&field: &_| kept.get(name(field)).copied().cloned().flatten();
        let waiting = Waiting {
            time: exhibit.time,
            identity: exhibit.identity,
            origin: exhibit.origin,
            signature: exhibit.signature,
            values: signature.reads.iter().map(value).collect(),
            address: run.door.addresses.number(&ids),
        };
        Ok((SourceId::at(image.source), waiting))
    }

    fn group(&self, group: Group, run: &mut Run) -> Result<(), Error> {
        let mut places: Vec<Option<u32>> = Vec::new();
        for image in group.subjects {
            let place = self.subject(image, &places, run)?;
            places.push(place);
        }
        for pending in group.pending {
            let known =
                usize::try_from(pending.subject).ok().and_then(|at| places.get(at)).copied().flatten();
            match known {
                Some(subject) => {
                    let key = run.ward.subjects.key(subject);
                    let (time, signature) = (pending.time, pending.signature);
                    run.ward.pending.push_back(Pending { time, subject, key, signature });
                }
                None => run.ward.summary.unexplained += 1,
            }
        }
        for image in group.waiting {
            let (source, event) = self.event(image, run)?;
            run.door.wait(source, event);
        }
        Ok(())
    }

    fn subject(
        &self,
        image: SubjectImage,
        places: &[Option<u32>],
        run: &mut Run,
    ) -> Result<Option<u32>, Error> {
        let level = usize::try_from(image.level).ok().and_then(|at| self.levels.get(at)).copied().flatten();
        let Some(level) = level else { return Ok(None) };
        let parent = match image.parent {
            None => None,
            Some(parent) => match usize::try_from(parent).ok().and_then(|at| places.get(at)) {
                Some(Some(parent)) => Some(*parent),
                Some(None) => return Ok(None),
                None => return Err(Error::checkpoint("it is damaged: a subject in one that is not there")),
            },
        };
        if run.plan.schema.parent(level) != parent.map(|parent| run.ward.subjects.level(parent)) {
            return Ok(None);
        }
        let subject = run.ward.subjects.number(level, parent, &SmolStr::new(&image.id));
        if run.settings.live {
            run.ward.live.resume(subject, image.said);
        }
        let symptom =
            |old: u32| usize::try_from(old).ok().and_then(|at| self.symptoms.get(at)).copied().flatten();
        // Everything that slept was saved as if it had been watched.
        let mut chart = Chart { rest: Rest::awake(), ..Chart::default() };
        (chart.problems, chart.active, chart.look) = (image.problems, image.active, image.look);
        (chart.touched, chart.doubtful) = (image.touched.unwrap_or(Timestamp::MIN), image.doubtful);
        chart.pulse = image.pulse.map(Box::new);
        let key = run.ward.subjects.key(subject);
        run.ward.bounds.welcome(subject, key);
        for (old, tally) in image.covered {
            match symptom(old) {
                Some(symptom) => chart.covered.push((symptom, tally)),
                // Nothing can explain them any more; they are counted all the same.
                None => tally.iter().for_each(|(signature, count)| chart.problems.add(signature, count)),
            }
        }
        for past in image.past {
            let cause = |(old, p): (u32, f64)| {
                Some((self.causes.get(usize::try_from(old).ok()?).copied().flatten()?, p))
            };
            let causes = past.causes.into_iter().filter_map(cause).collect();
            chart.remember(Past { id: past.id.into(), first: past.first, last: past.last, causes });
        }
        for image in image.entries {
            if let Some(at) = symptom(image.symptom)
                && let Some(entry) = self.entry(at, level, image, &run.plan)?
            {
                run.ward.bounds.shown(key, (false, entry.shown.is_some()));
                chart.place_or(at, || entry);
                run.plan
                    .symptoms
                    .get(at)
                    .into_iter()
                    .for_each(|symptom| run.ward.bounds.watched(key, symptom));
            }
        }
        *run.ward.chart_mut(subject) = chart;
        for place in 0..run.ward.chart_mut(subject).entries.len() {
            let deadline =
                run.ward.chart_mut(subject).entries.get(place).and_then(|entry| entry.watch.deadline());
            run.ward.schedule(subject, place, deadline);
        }
        if let Some(look) = run.ward.chart_mut(subject).look {
            run.ward.arm(subject, look);
        }
        Ok(Some(subject))
    }

    fn entry(&self, at: usize, level: usize, image: EntryImage, plan: &Plan) -> Result<Option<Entry>, Error> {
        let Some(symptom) = plan.symptoms.get(at).filter(|symptom| symptom.level == level) else {
            return Ok(None);
        };
        let damaged = |why| Error::checkpoint(format!("it is damaged: `{}`: {why}", symptom.id));
        let saved = image.watch.as_ref().map(|bytes| &***bytes);
        let watch = Fenced::restored(&symptom.detector, saved, &self.tables).map_err(damaged)?;
        let measures = image
            .measures
            .map(|measures| measures.into_iter().map(|image| (image.name, image.measure)).collect());
        Ok(Some(Entry {
            symptom: at,
            ordinary: symptom.is_ordinary(),
            stale: image.stale,
            hits: image.hits,
            watch,
            last_hit: image.last_hit,
            deadline: None,
            shown: Shown {
                evidence: image.evidence,
                claims: image.claims,
                span: image.span,
                covered: image.covered,
                status: image.status,
                measures,
            }
            .kept(),
        }))
    }
}

/// The numbers that the files of a checkpoint have here.
fn files(names: &[String], run: &mut Run) -> Vec<u32> {
    let alone = run.ward.files.is_empty();
    let mut numbers = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let same = run.ward.files.get(at).filter(|file| ***file == **name).map(|_| at);
        let same =
            same.or_else(|| run.ward.files.iter().position(|file| **file == **name).filter(|_| !alone));
        let here = same.unwrap_or_else(|| {
            run.ward.files.push(name.as_str().into());
            run.ward.files.len() - 1
        });
        numbers.push(u32::try_from(here).unwrap_or(u32::MAX));
    }
    numbers
}

fn count(counters: Counters, run: &mut Run) {
    let summary = &mut run.door.summary;
    let records = &mut summary.records;
    let counts = [
        (&mut records.read, counters.read),
        (&mut records.decoded, counters.decoded),
        (&mut records.skipped, counters.skipped),
        (&mut records.duplicate, counters.duplicate),
        (&mut records.late, counters.late),
        (&mut records.future, counters.future),
        (&mut summary.evicted, counters.evicted),
        (&mut summary.hurried, counters.hurried),
        (&mut summary.bytes, counters.bytes),
        (&mut summary.partial, counters.partial),
        (&mut summary.diagnoses, counters.diagnoses),
        (&mut summary.explained, counters.explained),
        (&mut summary.benign, counters.benign),
        (&mut summary.unexplained, counters.unexplained),
    ];
    counts.into_iter().for_each(add);
    for (reason, count) in counters.rejected {
        add((records.rejected.entry(reason).or_default(), count));
    }
    for (name, count) in counters.unknown_predicates {
        add((summary.unknown_predicates.entry(name.into()).or_default(), count));
    }
    for (name, count) in counters.failed_detectors {
        add((summary.failed_detectors.entry(name.into()).or_default(), count));
    }
    summary.first = summary.first.into_iter().chain(counters.first).min();
    summary.last = summary.last.max(counters.last);
    let sample = |(reason, source, line, offset): (_, String, _, _)| RejectSample {
        reason,
        source: source.into(),
        line,
        offset,
    };
    summary.samples.extend(counters.samples.into_iter().map(sample));
}

impl Ward {
    /// Begins to watch subjects that others lie in for what no checkpoint remembers: new rules, and those that begin anew.
    fn watch_outer(&mut self, remembered: &BTreeSet<usize>) {
        let plan = Arc::clone(&self.plan);
        let now = self.now;
        self.subjects.take_fresh();
        let subjects: Vec<u32> = self.subjects.all().collect();
        for subject in subjects {
            self.watch_all(&plan, subject, now, |symptom| !remembered.contains(&symptom));
        }
    }
}

fn add((known, more): (&mut u64, u64)) {
    *known = known.saturating_add(more);
}
