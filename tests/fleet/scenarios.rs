//! Small logs for tests, each with one story: the true cases, and the false friends that look like them.

use super::{
    DAY, HOUR, MARCH_4, MINUTE,
    day::{CUT_SITE, SITES},
    dice::Dice,
    faults::{
        hub_fault, lasting_device, nightly_reboot, random_drops, rotate_key, site_cut, steady_devices,
        token_devices,
    },
    life::{Outage, Plan},
    march_4,
    record::{Auth, Code, Device, Operation, Protocol, Record, to_lines},
    sdk::Sdk,
    truth::Truth,
};
use std::{ops::Range, sync::Arc};

/// One story and its log.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What happens, and what a diagnosis must not confuse it with.
    pub(crate) about: &'static str,
    /// The cause of the story; records of healthy devices carry their own truth.
    pub(crate) truth: Truth,
    /// In order of event time.
    pub(crate) records: Vec<Record>,
}

impl Scenario {
    fn new(
        name: &'static str,
        about: &'static str,
        truth: Truth,
        plans: Vec<Plan>,
        window: &Range<i64>,
    ) -> Self {
        let mut dice = Dice::new(seed(name));
        let mut records: Vec<Record> =
            plans.into_iter().flat_map(|plan| plan.live(window, dice.child())).collect();
        records.sort_by_key(|record| record.time);
        Self { name, about, truth, records }
    }

    /// The log in order of event time.
    pub(crate) fn lines(&self) -> Vec<String> {
        to_lines(&self.records, None)
    }

    /// The log as delivered: some minutes out of order.
    pub(crate) fn disordered_lines(&self) -> Vec<String> {
        to_lines(&self.records, Some(seed(self.name)))
    }
}

/// Every story once.
pub(crate) fn all_scenarios() -> Vec<Scenario> {
    vec![
        dotnet_70_minutes(),
        java_60_65(),
        java_609(),
        clean_renewals(),
        random_dropper(),
        hub_fault_at_noon(),
        nightly_reboot_of_one(),
        nightly_reboot_of_a_site(),
        amqp_idle_close(),
        site_cut_at_noon(),
        process_killed_once(),
        key_rotated(),
    ]
}

/// True case: 20 .NET devices, 20 cycles of 70 minutes each.
pub(crate) fn dotnet_70_minutes() -> Scenario {
    let name = "dotnet-70-minutes";
    let mut dice = Dice::new(seed(name));
    let plans = token_devices(Sdk::DotNet, 1, 20, &SITES, &mut dice);
    let about = "SAS token on MQTT expires every 70 min, each device in its own phase, 401003 beside most of the 404104";
    Scenario::new(name, about, Truth::TokenExpiry, plans, &(MARCH_4..MARCH_4 + DAY))
}

/// True case: one Java device from its first connect, 65 minutes and then 60.
pub(crate) fn java_60_65() -> Scenario {
    let name = "java-60-65";
    let mut dice = Dice::new(seed(name));
    let mut plans = token_devices(Sdk::Java, 1, 1, &SITES, &mut dice);
    for plan in &mut plans {
        plan.start = super::life::Start::Connects(march_4(0, 12, 40), Truth::TokenExpiry);
    }
    let about = "SAS token on MQTT: the first session lasts 65 min, the later ones 60 to 65";
    Scenario::new(name, about, Truth::TokenExpiry, plans, &(MARCH_4..MARCH_4 + DAY))
}

/// What the device-side log of azure-iot-sdk-java#609 shows on 18 and 19 October 2019, as seconds of 18 October.
/// `true` is a connect. The two marked stamps are ours: the thread does not show these reconnects.
const TRAIN_609: [(i64, bool, Truth); 14] = {
    use Truth::{RandomDrops, TokenExpiry};
    [
        (clock(0, 15, 29, 12), true, TokenExpiry),
        (clock(0, 16, 34, 14), false, TokenExpiry),
        (clock(0, 16, 34, 17), true, TokenExpiry),
        (clock(0, 17, 34, 18), false, TokenExpiry),
        (clock(0, 17, 34, 21), true, TokenExpiry),
        (clock(0, 18, 34, 21), false, TokenExpiry),
        (clock(0, 18, 34, 25), true, TokenExpiry),
        (clock(0, 19, 34, 25), false, TokenExpiry),
        (clock(0, 19, 34, 29), true, TokenExpiry), // ours
        (clock(1, 4, 6, 52), true, TokenExpiry),
        (clock(1, 5, 11, 54), false, TokenExpiry),
        (clock(1, 5, 11, 58), true, TokenExpiry), // ours
        (clock(1, 5, 38, 56), false, RandomDrops),
        (clock(1, 5, 40, 19), true, RandomDrops),
    ]
};

