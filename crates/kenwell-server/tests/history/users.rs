//! What was said of each user, and what of it may be its last word.

use std::collections::BTreeMap;

/// What became of an event, as its sender saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It got 200.
    Acknowledged,
    /// No 200 was seen: it may have been stored or not.
    Unknown,
}

/// The values that were given to one field of a user, in order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Field {
    acknowledged: Option<u64>,
    /// Values since then that may have been stored.
    unknown: Vec<u64>,
}

impl Field {
    fn sent(&mut self, value: u64, fate: Fate) {
        match fate {
            Fate::Acknowledged => {
                self.acknowledged = Some(value);
                self.unknown.clear();
            }
            Fate::Unknown => self.unknown.push(value),
        }
    }

    /// Whether Redis may hold this now.
    pub(crate) fn allows(&self, value: Option<u64>) -> bool {
        value == self.acknowledged || value.is_some_and(|value| self.unknown.contains(&value))
    }

    /// Whether some value must be there.
    pub(crate) fn is_due(&self) -> bool {
        self.acknowledged.is_some()
    }
}

/// Everything that is known of one user.
#[derive(Debug, Default, Clone)]
pub(crate) struct User {
    last: u64,
    /// The field of every event.
    pub(crate) n: Field,
    /// A field that only some events set.
    pub(crate) m: Field,
}

/// One event, with its number for its user.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    user: String,
    number: u64,
    sets_m: bool,
}

impl Event {
    pub(crate) fn json(&self) -> String {
        let Self { user, number, .. } = self;
        let m = if self.sets_m {
            format!(",\"m\":{number}")
        } else {
            String::new()
        };
        format!(r#"{{"type":"identify","userId":"{user}","traits":{{"n":{number}{m}}}}}"#)
    }
}

/// The users of one sender.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// Index of the source that speaks of them.
    pub(crate) source: usize,
    pub(crate) all: BTreeMap<String, User>,
}

impl Users {
    /// The next event of a user.
    pub(crate) fn next(&mut self, user: String, sets_m: bool) -> Event {
        let known = self.all.entry(user.clone()).or_default();
        known.last += 1;
        Event {
            number: known.last,
            user,
            sets_m,
        }
    }

    /// Remembers what became of an event.
    pub(crate) fn sent(&mut self, event: &Event, fate: Fate) {
        let known = self.all.entry(event.user.clone()).or_default();
        known.n.sent(event.number, fate);
        if event.sets_m {
            known.m.sent(event.number, fate);
        }
    }
}
