//! The master that Sentinels watch: asked for before each new connection, and every now and then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Pipeline, Value};
use tokio::sync::Mutex;

use super::Settings;
use super::address::Address;
use super::kind::Expected;
use super::live::Node;
use super::name::ClientName;
use super::settings::Target;
use super::topology::QUESTION_LIMIT;
use crate::{Class, Error};

/// How often a Sentinel is asked while all goes well. After a switch the old master, when it lives,
/// confirms writes for some ten seconds more, until it is told to follow the new one; they are lost.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The most former masters that a lane remembers.
const MAX_MASTERS: usize = 64;

/// One lane to whatever server the Sentinels call the master.
#[derive(Clone)]
pub(super) struct Watched {
    lane: Arc<Lane>,
}

struct Lane {
    watch: Arc<Watch>,
    name: Option<Arc<ClientName>>,
    masters: Mutex<Masters>,
}

/// What all lanes have in common.
struct Watch {
    /// For the servers.
    settings: Settings,
    sentinels: Vec<Node>,
    name: Arc<str>,
    /// Who is asked next: each time another one, because one of them may be cut off.
    turn: AtomicUsize,
    seen: std::sync::Mutex<Seen>,
    looking_out: OnceLock<()>,
}

/// Who is believed to be the master, and who was before. After a switch some Sentinels name the
/// old master for seconds more, and it may still confirm writes that it will lose.
#[derive(Default)]
struct Seen {
    current: Option<Address>,
    former: Vec<Address>,
}

/// The servers that were master while this lane looked. They stay: one that becomes master again
/// must first forget what was sent to it before, and only its own connection knows what that was.
#[derive(Default)]
struct Masters {
    all: HashMap<String, Node>,
    current: Option<Node>,
}

impl Watched {
    pub(super) fn new(settings: &Settings, name: &str, sentinels: Vec<Target>) -> Self {
        let mut questions = settings.clone();
        questions.username.clone_from(&settings.sentinel_username);
        questions.password.clone_from(&settings.sentinel_password);
        questions.username_file = None;
        questions.database = 0;
        questions.connect_timeout = settings.connect_timeout.min(QUESTION_LIMIT);
        questions.command_timeout = settings.command_timeout.min(QUESTION_LIMIT);
        let sentinels = sentinels.into_iter();
        let watch = Arc::new(Watch {
            settings: settings.clone(),
            sentinels: sentinels
                .map(|target| Node::new(questions.clone(), target))
                .collect(),
            name: name.into(),
            turn: AtomicUsize::new(0),
            seen: std::sync::Mutex::default(),
            looking_out: OnceLock::new(),
        });
        Self::on(watch, None)
    }

    /// The same master on a socket of its own.
    pub(super) fn another(&self) -> Self {
        self.named(self.lane.name.clone())
    }

    /// The same master on a socket of its own that is opened under this name.
    pub(super) fn named(&self, name: Option<Arc<ClientName>>) -> Self {
        Self::on(Arc::clone(&self.lane.watch), name)
    }

    /// The master's address, as the Sentinels say.
    pub(super) async fn find(&self) -> Result<String, Error> {
        Ok(self.lane.watch.find().await?.to_string())
    }

    fn on(watch: Arc<Watch>, name: Option<Arc<ClientName>>) -> Self {
        Self {
            lane: Arc::new(Lane {
                watch,
                name,
                masters: Mutex::default(),
            }),
        }
    }

    /// Sends a pipeline to the master. Every error after which a connection is closed, `READONLY`
    /// among them, makes the next one ask the Sentinels again.
    pub(super) async fn send(
        &self,
        command: &'static str,
        pipeline: &Pipeline,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        self.master().await?.send(command, pipeline).await
    }

    /// The connection to the master of now.
    pub(super) async fn master(&self) -> Result<Node, Error> {
        let mut masters = self.lane.masters.lock().await;
        let watch = &self.lane.watch;
        watch.looking_out.get_or_init(|| {
            tokio::spawn(look_out(Arc::downgrade(watch)));
        });
        if let Some(node) = &masters.current
            && watch.still_sees(node)
            && node.is_open().await
        {
            return Ok(node.clone());
        }
        let address = watch.find().await?;
        let name = address.to_string();
        let node = if let Some(node) = masters.all.get(&name) {
            node.clone()
        } else {
            let target = watch.settings.target(address, Expected::Master)?;
            let node = Node::new(watch.settings.clone(), target);
            let node = node.named(self.lane.name.clone());
            if masters.all.len() >= MAX_MASTERS {
                masters.all.clear();
            }
            masters.all.insert(name, node.clone());
            node
        };
        tracing::debug!(master = %watch.name, redis.address = %node.address(), "found through the Sentinels");
        masters.current = Some(node.clone());
        Ok(node)
    }
}

