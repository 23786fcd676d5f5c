//! Updates that cannot be written now for reasons of their own are deferred, and the others go on.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem::take;
use std::sync::Mutex;

use kenwell::Error;
use kenwell_journal::Offset;
use tokio::sync::Notify;

use super::pending_update::PendingUpdate;
use crate::{applied::AppliedEvents, mutex::lock};

/// The most events that one lane defers. Beyond, the lane waits until there is room.
const MAX_EVENTS: usize = 10_000;

/// The most bytes of updates that one lane defers, 8 MiB.
const MAX_BYTES: usize = 8 << 20;

/// The most reasons that are told apart.
const MAX_REASONS: usize = 8;

/// What one lane has deferred: for each key the update that cannot be written, and all that came for it
/// later, in order.
pub(super) struct DeferredUpdates {
    state: Mutex<State>,
    /// Told which events are deferred.
    applied: AppliedEvents,
    /// An update was added.
    pub(super) added: Notify,
    /// Updates left; for the lane, which may wait for room.
    pub(super) room_made: Notify,
    /// Updates left; for the cursor.
    pub(super) settled: Notify,
}

#[derive(Default)]
struct State {
    /// A key stays while its first update is under way.
    by_key: HashMap<Box<[u8]>, VecDeque<PendingUpdate>>,
    /// The events that are under way.
    under_way: Vec<Offset>,
    events: usize,
    bytes: usize,
    /// Why, in Redis' words, for so many events.
    reasons: BTreeMap<String, u64>,
    needs_operator: bool,
}

impl DeferredUpdates {
    /// Nothing is deferred yet. `applied` is told what is.
    pub(super) fn new(applied: &AppliedEvents) -> Self {
        Self {
            state: Mutex::default(),
            applied: applied.clone(),
            added: Notify::new(),
            room_made: Notify::new(),
            settled: Notify::new(),
        }
    }

    /// Whether an update of this key is deferred, behind which a newer one must wait too.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let state = lock(&self.state);
        !state.by_key.is_empty() && state.by_key.contains_key(key)
    }

    /// Defers an update, behind those of its key. Gives it back when there is no room.
    pub(super) fn push(
        &self,
        update: PendingUpdate,
        error: Option<&Error>,
    ) -> Option<PendingUpdate> {
        let mut state = lock(&self.state);
        if state.events >= MAX_EVENTS || state.bytes >= MAX_BYTES {
            return Some(update);
        }
        state.events += update.events();
        state.bytes += update.bytes();
        if let Some(error) = error {
            state.note(error, update.events());
        }
        let key = update.key().into();
        let update = update.detach();
        // Under the lock: nobody can give it its outcome before.
        self.applied.defer(update.offsets());
        let same_key = state.by_key.entry(key).or_default();
        same_key.push_back(update);
        self.added.notify_one();
        None
    }

    /// Whether nothing is deferred.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).by_key.is_empty()
    }

    /// The oldest deferred event.
    pub(super) fn oldest(&self) -> Option<Offset> {
        let state = lock(&self.state);
        let updates = state.by_key.values().flatten();
        let waiting = updates.filter_map(PendingUpdate::oldest);
        waiting.chain(state.under_way.iter().copied()).min()
    }

    /// How many events are deferred for which reasons, and whether somebody must look.
    pub(super) fn reasons(&self) -> (BTreeMap<String, u64>, bool) {
        let state = lock(&self.state);
        (state.reasons.clone(), state.needs_operator)
    }

    /// The first update of each key, which stays deferred until [`put_back`](Self::put_back).
    pub(super) fn take_first_of_each_key(&self) -> Vec<PendingUpdate> {
        let mut state = lock(&self.state);
        let queues = state.by_key.values_mut();
        let first: Vec<_> = queues.filter_map(VecDeque::pop_front).collect();
        state.under_way = first.iter().flat_map(PendingUpdate::offsets).collect();
        first
    }

    /// Puts back those that have no outcome yet, or a next part; and forgets the keys that have none left. Says
    /// so to the lane and to the cursor.
    pub(super) fn put_back(&self, again: Vec<(PendingUpdate, Option<Error>)>) {
        let mut state = lock(&self.state);
        let mut settled: BTreeSet<_> = take(&mut state.under_way).into_iter().collect();
        state.reasons.clear();
        state.needs_operator = false;
        for (update, error) in again {
            let behind = state.by_key.get(update.key()).into_iter().flatten();
            let behind: usize = behind.map(PendingUpdate::events).sum();
            if let Some(error) = &error {
                state.note(error, update.events() + behind);
            }
            for offset in update.offsets() {
                settled.remove(&offset);
            }
            if let Some(same_key) = state.by_key.get_mut(update.key()) {
                same_key.push_front(update);
            }
        }
        state.by_key.retain(|_, same_key| !same_key.is_empty());
        let (mut events, mut bytes) = (0, 0);
        for update in state.by_key.values().flatten() {
            events += update.events();
            bytes += update.bytes();
        }
        (state.events, state.bytes) = (events, bytes);
        drop(state);
        self.applied.settle_deferred(settled);
        self.room_made.notify_one();
        self.settled.notify_one();
    }
}

impl State {
    fn note(&mut self, error: &Error, events: usize) {
        self.needs_operator |= error.needs_operator();
        let mut text = error.to_string();
        if !self.reasons.contains_key(&text) && self.reasons.len() >= MAX_REASONS {
            "for other reasons".clone_into(&mut text);
        }
        *self.reasons.entry(text).or_default() += u64::try_from(events).unwrap_or(u64::MAX);
    }
}
