//! The server under test: asked without failing when it is down, killed and started again.

use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;

use crate::support::{ADMIN_KEY, Client, Reply, Server};

pub(crate) struct Kenwell {
    pub(crate) gateway: String,
    private: String,
    server: Mutex<Server>,
    /// Even while it runs, odd from before it is stopped until it listens again.
    generation: AtomicU64,
    /// The configuration as a person means it; who holds it may spoil the file meanwhile.
    file: Mutex<()>,
}

impl Kenwell {
    pub(crate) fn start(tables: &str) -> Self {
        let server = Server::with(tables);
        Self {
            gateway: server.gateway.clone(),
            private: server.private.clone(),
            server: Mutex::new(server),
            generation: AtomicU64::new(0),
            file: Mutex::new(()),
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Whether it has run all the time since `generation` was read.
    pub(crate) fn lived_since(&self, generation: u64) -> bool {
        generation.is_multiple_of(2) && self.generation() == generation
    }

    /// The right to change the configuration file, or to start while it is whole.
    pub(crate) fn file(&self) -> MutexGuard<'_, ()> {
        self.file.lock().unwrap()
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.server.lock().unwrap().config()
    }

    pub(crate) fn log(&self) -> String {
        self.server.lock().unwrap().log()
    }

    /// Ends it with `end` and starts it again.
    pub(crate) fn restart(&self, end: impl FnOnce(&mut Server)) {
        let _whole = self.file();
        let mut server = self.server.lock().unwrap();
        self.generation.fetch_add(1, Ordering::SeqCst);
        end(&mut server);
        server.restart();
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// A request to the private plane; `None` when it does not answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Option<Reply> {
        let (private, length) = (&self.private, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {private}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut client = Client::try_connect(private)?;
        client.send(request.as_bytes()).ok()?;
        client.receive(false)
    }

    /// The same, for the JSON of an answer that is 200.
    pub(crate) fn json(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let reply = self.ask(method, path, body)?;
        (reply.status == 200).then(|| serde_json::from_str(&reply.text()).unwrap())
    }

    /// The page of metrics.
    pub(crate) fn metrics(&self) -> Option<String> {
        let reply = self.ask("GET", "/metrics", "")?;
        (reply.status == 200).then(|| reply.text())
    }
}
