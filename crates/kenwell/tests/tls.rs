//! TLS against a real Redis, with real certificates of all kinds: which are trusted, which are not,
//! and what the refusal tells to do.

use crate::support::certificates::Certificates;
use crate::support::log::Log;
use crate::support::server::Server;
use crate::support::stunnel::Stunnel;
use kenwell::connection::{Connection, Secret, Settings};
use kenwell::{Class, Error};

const PAST: [&str; 2] = ["20200101000000Z", "20210101000000Z"];
const FUTURE: [&str; 2] = ["20900101000000Z", "20910101000000Z"];
const LEAF: &str = "basicConstraints=CA:FALSE";
const NO_CLIENTS: [&str; 2] = ["--tls-auth-clients", "no"];

fn settings(port: u16, authority: String) -> Settings {
    Settings {
        secure: true,
        ca_certificate: Some(authority),
        ..Settings::new(format!("localhost:{port}"))
    }
}

async fn ping(settings: Settings) -> Result<(), Error> {
    Connection::new(settings)?.ping().await
}

/// What a Redis with the certificate `name` gets from a client who trusts `authority`.
async fn judge(certificates: &Certificates, name: &str, authority: &str) -> Result<(), Error> {
    let server = Server::start_with_certificate(certificates, name, &NO_CLIENTS);
    ping(settings(
        server.tls_port(),
        certificates.text(&format!("{authority}.pem")),
    ))
    .await
}

async fn accepts(certificates: &Certificates, name: &str, authority: &str) {
    let judged = judge(certificates, name, authority).await;
    assert!(judged.is_ok(), "{name}: {}", judged.unwrap_err());
}

/// Refused in the handshake, as a matter of configuration, and with these words.
async fn refuses(certificates: &Certificates, name: &str, authority: &str, words: &[&str]) {
    let error = judge(certificates, name, authority).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{name}: {error}");
    assert_eq!(error.class(), Class::Configuration, "{name}: {error}");
    assert_eq!(error.code(), "tls_not_trusted", "{name}: {error}");
    for word in words {
        assert!(error.to_string().contains(word), "{name}: {error}");
    }
}

#[tokio::test]
async fn certificates_without_alternative_names_are_known_by_their_common_name() {
    let all = Certificates::new();
    all.issue("v1", "/CN=localhost", "ca", "");
    all.issue_with("rsa:2048", "v1-rsa", "/CN=LocalHost", "ca", "");
    all.issue("v3", "/O=acme/CN=localhost", "ca", LEAF);
    all.issue(
        "v3-usages",
        "/CN=localhost",
        "ca",
        "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth,serverAuth",
    );
    for name in ["v1", "v1-rsa", "v3", "v3-usages"] {
        accepts(&all, name, "ca").await;
    }
    // An intermediate authority, sent by the server.
    all.issue(
        "middle",
        "/CN=middle",
        "ca",
        "basicConstraints=critical,CA:TRUE",
    );
    all.issue("below", "/CN=localhost", "middle", LEAF);
    all.chain("below", "middle");
    accepts(&all, "below", "ca").await;
    // The authority and the server with the same name, as in RudderStack's recipe.
    all.self_signed("recipe-ca", "/CN=localhost", "");
    all.issue("recipe", "/CN=localhost", "recipe-ca", "");
    accepts(&all, "recipe", "recipe-ca").await;
}

