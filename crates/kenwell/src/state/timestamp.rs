//! Moments as they stand in stored records: `2024-01-01T00:00:00.040Z`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil;
use jiff::tz::TimeZone;

/// A moment in milliseconds since 1970, UTC. Its text is that of JavaScript's `toISOString` for the
/// years 0 to 9999, to which it is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no date that a record may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no date such as 2024-01-01T00:00:00.000Z")]
pub struct BadTimestamp;

/// From 0000-01-01T00:00:00.000Z to 9999-12-30T21:59:59.999Z, in milliseconds since 1970.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_199_999;

impl Timestamp {
    /// Now, as the system's clock has it.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// From milliseconds since 1970; what lies outside the years 0 to 9999 becomes their edge.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// Milliseconds since 1970.
    pub fn as_milliseconds(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; `None` when it lies in the future.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.0 - earlier.0)
            .ok()
            .map(Duration::from_millis)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let milliseconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Self::from_milliseconds(milliseconds)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The range was seen to; the epoch would be wrong, but it cannot come to that.
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(formatter, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    /// Reads ISO 8601 with a zone, or a date alone, which JavaScript takes for midnight in UTC.
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let read = text.parse::<jiff::Timestamp>().or_else(|_| {
            let date = text.parse::<civil::Date>()?;
            date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp())
        });
        let milliseconds = read.map_err(|_| BadTimestamp)?.as_millisecond();
        let milliseconds = Some(milliseconds).filter(|found| RANGE.contains(found));
        milliseconds.map(Self).ok_or(BadTimestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_and_writes_what_javascript_writes() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_704_067_200_040, "2024-01-01T00:00:00.040Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (*RANGE.end(), "9999-12-30T21:59:59.999Z"),
            (*RANGE.start(), "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(milliseconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(milliseconds)));
        }
        for (text, canonical) in [
            ("2024-01-01", "2024-01-01T00:00:00.000Z"),
            ("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00.000Z"),
            ("2024-01-01T00:00:00.0009Z", "2024-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), canonical);
        }
        for bad in [
            "",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "12",
            "-000001-01-01T00:00:00Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(BadTimestamp), "{bad}");
        }
    }

    #[test]
    fn the_edges_hold() {
        assert_eq!(
            Timestamp::from_milliseconds(i64::MAX),
            Timestamp(*RANGE.end())
        );
        assert_eq!(
            Timestamp::from_milliseconds(i64::MIN),
            Timestamp(*RANGE.start())
        );
        assert_eq!(
            Timestamp(5).since(Timestamp(3)),
            Some(Duration::from_millis(2))
        );
        assert_eq!(Timestamp(3).since(Timestamp(5)), None);
        assert!(Timestamp::now() > Timestamp(1_704_067_200_000));
    }
}
