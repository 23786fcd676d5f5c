//! A real `redis-server` of its own for each test: a free port, a temporary directory, gone afterwards.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kenwell::connection::{Connection, Settings};
use tempfile::TempDir;

use super::certificates::Certificates;
use super::flavour::Flavour;
pub use super::ports::free_port;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Server {
    flavour: Flavour,
    child: Option<Child>,
    port: u16,
    tls_port: Option<u16>,
    folder: TempDir,
    options: Vec<String>,
    /// What [`cli`](Self::cli) logs in with.
    password: Option<String>,
}

impl Server {
    /// Starts a server that also speaks TLS, on [`tls_port`](Self::tls_port).
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::start_with_certificate(certificates, "server", &["--tls-auth-clients", "no"])
    }

    /// The same with another certificate and further options.
    pub fn start_with_certificate(certificates: &Certificates, name: &str, more: &[&str]) -> Self {
        let tls_port = free_port();
        let path = |name: &str| certificates.path(name).to_str().unwrap().to_owned();
        let (certificate, key, authority) = (
            path(&format!("{name}.pem")),
            path(&format!("{name}.key")),
            path("ca.pem"),
        );
        let port = tls_port.to_string();
        let mut options = vec![
            "--tls-port",
            &port,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &authority,
        ];
        options.extend(more);
        let mut server = Self::start(&options);
        server.tls_port = Some(tls_port);
        server
    }

    /// Shows other certificates from the next start on.
    pub fn present(&mut self, certificates: &Certificates, name: &str) {
        let path = |name: &str| certificates.path(name).to_str().unwrap().to_owned();
        let files = [
            ("--tls-cert-file", path(&format!("{name}.pem"))),
            ("--tls-key-file", path(&format!("{name}.key"))),
            ("--tls-ca-cert-file", path("ca.pem")),
        ];
        for (option, file) in files {
            self.options.extend([option.to_owned(), file]);
        }
    }

    pub fn tls_port(&self) -> u16 {
        self.tls_port.unwrap()
    }

    /// Starts a server with additional options, such as `&["--requirepass", "secret"]`.
    pub fn start(options: &[&str]) -> Self {
        Self::of(Flavour::Redis, options)
    }

    /// The same with another program.
    pub fn of(flavour: Flavour, options: &[&str]) -> Self {
        let mut server = Self {
            flavour,
            child: None,
            port: free_port(),
            tls_port: None,
            folder: TempDir::new().unwrap(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            password: None,
        };
        server.revive();
        server
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port and data.
    pub fn revive(&mut self) {
        self.revive_with(&[]);
    }

    /// The same, with further options.
    pub fn revive_with(&mut self, options: &[&str]) {
        let child = Command::new(self.flavour.program())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--dir", self.folder.path().to_str().unwrap()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--unixsocket", self.socket().as_str()])
            // A replica gets everything at once; otherwise it waits five seconds for others that might come, too.
            .args(["--repl-diskless-sync-delay", "0"])
            .args(&self.options)
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start redis-server ({error}); install it: apt-get install redis-server"
                )
            });
        self.child = Some(child);
        let started = Instant::now();
        while !self.answers() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "redis-server ended at once: {ended:?}");
            assert!(started.elapsed() < PATIENCE, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let mut first = [0];
        stream.write_all(b"PING\r\n").is_ok() && stream.read(&mut first).is_ok_and(|read| read == 1)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal such as `STOP` to the server.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(status.unwrap().success());
    }

    /// Runs `redis-cli` with these arguments and gives what it prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let password = self.password.iter();
        let login = password.flat_map(|it| ["--no-auth-warning", "-a", it]);
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(login)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| {
                panic!("cannot run redis-cli ({error}); install it: apt-get install redis-tools")
            });
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// From now on whoever connects needs this password, be it another server or [`cli`](Self::cli).
    pub fn lock(&mut self, password: &str) {
        for setting in ["masterauth", "requirepass"] {
            assert_eq!(self.cli(&["CONFIG", "SET", setting, password]), "OK");
        }
        self.password = Some(password.to_owned());
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn socket(&self) -> String {
        self.folder
            .path()
            .join("redis.sock")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Settings that wait as long as a busy machine takes.
    pub fn settings(&self) -> Settings {
        Settings {
            connect_timeout: PATIENCE,
            command_timeout: PATIENCE,
            ..Settings::new(self.address())
        }
    }

    pub fn connection(&self) -> Connection {
        Connection::new(self.settings()).unwrap()
    }

    /// Sends one inline command over a connection of its own, and gives the first line of the reply.
    pub fn command(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply).unwrap();
        reply.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
