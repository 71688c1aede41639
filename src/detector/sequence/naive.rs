//! The definition of a sequence, evaluated by looking at everything, and a shorthand to write plans and events in.

use crate::detector::ClassId;
use crate::detector::fixture::{Player, span};
use crate::detector::sequence::plan::{Arrangement, Need, Plan, Skip, Step};

/// `?a b*2 !c d`: maybe a, b twice, never c, d. Letters are classes.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let step = |word: &str| {
        let (name, times) = word.split_once('*').unwrap_or((word, "1"));
        let need = match name.chars().next() {
            Some('?') => Need::Maybe,
            Some('!') => Need::Never,
            _ => Need::Times(times.parse().unwrap_or(1)),
        };
        Step { class: ClassId(class(name.trim_start_matches(['?', '!']))), need }
    };
    text.split_whitespace().map(step).collect()
}

fn class(name: &str) -> u32 {
    name.bytes().next().map_or(0, |letter| u32::from(letter - b'a'))
}

pub(super) fn plan(text: &str, arrangement: Arrangement, within: u64) -> Plan {
    Plan::new(&steps(text), arrangement, span(within), false).expect("a sound plan")
}

pub(super) fn tied(text: &str, arrangement: Arrangement, within: u64) -> Plan {
    Plan::new(&steps(text), arrangement, span(within), true).expect("a sound plan")
}

/// An event: its time and its classes, a bit each.
pub(super) type Occurred = (i64, u32);

/// `0a 5bc`: an event of class a at 0, one of b and c at 5.
pub(super) fn events(text: &str) -> Vec<Occurred> {
    let event = |word: &str| {
        let split = word.find(|c: char| c.is_ascii_lowercase()).unwrap_or(word.len());
        let (time, names) = word.split_at(split);
        (time.parse().unwrap_or(0), names.bytes().fold(0, |bits, letter| bits | 1 << (letter - b'a')))
    };
    text.split_whitespace().map(event).collect()
}

pub(super) fn play(plan: Plan, events: &[Occurred], end: Option<i64>) -> Player {
    let mut player = Player::new(plan);
    for &(time, bits) in events {
        let classes: Vec<u32> = (0..32).filter(|class| bits & 1 << class != 0).collect();
        player.hit(time, &classes, None);
    }
    if let Some(end) = end {
        player.until(end);
    }
    player
}

