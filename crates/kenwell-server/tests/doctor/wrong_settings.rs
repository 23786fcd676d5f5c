//! Every wrong setting has a message of its own, with the cure.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::support::certificates::Certificates;
use super::support::ports::free_port;
use super::support::server::Server;
use super::{configure, doctor, stderr, stdout};

/// What is wrong, and the lines of the destination that say it.
type Case = (&'static str, String);

/// What can be seen without asking anybody.
fn in_the_file() -> Vec<Case> {
    [
        ("no address", ""),
        ("no port", "address = \"localhost\""),
        ("port too large", "address = \"localhost:65536\""),
        ("no host", "address = \":6379\""),
        ("IPv6 without brackets", "address = \"::1:6379\""),
        ("bad IPv6", "address = \"[::g]:6379\""),
        ("relative socket", "address = \"unix:redis.sock\""),
        ("misspelt key", "address = \"h:1\"\nadress = \"h:1\""),
        ("unknown type", "address = \"h:1\"\ntype = \"kafka\""),
        ("negative database", "address = \"h:1\"\ndatabase = -1"),
        ("database as text", "address = \"h:1\"\ndatabase = \"1\""),
        (
            "skip_verify without secure",
            "address = \"h:1\"\nskip_verify = true",
        ),
        (
            "no such certificate",
            "address = \"h:1\"\nsecure = true\nca_certificate = \"not-there.pem\"",
        ),
        (
            "no certificate in the file",
            "address = \"h:1\"\nsecure = true\nca_certificate = \"kenwell.toml\"",
        ),
        (
            "variable not set",
            "address = \"h:1\"\npassword = \"env:NOT_THERE\"",
        ),
        (
            "no such secret file",
            "address = \"h:1\"\npassword = \"file:not-there\"",
        ),
    ]
    .map(|(name, lines)| (name, lines.to_owned()))
    .into()
}

/// Servers that something is wrong with, or that expect other settings.
struct Ward {
    plain: Server,
    locked: Server,
    replica: Server,
    cluster: Server,
    tls: Server,
    authority: String,
}

impl Ward {
    fn open() -> Self {
        let certificates = Certificates::new();
        let bus = free_port().to_string();
        let ward = Self {
            plain: Server::start(&["--databases", "2", "--appendonly", "yes"]),
            locked: Server::start(&["--requirepass", "right"]),
            replica: Server::start(&[]),
            cluster: Server::start(&["--cluster-enabled", "yes", "--cluster-port", &bus]),
            tls: Server::start_with_tls(&certificates),
            authority: certificates.authority(),
        };
        for rules in [
            "nothing on >SECRET",
            "no-hset on >SECRET ~* +@all -hset",
            "other-keys on >SECRET ~other:* +@all",
            "no-select on >SECRET ~* +@all -select",
        ] {
            let reply = ward.plain.command(&format!("ACL SETUSER {rules}"));
            assert_eq!(reply, "+OK");
        }
        assert_eq!(ward.replica.command("REPLICAOF 127.0.0.1 1"), "+OK");
        assert_eq!(ward.cluster.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
        let deadline = Instant::now() + Duration::from_mins(1);
        while ward.cluster.command("DEL x") != ":0" {
            assert!(Instant::now() < deadline, "the cluster does not come up");
        }
        ward
    }

    /// What only the server, or the way to it, can tell.
    fn cases(&self) -> Vec<Case> {
        let at = |server: &Server| format!("address = \"{}\"", server.address());
        let with = |server: &Server, lines: &str| format!("{}\n{lines}", at(server));
        let user = |name: &str| {
            let lines = format!("username = \"{name}\"\npassword = \"SECRET\"\nprefix = \"app\"");
            with(&self.plain, &lines)
        };
        let tls = |host: &str, lines: &str| {
            let port = self.tls.tls_port();
            format!("address = \"{host}:{port}\"\nsecure = true\n{lines}")
        };
        let authority = format!("ca_certificate = '''{}'''", self.authority);
        vec![
            (
                "unknown host",
                "address = \"no-such-host.invalid:6379\"".to_owned(),
            ),
            ("nothing listens", "address = \"127.0.0.1:1\"".to_owned()),
            (
                "no such socket",
                "address = \"unix:/no/such/redis.sock\"".to_owned(),
            ),
            ("no password", at(&self.locked)),
            (
                "wrong password",
                with(&self.locked, "password = \"SECRET\""),
            ),
            (
                "wrong user",
                with(&self.locked, "username = \"nobody\"\npassword = \"SECRET\""),
            ),
            ("user without rights", user("nothing")),
            ("user without HSET", user("no-hset")),
            ("user with other keys", user("other-keys")),
            (
                "user without SELECT",
                format!("{}\ndatabase = 1", user("no-select")),
            ),
            ("no such database", with(&self.plain, "database = 2")),
            ("replica", at(&self.replica)),
            ("cluster", at(&self.cluster)),
            ("database in a cluster", with(&self.cluster, "database = 1")),
            ("unknown authority", tls("localhost", "")),
            (
                "another name",
                tls(
                    "localhost",
                    &format!("{authority}\nserver_name = \"redis.internal\""),
                ),
            ),
            ("skip_verify", tls("localhost", "skip_verify = true")),
            (
                "TLS to a plain port",
                with(&self.tls, "secure = true\nskip_verify = true"),
            ),
            (
                "plain to a TLS port",
                format!("address = \"localhost:{}\"", self.tls.tls_port()),
            ),
        ]
    }

    /// Puts names in place of the ports.
    fn settled(&self, text: &str) -> String {
        let servers = [
            &self.plain,
            &self.locked,
            &self.replica,
            &self.cluster,
            &self.tls,
        ];
        let mut text = text.to_owned();
        for server in servers {
            let address = server.address();
            let port = address.rsplit(':').next().unwrap();
            text = text.replace(port, "PORT");
        }
        let text = text
            .replace(&self.tls.tls_port().to_string(), "PORT")
            .replace("expires in 1 day", "expires in N days")
            .replace("expires in 2 days", "expires in N days");
        let without_date = |line: &str| match line.split_once(" expires on ") {
            Some((before, _)) => format!("{before} expires on DATE"),
            None => line.to_owned(),
        };
        text.lines()
            .map(without_date)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The complaints of a run: errors of the configuration, or findings with a cure.
fn complaints(lines: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), &[("profiles", lines)]);
    let output = doctor(directory.path(), &[]);
    let said = stdout(&output);
    if output.status.code() == Some(2) {
        assert_eq!(said, "");
        return stderr(&output).trim_end().to_owned();
    }
    let mut kept = Vec::new();
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(cure) = lines.next_if(|next| next.trim_start().starts_with("cure:")) {
            kept.push(line.trim_start());
            kept.push(cure.trim_end());
        }
    }
    kept.join("\n")
}

#[test]
fn each_has_its_own_message() {
    let ward = Ward::open();
    let mut table = String::new();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, lines) in in_the_file().into_iter().chain(ward.cases()) {
        let said = complaints(&lines);
        let said = ward.settled(&said);
        let first = said.lines().next().unwrap_or_default().to_owned();
        assert!(!first.is_empty(), "{name}: nothing is said");
        if let Some(other) = seen.insert(said.clone(), name) {
            panic!("{name} and {other} have the same message: {said}");
        }
        writeln!(table, "# {name}\n{said}\n").unwrap();
    }
    assert!(seen.len() >= 25, "only {} cases", seen.len());
    insta::assert_snapshot!("wrong_settings", table.trim_end());
}
