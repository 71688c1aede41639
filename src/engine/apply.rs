//! From events in canonical order to watches: who sees an event, when a deadline has come, when an episode is over.

use std::sync::Arc;
use std::time::Duration;

use crate::detector::{Findings, Hit};
use crate::engine::addresses::Place;
use crate::engine::bounds::weight_of;
use crate::engine::chart::{Chart, Entry};
use crate::engine::door::Waiting;
use crate::engine::fence::Fallen;
use crate::engine::judge::judge;
use crate::engine::ledger::is_problem;
use crate::engine::meter::Stage;
use crate::engine::rest::{Moods, Route, roused};
use crate::engine::signature::Signature;
use crate::engine::ward::{Due, Pending, Ward};
use crate::model::{Exhibit, Status, Summary, Timestamp};
use crate::rule::Plan;

/// An event on its way through the symptoms of a subject.
struct Round<'a> {
    level: usize,
    subject: u32,
    known: &'a Signature,
    exhibit: Exhibit,
    route: &'a Route,
    /// Those that are still to be told, ascending.
    told: std::slice::Iter<'a, usize>,
    /// No entry before this place is theirs.
    next: usize,
}

impl Ward {
    /// Tells everybody whose deadline lies before `time`: no event up to and including the deadline is missing.
    pub(super) fn fire_before(&mut self, plan: &Plan, time: Timestamp) {
        loop {
            if self.now < time && !self.instant.is_empty() {
                let mut settling = std::mem::take(&mut self.instant);
                settling.sort_unstable();
                for Due { subject, symptom, .. } in settling.drain(..) {
                    self.fire(plan, subject, symptom);
                }
                // Keeps the memory, unless settling asked for more.
                if self.instant.is_empty() {
                    self.instant = settling;
                }
                continue;
            }
            let Some((at, whom)) = self.alarms.next_before(time) else { break };
            self.ring(plan, at, whom);
        }
        // Booked as things stand now, however far the watermark has jumped.
        self.settle(Some(time));
    }

    /// Tells a watch that its deadline has come.
    pub(super) fn fire(&mut self, plan: &Plan, subject: u32, symptom: usize) {
        let now = self.now;
        let Some(place) = self.chart_mut(subject).place(symptom) else { return };
        self.metered.begin();
        let before = self.metered.enter(Stage::Detect(symptom));
        // Time may end the pattern: it is judged as it stood just before.
        if self.chart_mut(subject).entries.get(place).is_some_and(|entry| entry.last_hit < now) {
            self.judge(plan, subject, place, now.minus(Duration::from_nanos(1)));
        }
        let mut findings = std::mem::take(&mut self.findings);
        findings.clear();
        if let Some(entry) = self.chart_mut(subject).entries.get_mut(place) {
            let mut deadline = entry.deadline;
            if deadline == Some(now) {
                entry.deadline = None;
                let told = entry.watch.advance(now, &mut findings);
                deadline = unless_fallen(told, &mut self.summary, plan, symptom);
            }
            self.absorb(plan, (subject, place), &findings, deadline);
        }
        self.findings = findings;
        self.metered.enter(before);
    }

    /// Takes in an event, in canonical order.
    pub(super) fn apply(&mut self, plan: &Plan, event: &Waiting) {
        let Waiting { time, identity, origin, signature, address, ref values } = *event;
        self.now = time;
        self.places.clear();
        self.keys.clear();
        let mut innermost = None;
        for place in self.directory.place(address, (&plan.schema, self.share), &mut self.subjects) {
            self.places.push(place.and_then(Place::here));
            self.keys.push(place.map(|place| place.key));
            innermost = place.or(innermost);
        }
        self.events += 1;
        self.welcome(plan, time);
        self.beat(time);
        let Some(known) = Signature::of(&self.signatures, signature).map(Arc::clone) else { return };
        self.shown.set_time(time);
        self.shown.set_identity(identity);
        self.shown.set_origin(origin);
        known.reads.iter().zip(values).for_each(|(&field, value)| self.shown.set(field, value.clone()));
        let exhibit = Exhibit { time, identity, origin, signature };
        let mut findings = std::mem::take(&mut self.findings);
        for level in 0..self.places.len() {
            if let Some(subject) = self.places.get(level).copied().flatten() {
                self.tell(plan, (level, subject), &known, exhibit, &mut findings);
            }
        }
        self.findings = findings;
        known.reads.iter().for_each(|&field| self.shown.set(field, None));
        if known.problem {
            self.problem(innermost, time, signature);
        }
    }

