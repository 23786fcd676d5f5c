//! One Redis that keeps every write on disk, and the network before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use redis::{Commands, Connection, FromRedisValue};

use crate::{
    proxy::Proxy,
    support::{Node, eventually},
};

/// What a value may take to come.
const ANSWER: Duration = Duration::from_secs(20);

pub(crate) struct Store {
    pub(crate) node: Mutex<Node>,
    pub(crate) proxy: Proxy,
    /// Keys that were of the wrong type for a while.
    pub(crate) wronged: Mutex<BTreeSet<String>>,
    direct: String,
}

impl Store {
    pub(crate) fn start(seed: u64) -> Self {
        let node = Node::start(&["--appendonly", "yes", "--appendfsync", "always"]);
        Self {
            direct: node.address(),
            proxy: Proxy::before(node.address(), seed),
            node: Mutex::new(node),
            wronged: Mutex::default(),
        }
    }

    /// Where Kenwell finds it: behind the network.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.proxy.port())
    }

    /// A connection that no fault of the network reaches.
    pub(crate) fn connection(&self) -> Connection {
        let client = redis::Client::open(format!("redis://{}/", self.direct)).unwrap();
        let connection = eventually("a connection to Redis", || {
            client.get_connection_with_timeout(ANSWER).ok()
        });
        connection.set_read_timeout(Some(ANSWER)).unwrap();
        connection
    }

    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        eventually("Redis to be loaded", || {
            let mut command = redis::Cmd::new();
            match command.arg(words).query(&mut self.connection()) {
                Err(error) if error.to_string().contains("loading") => None,
                said => Some(said.unwrap()),
            }
        })
    }

    /// The profiles of these users.
    pub(crate) fn profiles<'a>(
        &self,
        users: impl Iterator<Item = &'a String>,
    ) -> Vec<BTreeMap<String, String>> {
        let mut connection = self.connection();
        let profile = |user| connection.hgetall(format!("user:{user}")).unwrap();
        users.map(profile).collect()
    }
}
