//! One destination at run time: its queue, its connection, and the delivery that fills it.

use jiff::Timestamp;
use kenwell::{connection::Connection, profile::Layout};
use kenwell_journal::{Error, Journal, Offset};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{oldest::Oldest, restore::Healing, retired::Retired};
use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    delivery::{
        Delivery, DeliveryDependencies, DestinationQueue, Health, HealthState, KnownRedisFile, Lag,
    },
    metrics::{DestinationCounters, Metrics},
};

/// A configured destination, for those who look.
#[derive(Clone)]
pub struct DestinationView {
    /// Its settings.
    pub settings: Destination,
    /// How its Redis is doing; `None` while it is disabled.
    pub health: Option<Health>,
    /// Its queue.
    pub counters: DestinationCounters,
    /// How they were opened; `None` while it is disabled and nothing waits.
    pub queue: Option<DestinationQueue>,
    oldest: Option<Oldest>,
    /// How far behind it is.
    pub lag: Lag,
    /// To read profiles with. Opened when it is first used, and not shared with the delivery.
    pub connection: Connection,
    /// How its keys are named.
    pub layout: Layout,
}

/// A destination at run time.
pub(super) struct DestinationRuntime {
    pub(super) settings: Destination,
    pub(super) connection: Connection,
    pub(super) layout: Layout,
    counters: DestinationCounters,
    pub(super) health: Health,
    /// What is known of its Redis.
    pub(super) memory: KnownRedisFile,
    lag: Lag,
    /// Open while it is enabled, or has events waiting.
    pub(super) queue: Option<DestinationQueue>,
    /// Since when events wait, while it is disabled and some do.
    oldest: Option<Oldest>,
    /// Running while it is enabled and not paused.
    flow: Option<Flow>,
}

/// A running delivery.
struct Flow {
    stop: CancellationToken,
    task: JoinHandle<()>,
    guard: JoinHandle<()>,
}

/// Whether a line's queue was opened just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// They were open.
    Before,
    /// They went on as the destination came back.
    Again,
    /// They are new.
    Now,
}

/// Where deliveries run.
pub(super) struct Ground<'a> {
    pub(super) journal: &'a Journal,
    pub(super) metrics: &'a Metrics,
    pub(super) dead_letters: &'a DeadLetters,
    pub(super) retired: &'a Retired,
    pub(super) healing: &'a Healing,
    pub(super) tasks: &'a TaskTracker,
    pub(super) stop: &'a CancellationToken,
}

impl DestinationView {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// When the oldest of the events was received that wait for it while it is disabled, if that is known.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.oldest.as_ref().and_then(Oldest::time)
    }
}

impl DestinationRuntime {
    /// A destination that does nothing yet.
    pub(super) fn new(
        settings: &Destination,
        connection: Connection,
        layout: Layout,
        ground: &Ground<'_>,
    ) -> Self {
        Self {
            connection,
            layout,
            counters: ground.metrics.destination(&settings.id),
            health: Health::new(&settings.id),
            memory: ground.healing.memory(settings),
            lag: Lag::default(),
            settings: settings.clone(),
            queue: None,
            oldest: None,
            flow: None,
        }
    }

    /// Opens its queue, unless they are. From now on the journal keeps what comes for it. The queue of a
    /// destination that was retired go on.
    fn open(&mut self, ground: &Ground<'_>) -> Result<Opened, Error> {
        let id = &self.settings.id;
        if self.queue.is_some() {
            return Ok(Opened::Before);
        }
        if let Some(queue) = ground.retired.take_back(id) {
            tracing::info!(
                destination.id = id,
                waiting = queue.counters.queued(),
                "a destination is configured again, and goes on where it stood"
            );
            ground.metrics.clear_retired(id);
            self.queue = Some(queue);
            return Ok(Opened::Again);
        }
        self.queue = Some(DestinationQueue::open(id, ground.journal, ground.metrics)?);
        Ok(Opened::Now)
    }

    /// Likewise, as `settings` want it: the queue of a disabled destination is only opened if something may
    /// wait for it.
    pub(super) fn open_as(
        &mut self,
        settings: &Destination,
        ground: &Ground<'_>,
    ) -> Result<Opened, Error> {
        let has_cursor = || {
            let cursors = ground.journal.stats().cursors;
            cursors.iter().any(|it| it.name == settings.id)
        };
        if settings.enabled || has_cursor() {
            return self.open(ground);
        }
        Ok(Opened::Before)
    }

    /// Begins to deliver, unless it does already or is not to.
    pub(super) fn flow(&mut self, config: &Config, ground: &Ground<'_>) -> Result<(), Error> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        let idle = self.settings.paused || !self.settings.enabled;
        if idle || self.flow.is_some() {
            return Ok(());
        }
        let plan = DeliveryDependencies {
            config,
            destination: &self.settings,
            connection: &self.connection,
            queue,
            health: &self.health,
            lag: &self.lag,
            dead_letters: ground.dead_letters,
        };
        let delivery = Delivery::new(&plan, ground.journal)?;
        let stop = ground.stop.child_token();
        let over = CancellationToken::new();
        let (known, begin) = oneshot::channel();
        let guard = ground
            .tasks
            .spawn(self.guard(ground).run(over.clone(), known));
        let delivered = delivery.run(stop.clone());
        let stopped = stop.clone();
        let task = ground.tasks.spawn(async move {
            let _ends = over.drop_guard();
            tokio::select! {
                () = stopped.cancelled() => {}
                // Its end is the sign.
                _ = begin => delivered.await,
            }
        });
        self.flow = Some(Flow { stop, task, guard });
        Ok(())
    }