/// The events that a plan claims, in groups by number: `0 1 | 4 5`.
pub(super) fn claims(plan: Plan, text: &str) -> String {
    let last = events(text).last().map_or(0, |event| event.0);
    let player = play(plan, &events(text), Some(last + 1_000_000));
    player.claims().iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

/// What the definition claims of events in canonical order, when nothing ties: chain after chain, and whatever joins one
/// later. Plans with both an absence and a `maybe` are left out.
pub(super) fn naive(plan: &Plan, events: &[Occurred], end: i64) -> Vec<u64> {
    let within = i64::try_from(plan.within.as_nanos()).unwrap_or(i64::MAX);
    let has = |index: usize, class: ClassId| events[index].1 & (1 << class.0) != 0;
    let time = |index: usize| events[index].0;
    let beside = |index: usize| !plan.units.iter().any(|&unit| has(index, unit));
    let last_gap = plan.units.len();
    let mut used = vec![false; events.len()];
    let mut begin = 0;
    // (when it is told, its events)
    let mut told: Vec<(i64, Vec<usize>)> = Vec::new();
    // (until when, which optional steps are missing) of the last chain
    let mut open: Option<(i64, Vec<usize>)> = None;
    for index in 0..events.len() {
        let ends = |at: usize| plan.until.is_some_and(|until| has(at, until));
        if ends(index) {
            begin = begin.max(index);
            open = None;
        }
        if let Some((until, missing)) = &mut open {
            let may = |&place: &usize| {
                let maybe = plan.maybes[place];
                (plan.arrangement == Arrangement::Any || maybe.gap == last_gap) && has(index, maybe.class)
            };
            if let Some(at) = missing.iter().position(may).filter(|_| beside(index) && time(index) <= *until)
            {
                missing.remove(at);
                used[index] = true;
                told.push((time(index), vec![index]));
                continue;
            }
        }
        if plan.strict {
            open = None;
        }
        let mut chains = Vec::new();
        extend(plan, events, within, begin, index, &mut Vec::new(), &mut chains);
        if plan.strict {
            chains.retain(|chain| between(plan, events, &used, chain).is_some());
        }
        // The latest: the latest of its latest events, then of those before them.
        let Some(chain) =
            chains.into_iter().max_by_key(|chain| chain.iter().rev().copied().collect::<Vec<_>>())
        else {
            continue;
        };
        let (first, last) = (time(chain[0]), time(index));
        let mut members = chain.clone();
        let mut missing = Vec::new();
        for (place, maybe) in plan.maybes.iter().enumerate() {
            let fits = |&at: &usize| {
                let after = maybe.gap == 0 || chain[maybe.gap - 1] < at;
                let before = maybe.gap < last_gap && at < chain[maybe.gap];
                let placed = plan.arrangement == Arrangement::Any || after && before;
                let near =
                    !plan.strict || at > chain[0] || leads(plan, events, &used, begin, &chain).contains(&at);
                placed && near && beside(at) && !used[at] && has(at, maybe.class)
            };
            let found = (begin..index).rev().find(fits).filter(|&at| last - time(at) <= within);
            match found.filter(|at| !members.contains(at)) {
                Some(at) => members.push(at),
                None => missing.push(place),
            }
        }
        members.sort_unstable();
        match plan.skip {
            Skip::PastLast => {
                begin = index + 1;
                members.iter().for_each(|&at| used[at] = true);
            }
            Skip::ToNext => begin = chain[0] + 1,
        }
        let deadline = match plan.arrangement {
            Arrangement::Given => last + within,
            Arrangement::Any => first + within,
        };
        let waits_for = |at: usize| {
            let here =
                plan.nevers.iter().filter(|n| plan.arrangement == Arrangement::Any || n.gap == last_gap);
            here.into_iter().any(|never| has(at, never.class))
        };
        if !plan.waits() {
            open = Some((first + within, missing));
            told.push((last, members));
        } else if deadline <= end
            && !(index + 1..events.len()).any(|at| (waits_for(at) || ends(at)) && time(at) <= deadline)
        {
            told.push((deadline, members));
        }
    }
    told.sort_by_key(|(when, _)| *when);
    let mut claimed: Vec<u64> = Vec::new();
    for at in told.into_iter().flat_map(|(_, members)| members).map(|at| at as u64) {
        if !claimed.contains(&at) {
            claimed.push(at);
        }
    }
    claimed
}

/// The optional events between the required ones, when nothing else stands there; all events are named.
fn between(plan: &Plan, events: &[Occurred], used: &[bool], chain: &[usize]) -> Option<Vec<usize>> {
    let mut taken: Vec<usize> = Vec::new();
    let mut asides = Vec::new();
    for at in (chain[0]..=chain[chain.len() - 1]).filter(|at| !chain.contains(at)) {
        let gap = chain.iter().filter(|&&member| member < at).count();
        let has = |class: ClassId| events[at].1 & (1 << class.0) != 0;
        let fits = |place: &usize| {
            plan.maybes[*place].gap == gap && has(plan.maybes[*place].class) && !taken.contains(place)
        };
        let place = (0..plan.maybes.len())
            .find(fits)
            .filter(|_| !used[at] && !plan.units.iter().any(|&unit| has(unit)))?;
        taken.push(place);
        asides.push(at);
    }
    Some(asides)
}

/// The optional events right before the first required one, with nothing else between.
fn leads(plan: &Plan, events: &[Occurred], used: &[bool], begin: usize, chain: &[usize]) -> Vec<usize> {
    let mut taken: Vec<usize> = Vec::new();
    let mut leads = Vec::new();
    for at in (begin..chain[0]).rev() {
        let has = |class: ClassId| events[at].1 & (1 << class.0) != 0;
        let fits = |place: &usize| {
            plan.maybes[*place].gap == 0 && has(plan.maybes[*place].class) && !taken.contains(place)
        };
        let place = (0..plan.maybes.len()).find(fits);
        let Some(place) = place.filter(|_| !used[at] && !plan.units.iter().any(|&unit| has(unit))) else {
            break;
        };
        taken.push(place);
        leads.push(at);
    }
    leads
}

/// All chains of events from `begin` that end with `last`.
fn extend(
    plan: &Plan,
    events: &[Occurred],
    within: i64,
    begin: usize,
    last: usize,
    chain: &mut Vec<usize>,
    out: &mut Vec<Vec<usize>>,
) {
    let any = plan.arrangement == Arrangement::Any;
    let has = |index: usize, class: ClassId| events[index].1 & (1 << class.0) != 0;
    if chain.len() == plan.units.len() {
        let mut sorted = chain.clone();
        sorted.sort_unstable();
        let (first, end) = (events[sorted[0]].0, events[last].0);
        let forbidden = any
            && (0..=last)
                .any(|at| plan.nevers.iter().any(|n| has(at, n.class)) && end - events[at].0 <= within);
        if sorted.last() == Some(&last) && end - first <= within && !forbidden {
            out.push(sorted);
        }
        return;
    }
    let gap = chain.len();
    let start = if any { begin } else { chain.last().map_or(begin, |&before| before + 1) };
    for at in start..=last {
        if chain.contains(&at) || !has(at, plan.units[gap]) {
            continue;
        }
        let from = chain.last().map_or(0, |&before| before + 1);
        let near = |between: usize| gap > 0 || events[at].0 - events[between].0 <= within;
        let forbids = |between: usize| plan.nevers.iter().any(|n| n.gap == gap && has(between, n.class));
        if !any && (from..at).any(|between| near(between) && forbids(between)) {
            continue;
        }
        chain.push(at);
        extend(plan, events, within, begin, last, chain, out);
        chain.pop();
    }
}
