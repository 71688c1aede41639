//! What goes wrong in a fleet, written into the plans of the devices that it strikes.

use std::ops::Range;

use super::{
    MINUTE,
    dice::Dice,
    life::{Ending, Outage, Plan},
    record::{Auth, Code, Device, Protocol},
    sdk::Sdk,
    truth::Truth,
};

/// Devices of one SDK on MQTT with a SAS token of 60 minutes, spread over the sites, numbered from `first`.
pub(crate) fn token_devices(
    sdk: Sdk,
    first: usize,
    count: usize,
    sites: &[&'static str],
    dice: &mut Dice,
) -> Vec<Plan> {
    (first..first + count)
        .map(|number| {
            Plan::running(Device {
                name: format!("{}-{number:04}", sdk.kind()),
                sdk,
                version: dice.pick(sdk.versions()),
                protocol: Protocol::Mqtt,
                auth: Auth::Sas,
                site: dice.pick(sites),
                renews: true,
            })
        })
        .collect()
}

/// A device whose link no token ends: AMQP renews inside the link, a certificate does not expire, a long token outlives the log.
pub(crate) fn lasting_device(
    name: String,
    protocol: Protocol,
    auth: Auth,
    site: &'static str,
    dice: &mut Dice,
) -> Device {
    let sdk = dice.pick(&Sdk::ALL);
    Device { name, sdk, version: dice.pick(sdk.versions()), protocol, auth, site, renews: false }
}

/// One of the ways to stay connected for days.
pub(crate) fn lasting_link(dice: &mut Dice) -> (Protocol, Auth) {
    dice.pick(&[(Protocol::Mqtt, Auth::X509), (Protocol::Amqp, Auth::X509), (Protocol::Amqp, Auth::Sas)])
}

/// Devices that stay connected: some are installed inside the window, the others restart once and say so.
pub(crate) fn steady_devices(
    count: usize,
    sites: &[&'static str],
    window: &Range<i64>,
    dice: &mut Dice,
) -> Vec<Plan> {
    (1..=count)
        .map(|number| {
            let (protocol, auth) = lasting_link(dice);
            let site = dice.pick(sites);
            let device = lasting_device(format!("robot-{number:04}"), protocol, auth, site, dice);
            let time = dice.between(window.start + MINUTE..=window.end - 2 * MINUTE);
            if number % 5 < 3 {
                return Plan::connecting(device, time, Truth::Steady);
            }
            let mut plan = Plan::running(device);
            plan.outages.push(Outage::clean(time, dice.between(15..=60), Truth::Steady));
            plan
        })
        .collect()
}

/// 4 to 9 losses at random times: most last longer than a minute, one in five is back sooner.
pub(crate) fn random_drops(plan: &mut Plan, window: &Range<i64>, dice: &mut Dice) {
    let wanted = dice.between(4..=9);
    let mut times: Vec<i64> = Vec::new();
    while (times.len() as i64) < wanted {
        let time = dice.between(window.start + 5 * MINUTE..=window.end - 15 * MINUTE);
        if times.iter().all(|other| (other - time).abs() > 15 * MINUTE) {
            times.push(time);
        }
    }
    for time in times {
        let lasts = if dice.chance(20) { dice.between(20..=59) } else { dice.between(61..=600) };
        plan.outages.push(Outage::closed(time, Some(lasts), Truth::RandomDrops));
    }
}

/// A part of the hub fails: `percent` of the devices are dropped within 40 s, refused with 500xxx, and let back in one after
/// the other, evenly over five minutes, as a throttled hub does.
pub(crate) fn hub_fault(plans: Vec<&mut Plan>, start: i64, percent: usize, dice: &mut Dice) {
    let mut struck = plans;
    dice.shuffle(&mut struck);
    struck.truncate(struck.len() * percent / 100);
    let count = struck.len() as i64;
    for (turn, plan) in struck.into_iter().enumerate() {
        let cut = start + dice.between(0..=40);
        let lasts = start + 100 + turn as i64 * 5 * MINUTE / count - cut;
        let code = if dice.chance(90) { Code::ClosedRemotely } else { Code::ServerError };
        let mut refusals = Vec::new();
        let mut waits = [3, 8, 15, 25].into_iter();
        let mut after = 0;
        loop {
            let wait = waits.next().unwrap_or(30);
            after += wait + dice.between(-wait / 4..=wait / 4);
            if after >= lasts {
                break;
            }
            refusals.push((after, if dice.chance(60) { Code::ServerError } else { Code::GenericTimeout }));
        }
        plan.outages.push(Outage {
            cut,
            noted: cut,
            lasts: Some(lasts),
            ending: Ending::Code(code),
            refusals,
            truth: Truth::HubFault,
        });
    }
}

/// The line of one site is cut: the hub notices each device when its keep-alive runs out.
pub(crate) fn site_cut<'plans>(
    plans: impl IntoIterator<Item = &'plans mut Plan>,
    site: &str,
    at: i64,
    lasts: i64,
    dice: &mut Dice,
) {
    for plan in plans.into_iter().filter(|plan| plan.device.site == site) {
        plan.outages.push(Outage {
            cut: at,
            noted: at + plan.device.sdk.unnoticed(dice),
            lasts: Some(lasts + dice.between(0..=45)),
            ending: Ending::Code(Code::ClosedRemotely),
            refusals: Vec::new(),
            truth: Truth::SiteCut,
        });
    }
}

/// The key is rotated at the hub: the link is closed and no connect succeeds any more.
pub(crate) fn rotate_key(plan: &mut Plan, at: i64, dice: &mut Dice) {
    let cut = at + dice.between(0..=40);
    let ending = if dice.chance(50) { Ending::Unauthorized } else { Ending::Code(Code::ClosedRemotely) };
    let lasts = Some(dice.between(3..=8));
    plan.outages.push(Outage { ending, ..Outage::closed(cut, lasts, Truth::CredentialRejected) });
    plan.refused_from = Some((cut, Truth::CredentialRejected));
}

/// A reboot at a fixed second of the day, on each of the nights.
pub(crate) fn nightly_reboot(plan: &mut Plan, nights: impl IntoIterator<Item = i64>, dice: &mut Dice) {
    for night in nights {
        let cut = night + dice.between(0..=20);
        plan.outages.push(Outage::closed(cut, Some(90 + dice.between(0..=6)), Truth::NightlyReboot));
    }
}
