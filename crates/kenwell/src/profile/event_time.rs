//! When an event happened, as far as its sender can be believed.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kenwell_json::{Kind, Reader};

use super::stamp::Receipt;

/// How far after its receipt an event may have happened, one hour: what says more is not believed.
pub const MAX_AHEAD: Duration = Duration::from_hours(1);

/// The year 2000. What happened before, by all that is known of the sender's clock, is not believed either.
const EARLIEST_MS: i64 = 946_684_800_000;

/// The times that an event names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NamedTimes {
    /// `originalTimestamp`: when it happened.
    pub(super) original: Option<i64>,
    /// `timestamp`: the same, from senders that do not name the other.
    pub(super) timestamp: Option<i64>,
    /// `sentAt`: when it was sent.
    pub(super) sent_at: Option<i64>,
}

impl NamedTimes {
    /// When the event happened, in milliseconds since 1970 UTC. The first of these that can be believed:
    /// `originalTimestamp`, `timestamp`, the event's `sentAt`, that of its request, the time of receipt.
    ///
    /// A sender's times are taken as they are, unless its clock is off by more than `tolerance`: what was sent and
    /// what was received tell by how much, and only then they are corrected by that. So a slow request makes no event
    /// younger, and copies of one event have one time, as long as the sender's clock is about right.
    ///
    /// What lies before the year 2000, or more than [`MAX_AHEAD`] after the receipt, is not believed.
    pub(super) fn event_time(self, receipt: &Receipt<'_>, tolerance: Duration) -> u64 {
        let received = i64::try_from(receipt.received_at_ms).unwrap_or(i64::MAX);
        let of_request = receipt.sent_at_ms.and_then(|sent| i64::try_from(sent).ok());
        let sent = self.sent_at.or(of_request);
        let tolerance = i64::try_from(tolerance.as_millis()).unwrap_or(i64::MAX);
        let off_by = sent.map_or(0, |sent| received.saturating_sub(sent));
        let correction = if off_by.saturating_abs() > tolerance {
            off_by
        } else {
            0
        };
        let ahead = i64::try_from(MAX_AHEAD.as_millis()).unwrap_or(i64::MAX);
        let is_believed =
            |time: &i64| *time >= EARLIEST_MS && *time <= received.saturating_add(ahead);
        let named = [self.original, self.timestamp, sent];
        let mut believed = named.into_iter().flatten();
        let believed = believed
            .by_ref()
            .map(|time| time.saturating_add(correction))
            .find(is_believed);
        u64::try_from(believed.unwrap_or(received)).unwrap_or_default()
    }
}

