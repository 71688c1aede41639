//! All that is remembered about one subject: a watch per symptom, what they claimed, and what awaits an explanation.

use std::cmp::Ordering;
use std::sync::Arc;

use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};
use smol_str::SmolStr;

use crate::codec::Renumber;
use crate::engine::fence::Fenced;
use crate::engine::pulse::Pulse;
use crate::engine::rest::Rest;
use crate::model::{Evidence, Exhibit, Measure, Status, Timestamp};
use crate::rule::Symptom;

/// How many problem events there are of each signature (set of event classes).
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Vec<(u32, u64)>);

impl<C> Encode<C> for Tally {
    fn encode<W: Write>(
        &self,
        out: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(out, context)
    }
}

impl<'b, C: Renumber> Decode<'b, C> for Tally {
    fn decode(from: &mut Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let counts: Vec<(u32, u64)> = from.decode()?;
        let mut tally = Self::default();
        counts.into_iter().for_each(|(signature, count)| tally.add(context.signature(signature), count));
        Ok(tally)
    }
}

impl Tally {
    pub(super) fn add(&mut self, signature: u32, count: u64) {
        match self.0.binary_search_by_key(&signature, |&(known, _)| known) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = slot.1.saturating_add(count);
                }
            }
            Err(at) => self.0.insert(at, (signature, count)),
        }
    }

    pub(super) fn get(&self, signature: u32) -> u64 {
        self.0.iter().find(|&&(known, _)| known == signature).map_or(0, |&(_, count)| count)
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().copied()
    }

    /// At least as much of everything as in `other`.
    pub(super) fn raise_to(&mut self, other: &Self) {
        for (signature, count) in other.iter() {
            let missing = count.saturating_sub(self.get(signature));
            self.add(signature, missing);
        }
    }
}

/// One symptom on one subject: what every event touches, and behind a pointer what only claims and judgements do, so that
/// the entries of a subject lie close together in memory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) symptom: usize,
    /// Seeing it is nothing special: it weighs in a diagnosis and never asks for one.
    pub(super) ordinary: bool,
    /// Something changed since the last judgement.
    pub(super) stale: bool,
    /// How many events the watch has seen in this episode.
    pub(super) hits: u32,
    pub(super) watch: Fenced,
    pub(super) last_hit: Timestamp,
    /// When the watch wants to be told of time.
    pub(super) deadline: Option<Timestamp>,
    /// Nothing, where the symptom has shown nothing: see [`Entry::shown`].
    pub(super) shown: Option<Box<Shown>>,
}

/// What an entry was judged to be: its status and its measures.
type Before = (Status, Option<Vec<(SmolStr, Measure)>>);

/// What a symptom has shown in this episode.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) evidence: Evidence,
    /// Problem events that the watch claimed.
    pub(super) claims: Tally,
    /// First and last claimed event.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// When the symptom held for everything inside the subject.
    pub(super) covered: Vec<(Timestamp, Timestamp)>,
    /// As of the last judgement, `when` included, `unless` not.
    pub(super) status: Status,
    /// What was measured when the symptom was last there: what is over was there all the same.
    pub(super) measures: Option<Vec<(SmolStr, Measure)>>,
}

impl Shown {
    /// What a symptom has shown that has shown nothing. Why it is not there is asked when somebody wants to know.
    const NOTHING: Self = Self {
        evidence: Evidence::new(),
        claims: Tally(Vec::new()),
        span: None,
        covered: Vec::new(),
        status: Status::Absent,
        measures: None,
    };

    /// Itself, unless it is nothing.
    pub(super) fn kept(self) -> Option<Box<Self>> {
        (!self.is_nothing()).then(|| Box::new(self))
    }

    fn is_nothing(&self) -> bool {
        self.evidence.count() == 0
            && self.claims.0.is_empty()
            && self.span.is_none()
            && self.covered.is_empty()
            && !self.status.is_present()
            && self.measures.is_none()
    }

    /// Takes in an event that the watch claimed.
    pub(super) fn claim(&mut self, exhibit: Exhibit, problem: bool) {
        let time = exhibit.time;
        self.evidence.add(exhibit);
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        if problem {
            self.claims.add(exhibit.signature, 1);
        }
    }

    /// Takes in a stretch of time for which the symptom held.
    pub(super) fn cover(&mut self, (from, to): (Timestamp, Timestamp)) {
        match self.covered.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => self.covered.push((from, to)),
        }
    }
}

impl Entry {
    pub(super) fn new(at: usize, symptom: &Symptom, now: Timestamp) -> Self {
        let watch = Fenced::new(&symptom.detector);
        Self {
            symptom: at,
            ordinary: symptom.is_ordinary(),
            stale: false,
            hits: 0,
            watch,
            last_hit: now,
            deadline: None,
            shown: None,
        }
    }

    /// What it has shown.
    pub(super) fn shown(&self) -> &Shown {
        static NOTHING: Shown = Shown::NOTHING;
        self.shown.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be added to.
    pub(super) fn shown_mut(&mut self) -> &mut Shown {
        self.shown.get_or_insert_with(|| Box::new(Shown::NOTHING))
    }

    /// Shows what it was judged to be; gives what it showed before.
    pub(super) fn show(&mut self, status: Status, measures: Option<Vec<(SmolStr, Measure)>>) -> Before {
        if self.shown.is_none() && !status.is_present() && measures.is_none() {
            return (Status::Absent, None);
        }
        let shown = self.shown_mut();
        let before =
            (std::mem::replace(&mut shown.status, status), std::mem::replace(&mut shown.measures, measures));
        self.shown.take_if(|shown| shown.is_nothing());
        before
    }

    /// Present, and not merely ordinary.
    pub(super) fn is_news(&self) -> bool {
        !self.ordinary && self.shown().status.is_present()
    }

    pub(super) fn covers(&self, time: Timestamp) -> bool {
        self.shown().covered.iter().any(|&(from, to)| from <= time && time < to)
    }
}

/// A past episode of a subject that others lie in.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) id: Arc<str>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Cause and its probability then.
    pub(super) causes: Vec<(usize, f64)>,
}

