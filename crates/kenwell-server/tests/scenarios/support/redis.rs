//! A real redis-server on a private port, in a directory of its own.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
};

use redis::{Commands, Connection, FromRedisValue};
use tempfile::TempDir;

use super::{eventually, free_port};

pub(crate) struct Redis {
    pub(crate) port: u16,
    directory: TempDir,
    /// The port where nodes of a cluster talk to each other; none for a standalone server.
    bus: Option<u16>,
    child: Child,
}

impl Redis {
    /// A server that keeps every write on disk, so that it can be killed and come back.
    pub(crate) fn start() -> Self {
        Self::on(free_port(), None)
    }

    /// Three masters that share the slots, as a cluster without replicas.
    pub(crate) fn cluster() -> Vec<Self> {
        let mut nodes = Vec::new();
        for slots in [("0", "5460"), ("5461", "10922"), ("10923", "16383")] {
            let node = Self::on(free_port(), Some(free_port()));
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]);
            nodes.push(node);
        }
        for node in &nodes {
            let (port, bus) = (node.port.to_string(), node.bus.unwrap().to_string());
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus];
            nodes[0].command::<()>(&meet);
        }
        eventually("the nodes to know each other", || {
            let whole = |node: &Self| {
                let info: String = node.command(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_size:3")
            };
            nodes.iter().all(whole).then_some(())
        });
        nodes
    }

    fn on(port: u16, bus: Option<u16>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = spawn(port, bus, &directory);
        let redis = Self {
            port,
            directory,
            bus,
            child,
        };
        redis.wait();
        redis
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it without closing anything: it neither answers nor refuses.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, self.bus, &self.directory);
        self.wait();
    }

    pub(crate) fn connection(&self) -> Connection {
        self.try_connection().unwrap()
    }

    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query(&mut self.connection()).unwrap()
    }

    /// The keys of profiles, in order: all but the markers that Kenwell writes for itself.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.command(&["KEYS", "*"]);
        keys.retain(|key| !key.contains("kenwell:applied:"));
        keys.sort();
        keys
    }

    /// A profile as text, for those scenarios whose fields are text.
    pub(crate) fn fields(&self, key: &str) -> BTreeMap<String, String> {
        self.connection().hgetall(key).unwrap()
    }

    fn try_connection(&self) -> Option<Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap();
        client.get_connection().ok()
    }

    fn wait(&self) {
        eventually("redis-server to answer", || {
            let mut connection = self.try_connection()?;
            redis::cmd("PING").query::<String>(&mut connection).ok()
        });
    }
}

fn spawn(port: u16, bus: Option<u16>, directory: &TempDir) -> Child {
    let settings = [
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ];
    let mut command = Command::new("redis-server");
    if let Some(bus) = bus {
        command.args(["--cluster-enabled", "yes"]);
        command.args(["--cluster-node-timeout", "1000"]);
        command.args(["--cluster-port", &bus.to_string()]);
    }
    command
        .arg("--port")
        .arg(port.to_string())
        .args(settings)
        .arg("--dir")
        .arg(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("these tests need redis-server; install it with: apt-get install redis-server")
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