/// A moment as SDKs write it, in milliseconds since 1970 UTC: RFC 3339 with `T` or a space, any zone (UTC where there
/// is none) and any fraction of a second; or a number of milliseconds.
///
/// `json` is one JSON value.
pub fn moment_ms(json: &[u8]) -> Option<i64> {
    let mut reader = Reader::new(json);
    match reader.kind().ok()? {
        Kind::String => {
            let text = reader.string().ok()?.decode();
            let text = text.trim();
            let zoned = text.parse::<jiff::Timestamp>();
            let read = zoned.or_else(|_| {
                let local = text.parse::<DateTime>()?;
                local.to_zoned(TimeZone::UTC).map(|time| time.timestamp())
            });
            read.ok().map(jiff::Timestamp::as_millisecond)
        }
        Kind::Number => {
            let number = reader.number().ok()?.to_f64();
            // Whole milliseconds that a double has exactly; the cast cannot be out of range then.
            let is_exact = number.is_finite() && number.abs() < 9e15;
            #[expect(clippy::cast_possible_truncation, reason = "looked at before")]
            is_exact.then_some(number as i64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z.
    const RECEIVED: i64 = 1_700_000_000_000;
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn time(times: [Option<i64>; 3], of_request: Option<i64>) -> i64 {
        let [original, timestamp, sent_at] = times.map(|time| time.map(|time| RECEIVED + time));
        let times = NamedTimes {
            original,
            timestamp,
            sent_at,
        };
        let sent = |time| u64::try_from(RECEIVED + time).unwrap();
        let receipt = Receipt {
            received_at_ms: u64::try_from(RECEIVED).unwrap(),
            sent_at_ms: of_request.map(sent),
            ..Receipt::default()
        };
        let time = times.event_time(&receipt, Duration::from_mins(5));
        i64::try_from(time).unwrap() - RECEIVED
    }

    #[test]
    fn the_sender_is_believed_as_long_as_its_clock_is_about_right() {
        for (named, of_request, expected, why) in [
            (
                [Some(-DAY), None, Some(-9)],
                None,
                -DAY,
                "a phone that was offline",
            ),
            (
                [Some(-DAY), None, None],
                Some(-9),
                -DAY,
                "the same in a batch",
            ),
            (
                [Some(-DAY), None, Some(-5 * MINUTE)],
                None,
                -DAY,
                "a slow request changes nothing",
            ),
            (
                [Some(-DAY), None, None],
                None,
                -DAY,
                "nobody says when it was sent",
            ),
            (
                [Some(-9), Some(-7), Some(-5)],
                None,
                -9,
                "originalTimestamp comes first",
            ),
            ([None, Some(-7), Some(-5)], None, -7, "then timestamp"),
            (
                [None, None, Some(-5)],
                Some(-3),
                -5,
                "then the event's sentAt",
            ),
            ([None, None, None], Some(-3), -3, "then that of its request"),
            ([None, None, None], None, 0, "then the receipt"),
            (
                [Some(4 * MINUTE), None, Some(5 * MINUTE)],
                None,
                4 * MINUTE,
                "a little fast",
            ),
        ] {
            assert_eq!(time(named, of_request), expected, "{why}");
        }
    }

    #[test]
    fn a_worse_clock_is_corrected_and_what_is_absurd_is_not_believed() {
        for (named, of_request, expected, why) in [
            (
                [Some(-DAY - 9), None, Some(-DAY)],
                None,
                -9,
                "a slow clock is corrected",
            ),
            ([Some(DAY - 9), None, Some(DAY)], None, -9, "a fast one too"),
            (
                [None, None, Some(-DAY)],
                None,
                0,
                "its sentAt says nothing then",
            ),
            (
                [Some(-DAY), None, Some(DAY)],
                Some(0),
                -2 * DAY,
                "the event's sentAt counts first",
            ),
            (
                [Some(9 - RECEIVED), None, Some(19 - RECEIVED)],
                None,
                -10,
                "a clock of 1970",
            ),
            (
                [Some(DAY), None, None],
                None,
                0,
                "the future is not believed",
            ),
            (
                [Some(DAY), Some(-7), None],
                None,
                -7,
                "the next is taken then",
            ),
            (
                [Some(30 * MINUTE), None, None],
                None,
                30 * MINUTE,
                "half an hour is",
            ),
            (
                [Some(61 * MINUTE), None, None],
                None,
                0,
                "more than an hour is not",
            ),
            ([Some(-RECEIVED), None, Some(-1)], None, -1, "nor is 1970"),
            (
                [Some(i64::MAX - RECEIVED), None, Some(-RECEIVED)],
                None,
                0,
                "nor what is absurd",
            ),
        ] {
            assert_eq!(time(named, of_request), expected, "{why}");
        }
    }

    #[test]
    fn copies_of_one_event_have_one_time() {
        let copy = |received: i64, sent: i64| {
            let receipt = Receipt {
                received_at_ms: u64::try_from(RECEIVED + received).unwrap(),
                ..Receipt::default()
            };
            let times = NamedTimes {
                original: Some(RECEIVED - 9),
                sent_at: Some(RECEIVED + sent),
                ..NamedTimes::default()
            };
            times.event_time(&receipt, Duration::from_mins(5))
        };
        for (received, sent) in [(0, 0), (MINUTE, 0), (60 * MINUTE, 58 * MINUTE)] {
            assert_eq!(copy(received, sent), copy(0, -2), "{received} {sent}");
        }
    }

    #[test]
    fn moments_are_read_as_sdks_write_them() {
        for (json, expected) in [
            (r#""2023-11-14T22:13:20.123Z""#, Some(RECEIVED + 123)),
            (r#""2023-11-14T22:13:20Z""#, Some(RECEIVED)),
            (r#""2023-11-14T22:13:20.123456789Z""#, Some(RECEIVED + 123)),
            (
                r#""2023-11-14T22:13:20.123456+00:00""#,
                Some(RECEIVED + 123),
            ),
            (r#""2023-11-15T00:13:20.123+02:00""#, Some(RECEIVED + 123)),
            (r#""2023-11-14T22:13:20.123""#, Some(RECEIVED + 123)),
            (r#""2023-11-14 22:13:20.5Z""#, Some(RECEIVED + 500)),
            (r#"" 2023-11-14T22:13:20\u005a ""#, Some(RECEIVED)),
            ("1700000000123", Some(RECEIVED + 123)),
            ("1.700000000123e12", Some(RECEIVED + 123)),
            ("1e300", None),
            (r#""yesterday""#, None),
            (r#""""#, None),
            ("null", None),
            ("{}", None),
        ] {
            assert_eq!(moment_ms(json.as_bytes()), expected, "{json}");
        }
    }
}
