//! Writes updates: only an update's own fault ends it, and no update stops the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::control::Sample;
use super::experiment::{Experiment, Verdict};
use super::server_results::write_share;
use super::transactions::Transactions;
use super::{Expiry, ProfileUpdate};
use crate::connection::Connection;
use crate::{Class, Error};

/// The most rounds of experiments in one attempt; the other updates wait for the next.
const JUDGED: usize = 16;

/// The most further attempts of [`Writer::settle`].
const SETTLING: u32 = 100;
/// The first wait between them; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait between them.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The longest value that is kept to be written again as a control.
const MAX_SAMPLE: usize = 1_024;

/// Writes batches of updates to Redis, over a connection that nothing else writes profiles with.
///
/// Each [`attempt`](Self::attempt) writes what can be written now. An update that is refused in words
/// that are not known, or that may be why the server closes the connection, is judged by
/// experiment, over many attempts: it is condemned only when it is refused in the same way
/// [`ROUNDS`](super::ROUNDS) times in a row, while writes like it, beside it, are taken each time.
/// After a silence or a break the next pipeline is half as long, down to one update, and it grows
/// again with each success.
pub struct Writer {
    connection: Connection,
    expiry: Expiry,
    /// The most updates in one pipeline, for each server.
    lengths: HashMap<Option<Arc<str>>, usize>,
    experiments: HashMap<Box<[u8]>, Experiment>,
    transactions: Transactions,
    /// Shared by the writers of one connection, and locked while it is written again, so that nothing newer
    /// can be sent for its key meanwhile.
    sample: Arc<Mutex<Option<Sample>>>,
    state: WriterState,
    /// Whether the latest experiment found that other writes are not taken either.
    is_away: bool,
}

/// The updates of each server, by their index.
type ServerShares = Vec<(Option<Arc<str>>, Vec<usize>)>;

/// What is known of the connection to a single server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriterState {
    /// Nothing is under way on it, and the latest attempt to open it failed, if there was one.
    Unused,
    /// It took the latest updates.
    Open,
    /// It broke, and what became of the latest updates is not known until it was opened again.
    Broken,
}

