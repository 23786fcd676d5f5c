//! The real binary, with a configuration and a data directory of its own.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
};

use tempfile::TempDir;

use super::{Redis, Reply, eventually, free_port, get, raw};

/// The admin key of every test server.
pub(crate) const ADMIN_KEY: &str = "kwa_of-the-tests-0123456789";

/// Where stdout goes.
const SAID: &str = "server.out";

pub(crate) struct Server {
    pub(crate) gateway: String,
    pub(crate) private: String,
    directory: TempDir,
    child: Child,
}

impl Server {
    /// A server with one source `web` (write key `WK`) feeding one destination `profiles`.
    pub(crate) fn start(redis: &Redis) -> Self {
        Self::with(&tables(redis))
    }

    /// A server with these tables and a listener for each plane.
    pub(crate) fn with(tables: &str) -> Self {
        Self::with_gateway("", tables)
    }

    /// Likewise, with more settings for the gateway.
    pub(crate) fn with_gateway(settings: &str, tables: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (gateway, private) = (
            format!("127.0.0.1:{}", free_port()),
            format!("127.0.0.1:{}", free_port()),
        );
        let admin_key = format!("admin_key = \"{ADMIN_KEY}\"");
        Self::on(directory, (gateway, private), settings, &admin_key, tables)
    }

    /// The server of [`Server::start`], which makes its admin key itself.
    pub(crate) fn without_key(redis: &Redis) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = || format!("127.0.0.1:{}", free_port());
        let tables = tables(redis);
        Self::on(directory, (address(), address()), "", "", &tables)
    }

    fn on(
        directory: TempDir,
        (gateway, private): (String, String),
        settings: &str,
        admin_key: &str,
        tables: &str,
    ) -> Self {
        let config = format!(
            "data_dir = \"data\"\nworkspace_id = \"wsp1\"\n[gateway]\nlisten = \"{gateway}\"\n{settings}\n\
             [private]\nlisten = \"{private}\"\n{admin_key}\n{tables}"
        );
        std::fs::write(directory.path().join("kenwell.toml"), config).unwrap();
        let child = spawn(directory.path(), "server.log");
        let server = Self {
            gateway,
            private,
            directory,
            child,
        };
        server.wait();
        server
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.path().join("kenwell.toml")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("server.log")).unwrap()
    }

    /// What it has printed on stdout since the first start.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(SAID)).unwrap()
    }

    /// SIGKILL: no time for anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the way it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        self.child.wait().unwrap()
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.directory.path(), "server.log");
        self.wait();
    }

    /// Likewise, in a shell that has done `first`.
    pub(crate) fn restart_with(&mut self, first: &str) {
        let kenwell = env!("CARGO_BIN_EXE_kenwell");
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            &format!("{first} && exec {kenwell} serve --config kenwell.toml"),
        ]);
        self.child = spawn_as(shell, self.directory.path(), "server.log");
        self.wait();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn metrics(&self) -> String {
        self.ask("GET", "/metrics", "").text()
    }

    /// A request to the private plane with the admin key; `body` is JSON, or empty for none.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let (private, length) = (&self.private, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {private}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        raw(private, request.as_bytes())
    }

    pub(crate) fn ready(&self) -> Reply {
        get(&self.private, "/ready")
    }

    /// Waits until every accepted event of the destination has its outcome.
    pub(crate) fn settle(&self, destination: &str) {
        let labels = format!("destination=\"{destination}\"");
        eventually("the queue to be empty", || {
            let queued = metric(&self.metrics(), "kenwell_destination_queued", &labels);
            (queued == 0).then_some(())
        });
    }

    /// Runs another command of the same binary.
    pub(crate) fn cli(&self, words: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_kenwell"))
            .args(words)
            .env("KENWELL_CONFIG", self.config())
            .output()
            .unwrap()
    }

    /// Both listeners: the private one is bound second.
    fn wait(&self) {
        for address in [&self.gateway, &self.private] {
            eventually("the server to listen", || TcpStream::connect(address).ok());
        }
    }
}

fn tables(redis: &Redis) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    )
}

fn spawn(directory: &Path, log: &str) -> Child {
    let mut kenwell = Command::new(env!("CARGO_BIN_EXE_kenwell"));
    kenwell.args(["serve", "--config", "kenwell.toml"]);
    spawn_as(kenwell, directory, log)
}

fn spawn_as(mut command: Command, directory: &Path, log: &str) -> Child {
    let said = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(SAID))
        .unwrap();
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(log))
        .unwrap();
    command
        .current_dir(directory)
        .stdout(said)
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The sum of all samples of a metric whose labels contain `labels`; counts only.
pub(crate) fn metric(page: &str, name: &str, labels: &str) -> u64 {
    let samples = page.lines().filter_map(|line| line.strip_prefix(name));
    samples
        .filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(labels))
        .map(|rest| rest.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
        }
    }
}
