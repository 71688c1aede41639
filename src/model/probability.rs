//! How probable something is, as it is kept and as it is written.

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Serialize, Serializer};

/// A probability between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Encode, Decode)]
#[cbor(transparent)]
pub struct Probability(#[n(0)] f64);

impl Probability {
    /// Clamped to 0..=1; NaN becomes 0.
    pub fn new(p: f64) -> Self {
        Self(if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) })
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Certainty is never claimed by rounding alone.
        match self.0 {
            p if p > 0.999 => f.pad("> 99.9 %"),
            p if p > 0.0 && p < 0.001 => f.pad("< 0.1 %"),
            p if (0.1..0.99).contains(&p) => f.pad(&format!("{:.0} %", p * 100.0)),
            p => f.pad(&format!("{:.1} %", p * 100.0)),
        }
    }
}

/// Six digits, and never 0 or 1 by rounding alone.
impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const LEAST: f64 = 1e-6;
        let rounded = (self.0 * 1e6).round() / 1e6;
        let certain = self.0 <= 0.0 || self.0 >= 1.0;
        serializer.serialize_f64(if certain { self.0 } else { rounded.clamp(LEAST, 1.0 - LEAST) })
    }
}