/// Asks every now and then, for as long as somebody may want to know.
async fn look_out(watch: Weak<Watch>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(watch) = watch.upgrade() else { return };
        // Without an answer what was heard last stands; whoever writes finds out by himself.
        let _heard = watch.find().await;
    }
}

impl Watch {
    /// The master, as far as the Sentinels can be believed.
    async fn find(&self) -> Result<Address, Error> {
        let heard = self.hear().await?;
        let doubtful = self.seen().former.contains(&heard);
        let believed = !doubtful || self.most_say(&heard).await;
        Ok(self.seen().decide(heard, believed))
    }

    /// Whether most of the Sentinels that answer name this server.
    async fn most_say(&self, address: &Address) -> bool {
        let answers = join_all(self.sentinels.iter().map(|sentinel| self.ask(sentinel))).await;
        let answers: Vec<_> = answers.into_iter().flatten().collect();
        let agreed = answers.iter().filter(|said| *said == address).count();
        agreed > answers.len() / 2
    }

    /// Asks one Sentinel after the other until one knows the master.
    async fn hear(&self) -> Result<Address, Error> {
        let mut failure: Option<Error> = None;
        for _sentinel in &self.sentinels {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.sentinels.len();
            let Some(sentinel) = self.sentinels.get(turn) else {
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
        Err(failure.unwrap_or_else(|| Error::Settings {
            setting: "address",
            problem: "it is missing".to_owned(),
        }))
    }

    fn still_sees(&self, node: &Node) -> bool {
        let seen = self.seen();
        let current = seen.current.as_ref().map(Address::to_string);
        current.as_deref() == Some(&**node.address())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, sentinel: &Node) -> Result<Address, Error> {
        const COMMAND: &str = "SENTINEL GET-MASTER-ADDR-BY-NAME";
        let mut pipeline = Pipeline::new();
        let question = pipeline.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME");
        question.arg(&*self.name);
        let answer = sentinel.one(COMMAND, &pipeline).await;
        match answer.map_err(Error::while_opening)? {
            Value::Nil => Err(Error::UnknownMaster {
                address: Arc::clone(sentinel.address()),
                master: Arc::clone(&self.name),
            }),
            answer => server(&answer).ok_or_else(|| sentinel.unexpected(COMMAND)),
        }
    }
}

impl Seen {
    /// Takes note of what was heard, if it is believed, and gives who is the master now.
    fn decide(&mut self, heard: Address, believed: bool) -> Address {
        match &self.current {
            Some(current) if !believed => return current.clone(),
            Some(current) if *current != heard => {
                if self.former.len() >= MAX_MASTERS {
                    self.former.clear();
                }
                self.former.retain(|address| *address != heard);
                self.former.push(current.clone());
            }
            _ => {}
        }
        self.current = Some(heard.clone());
        heard
    }
}

/// Reads a Sentinel's answer: a host and a port, both as text.
fn server(answer: &Value) -> Option<Address> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let [Value::BulkString(host), Value::BulkString(port)] = parts.as_slice() else {
        return None;
    };
    let port = str::from_utf8(port).ok()?.parse().ok()?;
    let host = str::from_utf8(host).ok()?.to_owned();
    (port > 0 && !host.is_empty()).then_some(Address::Tcp { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_master_comes_back_only_when_it_is_believed() {
        let [a, b] = ["a:1", "b:1"].map(|text| Address::parse(text).unwrap());
        let mut seen = Seen::default();
        assert_eq!(seen.decide(a.clone(), true), a);
        assert_eq!(seen.decide(b.clone(), true), b);
        assert_eq!(seen.former, std::slice::from_ref(&a));
        assert_eq!(seen.decide(a.clone(), false), b);
        assert_eq!(seen.decide(a.clone(), true), a);
        assert_eq!(seen.former, [b]);
    }

    #[test]
    fn a_sentinels_answer_is_a_host_and_a_port() {
        let answer = |parts: &[&str]| {
            let parts = parts.iter().map(|part| Value::BulkString((*part).into()));
            Value::Array(parts.collect())
        };
        let read = |parts: &[&str]| server(&answer(parts)).map(|address| address.to_string());
        assert_eq!(read(&["10.0.0.1", "6379"]).unwrap(), "10.0.0.1:6379");
        assert_eq!(read(&["::1", "6379"]).unwrap(), "[::1]:6379");
        for parts in [&["h"] as &[_], &["h", "x"], &["h", "0"], &["", "1"], &[]] {
            assert_eq!(read(parts), None, "{parts:?}");
        }
    }
}
