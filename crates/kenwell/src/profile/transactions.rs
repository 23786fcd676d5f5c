//! Updates of the usual case without the script: transactions that only take place if nobody has changed the clocks that
//! they were made for. They cost Redis half of what the script does.
//!
//! The usual case is one event that is newer than the one event which the clocks know, and sets the same fields; or the first
//! event of all. Then the clocks that it leaves are known beforehand, whatever the profile holds: those of this event alone.
//!
//! `WATCH` and `MGET` of the clocks of many users go together, then one transaction of `HSET` and `SETRANGE`, or `SET`, for
//! each whose event is newer. What was not written so, for any reason, is left to the script, which does no harm to what was.

use std::time::Duration;

use tokio::time::Instant;

use super::ProfileUpdate;
use super::clocks::{VERSION, clocks_key};
use super::limits::MAX_FIELDS;
use super::script::{push_head, push_names};
use super::stamp::Stamp;
use crate::Error;
use crate::connection::{Answers, CommandBuffer, Connection};
use crate::resp::Value;

/// Fewer updates are not worth a second round trip.
const FEWEST: usize = 16;

/// The most updates in one transaction: Redis serves nobody else meanwhile, for less than a millisecond.
const MOST: usize = 128;

/// The largest update that is written so, in bytes of its key, names and values.
const LARGEST: usize = 8_192;

/// What stands before the first group of clocks.
const START: [u8; 3] = [VERSION, 0, 0];

/// How long the script writes everything after somebody else had changed a user's clocks in between: then they are likely to
/// go on.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// The same after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The same where the server does not allow it: each attempt is noted in its `ACL LOG`.
const AFTER_REFUSAL: Duration = Duration::from_mins(10);

/// Writes updates in transactions, over a connection that nothing else is sent on: what it watches belongs to a socket, and
/// ends with any other transaction there.
#[derive(Default)]
pub(super) struct Transactions {
    connection: Option<Connection>,
    rests_until: Option<Instant>,
}

impl Transactions {
    /// Writes those of the updates that are usual, and tells of each whether it is written; nothing when none was tried.
    /// `connection` is the one on which the script writes the others.
    pub(super) async fn write(
        &mut self,
        connection: &Connection,
        updates: &[Option<&ProfileUpdate>],
    ) -> Vec<bool> {
        let rests = self.rests_until.is_some_and(|end| Instant::now() < end);
        if rests || updates.len() < FEWEST || connection.is_cluster() {
            return Vec::new();
        }
        let usual = updates.iter().enumerate();
        let usual: Vec<_> = usual
            .filter_map(|(place, update)| UsualUpdate::of(place, (*update)?))
            .collect();
        if usual.len() < FEWEST {
            return Vec::new();
        }
        let mut written = vec![false; updates.len()];
        let own = self.connection.get_or_insert_with(|| connection.another());
        let mut rounds = Rounds::new(&usual, &mut written);
        let first = rounds.first();
        let held = own.converse("WATCH", first, |answers| rounds.go_on(answers));
        match held.await {
            Err(error) => {
                tracing::debug!(%error, "the script alone writes profiles for now");
                self.rest(if is_lasting(&error) {
                    AFTER_REFUSAL
                } else {
                    AFTER_FAILURE
                });
            }
            Ok(()) if rounds.has_conflict => self.rest(AFTER_CONFLICT),
            Ok(()) => {}
        }
        written
    }

    fn rest(&mut self, length: Duration) {
        self.rests_until = Some(Instant::now() + length);
    }
}

fn is_lasting(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.is_lasting())
}

/// An update of one event that only sets fields.
struct UsualUpdate<'a> {
    /// Its place among all updates.
    place: usize,
    update: &'a ProfileUpdate,
    clocks_key: Vec<u8>,
    /// The clocks that it leaves.
    clocks: Vec<u8>,
}

impl<'a> UsualUpdate<'a> {
    fn of(place: usize, update: &'a ProfileUpdate) -> Option<Self> {
        let merge = update.merge()?;
        let [group] = &*merge.groups else {
            return None;
        };
        let is_usual = group.stamp.is_some()
            && group.removals.is_empty()
            && !merge.report.is_watched()
            && (1..=MAX_FIELDS).contains(&group.fields)
            && update.bytes() <= LARGEST;
        if !is_usual {
            return None;
        }
        let fields: Vec<_> = update.fields().collect();
        let mut clocks = START.to_vec();
        push_head(group, &mut clocks);
        push_names(group, &fields, &mut clocks);
        Some(Self {
            place,
            update,
            clocks_key: clocks_key(update.key()),
            clocks,
        })
    }

    /// What makes these stored clocks its own; `None` where they are more than those of one older event that set the same
    /// fields.
    fn change_of(&self, stored: &Value) -> Option<ClocksChange> {
        let Value::BulkString(stored) = stored else {
            return matches!(stored, Value::Nil).then_some(ClocksChange::All);
        };
        let (stamp, names) = parts_of(stored)?;
        let (own_stamp, own_names) = parts_of(&self.clocks)?;
        let is_newer = stamp < own_stamp && names == own_names;
        // Of the same length they differ in stamp and source alone.
        is_newer.then_some(if stored.len() == self.clocks.len() {
            ClocksChange::Head
        } else {
            ClocksChange::All
        })
    }