    /// Has a problem event wait for an explanation on the innermost subject that it is about.
    fn problem(&mut self, innermost: Option<Place>, time: Timestamp, signature: u32) {
        let Some(place) = innermost else {
            // It is about nobody, so nothing will ever account for it.
            self.summary.unexplained += u64::from(self.share.is_first());
            return;
        };
        let Some(subject) = place.here() else { return };
        let key = place.key;
        if self.share.counts(key) {
            self.pending.push_back(Pending { time, subject, key, signature });
            if self.bounds.waits(key) {
                self.book_group(key);
            }
        }
        self.chart_mut(subject).touch(time);
        self.await_quiet(subject, time);
    }

    /// Tells a subject's symptoms of an event: those that are awake, and those that it wakes.
    fn tell(
        &mut self,
        plan: &Plan,
        (level, subject): (usize, u32),
        known: &Signature,
        exhibit: Exhibit,
        findings: &mut Findings,
    ) {
        let mood = self.chart_mut(subject).rest.mood;
        let route = self.moods.route(plan, &self.signatures, (level, mood, exhibit.signature));
        let Some(route) = route else { return };
        let time = exhibit.time;
        if route.mood != mood && route.mood == Moods::AWAKE {
            self.wake(plan, (level, subject), time);
        }
        let told = route.told.iter();
        let mut round = Round { level, subject, known, exhibit, route: &route, told, next: 0 };
        findings.clear();
        while let Some((place, deadline)) = self.ask(plan, &mut round, findings) {
            self.absorb(plan, (subject, place), findings, deadline);
            findings.clear();
        }
        self.metered.enter(Stage::Apply);
        let chart = self.chart_mut(subject);
        chart.rest.mood = route.mood;
        if route.keeps || !route.told.is_empty() {
            chart.touched = time;
        }
        if route.keeps {
            self.keep(plan, (level, subject), exhibit);
        }
    }

    /// Shows an event to the symptoms that are still to be told, until one has found something or waits for another time
    /// than before; gives the place of its entry, and that time.
    fn ask(
        &mut self,
        plan: &Plan,
        round: &mut Round<'_>,
        findings: &mut Findings,
    ) -> Option<(usize, Option<Timestamp>)> {
        let Round { level, subject, known, exhibit, route, .. } = *round;
        let Self { charts, shown, keys, summary, bounds, signatures, metered, .. } = self;
        let chart = charts.get_mut(usize::try_from(subject).ok()?)?;
        let hit = Hit { event: shown, classes: &known.classes, subjects: keys, exhibit };
        for &at in &mut round.told {
            metered.enter(Stage::Detect(at));
            let place = match chart.place_after(at, &mut round.next) {
                Some(place) => place,
                None => {
                    let symptom = plan.symptoms.get(at)?;
                    let wakes = route.wakes.binary_search(&at).is_ok();
                    let woken = || roused(plan, signatures, &chart.rest, at, (shown, exhibit.time));
                    let woken = wakes.then(woken).flatten();
                    bounds.watched(hit.subject(level).unwrap_or_default(), symptom);
                    chart.place_or(at, || woken.unwrap_or_else(|| Entry::new(at, symptom, exhibit.time)))
                }
            };
            let entry = chart.entries.get_mut(place)?;
            entry.last_hit = exhibit.time;
            entry.hits = entry.hits.saturating_add(1);
            let deadline = unless_fallen(entry.watch.observe(&hit, findings), summary, plan, at);
            if findings.is_changed() || deadline != entry.deadline {
                return Some((place, deadline));
            }
        }
        None
    }

