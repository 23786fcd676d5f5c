//! Applying dead letters again, while others go on appending.

use jiff::Timestamp;
use kenwell::connection::Connection;
use kenwell::profile::{self, Ignored, Layout, ProfileUpdate};
use kenwell::{Class, Error as RedisError};

use super::error::Error;
use super::letter::DeadLetter;
use super::log::DeadLetters;
use super::rewrite::Rewrite;

/// Letters that are applied in one pipeline.
const BATCH: usize = 1_000;

/// What became of the letters of one destination.
#[derive(Debug, Default)]
pub struct Retried {
    /// Written to Redis, and gone from the log.
    pub written: u64,
    /// Gone from the log because they write nothing.
    pub ignored: u64,
    /// Refused again, or not tried.
    pub kept: u64,
    /// Why Redis could not go on, if it could not. All that follow were kept.
    pub stopped: Option<RedisError>,
}

/// Where letters are applied.
#[derive(Clone)]
pub struct Target {
    /// The destination's id.
    pub destination: String,
    /// The way to its Redis.
    pub connection: Connection,
    /// How its keys are named.
    pub layout: Layout,
}

impl DeadLetters {
    /// Applies those letters again that are `wanted`, in order. What is written leaves the log, what is
    /// refused again stays with the new reason. Dropped before the end, all letters stay; those that were
    /// written are written again by the next retry, which changes nothing unless newer values came since.
    ///
    /// Blocks on files between its waits for Redis: not for a task that others wait behind.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else is at it, and [`Error::Io`]; all letters are kept then.
    pub async fn retry(
        &self,
        target: &Target,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Retried, Error> {
        let mut rewrite = self.rewrite(&target.destination)?;
        let mut retried = Retried::default();
        loop {
            let batch = rewrite.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            retry_batch(target, &wanted, batch, &mut rewrite, &mut retried).await?;
        }
        rewrite.finish()?;
        Ok(retried)
    }

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
            let batch = rewrite.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            for letter in batch {
                if unwanted(&letter) {
                    discarded += 1;
                } else {
                    rewrite.keep(&letter)?;
                }
            }
        }
        rewrite.finish()?;
        Ok(discarded)
    }
}

async fn retry_batch(
    target: &Target,
    wanted: &impl Fn(&DeadLetter) -> bool,
    batch: Vec<DeadLetter>,
    rewrite: &mut Rewrite,
    retried: &mut Retried,
) -> Result<(), Error> {
    let update = |letter: &DeadLetter| {
        wanted(letter).then(|| profile::update(&letter.event, &target.layout))
    };
    let updates: Vec<Option<Result<ProfileUpdate, Ignored>>> = batch.iter().map(update).collect();
    let open: Vec<&ProfileUpdate> = updates.iter().flatten().flatten().collect();
    let mut results = match retried.stopped {
        None => profile::apply(&target.connection, &open).await,
        Some(_) => Vec::new(), // all that follow are kept
    }
    .into_iter();
    for (letter, update) in batch.into_iter().zip(&updates) {
        match update {
            None => rewrite.keep(&letter)?,
            Some(Err(_)) => retried.ignored += 1,
            Some(Ok(_)) => match results.next() {
                Some(Ok(())) => retried.written += 1,
                result => {
                    let error = result.and_then(Result::err);
                    rewrite.keep(&refused_again(letter, error.as_ref()))?;
                    retried.kept += 1;
                    let stopped = error.filter(|error| error.class() != Class::Record);
                    retried.stopped = retried.stopped.take().or(stopped);
                }
            },
        }
    }
    Ok(())
}

/// The letter with the new reason, if it was refused for good again.
fn refused_again(letter: DeadLetter, error: Option<&RedisError>) -> DeadLetter {
    match error {
        Some(error) if error.class() == Class::Record => DeadLetter {
            at: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
            reason: error.to_string(),
            ..letter
        },
        _ => letter,
    }
}
