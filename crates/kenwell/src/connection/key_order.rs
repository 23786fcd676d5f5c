//! Calls on one key take effect in the order in which they were begun, whatever breaks.
//!
//! A call takes a [`OrderTicket`] when it begins. It is sent when every older call on its keys either has ended or
//! is under way on the same socket, where the server executes one after the other. Looking and sending are
//! one step, so nobody can slip in between.
//!
//! A call that lost its socket and may be repeated holds its turn meanwhile: newer ones on its keys wait for
//! it. But if a newer one that changes something had been sent behind it, that one may have been executed,
//! and repeating the older one would undo it: then it has been overtaken.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::settings::DEFAULT_TIMEOUT;
use crate::Error;

/// The number of no socket: that of a call which is not under way, and of those who only go alone.
pub(super) const NOWHERE: u64 = 0;

/// For how long something may come late that was sent on a connection which was given up and which the
/// server cannot be made to forget: a frozen server or proxy wakes up.
const LATE: Duration = Duration::from_mins(1);

/// The most keys of which it is remembered that a change was lost. Nobody loses so many within a minute.
const MAX_LOST: usize = 65_536;

/// Whether a call changes what is stored, its time to live included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Reads,
    Changes,
}

/// The calls under way on one connection. Bounded by their number.
#[derive(Default)]
pub(crate) struct KeyOrder {
    /// Keys are known by their hash: two that share one only wait for each other.
    hasher: RandomState,
    table: Mutex<CallTable>,
}

#[derive(Default)]
struct CallTable {
    /// How many calls were begun.
    begun: u64,
    /// Of each key the calls that have not ended, in the order in which they were begun.
    calls: HashMap<u64, Vec<Arc<OrderedCall>>, RandomState>,
    /// Of each key the line on which a change was lost without an answer, and when.
    lost: HashMap<u64, (u64, Instant), RandomState>,
}

/// A call that has not ended. All that changes in it changes under the lock of the table.
struct OrderedCall {
    number: u64,
    effect: Access,
    keys: Vec<u64>,
    limit: Deadline,
    /// The socket on which it is under way.
    line: AtomicU64,
    /// Whether a newer call that changes something was sent behind it.
    overtaken: AtomicBool,
    /// Whether the newer ones wait no longer, because its time is over. It can not be sent any more.
    given_up: AtomicBool,
    has_ended: AtomicBool,
    was_answered: AtomicBool,
    /// Whether an older call may still be executed after this one.
    is_unsettled: AtomicBool,
    /// Told when it was sent, and when it ended.
    moved: Notify,
}

/// A call's place among the others. Dropping it ends the call.
pub(crate) struct OrderTicket {
    order: Arc<KeyOrder>,
    call: Arc<OrderedCall>,
}

/// On which terms something is sent: until when it must have been answered, and in whose turn. Without
/// turns it waits for nobody.
#[derive(Clone, Copy, Default)]
pub(crate) struct SendOptions<'a> {
    pub(crate) limit: Option<Deadline>,
    pub(crate) tickets: &'a [&'a OrderTicket],
}

impl SendOptions<'_> {
    /// Waits until every older call has ended: for calls that may be answered on several sockets, one
    /// after the other.
    pub(crate) async fn alone(self) -> Result<(), Error> {
        loop {
            match enter(self.tickets, NOWHERE, NOWHERE, || ()) {
                Admission::Sent(()) => return Ok(()),
                Admission::Behind(older) => {
                    self.wait_for(Some(older), &"the server".into()).await?
                }
                Admission::TooLate => self.wait_for(None, &"the server".into()).await?,
            }
        }
    }

    /// Waits for an older call, or says that it is too late.
    pub(super) async fn wait_for(
        self,
        older: Option<OlderCall>,
        address: &Arc<str>,
    ) -> Result<(), Error> {
        let limit = self.limit.unwrap_or_else(|| Deadline::of(DEFAULT_TIMEOUT));
        let waited = match older {
            Some(older) => limit.wait(older.wait()).await,
            None => None,
        };
        waited.ok_or_else(|| limit.exceeded("waiting for older calls", address))
    }
}

/// What came of the attempt to send.
pub(super) enum Admission<T> {
    /// Everything was sent.
    Sent(T),
    /// Nothing was sent; this older call comes first.
    Behind(OlderCall),
    /// Nothing was sent, and it is too late for it: newer calls wait no longer.
    TooLate,
}

/// An older call that must be sent, or end, first.
pub(super) struct OlderCall {
    order: Arc<KeyOrder>,
    call: Arc<OrderedCall>,
    line: u64,
}

