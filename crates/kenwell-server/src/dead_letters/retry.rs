//! Applying dead letters again, or dropping them, while others go on appending.

use std::sync::Arc;

use jiff::Timestamp;
use kenwell::Error as RedisError;
use kenwell::connection::Connection;
use kenwell::profile::{self, Flattener, Fold, FoldedUpdate, Layout, ProfileUpdate, Writer};

use super::directory::DeadLetters;
use super::error::Error;
use super::index::RemainingFields;
use super::letter::DeadLetter;
use super::newer_write::retried;
use super::outstanding::OutstandingLetters;
use super::rewrite::{LetterBatch, Rewrite};
use super::supersede_guard::SupersedeGuard;

/// Letters that are applied in one pipeline.
const BATCH_LETTERS: usize = 1_000;

/// What became of the letters of one destination.
#[derive(Debug, Default)]
pub struct RetryResult {
    /// Written to Redis, and gone from the log.
    pub written: u64,
    /// Gone from the log because newer events have set all of their fields.
    pub superseded: u64,
    /// Gone from the log because they write nothing.
    pub ignored: u64,
    /// Refused again, or not tried.
    pub kept: u64,
    /// Why it could not go on, if it could not. All that follow were kept.
    pub stopped: Option<RetryError>,
}

/// Why a retry could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// Redis is away, or wants something of the operator.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] Error),
}

/// What became of one letter.
#[derive(Debug, Clone)]
enum LetterOutcome {
    Unwanted,
    Written,
    Superseded,
    Ignored,
    Refused(RedisError),
    NotTried,
}

