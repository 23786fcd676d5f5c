//! The calls under way on one connection, by key: which must wait for which, and which may come late.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::deadline::Deadline;

/// The number of no connection: that of a call which is not under way, or which goes only when no older one is.
pub(super) const NO_CONNECTION: u64 = 0;

/// For how long something may come late that was sent on a connection which was given up and which the
/// server cannot be made to forget: a frozen server or proxy wakes up.
const LATE: Duration = Duration::from_mins(1);

/// The most keys of which it is remembered that a change was lost. No program loses so many within a minute.
const MAX_LOST: usize = 65_536;

/// Whether a call changes what is stored, its time to live included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Reads,
    Changes,
}

/// All calls of one [`KeyOrder`](super::key_order::KeyOrder), behind its lock.
#[derive(Default)]
pub(super) struct CallTable {
    /// How many calls were begun.
    pub(super) begun: u64,
    /// Of each key the calls that have not ended, in the order in which they were begun.
    calls: HashMap<u64, KeyCalls, RandomState>,
    /// Of each key the number of the connection on which a change was lost without an answer, and when.
    lost: HashMap<u64, (u64, Instant), RandomState>,
}

/// The calls on one key that have not ended, in the order in which they were begun. Nearly always there is one.
pub(super) struct KeyCalls {
    oldest: Arc<OrderedCall>,
    newer: Vec<Arc<OrderedCall>>,
}

impl KeyCalls {
    fn iter(&self) -> impl Iterator<Item = &Arc<OrderedCall>> {
        std::iter::once(&self.oldest).chain(&self.newer)
    }
}

/// A call that has not ended. All that changes in it changes under the lock of the table.
pub(super) struct OrderedCall {
    pub(super) number: u64,
    pub(super) access: Access,
    pub(super) keys: Vec<u64>,
    pub(super) limit: Deadline,
    /// The number of the connection on which it is under way.
    pub(super) sent_on: AtomicU64,
    /// Whether a newer call that changes something was sent behind it.
    pub(super) overtaken: AtomicBool,
    /// Whether the newer ones wait no longer, because its time is over. It can not be sent any more.
    pub(super) given_up: AtomicBool,
    pub(super) has_ended: AtomicBool,
    pub(super) was_answered: AtomicBool,
    /// Whether an older call may still be executed after this one.
    pub(super) is_unsettled: AtomicBool,
    /// Told when it was sent, and when it ended.
    pub(super) moved: Notify,
}

impl CallTable {
    /// Adds a call that is newer than all others.
    pub(super) fn add(&mut self, call: &Arc<OrderedCall>) {
        for key in &call.keys {
            match self.calls.entry(*key) {
                Entry::Occupied(calls) => calls.into_mut().newer.push(Arc::clone(call)),
                Entry::Vacant(place) => {
                    place.insert(KeyCalls {
                        oldest: Arc::clone(call),
                        newer: Vec::new(),
                    });
                }
            }
        }
    }

    /// Removes a call that has ended.
    pub(super) fn remove(&mut self, call: &OrderedCall) {
        for key in &call.keys {
            let Entry::Occupied(mut found) = self.calls.entry(*key) else {
                continue;
            };
            let calls = found.get_mut();
            if calls.oldest.number != call.number {
                calls.newer.retain(|other| other.number != call.number);
            } else if calls.newer.is_empty() {
                found.remove();
            } else {
                calls.oldest = calls.newer.remove(0);
            }
        }
    }

    /// Whether no call is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Remembers the keys of a call that changes something and was sent without being answered.
    pub(super) fn note_lost(&mut self, call: &OrderedCall) {
        let connection = call.sent_on.load(Ordering::Relaxed);
        let is_lost = connection != NO_CONNECTION && !call.was_answered.load(Ordering::Relaxed);
        if !is_lost || call.access == Access::Reads {
            return;
        }
        if self.lost.len() >= MAX_LOST {
            self.lost.retain(|_, (_, when)| when.elapsed() < LATE);
        }
        if self.lost.len() < MAX_LOST {
            let entries = call
                .keys
                .iter()
                .map(|key| (*key, (connection, Instant::now())));
            self.lost.extend(entries);
        }
    }

    /// Notes in the call whether an older change of one of its keys may still be executed after it. The server
    /// could not be made to forget the connections up to `unfenced`.
    pub(super) fn note_unsettled(&mut self, call: &OrderedCall, connection: u64, unfenced: u64) {
        if self.lost.is_empty() || call.access == Access::Reads {
            return;
        }
        for key in &call.keys {
            let Some((at, when)) = self.lost.get(key) else {
                continue;
            };
            if *at <= unfenced && *at != connection && when.elapsed() < LATE {
                call.is_unsettled.store(true, Ordering::Relaxed);
            } else {
                self.lost.remove(key);
            }
        }
    }
}

impl OrderedCall {
    pub(super) fn new(number: u64, access: Access, keys: Vec<u64>, limit: Deadline) -> Self {
        Self {
            number,
            access,
            keys,
            limit,
            sent_on: AtomicU64::new(NO_CONNECTION),
            overtaken: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            was_answered: AtomicBool::new(false),
            is_unsettled: AtomicBool::new(false),
            moved: Notify::new(),
        }
    }

    pub(super) fn is_under_way_on(&self, connection: u64) -> bool {
        connection != NO_CONNECTION && self.sent_on.load(Ordering::Relaxed) == connection
    }

    /// Whether it must not be executed before the other one.
    pub(super) fn must_not_pass(&self, other: &Self) -> bool {
        other.number < self.number
            && (self.access == Access::Changes || other.access == Access::Changes)
    }

    /// The first of the older calls that is neither over nor under way on this connection.
    pub(super) fn older(&self, table: &CallTable, connection: u64) -> Option<Arc<Self>> {
        let older = |key: &u64| {
            let mut calls = table.calls.get(key)?.iter();
            calls.find(|other| {
                self.must_not_pass(other)
                    && !other.is_under_way_on(connection)
                    && !other.given_up.load(Ordering::Relaxed)
            })
        };
        self.keys.iter().find_map(older).cloned()
    }

    /// Tells the older ones that this one was sent behind them.
    pub(super) fn overtake_older(&self, table: &CallTable) {
        if self.access == Access::Reads {
            return;
        }
        let calls = self.keys.iter().filter_map(|key| table.calls.get(key));
        for other in calls.flat_map(KeyCalls::iter) {
            if other.number < self.number {
                other.overtaken.store(true, Ordering::Relaxed);
            }
        }
    }
}