    /// Whether its delivery can go on as it is when these are its settings.
    pub(super) fn flows_like(&self, next: &Destination) -> bool {
        let same =
            self.settings.connection == next.connection && self.settings.prefix == next.prefix;
        let same = same && self.settings.heal == next.heal;
        same && next.enabled && !next.paused
    }

    /// Stops at the edge of the batch under way; what waits stays in the journal.
    pub(super) async fn stop(&mut self) {
        let Some(Flow { stop, task, guard }) = self.flow.take() else {
            return;
        };
        stop.cancel();
        if let Err(error) = task.await.and(guard.await) {
            tracing::error!(destination.id = self.settings.id, %error, "a delivery ended badly; its batch will be delivered again");
        }
    }

    /// Takes over settings. The delivery is stopped, or runs by settings that say the same.
    pub(super) fn adopt(
        &mut self,
        settings: &Destination,
        connection: Option<Connection>,
        layout: Layout,
    ) {
        if let Some(connection) = connection {
            self.connection = connection;
            // What was wrong with the old one is no news about the new one.
            self.health = Health::new(&settings.id);
        }
        self.memory.move_to(settings);
        self.layout = layout;
        self.settings = settings.clone();
    }

    /// Closes the queue of a stopped destination that is disabled, unless something waits for it: that is
    /// kept, and holds the journal. Tells whether that made a difference to those who look.
    pub(super) fn rest_if_disabled(&mut self, ground: &Ground<'_>) -> Result<bool, Error> {
        if self.settings.enabled {
            return Ok(self.oldest.take().is_some());
        }
        if self.queue.is_none() || !self.is_counted() {
            return Ok(false);
        }
        if self.waiting() > 0 {
            let news = self.oldest.is_none();
            if news {
                self.oldest = Some(Oldest::look(&self.settings.id, ground));
            }
            return Ok(news);
        }
        // Opened again it begins at the end, which is the same to a destination that has everything.
        ground.journal.forget(&self.settings.id)?;
        self.queue = None;
        Ok(true)
    }

    /// Undoes what [`DestinationRuntime::open`] did.
    pub(super) fn close_again(&mut self, opened: Opened, ground: &Ground<'_>) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let id = &self.settings.id;
        match opened {
            Opened::Before => self.queue = Some(queue),
            Opened::Again => ground.retired.add(id, queue, ground),
            Opened::Now => {
                if let Err(error) = ground.journal.forget(id) {
                    // Nothing waits for it, so it goes as soon as it can.
                    tracing::warn!(destination.id = id, %error, "a cursor that is not needed could not be removed");
                    ground.retired.add(id, queue, ground);
                }
            }
        }
    }

    /// A stopped destination is not configured any more. What waits for it is kept, unless somebody gives
    /// up as many events as that.
    pub(super) fn leave(self, given_up: u64, ground: &Ground<'_>) -> Result<(), Error> {
        let (id, waiting) = (self.settings.id, self.counters.queued());
        let Some(queue) = self.queue else {
            ground.metrics.forget_destination(&id);
            ground.healing.forget(&id);
            return ground.journal.forget(&id);
        };
        ground.retired.add(&id, queue, ground);
        if waiting <= given_up {
            return ground.retired.end(&id, ground);
        }
        Ok(())
    }

    /// Whether it is known how many events wait for it.
    pub(super) fn is_counted(&self) -> bool {
        let queue = self.queue.as_ref();
        queue.is_none_or(|queue| queue.backlog().is_some())
    }

    /// Events that wait for it, as far as they are counted.
    pub(super) fn waiting(&self) -> u64 {
        self.counters.queued()
    }

    /// The first record that it has not acknowledged.
    pub(super) fn position(&self, journal: &Journal) -> Option<Offset> {
        let cursors = journal.stats().cursors;
        let cursor = cursors.iter().find(|it| it.name == self.settings.id);
        cursor.map(|cursor| cursor.position)
    }

    /// Whether it delivers, and nothing is known to be in its way.
    pub(super) fn delivers(&self) -> bool {
        self.flow.is_some() && !matches!(self.health.state(), HealthState::Waiting { .. })
    }

    /// For those who look.
    pub(super) fn view(&self) -> DestinationView {
        DestinationView {
            settings: self.settings.clone(),
            health: self.settings.enabled.then(|| self.health.clone()),
            counters: self.counters.clone(),
            queue: self.queue.clone(),
            oldest: self.oldest.clone(),
            lag: self.lag.clone(),
            connection: self.connection.clone(),
            layout: self.layout.clone(),
        }
    }
}
