//! The zone of stamps that name none, as an input file says it.

use super::time_offset;

/// How far the clock that wrote stamps without a zone is ahead of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(i64);

impl Zone {
    /// The clock shows UTC.
    pub const UTC: Self = Self(0);

    /// Reads what stands after `zone:`: `utc`, or a distance such as `+01:00`, at most 18 hours.
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            b"utc" => Some(Self::UTC),
            written @ [b'+' | b'-', _, _, b':', _, _] => time_offset(written, None).ok().map(Self),
            _ => None,
        }
    }

    /// The distance in seconds; east of Greenwich it is more than 0.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_utc_or_a_distance_from_it() {
        let seconds = |text: &str| Zone::parse(text).map(Zone::seconds);
        assert_eq!(seconds("utc"), Some(0));
        assert_eq!(seconds("+01:00"), Some(3_600));
        assert_eq!(seconds("-03:30"), Some(-12_600));
        assert_eq!(seconds("+18:00"), Some(64_800));
        for text in
            ["", "UTC", "Z", "01:00", "+1:00", "+0100", "+18:01", "+01:60", "+aa:00", "CET", "+01:00 "]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
