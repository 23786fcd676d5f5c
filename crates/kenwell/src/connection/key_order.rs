//! Calls on one key take effect in the order in which they were begun, whatever breaks.
//!
//! A call gets an [`OrderTicket`] when it begins. It is sent when every older call on its keys either has ended
//! or is under way on the same connection, where the server executes one after the other. Checking that and
//! sending are one step under one lock ([`send_in_order`]), so that no other call can be sent in between.
//!
//! A call that lost its connection and may be repeated keeps its ticket meanwhile: newer calls on its keys wait.
//! But if a newer one that changes something had been sent behind it, the newer one may have been executed, and
//! repeating the older one would undo it. Then the older one has been overtaken, and is not repeated.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use tokio::sync::Notify;

use super::call_table::{Access, CallTable, NO_CONNECTION, OrderedCall};
use super::deadline::Deadline;

/// The calls under way on one connection. Bounded by their number.
#[derive(Default)]
pub(crate) struct KeyOrder {
    /// Keys are known by their hash: two that share one only wait for each other.
    hasher: RandomState,
    table: Mutex<CallTable>,
    is_closed: AtomicBool,
    /// Told when the last call has ended, once it is closed.
    idle: Notify,
}

/// A call's place among the others. Dropping it ends the call.
pub(crate) struct OrderTicket {
    order: Arc<KeyOrder>,
    call: Arc<OrderedCall>,
}

/// What came of the attempt to send.
pub(super) enum Admission<T> {
    /// Everything was sent.
    Sent(T),
    /// Nothing was sent: this older call comes first. Without one it is too late, since newer calls wait no longer.
    Blocked(Option<OlderCall>),
}

/// An older call that must be sent, or end, first.
pub(super) struct OlderCall {
    order: Arc<KeyOrder>,
    call: Arc<OrderedCall>,
    connection: u64,
}

impl KeyOrder {
    /// Gives tickets to calls that begin now, in this order. Each call has the hashes of its keys.
    pub(crate) fn begin(
        self: &Arc<Self>,
        calls: impl IntoIterator<Item = (Access, Vec<u64>)>,
        limit: Deadline,
    ) -> Vec<OrderTicket> {
        let mut table = self.table();
        let tickets = calls.into_iter().map(|(access, mut keys)| {
            keys.sort_unstable();
            keys.dedup();
            table.begun += 1;
            let call = Arc::new(OrderedCall::new(table.begun, access, keys, limit));
            table.add(&call);
            OrderTicket {
                order: Arc::clone(self),
                call,
            }
        });
        tickets.collect()
    }

    /// Whether no more calls may be sent. Calls that have begun before it was closed may.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Lets no more calls begin, and waits for those that have; `None` when that took too long.
    pub(crate) async fn close(&self, limit: Deadline) -> Option<()> {
        {
            // Whoever begins afterwards sees it, and whoever began before is in the table.
            let _table = self.table();
            self.is_closed.store(true, Ordering::Relaxed);
        }
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            if self.table().is_empty() {
                return Some(());
            }
            limit.wait(idle).await?;
        }
    }

    /// What a key is known by.
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    fn table(&self) -> MutexGuard<'_, CallTable> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OrderTicket {
    /// Whether there is no older call to wait for.
    pub(crate) fn is_free(&self) -> bool {
        self.call
            .older(&self.order.table(), NO_CONNECTION)
            .is_none()
    }

    /// Takes note that the connection was lost, so that no call is sent behind this one any more, and says
    /// whether the call was overtaken before that.
    pub(crate) fn was_overtaken(&self) -> bool {
        let mut table = self.order.table();
        table.note_lost(&self.call);
        self.call.sent_on.store(NO_CONNECTION, Ordering::Relaxed);
        self.call.overtaken.load(Ordering::Relaxed)
    }

    /// Takes note that the call was answered, and says whether an older one may still be executed after it.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.call.was_answered.store(true, Ordering::Relaxed);
        self.call.is_unsettled.load(Ordering::Relaxed)
    }
}

impl Drop for OrderTicket {
    fn drop(&mut self) {
        let mut table = self.order.table();
        table.note_lost(&self.call);
        table.remove(&self.call);
        self.call.has_ended.store(true, Ordering::Relaxed);
        let is_idle = table.is_empty() && self.order.is_closed();
        drop(table);
        if is_idle {
            self.order.idle.notify_waiters();
        }
        self.call.moved.notify_waiters();
    }
}

/// Calls `send` if all of these calls may be sent on this connection now. Checking and sending are one step.
///
/// What was sent on connections with numbers up to `unfenced` may still be executed: the server could not be made
/// to forget them.
pub(super) fn send_in_order<T>(
    tickets: &[&OrderTicket],
    connection: u64,
    unfenced: u64,
    send: impl FnOnce() -> T,
) -> Admission<T> {
    let Some(first) = tickets.first() else {
        return Admission::Sent(send());
    };
    let mut table = first.order.table();
    let mut blocked = None;
    for (index, ticket) in tickets.iter().enumerate() {
        if ticket.call.given_up.load(Ordering::Relaxed) {
            blocked = Some((index, None));
            break;
        }
        if let Some(call) = ticket.call.older(&table, connection) {
            let older = OlderCall {
                order: Arc::clone(&ticket.order),
                call,
                connection,
            };
            blocked = Some((index, Some(older)));
            break;
        }
        // Those that come after it in the same pipeline are sent behind it.
        ticket.call.sent_on.store(connection, Ordering::Relaxed);
    }
    if let Some((count, older)) = blocked {
        for ticket in tickets.iter().take(count) {
            ticket.call.sent_on.store(NO_CONNECTION, Ordering::Relaxed);
        }
        return Admission::Blocked(older);
    }
    for ticket in tickets {
        ticket.call.overtake_older(&table);
        table.note_unsettled(&ticket.call, connection, unfenced);
    }
    let result = send();
    drop(table);
    for ticket in tickets {
        ticket.call.moved.notify_waiters();
    }
    Admission::Sent(result)
}

impl OlderCall {
    /// Waits until it was sent on the same connection or has ended, but no longer than its own deadline, which
    /// comes before that of the newer call. Then it is given up, and newer calls no longer wait for it.
    pub(super) async fn wait(self) {
        let mut moved = std::pin::pin!(self.call.moved.notified());
        moved.as_mut().enable();
        if self.is_out_of_the_way() {
            return;
        }
        if self.call.limit.wait(moved).await.is_none() {
            let _table = self.order.table();
            if !self.is_out_of_the_way() {
                self.call.given_up.store(true, Ordering::Relaxed);
            }
        }
    }

    fn is_out_of_the_way(&self) -> bool {
        self.call.has_ended.load(Ordering::Relaxed) || self.call.is_under_way_on(self.connection)
    }
}