    /// The log of the outermost subject, if others lie in it, is not silent.
    fn beat(&mut self, time: Timestamp) {
        let holds_others =
            |&subject: &u32| self.holds_others.get(self.subjects.level(subject)) == Some(&true);
        // Levels are declared from the outermost inwards.
        if let Some(outermost) = self.places.iter().copied().flatten().find(holds_others) {
            self.chart_mut(outermost).pulse.get_or_insert_default().beat(time);
        }
    }

    /// Makes charts for subjects that were never seen. One that others lie in is watched from its first event on, so that
    /// the quiet before a first burst counts as history.
    fn welcome(&mut self, plan: &Plan, now: Timestamp) {
        for subject in self.subjects.take_fresh() {
            let key = self.subjects.key(subject);
            let doubtful = self.bounds.evicted(key);
            let chart = self.chart_mut(subject);
            *chart = Chart::default();
            (chart.doubtful, chart.touched) = (doubtful, now);
            self.bounds.welcome(subject, key);
            self.make_room(plan, key);
            self.watch_all(plan, subject, now, |_| true);
        }
    }

    /// Begins to watch a subject for symptoms of its level, if others lie in it.
    pub(super) fn watch_all(
        &mut self,
        plan: &Plan,
        subject: u32,
        now: Timestamp,
        wanted: impl Fn(usize) -> bool,
    ) {
        let level = self.subjects.level(subject);
        if self.holds_others.get(level) != Some(&true) {
            return;
        }
        let of_level = plan.symptoms.iter().enumerate().filter(|(_, symptom)| symptom.level == level);
        for (at, symptom) in of_level.filter(|&(at, _)| wanted(at)) {
            let mut findings = Findings::default();
            let chart = self.chart_mut(subject);
            let known = chart.entries.len();
            let place = chart.place_or(at, || Entry::new(at, symptom, now));
            if chart.entries.len() > known {
                let key = self.subjects.key(subject);
                self.bounds.watched(key, symptom);
            }
            let Some(entry) = self.chart_mut(subject).entries.get_mut(place) else { continue };
            let told = entry.watch.advance(now, &mut findings);
            let deadline = unless_fallen(told, &mut self.summary, plan, at);
            self.absorb(plan, (subject, place), &findings, deadline);
        }
    }

    /// Takes in what a watch found, if anything, and when it wants to be told of time.
    fn absorb(
        &mut self,
        plan: &Plan,
        (subject, place): (u32, usize),
        findings: &Findings,
        deadline: Option<Timestamp>,
    ) {
        if findings.is_changed() {
            self.take_in(plan, (subject, place), findings);
        }
        self.schedule(subject, place, deadline);
    }

    fn take_in(&mut self, plan: &Plan, (subject, place): (u32, usize), findings: &Findings) {
        let now = self.now;
        let Self { charts, signatures, .. } = self;
        let Some(chart) = usize::try_from(subject).ok().and_then(|at| charts.get_mut(at)) else { return };
        let Some(entry) = chart.entries.get_mut(place) else { return };
        if self.settings.live {
            self.live.touch(subject);
        }
        let before = entry.shown.is_some();
        for claim in findings.claims() {
            entry.shown_mut().claim(*claim, is_problem(signatures, claim.signature));
        }
        findings.spans().iter().for_each(|&span| entry.shown_mut().cover(span));
        if findings.is_taken_back() {
            entry.show(Status::Absent, None);
        }
        entry.stale = true;
        self.bounds.shown(self.subjects.key(subject), (before, entry.shown.is_some()));
        let active = !entry.ordinary && !findings.claims().is_empty();
        let level = plan.symptoms.get(entry.symptom).map(|symptom| symptom.level);
        if active {
            chart.touch(now);
        }
        // Others ask at any time whether a containing subject covers them; a leaf is judged when its episode ends.
        if level.is_some_and(|level| self.holds_others.get(level) == Some(&true)) {
            self.judge(plan, subject, place, now);
        }
        if active {
            self.await_quiet(subject, now);
        }
    }

