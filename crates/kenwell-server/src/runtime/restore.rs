//! Going back in the journal for a Redis that came back with less.

use std::{path::PathBuf, sync::Weak};

use anyhow::Context;
use jiff::Timestamp;
use kenwell::profile::Marker;
use kenwell_journal::{Error, Journal, Offset};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Runtime,
    destination::{DestinationRuntime, Ground},
    handle::Inner,
    replay::{self, Replayed, Search},
};
use crate::{
    config::{Config, Destination},
    delivery::{
        self, KnownRedisFile, Loss, LossDetector, LossDetectorDependencies, PendingRestore,
        RunningRestore,
    },
    installation,
};

/// How many destinations may wait for their turn; each says again that it does.
const WAITING: usize = 64;

/// What guards of deliveries need beside the delivery's own.
pub(super) struct Healing {
    data_dir: PathBuf,
    installation: String,
    losses: mpsc::Sender<String>,
}

impl Healing {
    /// With the other end, where destinations are named that have to go back.
    ///
    /// # Errors
    /// An installation's id that can be neither read nor made.
    pub(super) fn new(config: &Config) -> anyhow::Result<(Self, mpsc::Receiver<String>)> {
        let (losses, named) = mpsc::channel(WAITING);
        let data_dir = config.data_dir.clone();
        let installation = installation::id(&data_dir)
            .with_context(|| format!("data_dir: {} cannot be used", data_dir.display()))?;
        let healing = Self {
            data_dir,
            installation,
            losses,
        };
        Ok((healing, named))
    }

    /// What is remembered of a destination's Redis.
    pub(super) fn memory(&self, settings: &Destination) -> KnownRedisFile {
        KnownRedisFile::open(&self.data_dir, settings)
    }

    /// The destination is gone, and so is what was remembered of its Redis.
    pub(super) fn forget(&self, id: &str) {
        if let Err(error) = delivery::forget(&self.data_dir, id) {
            tracing::warn!(destination.id = id, %error, "what is known of its Redis could not be removed from data_dir");
        }
    }
}

impl Runtime {
    /// Sends deliveries back whose Redis has less than it had, until `stop`.
    pub(super) async fn restore_losses(
        inner: Weak<Inner>,
        mut named: mpsc::Receiver<String>,
        stop: CancellationToken,
    ) {
        loop {
            let id = tokio::select! {
                () = stop.cancelled() => return,
                named = named.recv() => named,
            };
            let (Some(id), Some(inner)) = (id, inner.upgrade()) else {
                return;
            };
            if let Err(error) = (Self { inner }).restore(&id).await {
                tracing::error!(destination.id = id, %error, "what Redis lost could not be put before the destination again; trying again");
            }
        }
    }

    /// Delivers again what is owed to the Redis of a destination, if anything still is.
    async fn restore(&self, id: &str) -> Result<(), Error> {
        let inner = &self.inner;
        let (journal, ground) = (&inner.journal, inner.ground());
        let owed = inner
            .lines
            .lock()
            .await
            .get(id)
            .and_then(DestinationRuntime::owed);
        let Some(owed) = owed else { return Ok(()) };
        // Searched while the delivery goes on, and without holding up anybody else's change.
        let mut search = Search::at(journal, id, Offset(owed.from.unwrap_or(0)));
        let reached = Offset(position(journal, id));
        search.look(journal, &self.config(), reached).await?;
        let mut lines = inner.lines.lock().await;
        let still = |line: &&mut DestinationRuntime| line.owed() == Some(owed);
        let Some(line) = lines.get_mut(id).filter(still) else {
            return Ok(());
        };
        let config = self.config();
        line.stop().await;
        let restored = line.go_back(owed, search, &config, &ground).await;
        line.flow(&config, &ground)?;
        restored
    }
}

