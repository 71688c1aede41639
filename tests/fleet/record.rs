//! One resource-log record of category Connections, and its JSON text.
//!
//! The shape is that of the Azure Monitor reference for IoT Hub: `properties` is JSON text in a string, and `authType` is
//! JSON text in a string of that text. Stamps are whole seconds.

use std::{fmt::Write as _, sync::Arc};

use super::{HUB, dice::Dice, sdk::Sdk, truth::Truth};

/// A device as its records show it.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) sdk: Sdk,
    pub(crate) version: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) auth: Auth,
    /// The masked address of its site, three octets and `XXX`.
    pub(crate) site: &'static str,
    /// True where a short SAS token on MQTT makes sessions end by themselves.
    pub(crate) renews: bool,
}

/// How the device speaks to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Mqtt,
    Amqp,
}

/// How the device proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    Sas,
    X509,
}

/// What the hub noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Connect,
    Disconnect,
}

/// The error codes of these stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Unauthorized,
    ClosedRemotely,
    ServerError,
    GenericTimeout,
}

impl Code {
    /// `resultType`, `resultDescription` and the inner `statusCode`.
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Unauthorized => ("401003", "IoTHubUnauthorized", "401"),
            Self::ClosedRemotely => ("404104", "DeviceConnectionClosedRemotely", "404"),
            Self::ServerError => ("500001", "ServerError", "500"),
            Self::GenericTimeout => ("500008", "GenericTimeout", "500"),
        }
    }
}

/// One entry of the log and the truth about it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Seconds since 1970, UTC.
    pub(crate) time: i64,
    pub(crate) device: Arc<Device>,
    pub(crate) operation: Operation,
    /// `None` is a success.
    pub(crate) code: Option<Code>,
    /// True where the record names neither SDK nor authentication, as many error records do.
    pub(crate) bare: bool,
    pub(crate) truth: Truth,
}

impl Record {
    /// The record as one line of JSON, without the line end.
    pub(crate) fn line(&self) -> String {
        let operation = match self.operation {
            Operation::Connect => "deviceConnect",
            Operation::Disconnect => "deviceDisconnect",
        };
        let mut line = format!(
            "{{\"time\":\"{}\",\"resourceId\":\"/SUBSCRIPTIONS/1F2A77C0-0000-4A11-9C55-6B0D2E3F4A5B/RESOURCEGROUPS/PLANT-RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/{}\",\"operationName\":\"{operation}\",\"category\":\"Connections\",",
            stamp(self.time),
            HUB.to_ascii_uppercase(),
        );
        let _ = match self.code.map(Code::texts) {
            None => write!(line, "\"level\":\"Information\","),
            Some((code, name, _)) => write!(
                line,
                "\"level\":\"Error\",\"resultType\":\"{code}\",\"resultDescription\":\"{name}\","
            ),
        };
        let _ = write!(line, "\"properties\":{},\"location\":\"westeurope\"}}", quote(&self.properties()));
        line
    }

    fn properties(&self) -> String {
        let device = &*self.device;
        let mut text = format!("{{\"deviceId\":{},", quote(&device.name));
        if !self.bare {
            let _ = write!(text, "\"sdkVersion\":{},", quote(device.version));
        }
        let protocol = match device.protocol {
            Protocol::Mqtt => "Mqtt",
            Protocol::Amqp => "Amqp",
        };
        let auth = if self.bare { "null".into() } else { quote(&auth_type(device.auth)) };
        let status = match self.code.map(Code::texts) {
            None => "null".into(),
            Some((_, _, status)) => quote(status),
        };
        let _ = write!(
            text,
            "\"protocol\":\"{protocol}\",\"authType\":{auth},\"maskedIpAddress\":\"{}\",\"statusCode\":{status}}}",
            device.site,
        );
        text
    }
}

fn auth_type(auth: Auth) -> String {
    let (kind, issuer) = match auth {
        Auth::Sas => ("sas", "iothub"),
        Auth::X509 => ("x509", "external"),
    };
    format!(
        "{{\"scope\":\"device\",\"type\":\"{kind}\",\"issuer\":\"{issuer}\",\"acceptingIpFilterRule\":null}}"
    )
}

/// The text as a JSON string. Only printable ASCII is ever written here.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Seconds since 1970 as `2025-03-04T07:12:03Z`.
pub(crate) fn stamp(time: i64) -> String {
    let (day, second) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    // Civil date from a day number, with years that begin in March (Hinnant, `chrono`-compatible low-level date algorithms).
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

/// The lines in order of event time, or, given a seed, as a hub delivers them: in a quarter of the minutes each record
/// arrives up to 90 s late.
pub(crate) fn to_lines(records: &[Record], disorder: Option<u64>) -> Vec<String> {
    let mut arrivals: Vec<(i64, &Record)> = records.iter().map(|record| (record.time, record)).collect();
    arrivals.sort_by_key(|&(time, _)| time);
    if let Some(seed) = disorder {
        let mut delays = Dice::new(seed);
        for (arrival, _) in &mut arrivals {
            let minute = arrival.div_euclid(60).unsigned_abs();
            if Dice::new(seed.wrapping_add(minute)).chance(25) {
                *arrival += delays.between(0..=90);
            }
        }
        arrivals.sort_by_key(|&(arrival, _)| arrival);
    }
    arrivals.into_iter().map(|(_, record)| record.line()).collect()
}
