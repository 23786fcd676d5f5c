//! The master that Sentinels watch: asked for before each new connection, and checked.

use std::collections::HashMap;
use std::sync::Arc;

use redis::{Pipeline, Value};
use tokio::sync::Mutex;

use super::Settings;
use super::address::Address;
use super::kind::Expected;
use super::live::Node;
use super::settings::Target;
use super::topology::QUESTION_LIMIT;
use crate::{Class, Error};

/// The most former masters that a lane remembers.
const MAX_MASTERS: usize = 64;

/// One lane to whatever server the Sentinels call the master.
#[derive(Clone)]
pub(super) struct Watched {
    lane: Arc<Lane>,
}

struct Lane {
    watch: Arc<Watch>,
    masters: Mutex<Masters>,
}

/// What all lanes have in common.
struct Watch {
    /// For the servers.
    settings: Settings,
    /// For the Sentinels.
    questions: Settings,
    sentinels: Vec<Target>,
    name: Arc<str>,
}

/// The servers that were master while this lane looked. They stay: one that becomes master again
/// must first forget what was sent to it before, and only its own connection knows what that was.
#[derive(Default)]
struct Masters {
    all: HashMap<String, Node>,
    current: Option<Node>,
    /// The Sentinel that answered last, to be asked first.
    helpful: usize,
}

impl Watched {
    pub(super) fn new(settings: &Settings, name: &str, sentinels: Vec<Target>) -> Self {
        let mut questions = settings.clone();
        questions.username.clone_from(&settings.sentinel_username);
        questions.password.clone_from(&settings.sentinel_password);
        questions.database = 0;
        questions.connect_timeout = settings.connect_timeout.min(QUESTION_LIMIT);
        questions.command_timeout = settings.command_timeout.min(QUESTION_LIMIT);
        Self::on(Arc::new(Watch {
            settings: settings.clone(),
            questions,
            sentinels,
            name: name.into(),
        }))
    }

    /// The same master on a socket of its own.
    pub(super) fn another(&self) -> Self {
        Self::on(Arc::clone(&self.lane.watch))
    }

    fn on(watch: Arc<Watch>) -> Self {
        Self {
            lane: Arc::new(Lane {
                watch,
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

    async fn master(&self) -> Result<Node, Error> {
        let mut masters = self.lane.masters.lock().await;
        if let Some(node) = &masters.current
            && node.is_open().await
        {
            return Ok(node.clone());
        }
        let watch = &self.lane.watch;
        let (helpful, address) = watch.find(masters.helpful).await?;
        masters.helpful = helpful;
        if let Some(node) = masters.all.get(&address.to_string()).cloned() {
            masters.current = Some(node.clone());
            return Ok(node);
        }
        let target = watch.settings.target(address, Expected::Master)?;
        let node = Node::new(watch.settings.clone(), target);
        tracing::debug!(master = %watch.name, redis.address = %node.address(), "the Sentinels' master");
        if masters.all.len() >= MAX_MASTERS {
            masters.all.clear();
        }
        masters.all.insert(node.address().to_string(), node.clone());
        masters.current = Some(node.clone());
        Ok(node)
    }
}

impl Watch {
    /// Asks one Sentinel after the other, beginning with `first`, until one knows the master.
    async fn find(&self, first: usize) -> Result<(usize, Address), Error> {
        let mut failure: Option<Error> = None;
        let turns = self.sentinels.iter().enumerate().cycle().skip(first);
        for (index, sentinel) in turns.take(self.sentinels.len()) {
            match self.ask(sentinel).await {
                Ok(address) => return Ok((index, address)),
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

    async fn ask(&self, sentinel: &Target) -> Result<Address, Error> {
        const COMMAND: &str = "SENTINEL GET-MASTER-ADDR-BY-NAME";
        let node = Node::new(self.questions.clone(), sentinel.clone());
        let mut pipeline = Pipeline::new();
        let question = pipeline.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME");
        question.arg(&*self.name);
        match node.one(COMMAND, &pipeline).await? {
            Value::Nil => Err(Error::UnknownMaster {
                address: Arc::clone(node.address()),
                master: Arc::clone(&self.name),
            }),
            answer => server(&answer).ok_or_else(|| node.unexpected(COMMAND)),
        }
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