impl Writer {
    /// A writer over this connection, which nothing else should write profiles with.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            expiry: Expiry::default(),
            lengths: HashMap::new(),
            experiments: HashMap::new(),
            transactions: Transactions::default(),
            sample: Arc::default(),
            state: WriterState::Unused,
            is_away: false,
        }
    }

    /// The same writer, but what it writes goes again.
    #[must_use]
    pub fn expiring(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// A second writer over the same connection, for updates of other keys.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            sample: Arc::clone(&self.sample),
            ..self.anew()
        }
    }

    /// A writer over the same connection that has written nothing yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.connection.clone()).expiring(self.expiry.clone())
    }

    /// Whether a refusal of this update may be its own fault.
    pub fn is_suspect(&self, update: &ProfileUpdate) -> bool {
        self.experiments.contains_key(update.key())
    }

    /// Whether others were taken when this suspect was refused the latest time.
    pub fn is_judging(&self, update: &ProfileUpdate) -> bool {
        let experiment = self.experiments.get(update.key());
        experiment.is_some_and(Experiment::has_begun)
    }

    /// Whether the connection took the latest updates.
    pub fn is_open(&self) -> bool {
        self.state == WriterState::Open
    }

    /// Whether this error means that an update was not sent, and no earlier attempt at it can be under way
    /// either: only then may it be sent over another connection. Never in a cluster, where each node is
    /// another matter.
    pub fn is_unsent(&self, error: &Error) -> bool {
        let is_dangerous = self.experiments.values().any(Experiment::is_dangerous);
        self.state == WriterState::Unused
            && !is_dangerous
            && error.is_from_opening()
            && !self.connection.is_cluster()
    }

    /// The node of a cluster that an update goes to; `None` where there is only one server.
    pub fn node_of(&self, update: &ProfileUpdate) -> Option<Arc<str>> {
        self.connection.node_of(update.key())
    }

    /// What it writes through.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Writes what can be written now, and gives one result for each update.
    ///
    /// What [is retryable](Error::is_retryable) is to be given again, after a wait, by the next call,
    /// before anything newer for its key. What is not will never be written. Give each key once.
    pub async fn attempt<U: AsRef<ProfileUpdate>>(
        &mut self,
        updates: &[U],
    ) -> Vec<Result<(), Error>> {
        let updates: Vec<&ProfileUpdate> = updates.iter().map(AsRef::as_ref).collect();
        self.forget_what_changes(&updates).await;
        let mut results = self.write(&updates).await;
        self.take_sample(&updates, &results).await;
        self.note_state(&results);
        self.judge(&updates, &mut results).await;
        results
    }

    fn note_state(&mut self, results: &[Result<(), Error>]) {
        let mut failures = results.iter().filter_map(|result| result.as_ref().err());
        let failure = failures.rfind(|error| !error.is_answer());
        self.state = match failure {
            None => WriterState::Open,
            Some(error) if !error.is_from_opening() => WriterState::Broken,
            Some(_) if self.state == WriterState::Broken => WriterState::Broken,
            Some(_) => WriterState::Unused,
        };
    }

    /// Makes attempts until each update is written, or refused for good, or Redis is away: what is
    /// retryable then was left. For callers that cannot wait for ever, such as a retry of dead letters.
    pub async fn settle<U: AsRef<ProfileUpdate>>(
        &mut self,
        updates: &[U],
    ) -> Vec<Result<(), Error>> {
        let mut results = self.attempt(updates).await;
        let mut wait = FIRST_WAIT;
        for _attempt in 0..SETTLING {
            let is_open = |result: &Result<(), Error>| {
                result.as_ref().is_err_and(|error| {
                    matches!(error, Error::Lost { .. }) || error.class() == Class::Unknown
                })
            };
            let is_left = |result: &Result<(), Error>| {
                result.as_ref().is_err_and(Error::is_retryable) && !is_open(result)
            };
            if self.is_away || results.iter().any(is_left) || !results.iter().any(is_open) {
                break;
            }
            sleep(wait).await;
            wait = (2 * wait).min(LONGEST_WAIT);
            let open: Vec<_> = (0..results.len())
                .filter(|&index| results.get(index).is_some_and(is_open))
                .collect();
            let again: Vec<_> = open
                .iter()
                .filter_map(|&index| updates.get(index))
                .collect();
            for (index, result) in open.into_iter().zip(self.attempt(&again).await) {
                if let Some(entry) = results.get_mut(index) {
                    *entry = result;
                }
            }
        }
        results
    }

    /// Experiments end with the updates that they are about, and a sample when its key changes.
    async fn forget_what_changes(&mut self, updates: &[&ProfileUpdate]) {
        if !self.experiments.is_empty() {
            let keys: std::collections::HashSet<_> =
                updates.iter().map(|update| update.key()).collect();
            self.experiments.retain(|key, _| keys.contains(&**key));
        }
        let changes = |sample: &Sample| updates.iter().any(|update| update.key() == sample.key);
        let mut sample = self.sample.lock().await;
        if sample.as_ref().is_some_and(changes) {
            *sample = None;
        }
    }

    /// Sends all but those that may cost others the connection; these get their latest error.
    async fn write(&mut self, updates: &[&ProfileUpdate]) -> Vec<Result<(), Error>> {
        let mut results = vec![Ok(()); updates.len()];
        let written = self.write_usual(updates).await;
        // Nearly always all go to one server.
        let mut shares = ServerShares::new();
        for (index, (update, result)) in updates.iter().zip(&mut results).enumerate() {
            if written.get(index).is_some_and(|is_written| *is_written) {
                continue;
            }
            match self.experiments.get(update.key()) {
                Some(experiment) if experiment.is_dangerous() => *result = Err(experiment.error()),
                _ => {
                    let node = self.connection.node_of(update.key());
                    match shares.iter_mut().find(|(other, _)| *other == node) {
                        Some((_, indexes)) => indexes.push(index),
                        None => shares.push((node, vec![index])),
                    }
                }
            }
        }
        let lengths = &self.lengths;
        let written = shares.into_iter().map(async |(node, indexes)| {
            let share: Vec<_> = indexes
                .iter()
                .filter_map(|&index| updates.get(index).copied())
                .collect();
            let length = lengths.get(&node).copied().unwrap_or(usize::MAX);
            let written = write_share(&self.connection, &self.expiry, &share, length).await;
            (node, indexes, written)
        });
        let written = join_all(written).await;
        for (node, indexes, share) in written {
            if share.length < usize::MAX {
                self.lengths.insert(node, share.length);
            } else {
                self.lengths.remove(&node);
            }
            let mut is_suspect = share.is_suspect;
            for (index, result) in indexes.into_iter().zip(share.results) {
                if let (true, Err(error), Some(update)) = (is_suspect, &result, updates.get(index))
                    && matches!(error, Error::Lost { .. })
                {
                    is_suspect = false;
                    let experiment = Experiment::new(error.clone());
                    self.experiments.insert(update.key().into(), experiment);
                }
                if let Some(entry) = results.get_mut(index) {
                    *entry = result;
                }
            }
        }
        results
    }

    /// Writes what the script is not needed for, and tells which updates that were; nothing when none was tried.
    async fn write_usual(&mut self, updates: &[&ProfileUpdate]) -> Vec<bool> {
        // The script gives what it writes its time to live in the same step.
        if !self.expiry.is_none() || updates.first().is_none_or(|it| it.merge().is_none()) {
            return Vec::new();
        }
        let experiments = &self.experiments;
        let untried = updates
            .iter()
            .map(|update| (!experiments.contains_key(update.key())).then_some(*update));
        let untried: Vec<_> = untried.collect();
        self.transactions.write(&self.connection, &untried).await
    }

    /// Forgets what it would write again to see whether writes are taken: to be called before another writer may
    /// write the same keys.
    pub async fn forget_sample(&self) {
        *self.sample.lock().await = None;
    }

    /// Remembers a part of an update that was taken.
    async fn take_sample(&self, updates: &[&ProfileUpdate], results: &[Result<(), Error>]) {
        let taken = updates.iter().zip(results).rev();
        let taken = taken.filter(|(_, result)| result.is_ok());
        // Written again a field of its own time to live would stay for ever.
        let may_stay = |name: &[u8]| self.expiry.field_ttls.of(name).is_none();
        let small = taken
            .take(JUDGED)
            .find_map(|(update, _)| Sample::of(update, MAX_SAMPLE, may_stay));
        if small.is_some() {
            *self.sample.lock().await = small;
        }
    }

    /// One more round for each update whose fault it may be, as far as others are taken.
    async fn judge(&mut self, updates: &[&ProfileUpdate], results: &mut [Result<(), Error>]) {
        let mut rounds = 0;
        self.is_away = false;
        for (update, result) in updates.iter().zip(results) {
            let Err(error) = &*result else {
                // Nearly always there are none, and looking for one would cost every update a hash.
                if !self.experiments.is_empty() {
                    self.experiments.remove(update.key());
                }
                continue;
            };
            let known = self.experiments.contains_key(update.key());
            if !known && error.class() != Class::Unknown {
                continue;
            }
            let experiment = self
                .experiments
                .entry(update.key().into())
                .or_insert_with(|| Experiment::new(error.clone()));
            if self.is_away || rounds >= JUDGED || !experiment.is_due() {
                continue;
            }
            rounds += 1;
            let round = experiment.round(&self.connection, &self.expiry, update, &self.sample);
            *result = match round.await {
                Verdict::Written => Ok(()),
                Verdict::Open(error) | Verdict::Condemned(error) => Err(error),
                Verdict::Away(error) => {
                    self.is_away = true;
                    Err(error)
                }
            };
            if result
                .as_ref()
                .err()
                .is_none_or(|error| !error.is_retryable())
            {
                self.experiments.remove(update.key());
            }
        }
    }
}
