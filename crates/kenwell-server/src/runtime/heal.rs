//! Going back in the journal for a Redis that came back with less.

use jiff::Timestamp;
use kenwell_journal::{Error, ErrorChain, Offset};
use tokio::sync::mpsc;

use super::{
    Runtime,
    dependencies::Dependencies,
    destination::DestinationRuntime,
    replay::{Replayed, Search, rewind_destination},
};
use crate::{
    config::Config,
    delivery::{Loss, PendingRestore, RunningRestore},
};

impl Runtime {
    /// Sends deliveries back whose Redis has less than it had, until deliveries are to end.
    pub(super) async fn heal(self, mut lost: mpsc::Receiver<String>) {
        let stop = &self.inner.dependencies.stop;
        while let Some(Some(id)) = stop.run_until_cancelled(lost.recv()).await {
            if let Err(error) = self.restore(&id).await {
                tracing::error!(destination.id = id, error = %ErrorChain(&error), "what Redis lost could not be put before the destination again; trying again");
            }
        }
    }

    /// Delivers again what is owed to the Redis of a destination, if anything still is.
    async fn restore(&self, id: &str) -> Result<(), Error> {
        let dependencies = &self.inner.dependencies;
        let journal = &dependencies.journal;
        let destinations = self.inner.destinations.lock().await;
        let owed = destinations.get(id).and_then(DestinationRuntime::owed);
        drop(destinations);
        let Some(owed) = owed else { return Ok(()) };
        // Searched while the delivery goes on, and without holding up anybody else's change.
        let mut search = Search::at(journal, id, Offset(owed.from.unwrap_or(0)));
        let reached = dependencies.position(id).unwrap_or_default();
        search.look(journal, &self.config(), reached).await?;
        let mut destinations = self.inner.destinations.lock().await;
        let still = |it: &&mut DestinationRuntime| it.owed() == Some(owed);
        let Some(destination) = destinations.get_mut(id).filter(still) else {
            return Ok(());
        };
        let config = self.config();
        destination.stop_delivery().await;
        let restored = destination
            .go_back(owed, search, &config, dependencies)
            .await;
        destination.start_delivery(&config, dependencies)?;
        restored
    }
}

impl DestinationRuntime {
    fn owed(&self) -> Option<PendingRestore> {
        self.memory.known().pending
    }

    /// Somebody has decided what is delivered again: nothing more is offered.
    pub(super) fn decline_offer(&self) {
        if let Err(error) = self.memory.change(|known| known.offered = None) {
            tracing::error!(destination.id = self.settings.id, %error, "that an offer was taken cannot be noted in data_dir");
        }
    }

    /// Moves the stopped destination back to what is owed to its Redis, and says what that is.
    async fn go_back(
        &self,
        owed: PendingRestore,
        search: Search,
        config: &Config,
        dependencies: &Dependencies,
    ) -> Result<(), Error> {
        let reached = dependencies.position(&self.settings.id);
        let reached = reached.unwrap_or_default().0;
        let oldest = search.start().0;
        let replayed = rewind_destination(self, config, search, &dependencies.journal).await?;
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
        let since = replayed.since().map(tracing::field::display);
        match owed.loss {
            Loss::Unlikely => tracing::info!(
                destination.id = id,
                position,
                reached,
                events,
                "Redis restarted, or another server took over, with all that its marker promised; what came after that is delivered again, to be sure"
            ),
            Loss::Possible | Loss::Certain => {
                let what = if owed.loss == Loss::Certain {
                    "Redis came back from a restart or failover with less than it had confirmed; what it lost is delivered again"
                } else {
                    "Redis restarted, or another server took over, while Kenwell did not run; what its marker does not cover is delivered again"
                };
                tracing::warn!(
                    destination.id = id,
                    position,
                    reached,
                    events,
                    since,
                    "{what}"
                );
            }
        }
        let gone = oldest.saturating_sub(position.unwrap_or(0));
        if gone == 0 {
            return;
        }
        let what = if position.is_some() {
            "the journal no longer has the oldest records that Redis may have lost; those of them that were for this destination are not restored"
        } else {
            "Redis has nothing that tells how much it lost, perhaps everything; the oldest records are no longer in the journal and are not restored: restore a backup of Redis, and then deliver again from its time"
        };
        tracing::error!(
            destination.id = id,
            records = gone,
            before = since,
            "{what}"
        );
    }
}
