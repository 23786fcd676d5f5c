//! A real redis-server on a private port, in a directory of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
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
    /// A module that it loads.
    module: Option<PathBuf>,
    child: Child,
}

impl Redis {
    /// A server that keeps every write on disk, so that it can be killed and come back.
    pub(crate) fn start() -> Self {
        Self::on(free_port(), None, None)
    }

    /// The same with the module RedisJSON.
    pub(crate) fn with_json() -> Self {
        let module = super::library::flavour::redis_json();
        Self::on(free_port(), None, Some(module.into()))
    }

    /// Three masters that share the slots, as a cluster without replicas.
    pub(crate) fn cluster() -> Vec<Self> {
        let mut nodes = Vec::new();
        for slots in [("0", "5460"), ("5461", "10922"), ("10923", "16383")] {
            let node = Self::on(free_port(), Some(free_port()), None);
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]);
            nodes.push(node);
        }
        let meet_all = || {
            for node in &nodes {
                let (port, bus) = (node.port.to_string(), node.bus.unwrap().to_string());
                let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus];
                nodes[0].command::<()>(&meet);
            }
        };
        let mut looks = 0;
        eventually("the nodes to know each other", || {
            // Who did not answer in time is forgotten.
            if looks % 100 == 0 {
                meet_all();
            }
            looks += 1;
            let whole = |node: &Self| {
                let info: String = node.command(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_size:3")
            };
            nodes.iter().all(whole).then_some(())
        });
        nodes
    }

    fn on(port: u16, bus: Option<u16>, module: Option<PathBuf>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = spawn(port, bus, module.as_deref(), &directory);
        let redis = Self {
            port,
            directory,
            bus,
            module,
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
        let module = self.module.as_deref();
        self.child = spawn(self.port, self.bus, module, &self.directory);
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

    /// A profile that is a JSON document; `None` when there is none.
    pub(crate) fn document(&self, key: &str) -> Option<serde_json::Value> {
        let text: Option<String> = self.command(&["JSON.GET", key]);
        text.map(|text| serde_json::from_str(&text).unwrap())
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

fn spawn(port: u16, bus: Option<u16>, module: Option<&Path>, directory: &TempDir) -> Child {
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
    if let Some(module) = module {
        command.arg("--loadmodule").arg(module);
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
