//! What the log says of new dead letters: a line a minute for each reason, with the number.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long nothing more is said of a reason.
const SILENCE: Duration = Duration::from_mins(1);

/// What was said of each reason, and what is still to be said. Reasons are Redis' codes, a handful.
#[derive(Debug, Default)]
pub(super) struct Notices(BTreeMap<String, Notice>);

#[derive(Debug)]
struct Notice {
    said: Instant,
    unsaid: u64,
}

impl Notices {
    /// So many more letters have this reason. Gives the number that is to be told now, if any is.
    pub(super) fn add(&mut self, reason: &str, letters: u64, now: Instant) -> Option<u64> {
        if let Some(notice) = self.0.get_mut(reason)
            && now.saturating_duration_since(notice.said) < SILENCE
        {
            notice.unsaid += letters;
            return None;
        }
        let unsaid = self.0.get(reason).map_or(0, |notice| notice.unsaid);
        let notice = Notice {
            said: now,
            unsaid: 0,
        };
        self.0.insert(reason.to_owned(), notice);
        Some(unsaid + letters)
    }

    /// The reasons and numbers that have waited for their minute to end.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(String, u64)> {
        let is_over = |notice: &Notice| now.saturating_duration_since(notice.said) >= SILENCE;
        let mut due = Vec::new();
        for (reason, notice) in &mut self.0 {
            if notice.unsaid > 0 && is_over(notice) {
                due.push((reason.clone(), notice.unsaid));
                notice.said = now;
                notice.unsaid = 0;
            }
        }
        due
    }

    /// All that was not told yet.
    pub(super) fn rest(&mut self) -> Vec<(String, u64)> {
        let rest = std::mem::take(&mut self.0).into_iter();
        rest.map(|(reason, notice)| (reason, notice.unsaid))
            .filter(|(_, letters)| *letters > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_once_a_minute_and_no_letter_is_left_out() {
        let mut notices = Notices::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(notices.add("WRONGTYPE", 3, at(0)), Some(3));
        assert_eq!(notices.add("WRONGTYPE", 2, at(1)), None);
        assert_eq!(notices.add("NOPERM", 1, at(2)), Some(1));
        assert_eq!(notices.add("WRONGTYPE", 2, at(59)), None);
        assert!(notices.due(at(59)).is_empty());
        assert_eq!(notices.due(at(60)), [("WRONGTYPE".to_owned(), 4)]);
        assert!(notices.due(at(61)).is_empty());
        assert_eq!(notices.add("WRONGTYPE", 1, at(70)), None);
        assert_eq!(notices.add("WRONGTYPE", 1, at(200)), Some(2));
        assert_eq!(notices.add("NOPERM", 5, at(201)), Some(5));
        assert_eq!(notices.add("NOPERM", 6, at(202)), None);
        assert_eq!(notices.rest(), [("NOPERM".to_owned(), 6)]);
    }
}