impl OutstandingLetters {
    /// Applies those letters again that are `wanted`, a user's in the order of the journal, and of each only
    /// the fields that no newer event has set. What is written leaves the log, what is refused again stays
    /// with the new reason. Dropped before the end, all letters stay; those that were written are written
    /// again by the next retry, unless newer values came since.
    ///
    /// `writer` says how profiles are written, and over which connection; nothing else writes over that.
    ///
    /// Blocks on files between its waits for Redis: not for a task that others wait behind.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else is at it, and [`Error::Io`]; all letters are kept then.
    pub async fn retry(
        self: &Arc<Self>,
        writer: &Writer,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<RetryResult, Error> {
        let mut rewrite = Rewrite::begin(Arc::clone(&self.log))?;
        let mut result = RetryResult::default();
        loop {
            let batch = rewrite.next(BATCH_LETTERS)?;
            if batch.is_empty() {
                break;
            }
            let mut outcomes: Vec<LetterOutcome> = batch
                .letters()
                .map(|(_, letter)| {
                    if wanted(letter) {
                        LetterOutcome::NotTried
                    } else {
                        LetterOutcome::Unwanted
                    }
                })
                .collect();
            if result.stopped.is_none() {
                let tried = self.try_batch(writer, &batch, &mut outcomes).await;
                result.stopped = tried.err();
            }
            let mut outcomes = outcomes.into_iter();
            rewrite.keep(batch, |letter| {
                result.count(letter, outcomes.next().unwrap_or(LetterOutcome::NotTried))
            })?;
        }
        rewrite.finish()?;
        self.refresh_after_change();
        Ok(result)
    }

    /// Gives each letter of a batch that was not tried yet its outcome.
    ///
    /// From the look at what is left of the letters to Redis' replies nobody else writes newer values of
    /// these fields: whoever wants to takes them from the letters before.
    async fn try_batch(
        self: &Arc<Self>,
        writer: &Writer,
        batch: &LetterBatch,
        outcomes: &mut [LetterOutcome],
    ) -> Result<(), RetryError> {
        let _lock = self.lock_fields().await?;
        self.refresh()?;
        let mut flattener = Flattener::default();
        let mut updates = Vec::new();
        for (item, ((position, letter), outcome)) in batch.letters().zip(&mut *outcomes).enumerate()
        {
            if !matches!(outcome, LetterOutcome::NotTried) {
                continue;
            }
            match flattener.received(&letter.event, self.layout(), &letter.receipt()) {
                Err(_) => *outcome = LetterOutcome::Ignored,
                Ok(update) => match self.remaining(position, letter, update) {
                    RemainingFields::None => *outcome = LetterOutcome::Superseded,
                    RemainingFields::Some(update) => updates.push(LetterUpdate {
                        item,
                        offset: letter.offset,
                        update,
                    }),
                    RemainingFields::Unknown => {
                        return Err(RetryError::Log(Error::Changed {
                            destination: self.log.destination.clone(),
                        }));
                    }
                },
            }
        }
        updates.sort_by_key(|letter| letter.offset);
        let offsets = updates.iter().map(|letter| (letter.offset, &letter.update));
        let newer = retried(offsets, &self.layout().rules);
        let superseded = self.supersede(newer)?;
        let mut guard = SupersedeGuard::new(superseded, None);
        let written = write(writer, &updates, outcomes, &mut guard).await;
        if written.is_err() {
            end_what_is_under_way(writer.connection(), self.layout()).await;
        }
        self.restore(&guard)?;
        written.map_err(RetryError::Redis)
    }

    /// What a letter may still write. Where the time of events decides that is all of it: what is newer in Redis
    /// stays there.
    fn remaining(
        &self,
        position: u64,
        letter: &DeadLetter,
        update: ProfileUpdate,
    ) -> RemainingFields {
        if self.layout().rules.is_by_time() {
            return RemainingFields::Some(update);
        }
        let index = self.follower.index();
        index.remaining(position, letter.offset, &update)
    }
}

impl RetryResult {
    /// Counts a letter, and says what is left of it.
    fn count(&mut self, letter: DeadLetter, outcome: LetterOutcome) -> Option<DeadLetter> {
        match outcome {
            LetterOutcome::Unwanted => return Some(letter),
            LetterOutcome::Written => self.written += 1,
            LetterOutcome::Superseded => self.superseded += 1,
            LetterOutcome::Ignored => self.ignored += 1,
            LetterOutcome::NotTried => {
                self.kept += 1;
                return Some(letter);
            }
            LetterOutcome::Refused(error) => {
                self.kept += 1;
                return Some(DeadLetter {
                    at: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
                    reason: error.to_string(),
                    ..letter
                });
            }
        }
        None
    }
}

/// What a letter may still write.
struct LetterUpdate {
    /// Its place in the batch.
    item: usize,
    offset: u64,
    update: ProfileUpdate,
}

/// Writes the updates of letters, in the order of the journal, and decides their `outcomes`. The `guard` is
/// told of which users nothing was written, because it was refused again.
async fn write(
    writer: &Writer,
    updates: &[LetterUpdate],
    outcomes: &mut [LetterOutcome],
    guard: &mut SupersedeGuard,
) -> Result<(), RedisError> {
    let mut fold = Fold::default();
    for (place, letter) in updates.iter().enumerate() {
        fold.push(place, letter.update.clone());
    }
    let folded = fold.finish();
    // A new one each time: it may write again, to try the server, what it wrote before, which nobody else
    // has written since only while nobody else may.
    let mut writer = writer.anew();
    let mut stopped = None;
    let mut decide = |folded: &FoldedUpdate, result: Result<(), RedisError>| {
        let outcome = match result {
            Ok(()) => LetterOutcome::Written,
            Err(error) if error.is_retryable() => {
                stopped = Some(error);
                return false;
            }
            Err(error) => LetterOutcome::Refused(error),
        };
        let letters = folded
            .items()
            .iter()
            .filter_map(|place| updates.get(*place));
        for letter in letters {
            if let Some(decided) = outcomes.get_mut(letter.item) {
                *decided = outcome.clone();
            }
        }
        true
    };
    for (folded, result) in folded.iter().zip(writer.settle(&folded).await) {
        let parts = match &result {
            Err(error) if !error.is_retryable() => folded.unfold(),
            _ => Vec::new(),
        };
        let mut nothing_written = result.is_err();
        if parts.is_empty() {
            nothing_written &= decide(folded, result);
        }
        // One bad letter must not take good ones along.
        for part in parts {
            let result = writer.settle(std::slice::from_ref(&part)).await.pop();
            let result = result.unwrap_or(Ok(()));
            nothing_written &= result.is_err();
            if !decide(&part, result) {
                nothing_written = false;
                break;
            }
        }
        let newest = folded.items().last().and_then(|place| updates.get(*place));
        if let Some(newest) = newest.filter(|_| nothing_written) {
            guard.refused(newest.offset);
        }
    }
    stopped.map_or(Ok(()), Err)
}

/// Makes sure that nothing of a write whose fate is unknown arrives later, when newer values may be there: a new
/// connection ends the one before.
async fn end_what_is_under_way(connection: &Connection, layout: &Layout) {
    if let Err(error) = profile::expires_in(connection, layout, "").await {
        tracing::debug!(%error, "Redis is away after a write whose fate is unknown");
    }
}

impl DeadLetters {
    /// Drops those letters that are not wanted any more, and tells how many. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else is at it, and [`Error::Io`]; all letters are kept then.
    pub fn discard(
        &self,
        destination: &str,
        unwanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<u64, Error> {
        let mut rewrite = self.rewrite(destination)?;
        let mut discarded = 0;
        loop {
            let batch = rewrite.next(BATCH_LETTERS)?;
            if batch.is_empty() {
                break;
            }
            rewrite.keep(batch, |letter| {
                let drop = unwanted(&letter);
                discarded += u64::from(drop);
                (!drop).then_some(letter)
            })?;
        }
        rewrite.finish()?;
        Ok(discarded)
    }
}
