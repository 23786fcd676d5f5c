//! A master, a replica, and three real Sentinels that watch them.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kenwell::connection::Settings;
use tempfile::TempDir;

use super::certificates::Certificates;
use super::cluster::eventually;
use super::flavour::Flavour;
use super::server::{Server, free_port};

/// How long connections wait: nobody is given up who does not answer for a while, as on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Sentinels {
    /// The first is the master at the beginning.
    pub servers: Vec<Server>,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    child: Child,
    port: u16,
    tls_port: Option<u16>,
    _folder: TempDir,
}

impl Sentinels {
    /// Sends a signal such as `STOP` to the servers and to the Sentinels.
    pub fn signal_all(&self, name: &str) {
        for server in &self.servers {
            server.signal(name);
        }
        for sentinel in &self.sentinels {
            let id = sentinel.child.id().to_string();
            let status = Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status();
            assert!(status.unwrap().success());
        }
    }

    pub fn start() -> Self {
        Self::of(Flavour::Redis)
    }

    /// The same with another program.
    pub fn of(flavour: Flavour) -> Self {
        let master = Server::of(flavour, &[]);
        let port = port(&master.address());
        let replica = Server::of(flavour, &["--replicaof", "127.0.0.1", &port]);
        Self::watching(flavour, vec![master, replica], &port, "")
    }

    /// All of them speak TLS with each other and with us; their certificate is `{name}.pem`.
    pub fn start_with_tls(certificates: &Certificates, name: &str) -> Self {
        let more = ["--tls-auth-clients", "no", "--tls-replication", "yes"];
        let start = |more: &[&str]| Server::start_with_certificate(certificates, name, more);
        let master = start(&more);
        let port = master.tls_port().to_string();
        let follow = ["--replicaof", "127.0.0.1", &port];
        let replica = start(&[&more[..], &follow].concat());
        let path = |name: &str| certificates.path(name).display().to_string();
        let lines = format!(
            "tls-replication yes\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}",
            path(&format!("{name}.pem")),
            path(&format!("{name}.key")),
            path("ca.pem"),
        );
        let servers = vec![master, replica];
        Self::watching(Flavour::Redis, servers, &port, &lines)
    }

    fn watching(flavour: Flavour, servers: Vec<Server>, port: &str, lines: &str) -> Self {
        eventually("the replica to follow", || {
            let info = servers[1].cli(&["INFO", "replication"]);
            info.contains("master_link_status:up").then_some(())
        });
        let sentinels = (0..3).map(|_| Sentinel::start(flavour, port, lines));
        let all = Self {
            sentinels: sentinels.collect(),
            servers,
        };
        eventually("the Sentinels to know each other and the replica", || {
            let ready = all.sentinels.iter().all(|sentinel| {
                let known = sentinel.cli(&["SENTINEL", "MASTER", "mymaster"]);
                let known: Vec<&str> = known.lines().collect();
                let says = |name, value| known.windows(2).any(|pair| pair == [name, value]);
                says("num-slaves", "1") && says("num-other-sentinels", "2")
            });
            ready.then_some(())
        });
        all
    }

    pub fn settings(&self) -> Settings {
        let addresses = self.sentinels.iter();
        let addresses: Vec<_> = addresses
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.tls_port.unwrap_or(sentinel.port)))
            .collect();
        let mut settings = Settings::new(addresses.join(","));
        settings.sentinel_master = Some("mymaster".to_owned());
        settings.command_timeout = PATIENCE;
        settings.connect_timeout = PATIENCE;
        settings
    }

    /// From now on a master is given up that does not answer for a moment.
    pub fn let_fail(&self) {
        let name = "down-after-milliseconds";
        self.all_obey(&["SENTINEL", "SET", "mymaster", name, "700"]);
    }

    /// The first Sentinel is gone for good.
    pub fn kill_one(&mut self) {
        drop(self.sentinels.remove(0));
    }

    /// Runs a command at each Sentinel.
    pub fn all_obey(&self, arguments: &[&str]) {
        for sentinel in &self.sentinels {
            assert_eq!(sentinel.cli(arguments), "OK");
        }
    }

    /// Asks for another master.
    pub fn switch(&self) {
        let failover = ["SENTINEL", "FAILOVER", "mymaster"];
        eventually("the Sentinels to begin", || {
            (self.sentinels[0].cli(&failover) == "OK").then_some(())
        });
    }
}

impl Sentinel {
    fn start(flavour: Flavour, master: &str, lines: &str) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let tls_port = lines.contains("tls-replication").then(free_port);
        let tls = tls_port.map_or_else(String::new, |port| format!("tls-port {port}\n"));
        let file = folder.path().join("sentinel.conf");
        let settings = format!(
            "port {port}\n{tls}bind 127.0.0.1\ndir {}\n\
             sentinel monitor mymaster 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds mymaster 60000\n\
             sentinel failover-timeout mymaster 3000\n{lines}\n",
            folder.path().display()
        );
        fs::write(&file, settings).unwrap();
        let child = Command::new(flavour.program())
            .arg(&file)
            .arg("--sentinel")
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start redis-server ({error}); install it: apt-get install redis-server"
                )
            });
        Self {
            child,
            port,
            tls_port,
            _folder: folder,
        }
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port])
            .args(arguments)
            .output();
        String::from_utf8(output.unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // It may be gone already.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn port(address: &str) -> String {
    address.rsplit_once(':').unwrap().1.to_owned()
}