impl DestinationRuntime {
    /// Watches over its Redis beside the delivery, until `over`.
    pub(super) fn guard(&self, ground: &Ground<'_>) -> LossDetector {
        let installation = ground.healing.installation.clone();
        // Under a name of its own, so that no marker of an earlier run arrives late.
        let name = format!("{installation}:{}:marker", self.settings.id);
        let (connection, layout) = (self.connection.named(&name), self.layout.clone());
        LossDetector::new(LossDetectorDependencies {
            marker: Marker::new(connection, layout, installation),
            journal: ground.journal.clone(),
            known_redis: self.memory.clone(),
            health: self.health.clone(),
            heals: self.settings.heal,
            losses: ground.healing.losses.clone(),
        })
    }

    fn owed(&self) -> Option<PendingRestore> {
        self.memory.known().pending
    }

    /// Somebody has decided what is delivered again: nothing more is offered.
    pub(super) fn decline_offer(&self) {
        if let Err(error) = self.memory.change(|known| known.offered = None) {
            tracing::error!(destination.id = self.settings.id, %error, "that an offer was taken cannot be noted in data_dir");
        }
    }

    /// Moves the stopped line back to what is owed to its Redis, and says what that is.
    async fn go_back(
        &self,
        owed: PendingRestore,
        search: Search,
        config: &Config,
        ground: &Ground<'_>,
    ) -> Result<(), Error> {
        let journal = ground.journal;
        let reached = position(journal, &self.settings.id);
        let oldest = search.start().0;
        let replayed = replay::rewind_line(self, config, search, journal).await?;
        let now = Timestamp::now();
        let restoring = RunningRestore {
            since_ms: now.as_millisecond(),
            until: reached,
            events: replayed.events,
        };
        let remembered = self.memory.change(|known| {
            known.pending = None;
            if owed.loss > Loss::Unlikely && replayed.events > 0 {
                known.running = Some(restoring);
            }
        });
        if let Err(error) = remembered {
            tracing::error!(destination.id = self.settings.id, %error, "that Redis gets again what it lost cannot be noted in data_dir");
        }
        self.tell(owed, oldest, reached, &replayed);
        Ok(())
    }

    /// Says what Redis lacks, what it gets again, and what of it the journal no longer has.
    fn tell(&self, owed: PendingRestore, oldest: u64, reached: u64, replayed: &Replayed) {
        let (id, position, events) = (&self.settings.id, owed.from, replayed.events);
        let since = replayed.received.map(tracing::field::display);
        match owed.loss {
            Loss::Unlikely => tracing::info!(
                destination.id = id,
                position,
                reached,
                events,
                "Redis restarted, or another server took over, with all that its marker promised; what came after that is delivered again, to be sure"
            ),
            Loss::Possible => tracing::warn!(
                destination.id = id,
                position,
                reached,
                events,
                since,
                "Redis restarted, or another server took over, while Kenwell did not run; what its marker does not cover is delivered again"
            ),
            Loss::Certain => tracing::warn!(
                destination.id = id,
                position,
                reached,
                events,
                since,
                "Redis came back from a restart or failover with less than it had confirmed; what it lost is delivered again"
            ),
        }
        let gone = oldest.saturating_sub(position.unwrap_or(0));
        if gone == 0 {
            return;
        }
        if position.is_some() {
            tracing::error!(
                destination.id = id,
                records = gone,
                before = since,
                "the journal no longer has the oldest records that Redis may have lost; those of them that were for this destination are not restored"
            );
        } else {
            tracing::error!(
                destination.id = id,
                records = gone,
                before = since,
                "Redis has nothing that tells how much it lost, perhaps everything; the oldest records are no longer in the journal and are not restored: restore a backup of Redis, and then deliver again from its time"
            );
        }
    }
}

/// How far a destination's delivery has come.
fn position(journal: &Journal, destination: &str) -> u64 {
    let cursors = journal.stats().cursors;
    let ours = cursors.iter().find(|cursor| cursor.name == destination);
    ours.map_or(0, |cursor| cursor.position.0)
}
