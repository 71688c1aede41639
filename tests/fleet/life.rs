//! The life of one device: sessions that end by themselves, and outages that come between.

use std::{ops::Range, sync::Arc};

use super::{
    HOUR,
    dice::Dice,
    record::{Code, Device, Operation, Record},
    truth::Truth,
};

/// A device and what will happen to it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) device: Arc<Device>,
    pub(crate) start: Start,
    pub(crate) outages: Vec<Outage>,
    /// From this time on the hub refuses every connect.
    pub(crate) refused_from: Option<(i64, Truth)>,
}

/// Where the log finds the device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Connected since before the log began, each device in its own phase.
    Running,
    /// Connects for the first time at this second.
    Connects(i64, Truth),
}

/// One loss of the link that no token explains.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    /// When the link broke.
    pub(crate) cut: i64,
    /// When the hub noted it, at or after `cut`.
    pub(crate) noted: i64,
    /// Seconds from `cut` to the next connect; `None` is for ever.
    pub(crate) lasts: Option<i64>,
    pub(crate) ending: Ending,
    /// Refused connects while it lasts, as seconds after `cut`.
    pub(crate) refusals: Vec<(i64, Code)>,
    pub(crate) truth: Truth,
}

/// What the hub writes when the link ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// A disconnect of level Information.
    Clean,
    /// A disconnect with this code.
    Code(Code),
    /// 401003 and 404104.
    Unauthorized,
}

impl Outage {
    /// A plain 404104 that the hub notes at once.
    pub(crate) fn closed(cut: i64, lasts: Option<i64>, truth: Truth) -> Self {
        Self {
            cut,
            noted: cut,
            lasts,
            ending: Ending::Code(Code::ClosedRemotely),
            refusals: Vec::new(),
            truth,
        }
    }

    /// The device says goodbye before it goes.
    pub(crate) fn clean(cut: i64, lasts: i64, truth: Truth) -> Self {
        Self { ending: Ending::Clean, ..Self::closed(cut, Some(lasts), truth) }
    }
}

impl Plan {
    /// A device of which the log knows only what it does by itself.
    pub(crate) fn running(device: Device) -> Self {
        Self { device: Arc::new(device), start: Start::Running, outages: Vec::new(), refused_from: None }
    }

    /// A device that comes up inside the log.
    pub(crate) fn connecting(device: Device, time: i64, truth: Truth) -> Self {
        Self { start: Start::Connects(time, truth), ..Self::running(device) }
    }

    /// Everything that the hub notes about this device inside the window.
    pub(crate) fn live(mut self, window: &Range<i64>, mut dice: Dice) -> Vec<Record> {
        self.outages.sort_by_key(|outage| outage.cut);
        let (sdk, renews) = (self.device.sdk, self.device.renews);
        // Of a device found running, nobody knows whether its client is fresh; most are not.
        let mut fresh = matches!(self.start, Start::Connects(..)) || dice.chance(10);
        let mut session = if renews { sdk.session(fresh, &mut dice) } else { i64::MAX };
        let mut connected = match self.start {
            Start::Running => window.start - dice.between(0..=session.min(2 * HOUR) - 1),
            Start::Connects(time, _) => time,
        };
        self.outages.retain(|outage| outage.cut > connected);
        let mut outages = self.outages.into_iter().peekable();
        let mut diary = Diary { device: self.device, window: window.clone(), dice, records: Vec::new() };
        if let Start::Connects(time, truth) = self.start {
            diary.connected(time, truth);
        }
        loop {
            let end = connected.saturating_add(session);
            let (mut back, mut truth) = if let Some(outage) = outages.next_if(|outage| outage.cut < end) {
                fresh = true;
                // The hub closes an expired link on time, dead or not.
                let noted = if sdk.waits_for_the_hub() { outage.noted.min(end) } else { outage.noted };
                diary.ended(noted.max(connected + 1), outage.ending, outage.truth);
                let Some(back) = diary.sat_out(&outage) else { break };
                (back.max(connected + 2), outage.truth)
            } else if end < window.end {
                fresh = false;
                diary.renewed(end);
                (end + diary.dice.between(sdk.pause()), sdk.renewal())
            } else {
                break;
            };
            // What breaks while the device is away keeps it away.
            let mut gone = false;
            while let Some(outage) = outages.next_if(|outage| outage.cut <= back) {
                fresh = true;
                match diary.sat_out(&outage) {
                    Some(later) if later > back => (back, truth) = (later, outage.truth),
                    Some(_) => {}
                    None => gone = true,
                }
            }
            if gone {
                break;
            }
            if let Some((_, why)) = self.refused_from.filter(|&(from, _)| back >= from) {
                diary.refused_for_ever(back, why);
                break;
            }
            diary.connected(back, truth);
            connected = back;
            session = if renews { sdk.session(fresh, &mut diary.dice) } else { i64::MAX };
        }
        diary.records
    }
}

/// What the hub has noted so far about one device.
struct Diary {
    device: Arc<Device>,
    window: Range<i64>,
    dice: Dice,
    records: Vec<Record>,
}

impl Diary {
    fn connected(&mut self, time: i64, truth: Truth) {
        self.note(time, Operation::Connect, None, truth);
    }

    fn ended(&mut self, time: i64, ending: Ending, truth: Truth) {
        match ending {
            Ending::Clean => self.note(time, Operation::Disconnect, None, truth),
            Ending::Code(code) => self.note(time, Operation::Disconnect, Some(code), truth),
            Ending::Unauthorized => {
                self.note(time, Operation::Disconnect, Some(Code::Unauthorized), truth);
                let later = time + self.dice.between(0..=1);
                self.note(later, Operation::Disconnect, Some(Code::ClosedRemotely), truth);
            }
        }
    }

    fn renewed(&mut self, time: i64) {
        let sdk = self.device.sdk;
        let ending = if !sdk.waits_for_the_hub() {
            Ending::Clean
        } else if self.dice.chance(sdk.unauthorized_percent()) {
            Ending::Unauthorized
        } else {
            Ending::Code(Code::ClosedRemotely)
        };
        self.ended(time, ending, sdk.renewal());
    }

    /// The refusals of an outage; answers when the device is back.
    fn sat_out(&mut self, outage: &Outage) -> Option<i64> {
        for &(after, code) in &outage.refusals {
            self.note(outage.cut + after, Operation::Connect, Some(code), outage.truth);
        }
        Some(outage.cut + outage.lasts?)
    }

    /// 401003 at every connect: quick at first, once a minute for a while, then every five minutes.
    fn refused_for_ever(&mut self, from: i64, truth: Truth) {
        let mut waits = [5, 7, 11, 16, 24, 36, 54, 60, 60, 60, 60, 60].into_iter();
        let mut time = from;
        while time < self.window.end {
            self.note(time, Operation::Connect, Some(Code::Unauthorized), truth);
            let wait = waits.next().unwrap_or(300);
            time += wait + self.dice.between(-wait / 10..=wait / 10);
        }
    }

    fn note(&mut self, time: i64, operation: Operation, code: Option<Code>, truth: Truth) {
        // Whether an error record names the SDK is undocumented; the one published 404104 does not name the authentication.
        let bare_percent = match (operation, code) {
            (_, None) => 0,
            (Operation::Connect, Some(_)) => 60,
            (Operation::Disconnect, Some(Code::Unauthorized)) => 15,
            (Operation::Disconnect, Some(_)) => 50,
        };
        let bare = self.dice.chance(bare_percent);
        if self.window.contains(&time) {
            self.records.push(Record { time, device: self.device.clone(), operation, code, bare, truth });
        }
    }
}