/// One subject.
#[derive(Debug)]
pub(super) struct Chart {
    /// In the order of their symptoms.
    pub(super) entries: Vec<Entry>,
    /// What is kept for the symptoms that are not watched yet.
    pub(super) rest: Rest,
    /// Problem events of this very subject (not of those inside it) since the last episode ended.
    pub(super) problems: Tally,
    /// Problem events of subjects inside that a symptom of this one covers.
    pub(super) covered: Vec<(usize, Tally)>,
    /// The last claim or problem event.
    pub(super) active: Option<Timestamp>,
    /// When to look whether the subject has become quiet.
    pub(super) look: Option<Timestamp>,
    /// When the subject is woken, for the first of all that is awaited here or earlier.
    pub(super) alarm: Option<Timestamp>,
    pub(super) past: Vec<Past>,
    /// The last event that was about it.
    pub(super) touched: Timestamp,
    /// It may have been forgotten before it was met, at this time for the last time.
    pub(super) doubtful: Option<Timestamp>,
    /// It is being forgotten in the middle of an episode.
    pub(super) incomplete: bool,
    /// Of an outermost subject that others lie in: when its log was silent.
    pub(super) pulse: Option<Box<Pulse>>,
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            rest: Rest::default(),
            problems: Tally::default(),
            covered: Vec::new(),
            active: None,
            look: None,
            alarm: None,
            past: Vec::new(),
            touched: Timestamp::MIN,
            doubtful: None,
            incomplete: false,
            pulse: None,
        }
    }
}

impl Chart {
    /// How many past episodes are remembered.
    const PAST: usize = 64;

    /// Where the entry of a symptom stands.
    pub(super) fn place(&self, symptom: usize) -> Option<usize> {
        self.entries.binary_search_by_key(&symptom, |entry| entry.symptom).ok()
    }

    /// The same for one symptom after another, ascending: looks no further back than at `place`, and leaves there where the
    /// next search begins.
    pub(super) fn place_after(&self, symptom: usize, place: &mut usize) -> Option<usize> {
        loop {
            match self.entries.get(*place)?.symptom.cmp(&symptom) {
                Ordering::Less => *place += 1,
                Ordering::Equal => return Some(*place),
                Ordering::Greater => return None,
            }
        }
    }

    pub(super) fn entry(&self, symptom: usize) -> Option<&Entry> {
        self.entries.get(self.place(symptom)?)
    }

    /// Where the entry of a symptom stands, made when there is none.
    pub(super) fn place_or(&mut self, symptom: usize, make: impl FnOnce() -> Entry) -> usize {
        self.entries.binary_search_by_key(&symptom, |entry| entry.symptom).unwrap_or_else(|place| {
            self.entries.insert(place, make());
            place
        })
    }

    /// What is due first, and of one time first: the symptom whose watch waits for it, or none for the look for quiet.
    pub(super) fn first_due(&self) -> Option<(Timestamp, Option<usize>)> {
        let watches = self.entries.iter().filter_map(|entry| Some((entry.deadline?, Some(entry.symptom))));
        let first = watches.min_by_key(|&(deadline, _)| deadline);
        match (first, self.look) {
            (Some(first), Some(look)) if first.0 <= look => Some(first),
            (first, look) => look.map(|look| (look, None)).or(first),
        }
    }

    pub(super) fn touch(&mut self, time: Timestamp) {
        self.active = Some(self.active.map_or(time, |active| active.max(time)));
    }

    /// First and last claimed event of the symptoms that are present.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans =
            self.entries.iter().filter(|entry| entry.is_news()).filter_map(|entry| entry.shown().span);
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    pub(super) fn has_news(&self) -> bool {
        self.entries.iter().any(Entry::is_news)
    }

    /// How many problem events await an explanation here: the subject's own, and those that a symptom of it covers.
    pub(super) fn unbooked(&self) -> u64 {
        self.problems.total() + self.covered.iter().map(|(_, tally)| tally.total()).sum::<u64>()
    }

    pub(super) fn remember(&mut self, past: Past) {
        if self.past.len() == Self::PAST {
            self.past.remove(0);
        }
        self.past.push(past);
    }

    /// Ends the episode: what was claimed is forgotten; what watches learned stays where they can keep it.
    pub(super) fn end_episode(&mut self, now: Timestamp, horizon: impl Fn(usize) -> std::time::Duration) {
        self.problems = Tally::default();
        self.covered.clear();
        self.active = None;
        self.look = None;
        self.entries.retain_mut(|entry| {
            entry.hits = 0;
            if entry.ordinary {
                return true;
            }
            // What was found in this episode is over with it, whatever `when` said of it.
            let found = entry.shown().measures.is_some();
            let kept = entry.last_hit.plus(horizon(entry.symptom)) > now && (!found || entry.watch.renew());
            entry.shown = None;
            entry.stale = false;
            kept
        });
    }
}
