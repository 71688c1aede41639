//! One day of a whole plant: some 2,900 devices, most of them healthy and noisy, and eight things that go wrong.

use super::{
    DAY, HOUR, HUB, MARCH_4, MINUTE,
    dice::Dice,
    faults::{
        hub_fault, lasting_device, lasting_link, nightly_reboot, random_drops, rotate_key, site_cut,
        steady_devices, token_devices,
    },
    life::{Outage, Plan},
    march_4,
    record::{Auth, Protocol, Record, to_lines},
    sdk::Sdk,
    truth::{Tally, Truth},
};

/// The site whose line is cut.
pub(crate) const CUT_SITE: &str = "198.51.100.XXX";
/// The site that reboots at night.
pub(crate) const NIGHT_SITE: &str = "100.64.9.XXX";
/// All other sites.
pub(crate) const SITES: [&str; 10] = [
    "192.0.2.XXX",
    "203.0.113.XXX",
    "100.64.1.XXX",
    "100.64.2.XXX",
    "100.64.3.XXX",
    "100.64.4.XXX",
    "100.64.5.XXX",
    "100.64.6.XXX",
    "100.64.7.XXX",
    "100.64.8.XXX",
];

const SEED: u64 = 0x2025_0304;

/// The day's records with their truth.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    pub(crate) records: Vec<Record>,
}

impl Day {
    /// The log as it was delivered: JSON Lines, slightly out of order.
    pub(crate) fn text(&self) -> String {
        let mut text = to_lines(&self.records, Some(SEED)).join("\n");
        text.push('\n');
        text
    }

    /// The truth file.
    pub(crate) fn truth(&self) -> String {
        Tally::of(&self.records).to_json(HUB, MARCH_4, MARCH_4 + DAY)
    }
}

/// 2025-03-04 at the plant.
pub(crate) fn fleet_day() -> Day {
    let window = MARCH_4..MARCH_4 + DAY;
    let mut dice = Dice::new(SEED);

    let mut plans = Vec::new();
    for (sdk, count) in
        [(Sdk::DotNet, 980), (Sdk::Java, 500), (Sdk::Node, 600), (Sdk::Python, 60), (Sdk::C, 200)]
    {
        plans.extend(token_devices(sdk, 1, count, &SITES, &mut dice));
    }
    plans.extend(token_devices(Sdk::DotNet, 981, 20, &[CUT_SITE], &mut dice));
    plans.extend(token_devices(Sdk::Python, 61, 140, &[CUT_SITE], &mut dice));
    plans.extend(steady_devices(300, &SITES, &window, &mut dice));
    for number in 1..=25 {
        let name = format!("truck-{number:04}");
        let ((protocol, auth), long_token) = (lasting_link(&mut dice), dice.chance(30));
        let (protocol, auth) = if long_token { (Protocol::Mqtt, Auth::Sas) } else { (protocol, auth) };
        let site = dice.pick(&SITES);
        let mut plan = Plan::running(lasting_device(name, protocol, auth, site, &mut dice));
        random_drops(&mut plan, &window, &mut dice);
        plans.push(plan);
    }
    hub_fault(plans.iter_mut().collect(), march_4(13, 20, 4), 18, &mut dice);
    site_cut(&mut plans, CUT_SITE, march_4(17, 45, 0), 25 * MINUTE, &mut dice);

    plans.extend(rejected_devices(&mut dice));
    plans.extend(drifting_devices(&mut dice));
    plans.extend(rebooting_devices(&mut dice));
    plans.push(killed_device(&mut dice));

    let mut records: Vec<Record> =
        plans.into_iter().flat_map(|plan| plan.live(&window, dice.child())).collect();
    records.sort_by_key(|record| record.time);
    Day { records }
}

fn rejected_devices(dice: &mut Dice) -> Vec<Plan> {
    let mut plans = token_devices(Sdk::DotNet, 1_001, 7, &SITES, dice);
    plans.extend(token_devices(Sdk::Python, 201, 5, &SITES, dice));
    for plan in &mut plans {
        rotate_key(plan, march_4(9, 10, 0), dice);
    }
    plans
}

/// Fine until a renewal, refused from then on: their tokens now expire before the hub's clock says they begin.
fn drifting_devices(dice: &mut Dice) -> Vec<Plan> {
    let mut plans = token_devices(Sdk::DotNet, 1_008, 2, &SITES, dice);
    for (plan, hour) in plans.iter_mut().zip([5, 15]) {
        plan.refused_from = Some((march_4(hour, 30, 0), Truth::CredentialOrClock));
    }
    plans
}

fn rebooting_devices(dice: &mut Dice) -> Vec<Plan> {
    (1..=20)
        .map(|number| {
            let name = format!("gate-{number:04}");
            let mut plan = Plan::running(lasting_device(name, Protocol::Mqtt, Auth::X509, NIGHT_SITE, dice));
            nightly_reboot(&mut plan, [march_4(2, 0, 0)], dice);
            plan
        })
        .collect()
}

fn killed_device(dice: &mut Dice) -> Plan {
    let device = lasting_device("lathe-0001".into(), Protocol::Amqp, Auth::Sas, SITES[2], dice);
    let mut plan = Plan::running(device);
    plan.outages.push(Outage::closed(march_4(5, 14, 37), Some(3 * HOUR + 83), Truth::ProcessKilled));
    plan
}
