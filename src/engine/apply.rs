//! From events in canonical order to watches: who sees an event, when a deadline has come, when an episode is over.

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::detector::{Findings, Hit};
use crate::engine::chart::{Chart, Entry};
use crate::engine::run::{Pending, Run};
use crate::model::{Event, Exhibit, Measure, Status, Timestamp};
use crate::predicate::Truth;
use crate::rule::Symptom;

/// A timer that is not a watch's own: the subject may have become quiet.
const QUIET: u32 = u32::MAX;

impl Run {
    /// Applies everything that happened before `watermark`.
    pub(super) fn reach(&mut self, watermark: Timestamp) {
        while let Some((_, (event, signature))) = self.waiting.pop_before(watermark) {
            self.fire_before(event.time());
            self.apply(&event, signature);
        }
        self.fire_before(watermark);
        self.settle(Some(watermark));
    }

    /// Lets every timer fire whose deadline lies before `time`: no event up to and including the deadline is missing.
    fn fire_before(&mut self, time: Timestamp) {
        loop {
            if self.now < time && !self.instant.is_empty() {
                let mut settling = std::mem::take(&mut self.instant);
                settling.sort_unstable();
                settling.drain(..).for_each(|key| self.fire(key));
                // Keeps the memory, unless settling asked for more.
                if self.instant.is_empty() {
                    self.instant = settling;
                }
                continue;
            }
            let Some((deadline, key)) = self.timers.due_before(time) else { break };
            self.now = deadline;
            if key.1 == QUIET {
                self.quiet(key.0, deadline);
            } else {
                self.fire(key);
            }
        }
    }

    /// Tells a watch that its deadline has come.
    fn fire(&mut self, (subject, symptom): (u32, u32)) {
        let Ok(symptom) = usize::try_from(symptom) else { return };
        let now = self.now;
        let mut findings = std::mem::take(&mut self.findings);
        findings.clear();
        // Time may end the pattern: it is judged as it stood.
        if self.chart_mut(subject).entry(symptom).is_some_and(|entry| entry.last_hit < now) {
            self.judge(subject, symptom, now);
        }
        if let Some(entry) = self.chart_mut(subject).entry_mut(symptom).filter(|e| e.deadline == Some(now)) {
            entry.deadline = None;
            entry.watch.advance(now, &mut findings);
        }
        self.absorb(subject, symptom, &findings, now);
        self.findings = findings;
    }

    fn apply(&mut self, event: &Event, signature: u32) {
        let plan = Arc::clone(&self.plan);
        let time = event.time();
        self.now = time;
        let mut places = std::mem::take(&mut self.places);
        self.subjects.place(&plan.schema, event, &mut places);
        self.welcome(&places, time);
        let at = usize::try_from(signature).unwrap_or(usize::MAX);
        let (classes, symptoms, problem) = match self.signatures.get_mut(at) {
            Some(known) => {
                (std::mem::take(&mut known.classes), std::mem::take(&mut known.symptoms), known.problem)
            }
            None => (Vec::new(), Vec::new(), false),
        };
        let exhibit = Exhibit { time, identity: event.identity(), origin: event.origin(), signature };
        let mut findings = std::mem::take(&mut self.findings);
        for &at in &symptoms {
            let Some(symptom) = plan.symptoms.get(at) else { continue };
            let Some(subject) = places.get(symptom.level).copied().flatten() else { continue };
            findings.clear();
            let hit = Hit { event, classes: &classes, subjects: &places, exhibit };
            let entry = self.chart_mut(subject).entry_or(at, || Entry::new(at, symptom, time));
            if let Some(entry) = entry {
                entry.last_hit = time;
                entry.watch.observe(&hit, &mut findings);
            }
            self.absorb(subject, at, &findings, time);
        }
        self.findings = findings;
        if problem {
            match places.iter().rev().copied().flatten().next() {
                Some(subject) => {
                    self.pending.push_back(Pending { time, subject, signature });
                    self.chart_mut(subject).touch(time);
                    self.await_quiet(subject, time);
                }
                // It is about nobody, so nothing will ever account for it.
                None => self.summary.unexplained += 1,
            }
        }
        if let Some(known) = self.signatures.get_mut(at) {
            (known.classes, known.symptoms) = (classes, symptoms);
        }
        self.places = places;
    }