    /// Appends the commands that write it.
    fn push(&self, change: ClocksChange, commands: &mut CommandBuffer) {
        let (arguments, count) = self.update.arguments();
        commands.add_encoded_hset(count, arguments);
        let (key, clocks) = (&*self.clocks_key, &*self.clocks);
        match (change, parts_of(clocks)) {
            // In place: cheaper, and what expires goes on to do so.
            (ClocksChange::Head, Some((_, names))) => {
                let end = clocks.len() - names.len();
                let head = clocks.get(START.len()..end).unwrap_or_default();
                commands.add_arguments(&[b"SETRANGE", key, b"3", head]);
            }
            _ => commands.add_arguments(&[b"SET", key, clocks, b"KEEPTTL"]),
        }
    }
}

/// What of the stored clocks an update replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClocksChange {
    All,
    /// Stamp and source.
    Head,
}

/// The stamp of the first group of clocks, whose bytes are in the order of stamps; and all behind its source: its names
/// with their length and, if there are any, further groups.
fn parts_of(clocks: &[u8]) -> Option<(&[u8], &[u8])> {
    let (start, rest) = clocks.split_first_chunk::<{ START.len() }>()?;
    let (stamp, rest) = rest.split_at_checked(Stamp::BYTES)?;
    let (&length, rest) = rest.split_first()?;
    let names = rest.get(usize::from(length)..)?;
    (start.first() == START.first()).then_some((stamp, names))
}

/// What goes before the reading of a round, and is answered before it.
enum Sent {
    /// A transaction of nothing: whether there may be transactions. Without `MULTI` the commands of one would be
    /// executed one by one.
    Empty,
    /// The places of the updates in a transaction, in its order.
    Transaction(Vec<usize>),
    /// What was watched is not any more.
    Unwatched,
}

/// One round after the other: each sends the transaction for what the one before has read, and reads what the next needs.
struct Rounds<'a> {
    /// Of which nothing was read yet.
    waiting: &'a [UsualUpdate<'a>],
    /// Whose clocks are being read, and watched.
    read: &'a [UsualUpdate<'a>],
    sent: Sent,
    written: &'a mut [bool],
    has_conflict: bool,
}

impl<'a> Rounds<'a> {
    fn new(usual: &'a [UsualUpdate<'a>], written: &'a mut [bool]) -> Self {
        Self {
            waiting: usual,
            read: &[],
            sent: Sent::Empty,
            written,
            has_conflict: false,
        }
    }

    fn first(&mut self) -> CommandBuffer {
        let mut commands = CommandBuffer::default();
        push_transaction(&[], &mut commands);
        self.watch_next(&mut commands);
        commands
    }

    /// Reads the clocks of the next updates, and watches them.
    fn watch_next(&mut self, commands: &mut CommandBuffer) {
        let (next, rest) = self.waiting.split_at(self.waiting.len().min(MOST));
        (self.read, self.waiting) = (next, rest);
        if next.is_empty() {
            return;
        }
        for name in [&b"WATCH"[..], b"MGET"] {
            let keys = next.iter().map(|usual| &*usual.clocks_key);
            let words: Vec<_> = std::iter::once(name).chain(keys).collect();
            commands.add_arguments(&words);
        }
    }

    /// What comes after these answers; `None` when all is over.
    fn go_on(&mut self, answers: Answers) -> Result<Option<CommandBuffer>, Error> {
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
        match &self.sent {
            Sent::Empty => drop((next()?, next()?)),
            Sent::Unwatched => drop(next()?),
            Sent::Transaction(places) => {
                let queued = (0..=2 * places.len()).map(|_| next());
                let refused = queued.filter_map(Result::err).last();
                let executed = next();
                self.has_conflict |= matches!(executed, Ok(Value::Nil));
                match (refused, executed) {
                    (_, Ok(Value::Array(values))) => note_written(places, &values, self.written),
                    (Some(error), _) | (None, Err(error)) => return Err(error),
                    (None, Ok(_)) => {}
                }
            }
        }
        if self.read.is_empty() {
            return Ok(None);
        }
        next()?;
        let Value::Array(stored) = next()? else {
            return Ok(None);
        };
        let read = self.read.iter().zip(&stored);
        let newer = read.filter_map(|(usual, stored)| Some((usual, usual.change_of(stored)?)));
        let newer: Vec<_> = newer.collect();
        let mut commands = CommandBuffer::default();
        self.sent = if newer.is_empty() {
            commands.add_arguments(&[b"UNWATCH"]);
            Sent::Unwatched
        } else {
            push_transaction(&newer, &mut commands);
            Sent::Transaction(newer.iter().map(|(usual, _)| usual.place).collect())
        };
        self.watch_next(&mut commands);
        Ok(Some(commands))
    }
}

/// Writes these updates in one transaction.
fn push_transaction(updates: &[(&UsualUpdate<'_>, ClocksChange)], commands: &mut CommandBuffer) {
    commands.add_arguments(&[b"MULTI"]);
    for (usual, change) in updates {
        usual.push(*change, commands);
    }
    commands.add_arguments(&[b"EXEC"]);
}

/// Notes the updates of which both commands did what they should. Where only the clocks were set, because something else
/// is where the profile belongs, the script finds that out.
fn note_written(places: &[usize], values: &[Value], written: &mut [bool]) {
    for (&place, answers) in places.iter().zip(values.chunks(2)) {
        if let ([Value::Int(_), Value::Okay | Value::Int(_)], Some(entry)) =
            (answers, written.get_mut(place))
        {
            *entry = true;
        }
    }
}
