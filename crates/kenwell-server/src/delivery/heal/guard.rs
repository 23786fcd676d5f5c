//! Beside each delivery: writes down in Redis how far it has come, and notices a Redis that has less.

use std::time::Duration;

use futures_util::future::join_all;
use kenwell::{
    Class, Error,
    profile::{Marker, MarkerState, Server, Shard},
};
use kenwell_journal::Journal;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    judge::{Expected, Loss, Verdict, judge},
    known::{KnownRedis, KnownRedisFile, earlier},
    told,
};
use crate::delivery::{Health, backoff::Backoff};

/// How often the markers are written while events are delivered. After a failover so much of what was
/// not lost is delivered again, too.
const WRITE_EVERY: Duration = Duration::from_millis(200);
/// How often they are looked at when nothing is delivered.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long to leave a Redis alone that has refused a marker for good.
const REFUSED_FOR: Duration = Duration::from_mins(1);
/// How long a delivery that stops waits for the last marker.
const LAST: Duration = Duration::from_secs(1);
/// The most unanswered positions that are remembered for a shard.
const MAX_UNSURE: usize = 16;
/// The most markers of one destination; a slot that moved takes its marker along.
const MAX_SHARDS: usize = 1_024;

/// What a guard needs.
pub(crate) struct LossDetectorDependencies {
    pub(crate) marker: Marker,
    pub(crate) journal: Journal,
    pub(crate) memory: KnownRedisFile,
    pub(crate) health: Health,
    /// Whether what was lost is restored without being asked for.
    pub(crate) heals: bool,
    /// Where a destination is named that has to go back in the journal.
    pub(crate) losses: mpsc::Sender<String>,
}

/// Writes and looks at the markers of one destination.
pub(crate) struct LossDetector {
    post: LossDetectorDependencies,
    shards: Vec<Watched>,
    /// Failed attempts of the delivery, as of the latest visit.
    failures: u64,
    /// Whether Redis refuses the marker for good, which has been said.
    refused: bool,
}

/// One shard, and what is known of it.
struct Watched {
    shard: Shard,
    /// `None` for one that was never seen.
    expected: Option<Expected>,
    /// Whether the latest attempt succeeded: only then is the marker written without a look before.
    reached: bool,
}

/// What a visit to all shards has shown.
#[derive(Default)]
struct Findings {
    /// From where on something is missing, and whether it is, by shard.
    changed: Vec<(Option<u64>, Loss)>,
    emptied: Vec<Option<u64>>,
    elsewhere: bool,
    /// Whether what is known has changed.
    news: bool,
}

impl LossDetector {
    pub(crate) fn new(post: LossDetectorDependencies) -> Self {
        let known = post.memory.known();
        let shards = known.shards.iter().map(|shard| Watched {
            shard: post.marker.shard(shard.slot),
            expected: Some(Expected {
                server: shard
                    .server
                    .clone()
                    .map(|(run, history)| Server { run, history }),
                elsewhere: shard.elsewhere,
                marked: shard.marked,
                ..Expected::default()
            }),
            reached: false,
        });
        Self {
            shards: shards.collect(),
            failures: post.health.failures(),
            refused: false,
            post,
        }
    }

