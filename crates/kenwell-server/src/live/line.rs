//! One destination at run time: its books, its connection, and the delivery that fills it.

use jiff::Timestamp;
use kenwell::{connection::Connection, profile::Layout};
use kenwell_journal::{Error, Journal, Offset};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{oldest::Oldest, restore::Healing, retired::Retired};
use crate::{
    config::{Config, Destination},
    dead_letters::DeadLetters,
    delivery::{Books, Delivery, Health, Lag, Memory, Plan, State},
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
    /// How they were opened; `None` while it is disabled and nothing waits.
    pub books: Option<Books>,
    oldest: Option<Oldest>,
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
    /// Open while it is enabled, or has events waiting.
    pub(super) books: Option<Books>,
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

/// Whether a line's books were opened just now.
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

impl RunningDestination {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// When the oldest of the events was received that wait for it while it is disabled, if that is known.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.oldest.as_ref().and_then(Oldest::time)
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
            oldest: None,
            flow: None,
        }
    }

    /// Opens its books, unless they are. From now on the journal keeps what comes for it. Books of a
    /// destination that was retired go on.
    fn open(&mut self, ground: &Ground<'_>) -> Result<Opened, Error> {
        let id = &self.settings.id;
        if self.books.is_some() {
            return Ok(Opened::Before);
        }
        if let Some(books) = ground.retired.take_back(id) {
            tracing::info!(
                destination.id = id,
                waiting = books.ledger.queued(),
                "a destination is configured again, and goes on where it stood"
            );
            ground.metrics.came_back(id);
            self.books = Some(books);
            return Ok(Opened::Again);
        }
        self.books = Some(Books::open(id, ground.journal, ground.metrics)?);
        Ok(Opened::Now)
    }

    /// Likewise, as `settings` want it: books of a disabled destination are only opened if something may
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
        let Some(books) = &self.books else {
            return Ok(());
        };
        let idle = self.settings.paused || !self.settings.enabled;
        if idle || self.flow.is_some() {
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

    /// Closes the books of a stopped destination that is disabled, unless something waits for it: that is
    /// kept, and holds the journal. Tells whether that made a difference to those who look.
    pub(super) fn rest_if_disabled(&mut self, ground: &Ground<'_>) -> Result<bool, Error> {
        if self.settings.enabled {
            return Ok(self.oldest.take().is_some());
        }
        if self.books.is_none() || !self.is_counted() {
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
        self.books = None;
        Ok(true)
    }

    /// Undoes what [`Line::open`] did.
    pub(super) fn close_again(&mut self, opened: Opened, ground: &Ground<'_>) {
        let Some(books) = self.books.take() else {
            return;
        };
        let id = &self.settings.id;
        match opened {
            Opened::Before => self.books = Some(books),
            Opened::Again => ground.retired.add(id, books, ground),
            Opened::Now => {
                if let Err(error) = ground.journal.forget(id) {
                    // Nothing waits for it, so it goes as soon as it can.
                    tracing::warn!(destination.id = id, %error, "a cursor that is not needed could not be removed");
                    ground.retired.add(id, books, ground);
                }
            }
        }
    }

    /// A stopped destination is not configured any more. What waits for it is kept, unless somebody gives
    /// up as many events as that.
    pub(super) fn leave(self, given_up: u64, ground: &Ground<'_>) -> Result<(), Error> {
        let (id, waiting) = (self.settings.id, self.ledger.queued());
        let Some(books) = self.books else {
            ground.metrics.forget_destination(&id);
            ground.healing.forget(&id);
            return ground.journal.forget(&id);
        };
        ground.retired.add(&id, books, ground);
        if waiting <= given_up {
            return ground.retired.end(&id, ground);
        }
        Ok(())
    }

    /// Whether it is known how many events wait for it.
    pub(super) fn is_counted(&self) -> bool {
        let books = self.books.as_ref();
        books.is_none_or(|books| books.backlog().is_some())
    }

    /// Events that wait for it, as far as they are counted.
    pub(super) fn waiting(&self) -> u64 {
        self.ledger.queued()
    }

    /// The first record that it has not acknowledged.
    pub(super) fn position(&self, journal: &Journal) -> Option<Offset> {
        let cursors = journal.stats().cursors;
        let cursor = cursors.iter().find(|it| it.name == self.settings.id);
        cursor.map(|cursor| cursor.position)
    }

    /// Whether it delivers, and nothing is known to be in its way.
    pub(super) fn delivers(&self) -> bool {
        self.flow.is_some() && !matches!(self.health.state(), State::Waiting { .. })
    }

    /// For those who look.
    pub(super) fn view(&self) -> RunningDestination {
        RunningDestination {
            settings: self.settings.clone(),
            health: self.settings.enabled.then(|| self.health.clone()),
            ledger: self.ledger.clone(),
            books: self.books.clone(),
            oldest: self.oldest.clone(),
            lag: self.lag.clone(),
            connection: self.connection.clone(),
            layout: self.layout.clone(),
        }
    }
}
