//! The device SDKs as the hub sees them: what they call themselves, how long a session lasts, who ends it.
//!
//! Sources: the SDKs' code and documentation, collected in the knowledge articles 404104 and 401003; the default life of a
//! token is 60 minutes in all of them.

use std::ops::RangeInclusive;

use super::{dice::Dice, truth::Truth};

/// A device SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sdk {
    DotNet,
    Java,
    Node,
    Python,
    C,
}

impl Sdk {
    /// Every SDK once.
    pub(crate) const ALL: [Self; 5] = [Self::DotNet, Self::Java, Self::Node, Self::Python, Self::C];

    /// What devices of this SDK are called in the plant.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::DotNet => "press",
            Self::Java => "meter",
            Self::Node => "pump",
            Self::Python => "cam",
            Self::C => "valve",
        }
    }

    /// The field `sdkVersion`, for the versions that are in the field.
    pub(crate) const fn versions(self) -> &'static [&'static str] {
        match self {
            Self::DotNet => &[
                ".NET/1.41.2 (.NET 6.0.16; Linux 5.15.0 #72-Ubuntu SMP; X64)",
                ".NET/1.42.0 (.NET 8.0.2; Linux 5.15.0 #101-Ubuntu SMP; X64)",
                ".NET/1.21.2 (.NET Framework 4.8.4200.0; Microsoft Windows 10.0.17763 WindowsProduct:0x00000004; X86)",
            ],
            Self::Java => &[
                "com.microsoft.azure.sdk.iot.iot-device-client/1.30.1 (Java 11.0.14; Linux 5.10.0; amd64)",
                "com.microsoft.azure.sdk.iot.iot-device-client/1.17.5 (Java 1.8.0_222; Linux 4.19.0; amd64)",
            ],
            Self::Node => &[
                "azure-iot-device/1.18.1 (node v16.19.0; Linux 5.10; arm64)",
                "azure-iot-device/1.17.1 (node v10.16.0; Windows_NT 10.0.18363; x64)",
            ],
            Self::Python => &["azure-iot-device-iothub-py/2.12.0 (3.9.2; Linux 5.10.103; armv7l)"],
            Self::C => &["iothubclient/1.10.1 (native; Linux; arm)", "iothubclient/1.3.9 (freertos; esp32)"],
        }
    }

    /// True where the SDK waits until the hub closes the expired MQTT link; the others renew before.
    pub(crate) const fn waits_for_the_hub(self) -> bool {
        matches!(self, Self::DotNet | Self::Java)
    }

    /// The truth about this SDK's renewals.
    pub(crate) const fn renewal(self) -> Truth {
        if self.waits_for_the_hub() { Truth::TokenExpiry } else { Truth::CleanRenewal }
    }

    /// Seconds from connect to the end of a session that nothing else ends. `fresh` is the first one of a client.
    pub(crate) fn session(self, fresh: bool, dice: &mut Dice) -> i64 {
        match self {
            // Life 60 min, and the hub closes 10 min later.
            Self::DotNet => 4_200 + dice.between(3..=60),
            // azure-iot-sdk-java#609: 65:02, then 60:01, 60:00, 60:00; the grace is a band.
            Self::Java if fresh => 3_900 + dice.between(0..=4),
            Self::Java if dice.chance(85) => 3_600 + dice.between(0..=3),
            Self::Java => 3_600 + dice.between(4..=300),
            // 60 min less a margin of 900 s, 120 s, a fifth.
            Self::Node => 2_700 + dice.between(0..=3),
            Self::Python => 3_480 + dice.between(0..=2),
            Self::C => 2_880 + dice.between(0..=2),
        }
    }

    /// Seconds between the end of a session and the next connect when only the token was old.
    pub(crate) const fn pause(self) -> RangeInclusive<i64> {
        match self {
            Self::DotNet => 2..=10,
            Self::Java => 3..=9,
            Self::Node => 1..=4,
            Self::Python => 1..=2,
            Self::C => 2..=11,
        }
    }

    /// In how many of a hundred expiries the hub also writes 401003.
    pub(crate) const fn unauthorized_percent(self) -> i64 {
        match self {
            Self::DotNet => 70,
            Self::Java => 30,
            Self::Node | Self::Python | Self::C => 0,
        }
    }

    /// Seconds after which the hub notices a dead MQTT link: 1.5 × the default keep-alive, less the age of the last packet.
    pub(crate) fn unnoticed(self, dice: &mut Dice) -> i64 {
        let (idle_limit, ping_every) = match self {
            Self::DotNet => (450, 75),
            Self::Java => (345, 230),
            Self::Node => (270, 180),
            Self::Python => (90, 60),
            Self::C => (360, 240),
        };
        idle_limit - dice.between(0..=ping_every)
    }
}