    /// Judges a symptom again, if anything has changed.
    fn judge(&mut self, plan: &Plan, subject: u32, place: usize, now: Timestamp) {
        let entry = self.chart_mut(subject).entries.get_mut(place).filter(|entry| entry.stale);
        let Some(entry) = entry else { return };
        entry.stale = false;
        let Some(symptom) = plan.symptoms.get(entry.symptom) else { return };
        let judgement = judge(symptom, entry, now);
        let unknown = judgement.is_unanswered();
        let before = entry.shown.is_some();
        entry.show(judgement.status, judgement.measures);
        let after = entry.shown.is_some();
        self.bounds.shown(self.subjects.key(subject), (before, after));
        if unknown {
            *self.summary.unknown_predicates.entry(Arc::clone(&symptom.id)).or_default() += 1;
        }
    }

    /// Judges all symptoms of a subject again, and says whether any of them is news.
    pub(super) fn has_news(&mut self, plan: &Plan, subject: u32, now: Timestamp) -> bool {
        for place in 0..self.chart_mut(subject).entries.len() {
            self.judge(plan, subject, place, now);
        }
        self.chart_mut(subject).has_news()
    }

    /// Remembers when a watch wants to be told of time. The present instant needs no alarm: it is settled as soon as time
    /// moves on.
    pub(super) fn schedule(&mut self, subject: u32, place: usize, deadline: Option<Timestamp>) {
        let now = self.now;
        let Some(entry) = self.chart_mut(subject).entries.get_mut(place) else { return };
        if entry.deadline == deadline {
            return;
        }
        entry.deadline = deadline;
        let symptom = entry.symptom;
        match deadline {
            Some(at) if at == now => {
                self.instant.push(Due { key: self.subjects.key(subject), subject, symptom });
            }
            Some(at) => self.arm(subject, at),
            None => {}
        }
    }

    /// Looks for quiet later, unless that is planned already.
    fn await_quiet(&mut self, subject: u32, now: Timestamp) {
        if self.chart_mut(subject).look.is_none() {
            self.look_for_quiet(subject, now.plus(self.quiet_of(subject)));
        }
    }

    fn look_for_quiet(&mut self, subject: u32, at: Timestamp) {
        self.chart_mut(subject).look = Some(at);
        self.arm(subject, at);
    }

    pub(super) fn quiet_of(&self, subject: u32) -> Duration {
        self.plan.quiet.get(self.subjects.level(subject)).copied().unwrap_or_default()
    }

    /// Ends the subject's episode if it has been quiet for its period; looks again later if not.
    pub(super) fn quiet(&mut self, plan: &Plan, subject: u32, now: Timestamp) {
        let until = self.chart_mut(subject).active.map(|active| active.plus(self.quiet_of(subject)));
        if let Some(later) = until.filter(|&until| until > now) {
            return self.look_for_quiet(subject, later);
        }
        let interrupted = self.metered.enter(Stage::Diagnose);
        self.settle(Some(now));
        if self.has_news(plan, subject, now) {
            self.diagnose(subject, true, now);
        } else {
            let left = self.chart_mut(subject).unbooked();
            self.summary.unexplained += left;
        }
        self.withdraw(subject);
        self.keep_ending(subject, now);
        let reach = self.moods.reach;
        let horizon = |symptom: usize| {
            plan.symptoms.get(symptom).map_or(Duration::ZERO, |symptom| symptom.detector.horizon())
        };
        let chart = self.chart_mut(subject);
        let weight = weight_of(plan, chart);
        chart.end_episode(now, horizon);
        chart.rest.end_episode(now, reach);
        let lost = weight.saturating_sub(weight_of(plan, chart));
        self.bounds.shrink(self.subjects.key(subject), lost);
        for place in 0..self.chart_mut(subject).entries.len() {
            let deadline =
                self.chart_mut(subject).entries.get(place).and_then(|entry| entry.watch.deadline());
            self.schedule(subject, place, deadline);
        }
        self.metered.enter(interrupted);
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

/// When a watch wants to be told of time; never, and it is counted, where its detector has just failed.
fn unless_fallen(
    told: Result<Option<Timestamp>, Fallen>,
    summary: &mut Summary,
    plan: &Plan,
    symptom: usize,
) -> Option<Timestamp> {
    told.unwrap_or_else(|Fallen| {
        if let Some(symptom) = plan.symptoms.get(symptom) {
            *summary.failed_detectors.entry(Arc::clone(&symptom.id)).or_default() += 1;
        }
        None
    })
}
