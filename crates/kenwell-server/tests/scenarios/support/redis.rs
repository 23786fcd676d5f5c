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
    child: Child,
}

impl Redis {
    /// A server that keeps every write on disk, so that it can be killed and come back.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = spawn(port, &directory);
        let redis = Self {
            port,
            directory,
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

    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.directory);
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

fn spawn(port: u16, directory: &TempDir) -> Child {
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
    Command::new("redis-server")
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
