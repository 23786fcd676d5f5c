//! A real `stunnel4` in front of a Redis that speaks no TLS.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::certificates::Certificates;
use super::server::free_port;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Stunnel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Stunnel {
    /// Takes TLS with the certificate of this name, and passes it on to `redis`.
    pub fn start(certificates: &Certificates, name: &str, redis: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let file = |end: &str| certificates.path(&format!("{name}.{end}"));
        let text = format!(
            "foreground = yes\npid =\nsyslog = no\n[redis]\naccept = 127.0.0.1:{port}\nconnect = {redis}\ncert = {}\nkey = {}\n",
            file("pem").display(),
            file("key").display(),
        );
        let path = folder.path().join("stunnel.conf");
        std::fs::write(&path, text).unwrap();
        let child = Command::new("stunnel4")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start stunnel4 ({error}); install it: apt-get install stunnel4")
            });
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "stunnel4 does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            child,
            port,
            _folder: folder,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Stunnel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