#[tokio::test]
async fn an_old_fashioned_certificate_is_reported_once_and_a_proper_one_never() {
    let all = Certificates::new();
    all.issue("v1", "/CN=localhost", "ca", "");
    let (log, _guard) = Log::of_this_thread();
    accepts(&all, "server", "ca").await;
    assert_eq!(log.text(), "");
    let server = Server::start_with_certificate(&all, "v1", &NO_CLIENTS);
    let connection = Connection::new(settings(server.tls_port(), all.authority())).unwrap();
    connection.ping().await.unwrap();
    connection.another().ping().await.unwrap();
    let text = log.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in [
        "WARN",
        "no subjectAltName",
        "DNS:localhost",
        "openssl x509 -req",
    ] {
        assert!(text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_exactly_the_given_one() {
    let all = Certificates::new();
    all.self_signed("own", "/CN=localhost", "");
    all.self_signed("own-san", "/CN=x", "-addext subjectAltName=DNS:localhost");
    all.self_signed(
        "own-leaf",
        "/CN=localhost",
        "-addext basicConstraints=critical,CA:FALSE",
    );
    all.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout own-v1.key -out own-v1.csr");
    all.openssl("x509 -req -in own-v1.csr -signkey own-v1.key -days 2 -out own-v1.pem");
    for name in ["own", "own-san", "own-leaf", "own-v1"] {
        accepts(&all, name, name).await;
    }
    all.self_signed("twin", "/CN=localhost", "");
    all.self_signed(
        "other-san",
        "/CN=localhost",
        "-addext subjectAltName=DNS:else",
    );
    all.self_signed("other-cn", "/CN=else", "");
    all.self_signed(
        "client",
        "/CN=localhost",
        "-addext extendedKeyUsage=clientAuth",
    );
    all.self_signed("signer", "/CN=localhost", "-addext keyUsage=keyCertSign");
    refuses(&all, "twin", "own", &["ca_certificate"]).await;
    refuses(&all, "other-san", "other-san", &["server_name"]).await;
    refuses(
        &all,
        "other-cn",
        "other-cn",
        &["\"else\", not \"localhost\"", "server_name"],
    )
    .await;
    refuses(&all, "client", "client", &["serverAuth"]).await;
    refuses(&all, "signer", "signer", &["purpose"]).await;
    // The same where the name stands in a subjectAltName.
    let san = "subjectAltName=DNS:localhost";
    all.self_signed(
        "client-san",
        "/CN=x",
        &format!("-addext {san} -addext extendedKeyUsage=clientAuth"),
    );
    refuses(&all, "client-san", "client-san", &["serverAuth"]).await;
    all.issue_dated(
        "old",
        "old",
        &format!("basicConstraints=CA:TRUE\n{san}"),
        PAST,
    );
    std::fs::write(all.path("both.pem"), all.text("old.pem") + &all.authority()).unwrap();
    refuses(&all, "old", "both", &["expired", "renew"]).await;
    // What one server shows is no authority over others.
    all.issue(
        "child",
        "/CN=localhost",
        "own-leaf",
        "subjectAltName=DNS:localhost",
    );
    refuses(&all, "child", "own-leaf", &["ca_certificate"]).await;
    all.issue("child-v1", "/CN=localhost", "own-leaf", "");
    refuses(&all, "child-v1", "own-leaf", &["ca_certificate"]).await;
}

#[tokio::test]
async fn the_common_name_excuses_nothing_else() {
    let all = Certificates::new();
    all.self_signed("other", "/CN=authority", ""); // the name of `ca`, another key
    for (version, extensions) in [("v1", ""), ("v3", LEAF)] {
        let name = |what: &str| format!("{version}-{what}");
        all.issue(&name("other-ca"), "/CN=localhost", "other", extensions);
        all.issue(&name("other-host"), "/CN=else", "ca", extensions);
        all.issue(&name("two"), "/CN=localhost/CN=localhost", "ca", extensions);
        all.issue(&name("none"), "/O=localhost", "ca", extensions);
        all.issue_dated(&name("past"), "ca", extensions, PAST);
        all.issue_dated(&name("future"), "ca", extensions, FUTURE);
        refuses(
            &all,
            &name("other-ca"),
            "ca",
            &["none of the authorities in ca_certificate"],
        )
        .await;
        refuses(
            &all,
            &name("other-host"),
            "ca",
            &["\"else\", not \"localhost\"", "server_name"],
        )
        .await;
        refuses(
            &all,
            &name("two"),
            "ca",
            &["2 common names", "subjectAltName"],
        )
        .await;
        refuses(
            &all,
            &name("none"),
            "ca",
            &["0 common names", "subjectAltName"],
        )
        .await;
        refuses(&all, &name("past"), "ca", &["expired", "renew"]).await;
        refuses(&all, &name("future"), "ca", &["clocks"]).await;
    }
    all.issue(
        "other-san",
        "/CN=localhost",
        "ca",
        "subjectAltName=DNS:else",
    );
    refuses(&all, "other-san", "ca", &["server_name"]).await;
    all.issue(
        "mail-san",
        "/CN=localhost",
        "ca",
        "subjectAltName=email:a@localhost",
    );
    refuses(&all, "mail-san", "ca", &["server_name"]).await;
    all.issue(
        "client",
        "/CN=localhost",
        "ca",
        "extendedKeyUsage=clientAuth",
    );
    refuses(&all, "client", "ca", &["serverAuth"]).await;
    all.issue("signer", "/CN=localhost", "ca", "keyUsage=keyCertSign");
    refuses(&all, "signer", "ca", &["purpose"]).await;
}

#[tokio::test]
async fn only_authorities_sign() {
    let all = Certificates::new();
    for (version, extensions) in [("v1", ""), ("v3", LEAF)] {
        let (issuer, leaf) = (format!("{version}-issuer"), format!("{version}-leaf"));
        all.issue(&issuer, "/CN=issuer", "ca", extensions);
        for (kind, extensions) in [
            ("v1", ""),
            ("v3", LEAF),
            ("san", "subjectAltName=DNS:localhost"),
        ] {
            let leaf = format!("{leaf}-{kind}");
            all.issue(&leaf, "/CN=localhost", &issuer, extensions);
            all.chain(&leaf, &issuer);
            refuses(&all, &leaf, "ca", &[]).await;
        }
        // Not even when somebody gives it as one.
        let given = settings(1, all.text(&format!("{issuer}.pem"))).validate();
        let error = given.unwrap_err().to_string();
        assert!(error.contains("not of an authority"), "{error}");
    }
    // Names that an authority may not sign stay forbidden in a common name.
    all.self_signed(
        "narrow",
        "/CN=narrow",
        "-addext nameConstraints=critical,permitted;DNS:example.com",
    );
    all.issue("outside-v1", "/CN=localhost", "narrow", "");
    all.issue("outside-v3", "/CN=localhost", "narrow", LEAF);
    refuses(&all, "outside-v1", "narrow", &["constrains names"]).await;
    refuses(&all, "outside-v3", "narrow", &["constrains names"]).await;
}

#[tokio::test]
async fn both_versions_of_tls_work_with_all_versions_of_certificates() {
    let all = Certificates::new();
    all.issue("v1", "/CN=localhost", "ca", "");
    all.issue_with("rsa:2048", "v1-rsa", "/CN=localhost", "ca", "");
    for protocol in ["TLSv1.2", "TLSv1.3"] {
        for name in ["server", "v1", "v1-rsa"] {
            let options = ["--tls-auth-clients", "no", "--tls-protocols", protocol];
            let server = Server::start_with_certificate(&all, name, &options);
            let verified = settings(server.tls_port(), all.authority());
            let skipped = Settings {
                skip_verify: true,
                ca_certificate: None,
                ..verified.clone()
            };
            for settings in [verified, skipped] {
                let result = ping(settings).await;
                assert!(result.is_ok(), "{protocol} {name}: {result:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_name_can_be_another_than_the_address() {
    let all = Certificates::new();
    all.issue("ip", "/CN=127.0.0.1", "ca", "");
    let server = Server::start_with_certificate(&all, "ip", &NO_CLIENTS);
    let address = format!("127.0.0.1:{}", server.tls_port());
    let by_ip = Settings {
        address: address.clone(),
        ..settings(1, all.authority())
    };
    ping(by_ip).await.unwrap();
    all.issue(
        "internal",
        "/CN=redis",
        "ca",
        "subjectAltName=DNS:redis.internal",
    );
    let server = Server::start_with_certificate(&all, "internal", &NO_CLIENTS);
    let by_ip = Settings {
        address: format!("127.0.0.1:{}", server.tls_port()),
        ..settings(1, all.authority())
    };
    let error = ping(by_ip.clone()).await.unwrap_err();
    assert!(error.to_string().contains("set server_name"), "{error}");
    assert!(
        error
            .to_string()
            .contains("is for redis.internal, not for 127.0.0.1"),
        "{error}"
    );
    let named = Settings {
        server_name: Some("redis.internal".to_owned()),
        ..by_ip
    };
    ping(named).await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_who_we_are_gets_our_certificate() {
    let all = Certificates::new();
    all.issue("me", "/CN=kenwell", "ca", "extendedKeyUsage=clientAuth");
    all.self_signed("stranger", "/CN=kenwell", "");
    for protocol in ["TLSv1.2", "TLSv1.3"] {
        let options = ["--tls-auth-clients", "yes", "--tls-protocols", protocol];
        let server = Server::start_with_certificate(&all, "server", &options);
        let nobody = settings(server.tls_port(), all.authority());
        let with = |name: &str| Settings {
            client_certificate: Some(all.text(&format!("{name}.pem"))),
            client_key: Some(Secret::new(
                all.path(&format!("{name}.key")).to_str().unwrap(),
            )),
            ..nobody.clone()
        };
        ping(with("me")).await.unwrap();
        for (settings, words) in [
            (nobody.clone(), "set client_certificate and client_key"),
            (with("stranger"), "the server refused client_certificate"),
        ] {
            let error = ping(settings).await.unwrap_err();
            assert_eq!(error.class(), Class::Configuration, "{protocol}: {error}");
            assert!(error.to_string().contains(words), "{protocol}: {error}");
        }
    }
}

#[tokio::test]
async fn stunnel_in_front_of_redis_works_as_its_recipes_say() {
    let all = Certificates::new();
    all.self_signed("recipe-ca", "/CN=localhost", "");
    all.issue_with("rsa:2048", "recipe", "/CN=localhost", "recipe-ca", "");
    all.issue("wrong", "/CN=else", "recipe-ca", "");
    let redis = Server::start(&[]);
    let good = Stunnel::start(&all, "recipe", &redis.address());
    ping(settings(good.port(), all.text("recipe-ca.pem")))
        .await
        .unwrap();
    let proper = Stunnel::start(&all, "server", &redis.address());
    ping(settings(proper.port(), all.authority()))
        .await
        .unwrap();
    for (port, authority) in [
        (good.port(), all.authority()),
        (
            Stunnel::start(&all, "wrong", &redis.address()).port(),
            all.text("recipe-ca.pem"),
        ),
    ] {
        let error = ping(settings(port, authority)).await.unwrap_err();
        assert!(!matches!(error, Error::Lost { .. }), "{error}");
    }
}

#[test]
fn bad_settings_say_what_to_change() {
    let all = Certificates::new();
    all.issue("me", "/CN=me", "ca", LEAF);
    all.issue_dated("old", "old", "basicConstraints=critical,CA:TRUE", PAST);
    all.issue_dated("new", "new", "basicConstraints=critical,CA:TRUE", FUTURE);
    all.openssl("pkey -in me.key -aes128 -passout pass:1234 -out locked.key");
    let good = settings(1, all.authority());
    let authority = |pem: &str| Settings {
        ca_certificate: Some(pem.to_owned()),
        ..good.clone()
    };
    let identity = |certificate: Option<&str>, key: Option<&str>| Settings {
        client_certificate: certificate.map(|name| all.text(name)),
        client_key: key.map(|name| Secret::new(all.text(name))),
        ..good.clone()
    };
    let name = |name: &str| Settings {
        server_name: Some(name.to_owned()),
        ..good.clone()
    };
    let cut = all.authority()[..200].to_owned();
    for (settings, words) in [
        (
            authority("certificate"),
            "`ca_certificate`: neither PEM text nor",
        ),
        (
            authority(&all.authority().replace("MII", "M!I")),
            "`ca_certificate`: not PEM",
        ),
        (authority("/no/such/file.pem"), "readable file"),
        (authority(&cut), "`ca_certificate`: its PEM is cut off"),
        (
            authority(&all.text("me.key")),
            "no certificate in it, but a private key",
        ),
        (authority(&all.text("me.csr")), "a certificate request"),
        (
            authority("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "no X.509",
        ),
        (authority(&all.text("me.pem")), "not of an authority"),
        (
            identity(Some("me.pem"), None),
            "`client_key`: client_certificate is given without",
        ),
        (
            identity(None, Some("me.key")),
            "`client_certificate`: client_key is given without",
        ),
        (
            identity(Some("me.pem"), Some("ca.key")),
            "`client_key`: it is not the key of",
        ),
        (
            identity(Some("me.pem"), Some("locked.key")),
            "encrypted; write it out",
        ),
        (
            identity(Some("me.pem"), Some("me.csr")),
            "no private key in it",
        ),
        (
            name("localhost:1"),
            "`server_name`: a certificate cannot name",
        ),
    ] {
        let error = settings.validate().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.class(), Class::Configuration);
    }
    // Paths are as good as texts, and one authority of several may have expired.
    let path = |name: &str| Some(all.path(name).to_str().unwrap().to_owned());
    let by_path = Settings {
        ca_certificate: path("ca.pem"),
        client_certificate: path("me.pem"),
        client_key: path("me.key").map(Secret::new),
        ..good.clone()
    };
    by_path.validate().unwrap();
    let both = all.text("old.pem") + &all.authority();
    authority(&both).validate().unwrap();
}