const fn clock(day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    day * DAY + hour * HOUR + minute * MINUTE + second
}

/// 2019-10-18T00:00:00Z.
const OCTOBER_18: i64 = 1_571_356_800;

/// True case with real stamps: 65:02, 60:01, 60:00, 60:00, then 65 minutes again, and two network losses in mid-session.
pub(crate) fn java_609() -> Scenario {
    let device = Arc::new(Device {
        name: "meter-0609".into(),
        sdk: Sdk::Java,
        version: Sdk::Java.versions()[1],
        protocol: Protocol::Mqtt,
        auth: Auth::Sas,
        site: SITES[0],
        renews: true,
    });
    let mut records = Vec::new();
    let mut expiries = 0;
    for (second, connects, truth) in TRAIN_609 {
        let time = OCTOBER_18 + second;
        let note = |operation, code, bare| Record {
            time,
            device: Arc::clone(&device),
            operation,
            code,
            bare,
            truth,
        };
        if connects {
            records.push(note(Operation::Connect, None, false));
            continue;
        }
        if truth == Truth::TokenExpiry {
            expiries += 1;
            if expiries % 2 == 0 {
                records.push(note(Operation::Disconnect, Some(Code::Unauthorized), false));
            }
        }
        records.push(note(Operation::Disconnect, Some(Code::ClosedRemotely), true));
    }
    let about =
        "a real train of one Java device: a period of 60 and 65 min with two outliers and missing records";
    Scenario { name: "java-609", about, truth: Truth::TokenExpiry, records }
}

/// Benign: SDKs that renew in time leave disconnects of level Information only, every 45, 58 and 48 minutes.
pub(crate) fn clean_renewals() -> Scenario {
    let name = "clean-renewals";
    let mut dice = Dice::new(seed(name));
    let plans = [Sdk::Node, Sdk::Python, Sdk::C]
        .into_iter()
        .flat_map(|sdk| token_devices(sdk, 1, 4, &SITES, &mut dice))
        .collect();
    let about =
        "the device closes and connects again at a regular interval, without any error record: nothing to do";
    Scenario::new(name, about, Truth::CleanRenewal, plans, &(MARCH_4..MARCH_4 + DAY))
}

/// True case: one device with a certificate that loses its network again and again, at no period.
pub(crate) fn random_dropper() -> Scenario {
    let name = "random-dropper";
    let mut dice = Dice::new(seed(name));
    let window = MARCH_4..MARCH_4 + DAY;
    let device = lasting_device("truck-0001".into(), Protocol::Mqtt, Auth::X509, SITES[3], &mut dice);
    let mut plan = Plan::connecting(device, march_4(0, 3, 0), Truth::RandomDrops);
    random_drops(&mut plan, &window, &mut dice);
    let about = "404104 at random times, back after seconds to ten minutes: network or crash, not a token";
    Scenario::new(name, about, Truth::RandomDrops, vec![plan], &window)
}

/// True case: 600 devices, six quiet hours, then a hub node fails under 18 % of them. The log goes on for two hours more, so
/// that the renewals of those devices, now in phase, come as an echo that is not a second fault.
pub(crate) fn hub_fault_at_noon() -> Scenario {
    let name = "hub-fault";
    let mut dice = Dice::new(seed(name));
    let window = march_4(6, 0, 0)..march_4(14, 0, 0);
    let mut plans = fleet_of_600(&window, &mut dice);
    hub_fault(plans.iter_mut().collect(), march_4(12, 0, 7), 18, &mut dice);
    let about = "drops within 40 s across all sites and SDKs, 500xxx at connect, a ramp back; an echo 45 to 70 min later";
    Scenario::new(name, about, Truth::HubFault, plans, &window)
}

/// False friend of the hub fault: 600 devices, twelve hours of history, then one site's line is cut. No 500xxx.
pub(crate) fn site_cut_at_noon() -> Scenario {
    let name = "site-cut";
    let mut dice = Dice::new(seed(name));
    let window = MARCH_4..march_4(14, 0, 0);
    let mut plans = fleet_of_600(&window, &mut dice);
    site_cut(&mut plans, CUT_SITE, march_4(12, 0, 0), 25 * MINUTE, &mut dice);
    let about = "one address prefix falls silent within a minute or two, all other sites stay, no 500xxx: the site, not the hub";
    Scenario::new(name, about, Truth::SiteCut, plans, &window)
}

/// False friend of the token: a period of 24 h on the wall clock, and a certificate, so no token at all.
pub(crate) fn nightly_reboot_of_one() -> Scenario {
    let about = "404104 every night at 02:00 for nine nights, X.509: a reboot, never a token";
    nightly_reboots("nightly-reboot-of-one", about, 1)
}

