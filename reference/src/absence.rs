//! What is expected and does not come.

use std::time::Duration;

use etiolog::detector::{ClassId, Definition};
use etiolog::model::Measure;
use etiolog::{Status, Timestamp};

use crate::detect::{PRESENT, median, nothing, together};
use crate::{Found, Known};

/// What has been seen so far.
struct Vigil<'a> {
    events: &'a [&'a Known],
    within: Duration,
    /// So long a row it takes, or none where something else opens the wait.
    needed: Option<usize>,
    /// The event after which another is expected, or missing.
    open: Option<usize>,
    silent: bool,
    /// The events in a row, and the row before the last silence.
    row: Vec<Timestamp>,
    lost: Vec<Timestamp>,
    silences: u64,
    longest: Duration,
    claims: Vec<(Timestamp, usize)>,
}

impl Vigil<'_> {
    fn deadline(&self) -> Option<Timestamp> {
        let expected = !self.silent && self.needed.is_none_or(|needed| self.row.len() >= needed);
        self.open.filter(|_| expected).map(|open| self.events[open].time().plus(self.within))
    }

    /// Whether what is open, if anything is, has been so since before `now`.
    fn is_earlier(&self, now: Timestamp) -> bool {
        self.open.is_none_or(|open| self.events[open].time() < now)
    }

    /// Nothing more comes before `now`.
    fn wait(&mut self, now: Timestamp) {
        if let (Some(deadline), Some(open)) = (self.deadline().filter(|deadline| *deadline < now), self.open)
        {
            self.silent = true;
            self.silences += 1;
            self.longest = self.longest.max(self.within);
            self.lost.clone_from(&self.row);
            self.claims.push((deadline, open));
        }
    }

    /// What was expected came, or is expected no more.
    fn end(&mut self, now: Timestamp) {
        if let Some(open) = self.open.take().filter(|_| self.silent) {
            self.longest = self.longest.max(now.since(self.events[open].time()));
        }
        self.silent = false;
    }
}

pub(crate) fn absence(definition: &Definition, events: &[&Known], watermark: Timestamp) -> Found {
    let Definition::Absence { event, since, until, at_least, within, in_turn, ties_any } = definition else {
        return nothing(Status::Absent);
    };
    let needed = since.is_none().then_some(*at_least as usize);
    let mut vigil = Vigil {
        events,
        within: *within,
        needed,
        open: None,
        silent: false,
        row: Vec::new(),
        lost: Vec::new(),
        silences: 0,
        longest: Duration::ZERO,
        claims: Vec::new(),
    };
    let is = |at: usize, class: Option<ClassId>| class.is_some_and(|class| events[at].is(class));
    let named = |at: &usize| is(*at, Some(*event)) || is(*at, *since) || is(*at, *until);
    for group in together(events, (0..events.len()).filter(named), *ties_any) {
        let now = events[group[0]].time();
        vigil.wait(now);
        let came: Vec<usize> = group.iter().copied().filter(|&at| is(at, Some(*event))).collect();
        let off = group.iter().any(|&at| is(at, *until));
        if off || !came.is_empty() {
            vigil.end(now);
        }
        if off {
            vigil.row.clear();
        } else if since.is_none() {
            for at in came {
                if vigil.row.last().is_some_and(|last| now.since(*last) > *within) {
                    vigil.row.clear();
                }
                vigil.row.push(now);
                vigil.open = Some(at);
            }
        } else if vigil.open.is_none() || *in_turn {
            // An event meets what another one opens, and not what it opens itself.
            let opens = |at: &usize| is(*at, *since) && came.iter().all(|other| other == at);
            if let Some(again) = group.iter().copied().find(opens).filter(|_| vigil.is_earlier(now)) {
                vigil.silences -= u64::from(vigil.silent);
                (vigil.open, vigil.silent) = (Some(again), false);
            }
        }
    }
    vigil.wait(watermark);
    reading(&vigil, watermark)
}

fn reading(vigil: &Vigil<'_>, watermark: Timestamp) -> Found {
    let now = watermark.minus(Duration::from_nanos(1));
    let recent = vigil.row.last().is_some_and(|last| now.since(*last) <= vigil.within);
    let row = if recent { vigil.row.len() } else { 0 };
    let status = match (vigil.silences, vigil.deadline(), vigil.needed) {
        (1.., ..) => PRESENT(),
        (0, Some(deadline), _) => Status::Unknown(format!("waiting until {deadline}").into()),
        (0, None, Some(needed)) => Status::Unknown(format!("learning {row}/{needed}").into()),
        (0, None, None) => Status::Absent,
    };
    let mut measures = vec![("silences", Measure::Count(vigil.silences))];
    if vigil.silences > 0 {
        measures.push(("longest", Measure::Span(vigil.longest)));
        measures.push(("silent", Measure::Flag(vigil.silent)));
        if vigil.needed.is_some() {
            measures.push(("before", Measure::Count(vigil.lost.len() as u64)));
        }
        let gaps: Vec<Duration> = vigil.lost.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        measures.extend(median(&gaps).map(|gap| ("usual", Measure::Span(gap))));
    }
    Found { status, measures, claims: vigil.claims.clone(), was: None }
}
