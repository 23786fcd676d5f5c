//! The doctor against real servers: each illness gets its own finding, and nothing is left behind.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::certificates::Certificates;
use crate::support::cluster;
use crate::support::server::{Server, free_port};
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::doctor::{Check, Report, Status, examine};
use kenwell::profile::{self, Layout, Prefix};

/// Keys below `app:`.
fn layout() -> Layout {
    Layout {
        prefix: Prefix::parse("app"),
        ..Layout::default()
    }
}

async fn report(settings: &Settings) -> Report {
    let report = examine(settings, &layout()).await;
    let shown = format!("{report:?}");
    assert!(!shown.contains("SECRET"), "{shown}");
    let checks: Vec<Check> = report.findings().iter().map(|found| found.check).collect();
    assert_eq!(checks, Check::ALL, "one finding for each check, in order");
    for found in report.findings() {
        let needs_cure = matches!(found.status, Status::Failed | Status::Warning);
        assert!(!needs_cure || found.cure.is_some(), "no cure: {found:?}");
    }
    report
}

/// That the check has this status, and that its sentence and its cure say these words.
fn assert_found(report: &Report, check: Check, status: Status, says: &str, cure: &str) {
    let found = report.finding(check).unwrap();
    assert_eq!(found.status, status, "{report:#?}");
    assert!(found.says.contains(says), "{found:?}");
    let cured = found.cure.as_deref().unwrap_or_default();
    assert!(cured.contains(cure), "{found:?}");
}

/// That all checks after this one were skipped because of it.
fn assert_ends_at(report: &Report, check: Check) {
    let rest = report.findings().iter();
    for found in rest.skip_while(|found| found.check != check).skip(1) {
        assert_eq!(found.status, Status::Skipped, "{report:#?}");
        assert!(found.says.contains(check.as_str()), "{found:?}");
    }
    assert!(!report.is_healthy());
}

fn as_user(server: &Server, name: &str) -> Settings {
    Settings {
        username: Some(name.to_owned()),
        password: Some(Secret::new("SECRET")),
        ..server.settings()
    }
}

#[tokio::test]
async fn a_healthy_server_has_no_findings_and_keeps_no_key() {
    let server = Server::start(&["--appendonly", "yes"]);
    let report = report(&server.settings()).await;
    assert!(report.is_healthy());
    for found in report.findings() {
        let expected = match found.check {
            Check::Tls => Status::Skipped,
            _ => Status::Ok,
        };
        assert_eq!(found.status, expected, "{report:#?}");
    }
    assert_found(&report, Check::Version, Status::Ok, "Redis ", "");
    let probed = "a profile below app:user: was written, read, deleted";
    assert_found(&report, Check::Probe, Status::Ok, probed, "");
    assert_found(&report, Check::RoundTrip, Status::Ok, "100 PINGs", "");
    assert_eq!(server.command("DBSIZE"), ":0");
}

#[tokio::test]
async fn a_database_and_a_socket_file() {
    let server = Server::start(&["--databases", "4", "--appendonly", "yes"]);
    let mut settings = Settings::new(format!("unix:{}", server.socket()));
    settings.database = 3;
    let found = report(&settings).await;
    assert!(found.is_healthy(), "{found:#?}");
    assert_eq!(found.count(Status::Warning), 0, "{found:#?}");
    assert_found(&found, Check::Name, Status::Skipped, "no name", "");
    assert_found(&found, Check::Database, Status::Ok, "database 3", "");
    settings.database = 4;
    let found = report(&settings).await;
    let says = "no database 4";
    assert_found(&found, Check::Database, Status::Failed, says, "`database`");
    assert_found(&found, Check::Version, Status::Ok, "Redis", "");
    assert_found(&found, Check::Probe, Status::Skipped, "see database", "");
}

#[tokio::test]
async fn settings_that_cannot_work() {
    let found = report(&Settings::new("no-port")).await;
    let says = "address: the port is missing";
    assert_found(&found, Check::Settings, Status::Failed, says, "`address`");
    assert_ends_at(&found, Check::Settings);
}

#[tokio::test]
async fn nobody_there() {
    let address = format!("127.0.0.1:{}", free_port());
    let found = report(&Settings::new(address)).await;
    let says = "nothing listens on port";
    assert_found(&found, Check::Connect, Status::Failed, says, "`address`");
    assert_ends_at(&found, Check::Connect);

    let found = report(&Settings::new("no-such-host.invalid:6379")).await;
    let says = "\"no-such-host.invalid\"";
    assert_found(&found, Check::Name, Status::Failed, says, "`address`");
    assert_ends_at(&found, Check::Name);

    let found = report(&Settings::new("unix:/no/such/redis.sock")).await;
    let says = "there is no socket";
    assert_found(&found, Check::Connect, Status::Failed, says, "`unixsocket`");
    assert_ends_at(&found, Check::Connect);
}