/// The same for a site: nine nights, twelve devices at once, which is no hub fault either.
pub(crate) fn nightly_reboot_of_a_site() -> Scenario {
    let about = "twelve X.509 devices of one site drop every night at 02:00 for nine nights: neither a token nor the hub";
    nightly_reboots("nightly-reboot-of-a-site", about, 12)
}

fn nightly_reboots(name: &'static str, about: &'static str, count: usize) -> Scenario {
    let mut dice = Dice::new(seed(name));
    let nights = (0..9).map(|night| march_4(2, 0, 0) + night * DAY);
    let plans = (1..=count)
        .map(|number| {
            let name = format!("gate-{number:04}");
            let device = lasting_device(name, Protocol::Mqtt, Auth::X509, SITES[5], &mut dice);
            let up = march_4(0, 5, 0) + dice.between(0..=HOUR);
            let mut plan = Plan::connecting(device, up, Truth::NightlyReboot);
            nightly_reboot(&mut plan, nights.clone(), &mut dice);
            plan
        })
        .collect();
    Scenario::new(name, about, Truth::NightlyReboot, plans, &(MARCH_4..MARCH_4 + 9 * DAY))
}

/// False friend of the token: AMQP, closed one hour after the last traffic, back only when there is something to send.
pub(crate) fn amqp_idle_close() -> Scenario {
    let name = "amqp-idle-close";
    let mut dice = Dice::new(seed(name));
    let window = MARCH_4..MARCH_4 + DAY;
    let up = march_4(0, 20, 0);
    let device = lasting_device("mixer-0001".into(), Protocol::Amqp, Auth::Sas, SITES[6], &mut dice);
    let mut plan = Plan::connecting(device, up, Truth::IdleClose);
    let mut connected = up;
    while connected < window.end {
        let last_traffic = connected + dice.between(2..=45);
        let asleep = dice.between(3 * MINUTE..=40 * MINUTE);
        let closed = last_traffic + HOUR;
        plan.outages.push(Outage::closed(closed, Some(asleep), Truth::IdleClose));
        connected = closed + asleep;
    }
    let about = "sessions of one hour on AMQP, counted from the last traffic; no 401003, and no connect within a minute";
    Scenario::new(name, about, Truth::IdleClose, vec![plan], &window)
}

/// False friend of everything: one 404104, because someone stopped the process; back three hours later.
pub(crate) fn process_killed_once() -> Scenario {
    let name = "process-killed-once";
    let mut dice = Dice::new(seed(name));
    let device = lasting_device("lathe-0001".into(), Protocol::Amqp, Auth::Sas, SITES[2], &mut dice);
    let mut plan = Plan::connecting(device, march_4(6, 30, 2), Truth::ProcessKilled);
    plan.outages.push(Outage::closed(march_4(11, 19, 25), Some(3 * HOUR + 41), Truth::ProcessKilled));
    let about = "a single 404104 and a connect three hours later: too little to name a cause";
    Scenario::new(name, about, Truth::ProcessKilled, vec![plan], &(MARCH_4..MARCH_4 + DAY))
}

/// False friend of the token: 401003 that no connect follows. Five hours of renewals, then the key is rotated.
pub(crate) fn key_rotated() -> Scenario {
    let name = "key-rotated";
    let mut dice = Dice::new(seed(name));
    let window = march_4(3, 0, 0)..march_4(14, 0, 0);
    let mut plans = token_devices(Sdk::DotNet, 1, 1, &SITES, &mut dice);
    for plan in &mut plans {
        rotate_key(plan, march_4(8, 21, 40), &mut dice);
    }
    let about =
        "401003 at every connect and never a success: the credential, though token expiries came before it";
    Scenario::new(name, about, Truth::CredentialRejected, plans, &window)
}

/// 500 devices of all SDKs on seven sites, and 100 on the site that can be cut, most of these Python.
fn fleet_of_600(window: &Range<i64>, dice: &mut Dice) -> Vec<Plan> {
    let sites = &SITES[..7];
    let mut plans = Vec::new();
    for (sdk, count) in
        [(Sdk::DotNet, 200), (Sdk::Java, 100), (Sdk::Node, 110), (Sdk::Python, 10), (Sdk::C, 40)]
    {
        plans.extend(token_devices(sdk, 1, count, sites, dice));
    }
    plans.extend(token_devices(Sdk::Python, 11, 90, &[CUT_SITE], dice));
    plans.extend(token_devices(Sdk::DotNet, 201, 10, &[CUT_SITE], dice));
    plans.extend(steady_devices(40, sites, window, dice));
    plans
}

/// A seed that belongs to the name (FNV-1a), so that no story shifts another.
fn seed(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
