//! What the log says of new dead letters: at most a line a minute for each reason, with how many they are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long nothing more is said of a reason.
const INTERVAL: Duration = Duration::from_mins(1);

/// When each reason was reported last, and how many letters are still to be reported. Reasons are Redis' codes,
/// a handful.
#[derive(Debug, Default)]
pub(super) struct RefusalReports(BTreeMap<String, RefusalReport>);

#[derive(Debug)]
struct RefusalReport {
    reported_at: Instant,
    unreported: u64,
}

impl RefusalReports {
    /// So many more letters have this reason. How many are to be reported now, if any are.
    pub(super) fn add(&mut self, reason: &str, letters: u64, now: Instant) -> Option<u64> {
        if let Some(report) = self.0.get_mut(reason)
            && now.saturating_duration_since(report.reported_at) < INTERVAL
        {
            report.unreported += letters;
            return None;
        }
        let unreported = self.0.get(reason).map_or(0, |report| report.unreported);
        let report = RefusalReport {
            reported_at: now,
            unreported: 0,
        };
        self.0.insert(reason.to_owned(), report);
        Some(unreported + letters)
    }

    /// The reasons whose minute has ended, with how many letters are to be reported.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(String, u64)> {
        let is_over =
            |report: &RefusalReport| now.saturating_duration_since(report.reported_at) >= INTERVAL;
        let mut due = Vec::new();
        for (reason, report) in &mut self.0 {
            if report.unreported > 0 && is_over(report) {
                due.push((reason.clone(), report.unreported));
                report.reported_at = now;
                report.unreported = 0;
            }
        }
        due
    }

    /// All that was not reported yet.
    pub(super) fn remaining(&mut self) -> Vec<(String, u64)> {
        let remaining = std::mem::take(&mut self.0).into_iter();
        remaining
            .map(|(reason, report)| (reason, report.unreported))
            .filter(|(_, letters)| *letters > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_reported_once_a_minute_and_no_letter_is_left_out() {
        let mut reports = RefusalReports::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(reports.add("WRONGTYPE", 3, at(0)), Some(3));
        assert_eq!(reports.add("WRONGTYPE", 2, at(1)), None);
        assert_eq!(reports.add("NOPERM", 1, at(2)), Some(1));
        assert_eq!(reports.add("WRONGTYPE", 2, at(59)), None);
        assert!(reports.due(at(59)).is_empty());
        assert_eq!(reports.due(at(60)), [("WRONGTYPE".to_owned(), 4)]);
        assert!(reports.due(at(61)).is_empty());
        assert_eq!(reports.add("WRONGTYPE", 1, at(70)), None);
        assert_eq!(reports.add("WRONGTYPE", 1, at(200)), Some(2));
        assert_eq!(reports.add("NOPERM", 5, at(201)), Some(5));
        assert_eq!(reports.add("NOPERM", 6, at(202)), None);
        assert_eq!(reports.remaining(), [("NOPERM".to_owned(), 6)]);
    }
}
