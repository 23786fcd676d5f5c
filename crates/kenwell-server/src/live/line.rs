//! One destination at run time: its books, its connection, and the delivery that fills it.

use kenwell::{Error, connection::Connection, profile::Layout};
use kenwell_journal::Journal;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    delivery::{Books, Delivery, Health, Lag, Plan},
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
    connection: Connection,
    layout: Layout,
    ledger: Ledger,
    health: Health,
    lag: Lag,
    /// Open while it is enabled.
    books: Option<Books>,
    /// Running while it is enabled and not paused.
    flow: Option<Flow>,
}

/// A running delivery.
struct Flow {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Where deliveries run.
pub(super) struct Ground<'a> {
    pub(super) journal: &'a Journal,
    pub(super) metrics: &'a Metrics,
    pub(super) dead_letters: &'a DeadLetters,
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
        config: &Config,
        settings: &Destination,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::new(settings.connection.clone())?,
            layout: config.layout(settings),
            ledger: metrics.ledger(&settings.id),
            health: Health::new(&settings.id),
            lag: Lag::default(),
            settings: settings.clone(),
            books: None,
            flow: None,
        })
    }

    /// Opens its books, if it is to have any. From now on the journal keeps what comes for it.
    pub(super) fn open(&mut self, ground: &Ground<'_>) -> Result<(), kenwell_journal::Error> {
        if self.settings.enabled && self.books.is_none() {
            let books = Books::open(&self.settings.id, ground.journal, ground.metrics)?;
            self.books = Some(books);
        }
        Ok(())
    }

    /// Begins to deliver, unless it does already or is not to.
    pub(super) fn flow(
        &mut self,
        config: &Config,
        ground: &Ground<'_>,
    ) -> Result<(), kenwell_journal::Error> {
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
        let task = ground.tasks.spawn(delivery.run(stop.clone()));
        self.flow = Some(Flow { stop, task });
        Ok(())
    }

    /// Stops at the edge of the batch under way; what waits stays in the journal.
    pub(super) async fn stop(&mut self) {
        let Some(Flow { stop, task }) = self.flow.take() else {
            return;
        };
        stop.cancel();
        if let Err(error) = task.await {
            tracing::error!(destination.id = self.settings.id, %error, "a delivery ended badly; its batch will be delivered again");
        }
    }

    /// For those who look.
    pub(super) fn view(&self) -> RunningDestination {
        RunningDestination {
            settings: self.settings.clone(),
            health: self.books.as_ref().map(|_| self.health.clone()),
            ledger: self.ledger.clone(),
            lag: self.lag.clone(),
            connection: self.connection.clone(),
            layout: self.layout.clone(),
        }
    }
}
