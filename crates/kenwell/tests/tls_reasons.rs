//! Why a handshake fails, in words that are true: keys and signatures that are too weak, times, loopback names.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::certificates::Certificates;
use crate::support::sentinels::Sentinels;
use crate::support::server::{Server, free_port};
use crate::support::stunnel::Stunnel;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::doctor::{self, Check};
use kenwell::profile::{Layout, Prefix};
use kenwell::{Class, Error};

const PAST: [&str; 2] = ["20200101000000Z", "20210101000000Z"];
const FUTURE: [&str; 2] = ["20900101000000Z", "20910101000000Z"];
const SAN: &str = "subjectAltName=DNS:localhost";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE";
const NO_CLIENTS: [&str; 2] = ["--tls-auth-clients", "no"];

/// `openssl s_server`, which shows certificates that Redis refuses to load.
struct Shown {
    child: Child,
    port: u16,
}

impl Shown {
    fn start(all: &Certificates, name: &str, more: &str) -> Self {
        let port = free_port();
        let command = format!(
            "s_server -quiet -accept 127.0.0.1:{port} -cert {name}.pem -key {name}.key -cipher DEFAULT@SECLEVEL=0{more}"
        );
        let child = Command::new("openssl")
            .args(command.split(' '))
            .current_dir(all.path("ca.pem").parent().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "{command}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child, port }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn settings(port: u16, authority: String) -> Settings {
    Settings {
        secure: true,
        ca_certificate: Some(authority),
        ..Settings::new(format!("127.0.0.1:{port}"))
    }
}

async fn ping(settings: &Settings) -> Result<(), Error> {
    Connection::new(settings.clone())?.ping().await
}

/// Refused in these words, by a connection and by the doctor alike, and without any Rust in them.
async fn refused(settings: &Settings, words: &[&str]) {
    let error = ping(settings).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert_eq!(error.class(), Class::Configuration);
    let layout = Layout {
        prefix: Prefix::parse(""),
        workspace_id: "w".to_owned(),
        destination_id: "d".to_owned(),
        ..Layout::default()
    };
    let report = doctor::examine(settings, &layout).await;
    let finding = report.finding(Check::Tls).unwrap();
    let doctor = format!(
        "{}; {}",
        finding.says,
        finding.cure.clone().unwrap_or_default()
    );
    for text in [error.to_string(), doctor] {
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
        for rust in [
            "Failure",
            "Issuer",
            "DnsName",
            "Unknown",
            "Unsupported",
            "{",
            "Other(",
        ] {
            assert!(!text.contains(rust), "{text}");
        }
    }
}

#[tokio::test]
async fn keys_and_signatures_that_cannot_be_verified_get_their_true_reason() {
    let all = Certificates::new();
    all.issue_with("rsa:1024", "short", "/CN=localhost", "ca", SAN);
    all.issue_with(
        "ec -pkeyopt ec_paramgen_curve:P-521",
        "p521",
        "/CN=localhost",
        "ca",
        SAN,
    );
    all.issue_with(
        "rsa-pss -pkeyopt rsa_keygen_bits:2048",
        "pss",
        "/CN=localhost",
        "ca",
        SAN,
    );
    all.issue_with("ed448", "ed448", "/CN=localhost", "ca", SAN);
    all.issue("sha1", "/CN=localhost", "ca", SAN);
    all.openssl("x509 -req -in sha1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -sha1 -extfile sha1.ext -out sha1.pem");
    for (name, words) in [
        ("short", ["RSA key of 1024 bits", "2048"]),
        ("p521", ["P-521", "P-256"]),
        ("pss", ["RSA-PSS", "rsaEncryption"]),
        ("ed448", ["Ed448", "Ed25519"]),
        ("sha1", ["SHA-1", "SHA-256"]),
    ] {
        let shown = Shown::start(&all, name, "");
        refused(&settings(shown.port, all.authority()), &words).await;
        let skipped = Settings {
            skip_verify: true,
            ca_certificate: None,
            ..settings(shown.port, String::new())
        };
        if name != "sha1" {
            refused(&skipped, &words).await;
        }
    }
    // The same above the server's own certificate.
    for (name, kind, words) in [
        (
            "ca-short",
            "rsa:1024",
            ["RSA key of 1024 bits", "ca_certificate"],
        ),
        (
            "ca-p521",
            "ec -pkeyopt ec_paramgen_curve:P-521",
            ["P-521", "ca_certificate"],
        ),
    ] {
        all.openssl(&format!("req -x509 -newkey {kind} -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
        let leaf = format!("{name}-leaf");
        all.issue(&leaf, "/CN=localhost", name, SAN);
        let shown = Shown::start(&all, &leaf, "");
        refused(
            &settings(shown.port, all.text(&format!("{name}.pem"))),
            &words,
        )
        .await;
    }
    all.issue("middle", "/CN=middle", "ca", AUTHORITY);
    all.openssl("x509 -req -in middle.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -sha1 -extfile middle.ext -out middle.pem");
    all.issue("below", "/CN=localhost", "middle", SAN);
    let shown = Shown::start(&all, "below", " -cert_chain middle.pem");
    refused(
        &settings(shown.port, all.authority()),
        &["CN=middle", "SHA-1"],
    )
    .await;
}

#[tokio::test]
async fn our_own_key_gets_its_true_reason_too() {
    let all = Certificates::new();
    for (name, kind, words) in [
        (
            "short",
            "rsa:1024",
            "an RSA key of 1024 bits, which is too short",
        ),
        ("long", "rsa:5120", "longer than 4096"),
        ("p521", "ec -pkeyopt ec_paramgen_curve:P-521", "P-521"),
        ("pss", "rsa-pss -pkeyopt rsa_keygen_bits:2048", "RSA-PSS"),
        ("ed448", "ed448", "Ed448"),
    ] {
        all.issue_with(kind, name, "/CN=me", "ca", "");
        let own = Settings {
            client_certificate: Some(all.text(&format!("{name}.pem"))),
            client_key: Some(Secret::new(all.text(&format!("{name}.key")))),
            ..settings(1, all.authority())
        };
        let error = own.validate().unwrap_err().to_string();
        assert!(error.contains("`client_key`: it is"), "{name}: {error}");
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_client_certificate_of_version_1_works_as_redis_accepts_it() {
    let all = Certificates::new();
    all.issue("v1", "/CN=me", "ca", "");
    all.issue_with("rsa:2048", "v1-rsa", "/CN=me", "ca", "");
    for protocol in ["TLSv1.2", "TLSv1.3"] {
        let options = ["--tls-auth-clients", "yes", "--tls-protocols", protocol];
        let server = Server::start_with_certificate(&all, "server", &options);
        for name in ["v1", "v1-rsa"] {
            let own = Settings {
                client_certificate: Some(all.text(&format!("{name}.pem"))),
                client_key: Some(Secret::new(all.text(&format!("{name}.key")))),
                ..settings(server.tls_port(), all.authority())
            };
            let result = ping(&own).await;
            assert!(result.is_ok(), "{protocol} {name}: {result:?}");
        }
    }
}

#[tokio::test]
async fn the_time_of_a_certificate_is_judged_at_each_connection_and_never_a_setting() {
    let all = Certificates::new();
    for (name, dates) in [("past", PAST), ("future", FUTURE)] {
        all.issue_dated(name, name, AUTHORITY, dates);
        all.issue(&format!("by-{name}"), "/CN=localhost", name, SAN);
        all.issue_dated(&format!("leaf-{name}"), "ca", SAN, dates);
        all.issue_dated(&format!("me-{name}"), "ca", "", dates);
    }
    let past = "expired on Jan  1 00:00:00 2021";
    let future = "is not valid before Jan  1 00:00:00 2090";
    for (server, authority, words) in [
        ("by-past", "past", [past, "in ca_certificate", "renew"]),
        (
            "by-future",
            "future",
            [future, "in ca_certificate", "clock"],
        ),
        (
            "leaf-past",
            "ca",
            [past, "the server's certificate", "renew"],
        ),
        (
            "leaf-future",
            "ca",
            [future, "the server's certificate", "clocks"],
        ),
    ] {
        let server = Server::start_with_certificate(&all, server, &NO_CLIENTS);
        let given = settings(server.tls_port(), all.text(&format!("{authority}.pem")));
        given.validate().unwrap();
        refused(&given, &words).await;
        // One of several: those that are good go on.
        let both = all.text(&format!("{authority}.pem")) + &all.authority();
        refused(
            &Settings {
                ca_certificate: Some(both),
                ..given
            },
            &words,
        )
        .await;
    }
    let server = Server::start_with_certificate(&all, "server", &[]);
    for (name, when) in [("me-past", past), ("me-future", future)] {
        let own = Settings {
            client_certificate: Some(all.text(&format!("{name}.pem"))),
            client_key: Some(Secret::new(all.text(&format!("{name}.key")))),
            ..settings(server.tls_port(), all.authority())
        };
        own.validate().unwrap();
        let error = ping(&own).await.unwrap_err().to_string();
        assert!(error.contains("client_certificate ("), "{error}");
        assert!(error.contains(when), "{error}");
        let notices = own.time_notices();
        // Those of the tests' own authority end in two days.
        let about = |setting| notices.iter().filter(move |it| it.setting == setting);
        assert!(
            about("ca_certificate").all(|it| !it.is_out_of_time && it.says.contains("expires on"))
        );
        assert!(about("client_certificate").all(|it| it.is_out_of_time && it.says.contains(when)));
        assert_eq!(notices.len(), 2, "{notices:?}");
    }
}

#[tokio::test]
async fn sentinels_are_judged_at_each_connection_too() {
    let all = Certificates::new();
    // The same authority, as it was years ago.
    all.issue_dated("other", "other", AUTHORITY, PAST);
    all.openssl("req -new -key ca.key -subj /CN=authority -out late.csr");
    let [from, to] = PAST;
    all.openssl(&format!(
        "ca -batch -notext -config dated.cnf -selfsign -keyfile ca.key -in late.csr -startdate {from} -enddate {to} -extfile other.ext -out late.pem"
    ));
    let sentinels = Sentinels::start_with_tls(&all, "server");
    let given = Settings {
        secure: true,
        ca_certificate: Some(all.path("given.pem").to_str().unwrap().to_owned()),
        ..sentinels.settings()
    };
    std::fs::write(all.path("given.pem"), all.text("late.pem")).unwrap();
    let connection = Connection::new(given.clone()).unwrap();
    let error = connection.ping().await.unwrap_err();
    assert_eq!(error.class(), Class::Configuration, "{error}");
    let error = error.to_string();
    for word in ["expired on Jan  1 00:00:00 2021", "in ca_certificate"] {
        assert!(error.contains(word), "{error}");
    }
    std::fs::write(all.path("given.pem"), all.authority()).unwrap();
    connection.ping().await.unwrap();
    // Their certificates end in two days, and so does the master's; whether addresses are mapped or not.
    let mapped = Settings {
        address_map: [("10.0.0.1:6379".to_owned(), "127.0.0.1:6379".to_owned())].into(),
        ..given.clone()
    };
    for settings in [given, mapped] {
        let notices = doctor::time_notices(&settings).await;
        let servers = notices.iter().filter(|it| it.setting == "address");
        assert!(servers.count() >= 2, "{notices:?}");
    }
}

#[tokio::test]
async fn any_name_of_this_machine_will_do_at_a_loopback_address() {
    let all = Certificates::new();
    // As the guide has it: the authority and the server are both called localhost, and nothing else.
    all.self_signed("recipe-ca", "/CN=localhost", "");
    all.issue_with("rsa:2048", "recipe", "/CN=localhost", "recipe-ca", "");
    all.issue(
        "ip",
        "/CN=redis",
        "recipe-ca",
        "subjectAltName=IP:127.0.0.1",
    );
    all.issue("else", "/CN=else", "recipe-ca", "");
    let redis = Server::start(&[]);
    let authority = all.text("recipe-ca.pem");
    let at = |host: &str, port: u16| Settings {
        address: format!("{host}:{port}"),
        ..settings(port, authority.clone())
    };
    let stunnel = Stunnel::start(&all, "recipe", &redis.address());
    for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
        let result = ping(&at(host, stunnel.port())).await;
        assert!(result.is_ok(), "{host}: {result:?}");
    }
    let by_ip = Stunnel::start(&all, "ip", &redis.address());
    ping(&at("localhost", by_ip.port())).await.unwrap();
    let proper = Stunnel::start(&all, "server", &redis.address());
    let proper_at = Settings {
        ca_certificate: Some(all.authority()),
        ..at("127.0.0.1", proper.port())
    };
    ping(&proper_at).await.unwrap();
    // Another machine's name stays another name, and without an authority that was given nothing changes.
    let other = Stunnel::start(&all, "else", &redis.address());
    refused(
        &at("127.0.0.1", other.port()),
        &["common name is \"else\"", "server_name"],
    )
    .await;
    let named = Settings {
        server_name: Some("redis.internal".to_owned()),
        ..at("127.0.0.1", stunnel.port())
    };
    refused(&named, &["not \"redis.internal\""]).await;
    let untrusted = Settings {
        ca_certificate: None,
        ..at("127.0.0.1", stunnel.port())
    };
    refused(&untrusted, &["version 1", "set ca_certificate"]).await;
}