impl KeyOrder {
    /// Gives turns to calls that begin now, in this order.
    pub(crate) fn begin(
        self: &Arc<Self>,
        calls: impl IntoIterator<Item = (Access, Vec<u64>)>,
        limit: Deadline,
    ) -> Vec<OrderTicket> {
        let mut table = self.table();
        let tickets = calls.into_iter().map(|(effect, mut keys)| {
            keys.sort_unstable();
            keys.dedup();
            table.begun += 1;
            let call = Arc::new(OrderedCall {
                number: table.begun,
                effect,
                keys,
                limit,
                line: AtomicU64::new(NOWHERE),
                overtaken: AtomicBool::new(false),
                given_up: AtomicBool::new(false),
                has_ended: AtomicBool::new(false),
                was_answered: AtomicBool::new(false),
                is_unsettled: AtomicBool::new(false),
                moved: Notify::new(),
            });
            for key in &call.keys {
                table.calls.entry(*key).or_default().push(Arc::clone(&call));
            }
            OrderTicket {
                order: Arc::clone(self),
                call,
            }
        });
        tickets.collect()
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

impl CallTable {
    /// Remembers where a change was lost, if it was.
    fn lose(&mut self, call: &OrderedCall) {
        let line = call.line.load(Ordering::Relaxed);
        let is_lost = line != NOWHERE && !call.was_answered.load(Ordering::Relaxed);
        if !is_lost || call.effect == Access::Reads {
            return;
        }
        if self.lost.len() >= MAX_LOST {
            self.lost.retain(|_, (_, when)| when.elapsed() < LATE);
        }
        if self.lost.len() < MAX_LOST {
            let entries = call.keys.iter().map(|key| (*key, (line, Instant::now())));
            self.lost.extend(entries);
        }
    }

    /// Finds out whether something older may come late.
    fn look_back(&mut self, call: &OrderedCall, line: u64, unfenced: u64) {
        if self.lost.is_empty() || call.effect == Access::Reads {
            return;
        }
        for key in &call.keys {
            let Some((at, when)) = self.lost.get(key) else {
                continue;
            };
            if *at <= unfenced && *at != line && when.elapsed() < LATE {
                call.is_unsettled.store(true, Ordering::Relaxed);
            } else {
                self.lost.remove(key);
            }
        }
    }
}

impl OrderedCall {
    fn is_on(&self, line: u64) -> bool {
        line != NOWHERE && self.line.load(Ordering::Relaxed) == line
    }

    fn must_not_pass(&self, other: &Self) -> bool {
        other.number < self.number
            && (self.effect == Access::Changes || other.effect == Access::Changes)
    }

    /// The first of the older calls that is neither over nor on this line.
    fn older(&self, table: &CallTable, line: u64) -> Option<Arc<Self>> {
        let older = |key: &u64| {
            let mut calls = table.calls.get(key)?.iter();
            calls.find(|other| {
                self.must_not_pass(other)
                    && !other.is_on(line)
                    && !other.given_up.load(Ordering::Relaxed)
            })
        };
        self.keys.iter().find_map(older).cloned()
    }

    /// Tells the older ones that this one was sent behind them.
    fn overtake(&self, table: &CallTable) {
        if self.effect == Access::Reads {
            return;
        }
        let calls = self.keys.iter().filter_map(|key| table.calls.get(key));
        for other in calls.flatten() {
            if other.number < self.number {
                other.overtaken.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl OrderTicket {
    /// Whether nobody has to be waited for.
    pub(crate) fn is_free(&self) -> bool {
        self.call.older(&self.order.table(), NOWHERE).is_none()
    }

    /// Takes note that the socket was lost, so that nobody is sent behind this call any more, and says
    /// whether the call was overtaken before that.
    pub(crate) fn was_overtaken(&self) -> bool {
        let mut table = self.order.table();
        table.lose(&self.call);
        self.call.line.store(NOWHERE, Ordering::Relaxed);
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
        table.lose(&self.call);
        for key in &self.call.keys {
            if let Some(calls) = table.calls.get_mut(key) {
                calls.retain(|call| call.number != self.call.number);
                if calls.is_empty() {
                    table.calls.remove(key);
                }
            }
        }
        self.call.has_ended.store(true, Ordering::Relaxed);
        drop(table);
        self.call.moved.notify_waiters();
    }
}

/// Calls `send` if these may be sent on this line now, all of them; in the same step.
///
/// What was sent on lines up to `unfenced` may still be executed.
pub(super) fn enter<T>(
    tickets: &[&OrderTicket],
    line: u64,
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
            blocked = Some((index, Admission::TooLate));
            break;
        }
        if let Some(call) = ticket.call.older(&table, line) {
            let order = Arc::clone(&ticket.order);
            blocked = Some((index, Admission::Behind(OlderCall { order, call, line })));
            break;
        }
        // Those that come after it in the same pipeline are sent behind it.
        ticket.call.line.store(line, Ordering::Relaxed);
    }
    if let Some((count, entered)) = blocked {
        for ticket in tickets.iter().take(count) {
            ticket.call.line.store(NOWHERE, Ordering::Relaxed);
        }
        return entered;
    }
    for ticket in tickets {
        ticket.call.overtake(&table);
        table.look_back(&ticket.call, line, unfenced);
    }
    let result = send();
    drop(table);
    for ticket in tickets {
        ticket.call.moved.notify_waiters();
    }
    Admission::Sent(result)
}

impl OlderCall {
    /// Waits until it was sent or has ended, but no longer than its own time, which ends before that of
    /// whoever waits.
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
        self.call.has_ended.load(Ordering::Relaxed) || self.call.is_on(self.line)
    }
}
