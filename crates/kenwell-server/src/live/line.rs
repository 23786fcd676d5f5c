//! One destination at run time: its books, its connection, and the delivery that fills it.

use kenwell::{connection::Connection, profile::Layout};
use kenwell_journal::{Error, Journal};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::restore::Healing;
use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    delivery::{Books, Delivery, Health, Lag, Memory, Plan},
    metrics::{Ledger, Metrics},
};

/// A configured destination, for those who look.
#[derive(Clone)]
pub struct RunningDestination {
    /// Its settings.
    pub settings: Destination,
    /// How its Redis is doing; `None` while it is disabled.
    pub health: Option<Health>,
    /// Its books.
    pub ledger: Ledger,
    /// How they were opened; `None` while it is disabled.
    pub books: Option<Books>,
    /// How far behind it is.
    pub lag: Lag,
    /// To read profiles with. Opened when it is first used, and not shared with the delivery.
    pub connection: Connection,
    /// How its keys are named.
    pub layout: Layout,
}

/// A destination at run time.
pub(super) struct Line {
    pub(super) settings: Destination,
    pub(super) connection: Connection,
    pub(super) layout: Layout,
    ledger: Ledger,
    pub(super) health: Health,
    /// What is known of its Redis.
    pub(super) memory: Memory,
    lag: Lag,
    /// Open while it is enabled.
    pub(super) books: Option<Books>,
    /// Running while it is enabled and not paused.
    flow: Option<Flow>,
}

/// A running delivery.
struct Flow {
    stop: CancellationToken,
    task: JoinHandle<()>,
    guard: JoinHandle<()>,
}

/// Where deliveries run.
pub(super) struct Ground<'a> {
    pub(super) journal: &'a Journal,
    pub(super) metrics: &'a Metrics,
    pub(super) dead_letters: &'a DeadLetters,
    pub(super) healing: &'a Healing,
    pub(super) tasks: &'a TaskTracker,
    pub(super) stop: &'a CancellationToken,
}

impl RunningDestination {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.settings.id
    }
}

impl Line {
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
            ledger: ground.metrics.ledger(&settings.id),
            health: Health::new(&settings.id),
            memory: ground.healing.memory(settings),
            lag: Lag::default(),
            settings: settings.clone(),
            books: None,
            flow: None,
        }
    }

    /// Opens its books, unless they are. From now on the journal keeps what comes for it. What waits for it
    /// already is to be entered into the books that this gives back.
    pub(super) fn open(&mut self, ground: &Ground<'_>) -> Result<Option<Books>, Error> {
        if self.books.is_some() {
            return Ok(None);
        }
        let books = Books::open(&self.settings.id, ground.journal, ground.metrics)?;
        self.books = Some(books.clone());
        Ok(Some(books))
    }

    /// Begins to deliver, unless it does already or is not to.
    pub(super) fn flow(&mut self, config: &Config, ground: &Ground<'_>) -> Result<(), Error> {
        let Some(books) = &self.books else {
            return Ok(());
        };
        if self.settings.paused || self.flow.is_some() {
            return Ok(());
        }
        let plan = Plan {
            config,
            destination: &self.settings,
            connection: &self.connection,
            books,
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

    /// Closes the books of a destination that is not to get anything any more. What is queued stays queued.
    /// Its cursor stays, but holds nothing back.
    pub(super) fn close_if_disabled(&mut self, ground: &Ground<'_>) -> Result<(), Error> {
        if self.settings.enabled {
            return Ok(());
        }
        if self.books.take().is_none() {
            return Ok(());
        }
        ground.journal.retire(&self.settings.id)
    }

    /// Ends a stopped destination for good: no books, no cursor.
    pub(super) fn remove(self, ground: &Ground<'_>) -> Result<(), Error> {
        tell_removed(&self.settings.id, self.ledger.queued());
        ground.metrics.forget_destination(&self.settings.id);
        if let Err(error) = self.memory.forget() {
            tracing::warn!(destination.id = self.settings.id, %error, "what is known of its Redis could not be removed from data_dir");
        }
        ground.journal.forget(&self.settings.id)
    }

    /// For those who look.
    pub(super) fn view(&self) -> RunningDestination {
        RunningDestination {
            settings: self.settings.clone(),
            health: self.books.as_ref().map(|_| self.health.clone()),
            ledger: self.ledger.clone(),
            books: self.books.clone(),
            lag: self.lag.clone(),
            connection: self.connection.clone(),
            layout: self.layout.clone(),
        }
    }
}

/// Says what the removal of a destination leaves undelivered, if anything.
pub(super) fn tell_removed(id: &str, waiting: u64) {
    if waiting > 0 {
        tracing::warn!(
            destination.id = id,
            waiting,
            "a destination was removed with events waiting for it; while the journal keeps them, add it again and use `kenwell replay`"
        );
    }
}