#[tokio::test]
async fn somebody_there_who_does_not_answer() {
    let server = Server::start(&[]);
    server.signal("STOP");
    let settings = Settings {
        connect_timeout: Duration::from_secs(2),
        ..server.settings()
    };
    let found = report(&settings).await;
    server.signal("CONT");
    let says = "took longer than 2000 ms";
    assert_found(&found, Check::Login, Status::Failed, says, "stopped");
    assert_ends_at(&found, Check::Login);
}

#[tokio::test]
async fn somebody_there_who_is_not_redis() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let web_server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream.write_all(answer).unwrap();
    });
    let found = report(&Settings::new(address)).await;
    web_server.join().unwrap();
    let says = "does not answer as Redis does";
    assert_found(&found, Check::Login, Status::Failed, says, "`address`");
    assert_ends_at(&found, Check::Login);
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate() {
    let certificates = Certificates::new();
    let mut server = Server::start_with_tls(&certificates);
    server.kill();
    server.revive_with(&["--tls-auth-clients", "yes"]);
    let settings = Settings {
        secure: true,
        ca_certificate: Some(certificates.authority()),
        ..Settings::new(format!("localhost:{}", server.tls_port()))
    };
    let found = report(&settings).await;
    let says = "wants a client certificate";
    assert_found(
        &found,
        Check::Login,
        Status::Failed,
        says,
        "`tls-auth-clients no`",
    );
}

#[tokio::test]
async fn passwords() {
    let server = Server::start(&["--requirepass", "right"]);
    let mut settings = server.settings();
    let found = report(&settings).await;
    let says = "Redis wants a password, and none is set";
    assert_found(&found, Check::Login, Status::Failed, says, "set `password`");
    assert_ends_at(&found, Check::Login);

    settings.password = Some(Secret::new("SECRET"));
    let found = report(&settings).await;
    let says = "refuses this password for the user default";
    assert_found(&found, Check::Login, Status::Failed, says, "`username`");
    let found = report(&as_user(&server, "nobody")).await;
    let says = "refuses this password for the user nobody";
    assert_found(&found, Check::Login, Status::Failed, says, "`username`");

    settings.password = Some(Secret::new("right"));
    let found = report(&settings).await;
    assert_found(&found, Check::Login, Status::Ok, "logged in as default", "");
    assert!(found.is_healthy(), "{found:#?}");
}

/// Applies the line that the finding offers, and gives the next report.
async fn cured(server: &Server, settings: &Settings, report_before: &Report) -> Report {
    let cure = report_before.finding(Check::Rights).unwrap().cure.as_ref();
    let (_, line) = cure.unwrap().split_once("ACL SETUSER").unwrap();
    let line = line.split(" (").next().unwrap();
    let reply = server.command(&format!("ACL SETUSER{line}"));
    assert_eq!(reply, "+OK", "{line}");
    report(settings).await
}

