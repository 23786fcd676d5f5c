//! Asks the Sentinels which server is the master: before each new connection, and every now and then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::connection::Settings;
use crate::connection::address::Address;
use crate::connection::address_map::AddressMap;
use crate::connection::limits::QUESTION_LIMIT;
use crate::connection::server_connection::ServerConnection;
use crate::connection::target::Target;
use crate::resp::{Command, Value};
use crate::{Class, Error};

/// How often a Sentinel is asked while all goes well. After a switch the old master, when it lives,
/// confirms writes for some ten seconds more, until it is told to follow the new one; they are lost.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// After so long without a question the task that asks is gone, with the runtime on which it ran. The longest
/// question takes a few seconds for each Sentinel.
const POLLER_LOST: Duration = Duration::from_secs(15);

/// The most former masters that are remembered.
pub(super) const MAX_MASTERS: usize = 64;

/// What all connections to the same master know together.
pub(super) struct SentinelWatcher {
    /// For the servers.
    pub(super) settings: Settings,
    /// Where the servers that the Sentinels name are from here.
    announced: AddressMap,
    sentinels: Vec<ServerConnection>,
    /// What the Sentinels call the master.
    pub(super) name: Arc<str>,
    /// Which Sentinel is asked next: each time another one, because one of them may be cut off.
    next_asked: AtomicUsize,
    history: Mutex<MasterHistory>,
    /// When the task asked last.
    polled: Mutex<Option<Instant>>,
}

/// Which server is believed to be the master, and which were before. After a switch some Sentinels name the
/// old master for seconds more, and it may still confirm writes that it will lose.
#[derive(Default)]
struct MasterHistory {
    current: Option<Address>,
    former: Vec<Address>,
}

/// Asks every [`POLL_INTERVAL`] for as long as there is a connection.
async fn keep_asking(watcher: Weak<SentinelWatcher>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let Some(watcher) = watcher.upgrade() else {
            return;
        };
        *watcher.polled() = Some(Instant::now());
        // Without an answer the latest one stands; the next call that fails asks again.
        let _named = watcher.find().await;
    }
}

impl SentinelWatcher {
    pub(super) fn new(
        settings: &Settings,
        name: &str,
        sentinels: Vec<Target>,
    ) -> Result<Self, Error> {
        let mut questions = settings.clone();
        questions.username.clone_from(&settings.sentinel_username);
        questions.password.clone_from(&settings.sentinel_password);
        questions.username_file = None;
        questions.database = 0;
        questions.connect_timeout = settings.connect_timeout.min(QUESTION_LIMIT);
        questions.command_timeout = settings.command_timeout.min(QUESTION_LIMIT);
        let sentinels = sentinels.into_iter();
        Ok(Self {
            settings: settings.clone(),
            announced: AddressMap::read(&settings.address_map)?,
            sentinels: sentinels
                .map(|target| ServerConnection::new(questions.clone(), target, None))
                .collect(),
            name: name.into(),
            next_asked: AtomicUsize::new(0),
            history: Mutex::default(),
            polled: Mutex::default(),
        })
    }

    /// Starts the task that keeps asking, unless it runs.
    pub(super) fn keep_asking(watcher: &Arc<Self>) {
        let mut polled = watcher.polled();
        if polled.is_none_or(|polled| polled.elapsed() > POLLER_LOST) {
            *polled = Some(Instant::now());
            tokio::spawn(keep_asking(Arc::downgrade(watcher)));
        }
    }

    fn polled(&self) -> MutexGuard<'_, Option<Instant>> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The master, as far as the Sentinels can be believed.
    pub(super) async fn find(&self) -> Result<Address, Error> {
        let named = self.ask_until_named().await?;
        let doubtful = self.history().former.contains(&named);
        let believed = !doubtful || self.most_name(&named).await;
        Ok(self.history().decide(named, believed))
    }

    /// Whether most of the Sentinels that answer name this server.
    async fn most_name(&self, address: &Address) -> bool {
        let answers = join_all(self.sentinels.iter().map(|sentinel| self.ask(sentinel))).await;
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        let agreed = answers.iter().filter(|other| *other == address).count();
        agreed > answers.len() / 2
    }

