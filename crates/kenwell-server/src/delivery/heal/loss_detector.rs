//! Beside each delivery: writes down in Redis how far it has come, and notices a Redis that has less.

use std::time::Duration;

use futures_util::future::join_all;
use kenwell::{Class, Error, profile::Shard};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    dependencies::LossDetectorDependencies,
    known_redis::{KnownRedis, earlier},
    marker_comparison::Loss,
    reports,
    watched_shard::{Findings, WatchedShard},
};
use crate::{delivery::backoff::Backoff, ticks::ticks};

/// How often the markers are written while events are delivered. After a failover so much of what was
/// not lost is delivered again, too.
const WRITE_INTERVAL: Duration = Duration::from_millis(200);
/// How often the detector looks whether something was delivered, when nothing was.
const IDLE_INTERVAL: Duration = Duration::from_millis(500);
/// How often they are read when nothing is delivered.
const READ_INTERVAL: Duration = Duration::from_secs(2);
/// How long to leave a Redis alone that has refused a marker for good.
const REFUSED_INTERVAL: Duration = Duration::from_mins(1);
/// How long a delivery that stops waits for the last marker.
const LAST_MARKER_TIMEOUT: Duration = Duration::from_secs(1);
/// The most markers of one destination; a slot that moved takes its marker along.
const MAX_SHARDS: usize = 1_024;

/// Compares the markers of one destination with what was delivered, and decides what is to be restored.
pub(crate) struct LossDetector {
    dependencies: LossDetectorDependencies,
    shards: Vec<WatchedShard>,
    /// Failed attempts of the delivery, as of the latest check.
    failures: u64,
    /// Whether Redis refuses the marker for good, which has been said.
    refused: bool,
}

impl LossDetector {
    /// A detector that knows what is remembered of the destination's Redis.
    pub(crate) fn new(dependencies: LossDetectorDependencies) -> Self {
        let marker = &dependencies.marker;
        let known = dependencies.known_redis.known();
        let shards = known.shards.iter();
        Self {
            shards: shards
                .map(|shard| WatchedShard::known(marker, shard))
                .collect(),
            failures: dependencies.health.failures(),
            refused: false,
            dependencies,
        }
    }

    /// Watches until `over`, which comes when the delivery has ended, and then writes the last marker.
    /// `first_read` is dropped when the delivery may begin: it must not write to a server whose marker was
    /// never read, because what that server loses would not be missed.
    ///
    /// The first check comes when the delivery has reached Redis, or a while later, so that it never takes a
    /// connection away from the delivery.
    pub(crate) async fn run(mut self, over: CancellationToken, first_read: oneshot::Sender<()>) {
        reports::resume(&self.dependencies);
        tokio::select! {
            () = over.cancelled() => return,
            () = self.read_for_the_first_time() => drop(first_read),
        }
        let mut check_at = Instant::now() + READ_INTERVAL;
        let mut marked = None;
        let mut begun = false;
        let mut idle = ticks(IDLE_INTERVAL);
        loop {
            if self.dependencies.known_redis.known().pending.is_some() {
                return self.ask_for_restore(&over).await;
            }
            let acked = self.acked();
            reports::restored(&self.dependencies, acked);
            let now = Instant::now();
            let begins = !begun && self.dependencies.health.is_up();
            if now >= check_at || begins || marked.is_some_and(|marked| marked != acked) {
                begun = true;
                let complete = self.check_shards(acked).await;
                marked = complete.then_some(acked);
                check_at = now + self.interval(complete);
            }
            tokio::select! {
                () = over.cancelled() => break,
                // While nothing is delivered nothing is to be written.
                _ = idle.tick(), if marked == Some(acked) => {}
                () = sleep(WRITE_INTERVAL), if marked != Some(acked) => {}
            }
        }
        if !self.dependencies.health.is_waiting() && !self.refused {
            let acked = self.acked();
            // Without it a little more than necessary is delivered again some day.
            let _in_time = timeout(LAST_MARKER_TIMEOUT, self.check_shards(acked)).await;
        }
    }

    /// Reads the markers of a Redis that was never seen before, until it can be reached.
    async fn read_for_the_first_time(&mut self) {
        let mut backoff = Backoff::default();
        while self.shards.is_empty() {
            let acked = self.acked();
            let failure = match self.find_shards().await {
                Ok(()) => self.check_known_shards(acked).await,
                Err(error) => Some(error),
            };
            let Some(error) = failure else { break };
            let answered = matches!(error, Error::Refused { .. });
            if answered || self.shards.iter().any(|it| it.reached) {
                self.failed(&error);
                break;
            }
            // The delivery could not reach it either, and has not begun, so it cannot say so.
            self.dependencies.health.failed(&error, error.class());
            self.shards.clear();
            sleep(backoff.next()).await;
        }
        // The connection is for the delivery, should there be only a few.
        self.dependencies.marker = self.dependencies.marker.another();
    }

