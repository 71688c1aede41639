//! A simulated fleet of devices on one Azure IoT Hub, and the resource logs (category Connections) that it leaves behind.
//!
//! Enters: a seed and a plan of what goes wrong. Leaves: records in order of event time, each with the truth about why it
//! was written, and from them the JSON Lines that a diagnostic setting would deliver. The same seed gives the same bytes
//! on every machine. To add a story, copy one function of `scenarios.rs`.

#![allow(dead_code, reason = "each program that includes this folder uses its own part of it")]

mod day;
mod dice;
mod faults;
mod life;
mod record;
mod scenarios;
mod sdk;
mod truth;

#[allow(unused_imports, reason = "as above")]
pub(crate) use {
    day::{Day, fleet_day},
    dice::Dice,
    record::{Record, stamp, to_lines},
    scenarios::*,
    truth::{Tally, Truth},
};

/// The hub of every log made here.
pub(crate) const HUB: &str = "plant-hub-eu";

/// 2025-03-04T00:00:00Z, the day on which most stories play.
pub(crate) const MARCH_4: i64 = 1_741_046_400;

/// Seconds in a minute, an hour and a day.
pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;

/// A time on 2025-03-04 as the wall clock says it.
pub(crate) const fn march_4(hour: i64, minute: i64, second: i64) -> i64 {
    MARCH_4 + hour * HOUR + minute * MINUTE + second
}