    /// Watches until `over`, which comes when the delivery has ended, and then writes the last marker.
    /// `known` is dropped when the delivery may begin: what it writes to a server that nobody has seen
    /// would not be missed.
    ///
    /// Goes on when the delivery has reached Redis, or a while later, so that it never takes a connection
    /// away from it.
    pub(crate) async fn run(mut self, over: CancellationToken, known: oneshot::Sender<()>) {
        told::resume(&self.post);
        tokio::select! {
            () = over.cancelled() => return,
            () = self.get_to_know() => drop(known),
        }
        let (mut look_at, mut marked) = (Instant::now() + LOOK_EVERY, None);
        let mut begun = false;
        loop {
            if self.post.memory.known().pending.is_some() {
                return self.ask_to_go_back(&over).await;
            }
            let acked = self.acked();
            told::restored(&self.post, acked);
            let now = Instant::now();
            let begins = !begun && self.post.health.is_up();
            if now >= look_at || begins || marked.is_some_and(|marked| marked != acked) {
                begun = true;
                let whole = self.visit(acked).await;
                marked = whole.then_some(acked);
                look_at = now + self.pause(whole);
            }
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep(WRITE_EVERY) => {}
            }
        }
        if !self.post.health.is_waiting() && !self.refused {
            let acked = self.acked();
            // Without it a little more than necessary is delivered again some day.
            let _in_time = timeout(LAST, self.visit(acked)).await;
        }
    }

    /// Looks at a Redis that was never seen before, until it can be reached.
    async fn get_to_know(&mut self) {
        let mut backoff = Backoff::default();
        while self.shards.is_empty() {
            let acked = self.acked();
            let failure = match self.find_shards().await {
                Ok(()) => self.look(acked).await,
                Err(error) => Some(error),
            };
            let Some(error) = failure else { break };
            let answered = matches!(error, Error::Refused { .. });
            if answered || self.shards.iter().any(|it| it.reached) {
                self.failed(&error);
                break;
            }
            // The delivery could not reach it either, and is not there to say so.
            self.post.health.failed(&error, error.class());
            self.shards.clear();
            sleep(backoff.next()).await;
        }
        // The connection is for the delivery, should there be only a few.
        self.post.marker = self.post.marker.another();
    }

    /// How long to wait after a visit. Who was only looked at is written to soon.
    fn pause(&self, whole: bool) -> Duration {
        if self.refused {
            REFUSED_FOR
        } else if !whole && self.shards.iter().all(|it| it.reached) {
            WRITE_EVERY
        } else {
            LOOK_EVERY
        }
    }

    /// Says that the delivery has to go back, until it stops for that.
    async fn ask_to_go_back(&self, over: &CancellationToken) {
        loop {
            let asked = self.post.losses.try_send(self.destination().to_owned());
            tracing::debug!(
                destination.id = self.destination(),
                ?asked,
                "asked to go back"
            );
            tokio::select! {
                () = over.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// How far delivery has come: everything before it has been applied and answered.
    fn acked(&self) -> u64 {
        let stats = self.post.journal.stats();
        let mut cursors = stats.cursors.iter();
        let ours = cursors.find(|cursor| cursor.name == self.destination());
        ours.map_or(0, |cursor| cursor.position.0)
    }

    fn destination(&self) -> &str {
        self.post.health.destination()
    }

    /// Looks at every shard, writes where that is due, and acts on what it finds. Whether every shard
    /// was reached and has the marker that it should have.
    async fn visit(&mut self, acked: u64) -> bool {
        if self.failures != self.post.health.failures() {
            // The lanes may have found another server by now: go the way that they go.
            self.failures = self.post.health.failures();
            self.post.marker = self.post.marker.another();
            self.shards.iter_mut().for_each(|it| it.reached = false);
        }
        let failure = match self.find_shards().await {
            Ok(()) => self.look(acked).await,
            Err(error) => Some(error),
        };
        match &failure {
            Some(error) => self.failed(error),
            None => self.refused = false,
        }
        let done = |it: &Watched| it.reached && it.wrote() == Some(acked);
        failure.is_none() && self.shards.iter().all(done)
    }

    /// Likewise at the shards that there are; gives one of the errors, if there was any.
    async fn look(&mut self, acked: u64) -> Option<Error> {
        let marker = &self.post.marker;
        let looks = self.shards.iter().map(|it| it.ask(marker, acked));
        let answers = join_all(looks).await;
        let mut findings = Findings::default();
        let mut failure = None;
        for (watched, (wrote, answer)) in self.shards.iter_mut().zip(answers) {
            match answer {
                Ok(sighting) => watched.take(&sighting, wrote, acked, &mut findings),
                Err(error) => {
                    watched.missed(&error, wrote, acked);
                    failure = Some(error);
                }
            }
        }
        self.act(findings, acked).await;
        failure
    }

    async fn find_shards(&mut self) -> Result<(), Error> {
        let known: Vec<Shard> = self.shards.iter().map(|it| it.shard.clone()).collect();
        let all = self.post.marker.shards(&known).await?;
        let more = all.into_iter().take(MAX_SHARDS).skip(known.len());
        self.shards.extend(more.map(|shard| Watched {
            shard,
            expected: None,
            reached: false,
        }));
        Ok(())
    }

    /// Remembers what was found, durably, and says so.
    async fn act(&mut self, findings: Findings, acked: u64) {
        let heals = self.post.heals;
        let offered: Vec<Option<u64>> = findings
            .changed
            .iter()
            .filter_map(|(from, lost)| (*lost > Loss::Unlikely && !heals).then_some(*from))
            .chain(findings.emptied.iter().copied())
            .collect();
        let owed = findings.changed.iter().filter(|_| heals).copied();
        let owed: Vec<(Option<u64>, Loss)> = owed.collect();
        let expected: Vec<_> = self.shards.iter().filter_map(Watched::remember).collect();
        if findings.elsewhere {
            told::elsewhere(&self.post);
        }
        if !findings.news {
            return;
        }
        let offer = match offered.into_iter().reduce(earlier) {
            Some(from) => {
                Some(told::offer(&self.post, from, acked, findings.emptied.is_empty()).await)
            }
            None => None,
        };
        let change = |known: &mut KnownRedis| {
            for (slot, expected) in &expected {
                known.note(*slot, expected);
            }
            for (from, lost) in owed {
                known.owe(from, lost);
            }
            if offer.is_some() {
                known.offered.clone_from(&offer);
            }
        };
        told::remember(&self.post, change);
    }

    /// An attempt failed. The delivery tells of a Redis that is away; a refusal of the marker alone is
    /// told here, once.
    fn failed(&mut self, error: &Error) {
        let destination = self.destination();
        let for_good = matches!(error, Error::Refused { .. }) && error.class() != Class::Transient;
        if for_good && !self.refused {
            let keys = self.post.marker.pattern();
            tracing::warn!(destination.id = destination, %error, "the marker cannot be written, so a Redis that comes back with less is not noticed; allow it: ACL SETUSER <user> ~{keys} +hset +hgetall +info");
        } else {
            tracing::debug!(destination.id = destination, %error, "the marker was not reached");
        }
        self.refused = for_good;
    }
}

impl Watched {
    /// Looks at the marker, and writes it when that is due and nothing speaks against it. Whether it
    /// was to be written, and what was seen.
    async fn ask(&self, marker: &Marker, acked: u64) -> (bool, Result<MarkerState, Error>) {
        let write = self.reached && self.wrote() != Some(acked);
        let seen = if write {
            marker.write(&self.shard, acked).await
        } else {
            marker.read(&self.shard).await
        };
        (write, seen)
    }

    fn wrote(&self) -> Option<u64> {
        self.expected.as_ref().and_then(|expected| expected.wrote)
    }

    /// Compares a sighting with what was expected, and expects from now on what it shows.
    fn take(&mut self, sighting: &MarkerState, wrote: bool, acked: u64, findings: &mut Findings) {
        self.reached = true;
        let verdict = self
            .expected
            .as_ref()
            .map_or(Verdict::Same, |it| judge(it, sighting, acked));
        match verdict {
            Verdict::Same => {}
            Verdict::Elsewhere => findings.elsewhere = true,
            Verdict::Changed { from, lost } => findings.changed.push((from, lost)),
            Verdict::Emptied { from } => findings.emptied.push(from),
        }
        let before = self.expected.take().unwrap_or_default();
        let same = verdict == Verdict::Same;
        let next = Expected {
            server: sighting
                .server
                .clone()
                .or(before.server.clone().filter(|_| same)),
            elsewhere: false,
            marked: wrote || sighting.position.is_some(),
            wrote: if wrote {
                Some(acked)
            } else {
                before.wrote.filter(|_| same)
            },
            unsure: if same {
                before.unsure.clone()
            } else {
                Vec::new()
            },
        };
        let kept = |it: &Expected| (it.server.clone(), it.elsewhere, it.marked);
        findings.news |= !same || kept(&next) != kept(&before);
        self.expected = Some(next);
    }

    /// An attempt failed. What may have been written, or may arrive late, is remembered.
    fn missed(&mut self, error: &Error, wrote: bool, acked: u64) {
        self.reached = false;
        let unknown = matches!(error, Error::Lost { .. } | Error::Timeout { .. });
        if let Some(expected) = self.expected.as_mut().filter(|_| wrote && unknown) {
            expected.unsure.push(acked);
            let surplus = expected.unsure.len().saturating_sub(MAX_UNSURE);
            expected.unsure.drain(..surplus);
        }
    }

    fn remember(&self) -> Option<(Option<u16>, Expected)> {
        Some((self.shard.slot, self.expected.clone()?))
    }
}
