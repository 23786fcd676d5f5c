//! The certificates of the listeners.

use std::fs;

use super::certificates::Certificates;
use super::{ROUTE, load_in};

/// What is said about these lines in `[gateway]`, with the files of `certificates` beside them.
fn complaint(certificates: &Certificates, lines: &str) -> String {
    let folder = certificates.path("ca.pem").parent().unwrap().to_owned();
    let text = format!("[gateway]\n{lines}\n{ROUTE}");
    match load_in(&folder, &text, &[]) {
        Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn an_identity_is_read_from_files_and_from_text() {
    let all = Certificates::new();
    let folder = all.path("ca.pem").parent().unwrap().to_owned();
    let files = "tls_certificate = \"server.pem\"\ntls_key = \"server.key\"";
    let text = format!(
        "tls_certificate = '''{}'''\ntls_key = '''{}'''",
        all.text("server.pem"),
        all.text("server.key")
    );
    for section in ["gateway", "private"] {
        for (lines, path) in [(files, Some(all.path("server.pem"))), (&text, None)] {
            let config = format!("[{section}]\n{lines}\n{ROUTE}");
            let config = load_in(&folder, &config, &[]).unwrap().config;
            let identity = match section {
                "gateway" => config.gateway.tls,
                _ => config.private.tls,
            };
            let identity = identity.unwrap();
            assert_eq!(identity.certificate.path(), path.as_deref());
            assert!(!format!("{identity:?}").contains("BEGIN"));
        }
    }
}

#[test]
fn what_cannot_be_used_is_explained() {
    let all = Certificates::new();
    all.openssl("pkey -in server.key -aes128 -passout pass:1234 -out locked.key");
    all.issue_with("rsa:1024", "short", "/CN=localhost", "ca", "");
    all.issue_with(
        "ec -pkeyopt ec_paramgen_curve:P-521",
        "p521",
        "/CN=localhost",
        "ca",
        "",
    );
    all.openssl(
        "pkcs12 -export -in server.pem -inkey server.key -passout pass:1234 -out server.p12",
    );
    all.openssl("x509 -in server.pem -outform der -out server.der");
    all.openssl("pkey -in server.key -outform der -out der.key");
    all.issue_dated(
        "old",
        "ca",
        "subjectAltName=DNS:localhost",
        ["20200101000000Z", "20210101000000Z"],
    );
    let both = |certificate: &str, key: &str| {
        format!("tls_certificate = \"{certificate}\"\ntls_key = \"{key}\"")
    };
    fs::write(all.path("empty.pem"), "").unwrap();
    for (lines, words) in [
        (
            "tls_certificate = \"server.pem\"".to_owned(),
            "no use without tls_key",
        ),
        (
            "tls_key = \"server.key\"".to_owned(),
            "no use without tls_certificate",
        ),
        (
            both("server.pem", "ca.key"),
            "not the key of tls_certificate",
        ),
        (both("server.pem", "locked.key"), "the key is encrypted"),
        (both("server.pem", "server.pem"), "no private key in it"),
        (
            both("server.key", "server.pem"),
            "exchange the values of tls_certificate and tls_key",
        ),
        (both("empty.pem", "server.key"), "no certificate in it"),
        (both("not-there.pem", "server.key"), "not-there.pem"),
        (both("server.pem", "not-there.key"), "readable file"),
        (both("old.pem", "old.key"), "expired on Jan  1"),
        (both("short.pem", "short.key"), "an RSA key of 1024 bits"),
        (both("p521.pem", "p521.key"), "P-521"),
        (both("server.p12", "server.key"), "PKCS#12"),
        (both("server.pem", "server.p12"), "openssl pkcs12 -nodes"),
        (both("server.der", "server.key"), "openssl x509 -inform der"),
        (both("server.pem", "der.key"), "openssl pkey -inform der"),
    ] {
        let said = complaint(&all, &lines);
        assert!(
            said.contains(words) && said.contains("fix: "),
            "{lines}: {said}"
        );
        assert!(said.contains("gateway.tls_"), "{lines}: {said}");
        let key = all.text("server.key");
        let secret = key.lines().nth(1).unwrap();
        assert!(!said.contains(secret), "{said}");
    }
    // The certificates of the tests end in two days.
    let good = complaint(&all, &both("server.pem", "server.key"));
    assert!(good.contains("expires on"), "{good}");
    // Also an old-fashioned one is shown: clients judge it.
    all.issue("v1", "/CN=localhost", "ca", "");
    let v1 = complaint(&all, &both("v1.pem", "v1.key"));
    assert!(v1.contains("expires on"), "{v1}");
}
