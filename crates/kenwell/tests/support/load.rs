//! A writer like the delivery, and what must be in Redis after it wrote through a failover.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kenwell::Class;
use kenwell::connection::Connection;
use kenwell::profile::{self, Layout, ProfileUpdate};
use tokio::task::JoinHandle;

/// How long one round may take, failover included.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn update(user: &str, traits: &str) -> ProfileUpdate {
    let event = format!(r#"{{"userId":"{user}","traits":{traits}}}"#);
    profile::update(event.as_bytes(), &Layout::default()).unwrap()
}

/// A user's profile. What is a matter of time, such as a machine that is busy, is waited for.
pub async fn fields(connection: &Connection, user: &str) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let started = Instant::now();
    let stored = loop {
        match profile::read(connection, &Layout::default(), user).await {
            Ok(stored) => break stored,
            Err(error) => {
                assert_eq!(error.class(), Class::Transient, "{error}");
                assert!(started.elapsed() < PATIENCE, "{error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let stored = stored.unwrap_or_default().into_iter();
    stored
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// Writes to all its users round after round. Each round sets `last`, and a field of its own.
pub struct Load {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    task: JoinHandle<Written>,
    connection: Connection,
}

/// The rounds in which an update had to be repeated, and what was said first.
pub type Failures = BTreeMap<u64, String>;

/// What a load did.
pub struct Written {
    pub users: Vec<String>,
    /// The last round. Every update of it, and of all before, was confirmed.
    pub rounds: u64,
    pub failures: Failures,
    /// How long the slowest round took.
    pub slowest: Duration,
}

impl Load {
    pub fn start(connection: &Connection, users: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU64::new(0));
        let lane = connection.another();
        let task = tokio::spawn(write(lane, users, Arc::clone(&stop), Arc::clone(&rounds)));
        Self {
            stop,
            rounds,
            task,
            connection: connection.clone(),
        }
    }

    /// Waits until so many more rounds are confirmed.
    pub async fn progress(&self, more: u64) {
        let goal = self.rounds.load(Ordering::SeqCst) + more;
        let started = Instant::now();
        while self.rounds.load(Ordering::SeqCst) < goal {
            assert!(!self.task.is_finished(), "the writer has given up");
            assert!(started.elapsed() < PATIENCE, "the writer does not get on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn stop(self) -> (Written, Connection) {
        self.stop.store(true, Ordering::SeqCst);
        (self.task.await.unwrap(), self.connection)
    }
}

async fn write(
    connection: Connection,
    users: Vec<String>,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
) -> Written {
    let mut written = Written {
        users,
        rounds: 0,
        failures: Failures::new(),
        slowest: Duration::ZERO,
    };
    while !stop.load(Ordering::SeqCst) {
        let round = written.rounds + 1;
        let traits = format!(r#"{{"last":{round},"r{round}":1}}"#);
        let mut open: Vec<_> = (written.users.iter())
            .map(|user| update(user, &traits))
            .collect();
        let started = Instant::now();
        while !open.is_empty() {
            let results = profile::apply(&connection, &open).await;
            let mut again = Vec::new();
            for (update, result) in open.into_iter().zip(results) {
                if let Err(error) = result {
                    assert!(error.is_retryable(), "{error}");
                    (written.failures.entry(round)).or_insert_with(|| error.to_string());
                    again.push(update);
                }
            }
            if !again.is_empty() {
                assert!(started.elapsed() < PATIENCE, "{:?}", written.failures);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            open = again;
        }
        written.slowest = written.slowest.max(started.elapsed());
        written.rounds = round;
        rounds.store(round, Ordering::SeqCst);
    }
    written
}

impl Written {
    /// Nobody has lost anything.
    pub async fn assert_whole(&self, connection: &Connection) {
        for user in &self.users {
            assert_eq!(self.lost(connection, user).await, [0; 0], "{user}");
        }
    }

    /// Rounds that are missing, given that the last one is there.
    pub async fn lost(&self, connection: &Connection, user: &str) -> Vec<u64> {
        let fields = fields(connection, user).await;
        assert_eq!(fields["last"], self.rounds.to_string(), "{user}");
        (1..=self.rounds)
            .filter(|round| !fields.contains_key(&format!("r{round}")))
            .collect()
    }

    /// What is missing is what Redis loses when a master goes before its replica has everything:
    /// the end of what the old master confirmed, and nothing that was confirmed later.
    pub async fn assert_only_redis_lost(&self, connection: &Connection, user: &str) {
        assert!(!self.failures.is_empty(), "the master was not missed");
        let lost = self.lost_in_one_piece(connection, user).await;
        if let Some(last) = lost.last() {
            // The first failure may be of another kind: a machine that was busy.
            assert!(
                self.failures.contains_key(last) || self.failures.contains_key(&(last + 1)),
                "{user}: {lost:?}, failed in {:?}",
                self.failures
            );
        }
    }

    pub fn summary(&self) -> String {
        format!(
            "of {} rounds, these failed: {:?}; the slowest took {:?}",
            self.rounds, self.failures, self.slowest
        )
    }

    /// The rounds that are missing, which follow each other like a replication stream's end.
    pub async fn lost_in_one_piece(&self, connection: &Connection, user: &str) -> Vec<u64> {
        let lost = self.lost(connection, user).await;
        if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
            assert_eq!(lost, (*first..=*last).collect::<Vec<_>>(), "{user}");
        }
        lost
    }
}
