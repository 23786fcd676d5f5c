//! Why events are not applied everywhere, or not known to be.

/// Why a destination gets nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It is paused.
    Paused,
    /// It is disabled.
    Disabled,
    /// It is not configured any more.
    Removed,
}

/// Why a wait ended before all of its events were in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotApplied {
    /// The time was over.
    TimedOut,
    /// A destination gets nothing as long as nobody changes that.
    Stopped(Stopped),
    /// So many of the events, at most, are dead letters or were lost to damage of the journal. They have their
    /// outcome, and are not in Redis.
    Refused(u64),
    /// As many wait as may.
    TooManyWaits,
    /// The sender has hung up, and nobody would see the answer.
    HungUp,
    /// The server stops.
    Stopping,
}

impl NotApplied {
    /// Every reason as programs get it, beside `applied`.
    pub const NAMES: [&str; 8] = [
        "timeout",
        "paused",
        "disabled",
        "removed",
        "refused",
        "too_many_waits",
        "hung_up",
        "stopping",
    ];

    /// The reason as programs get it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::Stopped(Stopped::Paused) => "paused",
            Self::Stopped(Stopped::Disabled) => "disabled",
            Self::Stopped(Stopped::Removed) => "removed",
            Self::Refused(_) => "refused",
            Self::TooManyWaits => "too_many_waits",
            Self::HungUp => "hung_up",
            Self::Stopping => "stopping",
        }
    }

    /// The reason for people.
    pub fn message(self) -> String {
        let text = match self {
            Self::TimedOut => "not everywhere in Redis when the time was over",
            Self::Stopped(Stopped::Paused) => "a destination is paused",
            Self::Stopped(Stopped::Disabled) => "a destination was disabled",
            Self::Stopped(Stopped::Removed) => "a destination was removed from the configuration",
            Self::Refused(events) => {
                return format!(
                    "{events} of the events, at most, are not in Redis and will not come by themselves: a destination refused \
                     them for good, or the journal lost them"
                );
            }
            Self::TooManyWaits => "too many requests wait already",
            Self::HungUp => "the sender has hung up",
            Self::Stopping => "the server stops",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed() {
        let all = [
            NotApplied::TimedOut,
            NotApplied::Stopped(Stopped::Paused),
            NotApplied::Stopped(Stopped::Disabled),
            NotApplied::Stopped(Stopped::Removed),
            NotApplied::Refused(1),
            NotApplied::TooManyWaits,
            NotApplied::HungUp,
            NotApplied::Stopping,
        ];
        assert_eq!(all.map(NotApplied::as_str), NotApplied::NAMES);
    }
}
