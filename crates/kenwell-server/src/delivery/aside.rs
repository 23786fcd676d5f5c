//! Updates that cannot be delivered now for reasons of their own wait here, and the others go on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kenwell::{Error, profile::Writer};
use kenwell_journal::Offset;
use tokio::{sync::Notify, time::sleep};

use super::{
    backoff::Backoff,
    write::{Outcomes, Waiting},
};

/// The most events that one lane sets aside. Beyond, the lane waits until there is room.
const MAX_EVENTS: usize = 10_000;

/// The most bytes of updates that one lane sets aside, 8 MiB.
const MAX_BYTES: usize = 8 << 20;

/// The most reasons that are told apart.
const MAX_REASONS: usize = 8;

/// What one lane has set aside: for each key the update that cannot be delivered, and all that came for
/// it later, in order.
#[derive(Default)]
pub(super) struct Aside {
    kept: Mutex<Kept>,
    /// Somebody came.
    filled: Notify,
    /// Somebody left; for the lane, which may wait for room.
    pub(super) emptied: Notify,
    /// Somebody left; for the cursor.
    pub(super) moved: Notify,
}

#[derive(Default)]
struct Kept {
    /// A key stays while its first update is under way.
    users: HashMap<Box<[u8]>, VecDeque<Waiting>>,
    /// The oldest events that are under way.
    under_way: Vec<Offset>,
    events: usize,
    bytes: usize,
    /// Why, in Redis' words, for so many events.
    reasons: BTreeMap<String, u64>,
    needs_operator: bool,
}

impl Aside {
    /// Whether something waits for this key, behind which a newer update must wait too.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let kept = self.kept();
        !kept.users.is_empty() && kept.users.contains_key(key)
    }

    /// Sets an update aside, behind those of its key. Gives it back when there is no room.
    pub(super) fn push(&self, waiting: Waiting, error: Option<&Error>) -> Option<Waiting> {
        let mut kept = self.kept();
        if kept.events >= MAX_EVENTS || kept.bytes >= MAX_BYTES {
            return Some(waiting);
        }
        kept.events += waiting.events();
        kept.bytes += waiting.bytes();
        if let Some(error) = error {
            kept.note(error, waiting.events());
        }
        let key = waiting.key().into();
        kept.users
            .entry(key)
            .or_default()
            .push_back(waiting.detach());
        self.filled.notify_one();
        None
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.kept().users.is_empty()
    }

    /// The oldest event that waits.
    pub(super) fn oldest(&self) -> Option<Offset> {
        let kept = self.kept();
        let waiting = kept.users.values().flatten().filter_map(Waiting::oldest);
        waiting.chain(kept.under_way.iter().copied()).min()
    }

    /// How many events wait, for which reasons, and whether somebody must look.
    pub(super) fn reasons(&self) -> (BTreeMap<String, u64>, bool) {
        let kept = self.kept();
        (kept.reasons.clone(), kept.needs_operator)
    }

    /// Delivers what was set aside, for as long as the delivery runs. The `writer` has the connection of the
    /// lane, so that nothing of one user is under way on two.
    pub(super) async fn deliver(&self, mut writer: Writer, outcomes: Outcomes) {
        let mut backoff = Backoff::default();
        loop {
            let fronts = self.take_fronts();
            if fronts.is_empty() {
                self.filled.notified().await;
                // The error is a moment old.
                sleep(backoff.next()).await;
                continue;
            }
            let attempt = outcomes.attempt(fronts, &mut writer).await;
            if attempt.written > 0 {
                backoff = Backoff::default();
            }
            let waits = attempt.again.iter().any(|(_, error)| error.is_some());
            self.put_back(attempt.again);
            self.emptied.notify_one();
            self.moved.notify_one();
            outcomes.tell_aside();
            if waits {
                sleep(backoff.next()).await;
            }
        }
    }

    /// The first update of each key.
    fn take_fronts(&self) -> Vec<Waiting> {
        let mut kept = self.kept();
        let fronts: Vec<_> = kept
            .users
            .values_mut()
            .filter_map(VecDeque::pop_front)
            .collect();
        kept.under_way = fronts.iter().filter_map(Waiting::oldest).collect();
        fronts
    }

    /// Those that have no outcome yet, or a next part; and forgets the keys that are done.
    fn put_back(&self, again: Vec<(Waiting, Option<Error>)>) {
        let mut kept = self.kept();
        kept.under_way.clear();
        kept.reasons.clear();
        kept.needs_operator = false;
        for (waiting, error) in again {
            let behind = kept.users.get(waiting.key());
            let behind: usize = behind.into_iter().flatten().map(Waiting::events).sum();
            if let Some(error) = &error {
                kept.note(error, waiting.events() + behind);
            }
            if let Some(user) = kept.users.get_mut(waiting.key()) {
                user.push_front(waiting);
            }
        }
        kept.users.retain(|_, user| !user.is_empty());
        let (mut events, mut bytes) = (0, 0);
        for waiting in kept.users.values().flatten() {
            events += waiting.events();
            bytes += waiting.bytes();
        }
        (kept.events, kept.bytes) = (events, bytes);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn note(&mut self, error: &Error, events: usize) {
        self.needs_operator |= error.needs_operator();
        let mut text = error.to_string();
        if !self.reasons.contains_key(&text) && self.reasons.len() >= MAX_REASONS {
            "for other reasons".clone_into(&mut text);
        }
        *self.reasons.entry(text).or_default() += u64::try_from(events).unwrap_or(u64::MAX);
    }
}