#[tokio::test]
async fn missing_rights_and_the_line_that_grants_them() {
    let server = Server::start(&["--databases", "4"]);
    let all = "+hgetall +client +ping +info +expire +del";
    for (user, rules, database, says, line) in [
        (
            "nothing",
            "",
            3,
            "nothing may not run HSET, HGETALL, CLIENT INFO, CLIENT KILL, CLIENT LIST, CLIENT SETNAME, SELECT",
            "ACL SETUSER nothing ~app:user:* +hset +hgetall +client|info +client|kill +client|list +client|setname +select",
        ),
        (
            "no-hset",
            "~*",
            0,
            "no-hset may not run HSET",
            "ACL SETUSER no-hset +hset",
        ),
        (
            "no-keys",
            "~other:* +hset",
            0,
            "no-keys may not use the keys app:user:*",
            "ACL SETUSER no-keys ~app:user:*",
        ),
    ] {
        let rules = if rules.is_empty() {
            String::new()
        } else {
            format!("{rules} {all}")
        };
        let user_line = format!("ACL SETUSER {user} on >SECRET {rules}");
        assert_eq!(server.command(user_line.trim_end()), "+OK");
        let settings = Settings {
            database,
            ..as_user(&server, user)
        };
        let found = report(&settings).await;
        assert_found(&found, Check::Rights, Status::Failed, says, line);
        assert_found(&found, Check::Probe, Status::Skipped, "see ", "");
        let found = cured(&server, &settings, &found).await;
        assert_found(&found, Check::Rights, Status::Ok, "HSET", "");
        assert!(found.is_healthy(), "{found:#?}");
        // The line is enough for the library, too.
        let update = profile::update(br#"{"userId":"u","traits":{"a":1}}"#, &layout()).unwrap();
        let connection = Connection::new(settings).unwrap();
        assert!(profile::apply(&connection, &[update]).await[0].is_ok());
    }
}

#[tokio::test]
async fn the_least_rights_are_enough_and_what_they_hide_is_skipped() {
    let server = Server::start(&[]);
    let line = "ACL SETUSER least on >SECRET ~app:user:* +hset +hgetall +client|info +client|kill +client|list +client|setname";
    assert_eq!(server.command(line), "+OK");
    let found = report(&as_user(&server, "least")).await;
    assert!(found.is_healthy(), "{found:#?}");
    let says = "may not read and write app:kenwell:applied:*";
    let cure = "ACL SETUSER least ~app:kenwell:applied:* +info";
    assert_found(&found, Check::Marker, Status::Warning, says, cure);
    assert_eq!(found.count(Status::Warning), 1, "{found:#?}");
    for check in [
        Check::Topology,
        Check::Role,
        Check::Version,
        Check::Eviction,
        Check::Persistence,
    ] {
        let says = "may not run INFO";
        assert_found(&found, check, Status::Skipped, says, "+info");
    }
    assert_found(&found, Check::Probe, Status::Skipped, "EXPIRE", "+expire");
    assert_found(&found, Check::RoundTrip, Status::Skipped, "PING", "+ping");
    assert_eq!(server.command("DBSIZE"), ":0");
    let fewer = "ACL SETUSER least -client|kill";
    assert_eq!(server.command(fewer), "+OK");
    let found = report(&as_user(&server, "least")).await;
    let says = "least may not run CLIENT KILL";
    let cure = "ACL SETUSER least +client|kill";
    assert_found(&found, Check::Rights, Status::Warning, says, cure);
    assert!(found.is_healthy());
}

#[tokio::test]
async fn a_probe_that_may_not_be_deleted_expires() {
    let server = Server::start(&[]);
    let line = "ACL SETUSER keeper on >SECRET ~* +@all -del";
    assert_eq!(server.command(line), "+OK");
    let found = report(&as_user(&server, "keeper")).await;
    assert_found(&found, Check::Probe, Status::Ok, "left to expire", "");
    assert_eq!(server.command("DBSIZE"), ":1");
    assert_eq!(server.command("FLUSHALL"), "+OK");
}

#[tokio::test]
async fn a_renamed_command() {
    let server = Server::start(&["--rename-command", "HSET", ""]);
    let found = report(&server.settings()).await;
    let says = "does not know HSET";
    assert_found(&found, Check::Rights, Status::Failed, says, "rename");
    let server = Server::start(&["--rename-command", "INFO", ""]);
    let found = report(&server.settings()).await;
    let says = "does not answer INFO";
    assert_found(&found, Check::Role, Status::Skipped, says, "");
    assert!(found.is_healthy());
}

#[tokio::test]
async fn a_replica() {
    let server = Server::start(&[]);
    assert_eq!(server.command("REPLICAOF 127.0.0.1 1"), "+OK");
    let found = report(&server.settings()).await;
    let says = "a replica of 127.0.0.1:1";
    assert_found(&found, Check::Role, Status::Failed, says, "`address`");
    let says = "takes no writes";
    assert_found(&found, Check::Probe, Status::Failed, says, "`address`");
}

#[tokio::test]
async fn a_cluster_without_cluster_mode() {
    let server = cluster::node(&[]);
    assert_eq!(server.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    let found = report(&server.settings()).await;
    let says = "a node of a Redis Cluster";
    assert_found(
        &found,
        Check::Topology,
        Status::Failed,
        says,
        "`cluster_mode = true`",
    );
    let says = "see topology";
    assert_found(&found, Check::Probe, Status::Skipped, says, "");
    let settings = Settings {
        database: 1,
        ..server.settings()
    };
    let found = report(&settings).await;
    let says = "only database 0";
    assert_found(
        &found,
        Check::Database,
        Status::Failed,
        says,
        "`database = 0`",
    );
}

#[tokio::test]
async fn a_server_that_forgets() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"]);
    let found = report(&server.settings()).await;
    assert!(found.is_healthy(), "{found:#?}");
    let says = "allkeys-lru: Redis throws profiles away when memory is short";
    assert_found(&found, Check::Eviction, Status::Warning, says, "noeviction");
    let says = "nothing is saved";
    assert_found(
        &found,
        Check::Persistence,
        Status::Warning,
        says,
        "appendonly yes",
    );
    assert_eq!(server.command("SAVE"), "+OK");
    let found = report(&server.settings()).await;
    assert_found(&found, Check::Persistence, Status::Ok, "snapshots only", "");
}

#[tokio::test]
async fn a_full_server() {
    let server = Server::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let found = report(&server.settings()).await;
    assert_found(&found, Check::Rights, Status::Ok, "HSET", "");
    assert_found(
        &found,
        Check::Probe,
        Status::Failed,
        "memory limit",
        "`maxmemory`",
    );
}

#[tokio::test]
async fn a_server_that_is_still_loading() {
    let mut server = Server::start(&["--rdbcompression", "no"]);
    let traits = format!(r#"{{"a":"{}"}}"#, "x".repeat(200));
    let updates: Vec<_> = (0..1_000)
        .map(|user| format!(r#"{{"userId":"u{user}","traits":{traits}}}"#))
        .map(|event| profile::update(event.as_bytes(), &Layout::default()).unwrap())
        .collect();
    let results = profile::apply(&server.connection(), &updates).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(server.command("SAVE"), "+OK");
    server.kill();
    // 1,000 keys, 50 ms each; it answers after every kilobyte.
    let interval = "--loading-process-events-interval-bytes";
    server.revive_with(&["--key-load-delay", "50000", interval, "1024"]);
    let found = report(&server.settings()).await;
    assert_found(
        &found,
        Check::Probe,
        Status::Failed,
        "still loading",
        "wait",
    );
    assert_found(&found, Check::Login, Status::Ok, "", "");
    assert_found(&found, Check::RoundTrip, Status::Skipped, "loading", "");
}

#[tokio::test]
async fn tls() {
    let certificates = Certificates::new();
    let server = Server::start_with_tls(&certificates);
    let authority = certificates.authority();
    let with = |ca: Option<&str>, skip_verify, host: &str| Settings {
        secure: true,
        skip_verify,
        ca_certificate: ca.map(str::to_owned),
        connect_timeout: Duration::from_mins(1),
        ..Settings::new(format!("{host}:{}", server.tls_port()))
    };
    let found = report(&with(Some(&authority), false, "localhost")).await;
    assert!(found.is_healthy(), "{found:#?}");
    // The certificates of the tests expire in two days.
    let says = "TLS 1.3, certificate verified by ca_certificate; for localhost; expires in ";
    assert_found(&found, Check::Tls, Status::Warning, says, "renew");

    let found = report(&with(None, true, "localhost")).await;
    let says = "nobody checks the certificate (skip_verify); for localhost";
    assert_found(&found, Check::Tls, Status::Warning, says, "`skip_verify`");
    assert!(found.is_healthy(), "{found:#?}");

    let other = Certificates::new().authority();
    for (settings, says, cure) in [
        (
            with(None, false, "localhost"),
            "issued by CN=authority, which is not trusted",
            "`ca_certificate`",
        ),
        (
            with(Some(&other), false, "localhost"),
            "CN=authority",
            "`ca_certificate`",
        ),
        (
            Settings {
                server_name: Some("redis.internal".to_owned()),
                ..with(Some(&authority), false, "localhost")
            },
            "certificate is for localhost, not for redis.internal",
            "`address`",
        ),
        (
            // It waits for more of a command, and says nothing.
            Settings {
                address: server.address(),
                connect_timeout: Duration::from_secs(2),
                ..with(Some(&authority), false, "localhost")
            },
            "does not speak TLS",
            "secure = false",
        ),
    ] {
        let found = report(&settings).await;
        assert_found(&found, Check::Tls, Status::Failed, says, cure);
        assert_ends_at(&found, Check::Tls);
    }
    let found = report(&Settings::new(format!("localhost:{}", server.tls_port()))).await;
    let says = "does not answer as Redis does in plain text";
    assert_found(
        &found,
        Check::Login,
        Status::Failed,
        says,
        "`secure = true`",
    );
}