    /// Asks one Sentinel after the other until one knows the master.
    async fn ask_until_named(&self) -> Result<Address, Error> {
        let mut failure: Option<Error> = None;
        for _sentinel in &self.sentinels {
            let next_asked = self.next_asked.fetch_add(1, Ordering::Relaxed) % self.sentinels.len();
            let Some(sentinel) = self.sentinels.get(next_asked) else {
                break;
            };
            match self.ask(sentinel).await {
                Ok(address) => return Ok(address),
                Err(error) => {
                    tracing::debug!(master = %self.name, %error, "a Sentinel does not help");
                    // What an operator can change says more than that another one is down.
                    if error.class() == Class::Configuration || failure.is_none() {
                        failure = Some(error);
                    }
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::wrong_setting("address", "it is missing")))
    }

    pub(super) fn still_names(&self, node: &ServerConnection) -> bool {
        let history = self.history();
        let current = history.current.as_ref().map(Address::to_string);
        current.as_deref() == Some(&**node.address())
    }

    fn history(&self) -> MutexGuard<'_, MasterHistory> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, sentinel: &ServerConnection) -> Result<Address, Error> {
        const COMMAND: &str = "SENTINEL GET-MASTER-ADDR-BY-NAME";
        let mut question = Command::new("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&*self.name);
        let answer = sentinel.one(COMMAND, question).await;
        match answer.map_err(Error::while_opening)? {
            Value::Nil => Err(Error::UnknownMaster {
                address: Arc::clone(sentinel.address()),
                master: Arc::clone(&self.name),
            }),
            answer => match server(&answer) {
                Some((host, port)) => Ok(self.announced.address(&host, port)),
                None => Err(sentinel.unexpected(COMMAND)),
            },
        }
    }
}

impl MasterHistory {
    /// Takes note of the address that was named, if it is believed, and gives the master's address now.
    fn decide(&mut self, named: Address, believed: bool) -> Address {
        match &self.current {
            Some(current) if !believed => return current.clone(),
            Some(current) if *current != named => {
                if self.former.len() >= MAX_MASTERS {
                    self.former.clear();
                }
                self.former.retain(|address| *address != named);
                self.former.push(current.clone());
            }
            _ => {}
        }
        self.current = Some(named.clone());
        named
    }
}

/// Reads a Sentinel's answer: a host and a port, both as text.
fn server(answer: &Value) -> Option<(String, u16)> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let [Value::BulkString(host), Value::BulkString(port)] = parts.as_slice() else {
        return None;
    };
    let port = str::from_utf8(port).ok()?.parse().ok()?;
    let host = str::from_utf8(host).ok()?.to_owned();
    (port > 0 && Address::is_host(&host)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_master_comes_back_only_when_it_is_believed() {
        let [a, b] = ["a:1", "b:1"].map(|text| Address::parse(text).unwrap());
        let mut history = MasterHistory::default();
        assert_eq!(history.decide(a.clone(), true), a);
        assert_eq!(history.decide(b.clone(), true), b);
        assert_eq!(history.former, std::slice::from_ref(&a));
        assert_eq!(history.decide(a.clone(), false), b);
        assert_eq!(history.decide(a.clone(), true), a);
        assert_eq!(history.former, [b]);
    }

    #[test]
    fn a_sentinels_answer_is_a_host_and_a_port() {
        let answer = |parts: &[&str]| {
            let parts = parts.iter().map(|part| Value::BulkString((*part).into()));
            Value::Array(parts.collect())
        };
        let read = |parts: &[&str]| server(&answer(parts));
        let found = |host: &str| Some((host.to_owned(), 6379));
        assert_eq!(read(&["10.0.0.1", "6379"]), found("10.0.0.1"));
        assert_eq!(read(&["::1", "6379"]), found("::1"));
        for parts in [
            &["h"] as &[_],
            &["h\n", "1"],
            &["h", "x"],
            &["h", "0"],
            &["", "1"],
            &[],
        ] {
            assert_eq!(read(parts), None, "{parts:?}");
        }
    }
}