    /// How long to wait after a check. A marker that was only read is written soon.
    fn interval(&self, complete: bool) -> Duration {
        if self.refused {
            REFUSED_INTERVAL
        } else if !complete && self.shards.iter().all(|it| it.reached) {
            WRITE_INTERVAL
        } else {
            READ_INTERVAL
        }
    }

    /// Says that the delivery has to go back in the journal, until it stops for that.
    async fn ask_for_restore(&self, over: &CancellationToken) {
        let destination = self.dependencies.destination();
        loop {
            let asked = self.dependencies.losses.try_send(destination.to_owned());
            tracing::debug!(destination.id = destination, ?asked, "asked to go back");
            tokio::select! {
                () = over.cancelled() => return,
                () = sleep(READ_INTERVAL) => {}
            }
        }
    }

    /// How far delivery has come.
    fn acked(&self) -> u64 {
        self.dependencies.acked().unwrap_or(0)
    }

    /// Checks every shard's marker, writes it where that is due, and acts on what it finds. Whether every
    /// shard was reached and has the marker that it should have.
    async fn check_shards(&mut self, acked: u64) -> bool {
        if self.failures != self.dependencies.health.failures() {
            // The lanes may have found another server by now: use a connection as new as theirs.
            self.failures = self.dependencies.health.failures();
            self.dependencies.marker = self.dependencies.marker.another();
            self.shards.iter_mut().for_each(|it| it.reached = false);
        }
        let failure = match self.find_shards().await {
            Ok(()) => self.check_known_shards(acked).await,
            Err(error) => Some(error),
        };
        match &failure {
            Some(error) => self.failed(error),
            None => self.refused = false,
        }
        let done = |it: &WatchedShard| it.reached && it.wrote() == Some(acked);
        failure.is_none() && self.shards.iter().all(done)
    }

    /// The same for the shards that are known; gives one of the errors, if there was any.
    async fn check_known_shards(&mut self, acked: u64) -> Option<Error> {
        let marker = &self.dependencies.marker;
        let checks = self.shards.iter().map(|it| it.check(marker, acked));
        let answers = join_all(checks).await;
        let mut findings = Findings::default();
        let mut failure = None;
        for (watched, (wrote, answer)) in self.shards.iter_mut().zip(answers) {
            match answer {
                Ok(sighting) => watched.seen(&sighting, wrote, acked, &mut findings),
                Err(error) => {
                    watched.missed(&error, wrote, acked);
                    failure = Some(error);
                }
            }
        }
        self.act_on(findings, acked).await;
        failure
    }

    async fn find_shards(&mut self) -> Result<(), Error> {
        let known: Vec<Shard> = self.shards.iter().map(|it| it.shard.clone()).collect();
        let all = self.dependencies.marker.shards(&known).await?;
        let more = all.into_iter().take(MAX_SHARDS).skip(known.len());
        self.shards.extend(more.map(WatchedShard::new));
        Ok(())
    }

    /// Decides what is restored and what is only offered, remembers that durably, and says so.
    async fn act_on(&self, findings: Findings, acked: u64) {
        let dependencies = &self.dependencies;
        if findings.other_redis {
            reports::other_redis(dependencies);
        }
        if !findings.news {
            return;
        }
        let heals = dependencies.heals;
        let changed = findings.changed.iter();
        let not_healed = changed.filter(|(_, loss)| *loss > Loss::Unlikely && !heals);
        let offered = not_healed.map(|(from, _)| *from);
        let offered = offered.chain(findings.emptied.iter().copied());
        let offer = match offered.reduce(earlier) {
            Some(from) => {
                let changed = findings.emptied.is_empty();
                Some(reports::offer(dependencies, from, acked, changed).await)
            }
            None => None,
        };
        let change = |known: &mut KnownRedis| {
            for (slot, expected) in self.shards.iter().filter_map(WatchedShard::remembered) {
                known.note(slot, &expected);
            }
            for (from, loss) in findings.changed.iter().filter(|_| heals) {
                known.restore_from(*from, *loss);
            }
            if offer.is_some() {
                known.offered.clone_from(&offer);
            }
        };
        reports::remember(dependencies, change);
    }

    /// An attempt failed. The delivery tells of a Redis that is away; a refusal of the marker alone is
    /// told here, once.
    fn failed(&mut self, error: &Error) {
        let destination = self.dependencies.destination();
        let for_good = matches!(error, Error::Refused { .. }) && error.class() != Class::Transient;
        if for_good && !self.refused {
            let keys = self.dependencies.marker.pattern();
            tracing::warn!(destination.id = destination, %error, "the marker cannot be written, so a Redis that comes back with less is not noticed; allow it: ACL SETUSER <user> ~{keys} +hset +hgetall +info");
        } else {
            tracing::debug!(destination.id = destination, %error, "the marker was not reached");
        }
        self.refused = for_good;
    }
}