    /// Makes charts for subjects that were never seen. One that others lie in is watched from its first event on, so that
    /// the quiet before a first burst counts as history.
    fn welcome(&mut self, places: &[Option<u32>], now: Timestamp) {
        let known = self.charts.len();
        self.charts.resize_with(known.max(self.subjects.len()), Chart::default);
        let plan = Arc::clone(&self.plan);
        for (level, &subject) in places.iter().enumerate() {
            let Some(subject) =
                subject.filter(|&subject| usize::try_from(subject).is_ok_and(|at| at >= known))
            else {
                continue;
            };
            if self.holds_others.get(level) != Some(&true) {
                continue;
            }
            for (at, symptom) in
                plan.symptoms.iter().enumerate().filter(|(_, symptom)| symptom.level == level)
            {
                let mut findings = Findings::default();
                let make = || Entry::new(at, symptom, now);
                if let Some(entry) = self.chart_mut(subject).entry_or(at, make) {
                    entry.watch.advance(now, &mut findings);
                }
                self.absorb(subject, at, &findings, now);
            }
        }
    }

    /// Takes in what a watch found.
    fn absorb(&mut self, subject: u32, at: usize, findings: &Findings, now: Timestamp) {
        let plan = Arc::clone(&self.plan);
        let Some(symptom) = plan.symptoms.get(at) else { return };
        let problems: Vec<bool> =
            findings.claims().iter().map(|claim| self.is_problem(claim.signature)).collect();
        let chart = self.chart_mut(subject);
        let Some(entry) = chart.entry_mut(at) else { return };
        for (claim, problem) in findings.claims().iter().zip(problems) {
            entry.evidence.add(*claim);
            entry.span = Some(entry.span.map_or((claim.time, claim.time), |(first, last)| {
                (first.min(claim.time), last.max(claim.time))
            }));
            if problem {
                entry.claims.add(claim.signature, 1);
            }
        }
        for &(from, to) in findings.spans() {
            match entry.covered.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => entry.covered.push((from, to)),
            }
        }
        let deadline = entry.watch.deadline();
        let active = !entry.ordinary && !findings.claims().is_empty();
        entry.stale |= findings.is_changed();
        if active {
            chart.touch(now);
        }
        // Others ask at any time whether a containing subject covers them; a leaf is judged when its episode ends.
        if self.holds_others.get(symptom.level) == Some(&true) {
            self.judge(subject, at, now);
        }
        self.schedule(subject, at, deadline);
        if active {
            self.await_quiet(subject, now);
        }
    }

    /// Judges a symptom again, if anything has changed.
    fn judge(&mut self, subject: u32, at: usize, now: Timestamp) {
        let plan = Arc::clone(&self.plan);
        let Some(symptom) = plan.symptoms.get(at) else { return };
        let mut unknown = false;
        if let Some(entry) = self.chart_mut(subject).entry_mut(at).filter(|entry| entry.stale) {
            let (status, measures) = judge(symptom, entry, now, &mut unknown);
            entry.stale = false;
            entry.status = status;
            entry.measures = measures;
        }
        if unknown {
            *self.summary.unknown_predicates.entry(Arc::clone(&symptom.id)).or_default() += 1;
        }
    }

    /// Judges all symptoms of a subject again, and says whether any of them is news.
    pub(super) fn has_news(&mut self, subject: u32, now: Timestamp) -> bool {
        let stale =
            self.chart_mut(subject).entries.iter().filter(|entry| entry.stale).map(|entry| entry.symptom);
        let stale: Vec<usize> = stale.collect();
        for at in stale {
            self.judge(subject, at, now);
        }
        self.chart_mut(subject).has_news()
    }

    /// Remembers when a watch wants to be told of time. The present instant needs no timer: it is settled as soon as time
    /// moves on.
    fn schedule(&mut self, subject: u32, at: usize, deadline: Option<Timestamp>) {
        let now = self.now;
        let Some(entry) = self.chart_mut(subject).entry_mut(at) else { return };
        let before = std::mem::replace(&mut entry.deadline, deadline);
        if before == deadline {
            return;
        }
        let key = (subject, u32::try_from(at).unwrap_or(u32::MAX));
        if deadline == Some(now) {
            self.instant.push(key);
            if before.is_some() {
                self.timers.set(key, None);
            }
        } else {
            self.timers.set(key, deadline);
        }
    }

    /// Looks for quiet later, unless that is planned already.
    fn await_quiet(&mut self, subject: u32, now: Timestamp) {
        if self.chart_mut(subject).look.is_none() {
            let look = Some(now.plus(self.quiet_of(subject)));
            self.chart_mut(subject).look = look;
            self.timers.set((subject, QUIET), look);
        }
    }

    fn quiet_of(&self, subject: u32) -> Duration {
        self.plan.quiet.get(self.subjects.level(subject)).copied().unwrap_or_default()
    }

    /// Ends the subject's episode if it has been quiet for its period; looks again later if not.
    fn quiet(&mut self, subject: u32, now: Timestamp) {
        let until = self.chart_mut(subject).active.map(|active| active.plus(self.quiet_of(subject)));
        if let Some(later) = until.filter(|&until| until > now) {
            self.chart_mut(subject).look = Some(later);
            self.timers.set((subject, QUIET), Some(later));
            return;
        }
        self.settle(Some(now));
        if self.has_news(subject, now) {
            self.diagnose(subject, true, now);
        } else {
            let left = self.chart_mut(subject).problems.total();
            self.summary.unexplained += left;
        }
        let plan = Arc::clone(&self.plan);
        let horizon = |symptom: usize| {
            plan.symptoms.get(symptom).map_or(Duration::ZERO, |symptom| symptom.detector.horizon())
        };
        let chart = self.chart_mut(subject);
        let before: Vec<usize> = chart.entries.iter().map(|entry| entry.symptom).collect();
        chart.end_episode(now, horizon);
        for at in before {
            let key = (subject, u32::try_from(at).unwrap_or(u32::MAX));
            match self.chart_mut(subject).entry(at).map(|entry| entry.watch.deadline()) {
                Some(deadline) => self.schedule(subject, at, deadline),
                None => self.timers.set(key, None),
            }
        }
    }

    pub(super) fn chart_mut(&mut self, subject: u32) -> &mut Chart {
        let at = usize::try_from(subject).unwrap_or(usize::MAX);
        if at >= self.charts.len() {
            self.charts.resize_with(at.saturating_add(1), Chart::default);
        }
        // The line above made room.
        &mut self.charts[at]
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }
}

/// What is known of a symptom at `now`, with the rule's `when` applied to what was measured.
///
/// A pattern that is over was there all the same: within an episode a watch that was present stays so, as it was then.
/// The measures are those of the pattern when it was last there.
pub(super) fn judge(
    symptom: &Symptom,
    entry: &Entry,
    now: Timestamp,
    unknown: &mut bool,
) -> (Status, Option<Vec<(SmolStr, Measure)>>) {
    let reading = entry.watch.reading(now);
    if !reading.status.is_present() {
        return match &entry.measures {
            Some(measures) => (entry.status.clone(), Some(measures.clone())),
            None => (reading.status, None),
        };
    }
    let measure = |_: &str, name: &str| {
        reading.measures.iter().find(|(known, _)| known == name).map(|(_, m)| m.value())
    };
    let status = match symptom.when.as_ref().map(|when| when.test(&measure)) {
        None | Some(Truth::True) => reading.status,
        Some(Truth::False) => Status::Absent,
        Some(Truth::Unknown(why)) => {
            *unknown = true;
            Status::Unknown(format_smolstr!("{why}"))
        }
    };
    (status, Some(reading.measures))
}
