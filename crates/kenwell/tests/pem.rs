//! Certificates and keys in every form in which people have them: taken as they are, or named for what they are.

use std::fs;

use crate::support::certificates::Certificates;
use kenwell::connection::{Secret, Settings, pem};

/// What the settings say about files; empty when nothing is wrong.
fn judged(all: &Certificates, authority: &str, certificate: &str, key: &str) -> String {
    let path = |name: &str| all.path(name).to_str().unwrap().to_owned();
    let given = |name: &str| (!name.is_empty()).then(|| path(name));
    let settings = Settings {
        secure: true,
        ca_certificate: given(authority),
        client_certificate: given(certificate),
        client_key: given(key).map(Secret::new),
        ..Settings::new("localhost:1")
    };
    settings
        .validate()
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn what_stands_outside_of_the_markers_counts_for_nothing() {
    let all = Certificates::new();
    all.issue("me", "/CN=me", "ca", "");
    all.self_signed("other", "/CN=other", "");
    let (first, second) = (all.authority(), all.text("other.pem"));
    let bags = "Bag Attributes\n    localKeyID: 01 02\nsubject=/CN=x\nissuer=/CN=y\n";
    let joined = first.trim_end().to_owned() + second.trim_end();
    assert!(joined.contains("-----END CERTIFICATE----------BEGIN CERTIFICATE-----"));
    let latin_1 = b"# M\xfcller & S\xf6hne\n".to_vec();
    let forms: [(&str, Vec<u8>); 8] = [
        ("plain", (first.clone() + &second).into()),
        ("joined", joined.into()),
        (
            "latin-1",
            [&latin_1, first.as_bytes(), &latin_1, second.as_bytes()].concat(),
        ),
        ("bom", format!("\u{feff}{first}{second}").into()),
        (
            "crlf",
            (first.clone() + &second).replace('\n', "\r\n").into(),
        ),
        ("bags", format!("{bags}{first}{bags}{second}").into()),
        (
            "indented",
            (first.clone() + &second).replace('\n', "\n    ").into(),
        ),
        (
            "escaped",
            (first.clone() + &second).replace('\n', "\\n").into(),
        ),
    ];
    for (form, bytes) in forms {
        fs::write(all.path("form.pem"), &bytes).unwrap();
        let text = pem::read_file("ca_certificate", &all.path("form.pem")).unwrap();
        let found = pem::certificates("ca_certificate", &text).unwrap();
        assert_eq!(found.len(), 2, "{form}: no authority may be dropped");
        assert_eq!(judged(&all, "form.pem", "", ""), "", "{form}");
    }
    let key = [&latin_1, all.text("me.key").as_bytes(), &latin_1].concat();
    fs::write(all.path("form.key"), key).unwrap();
    assert_eq!(judged(&all, "ca.pem", "me.pem", "form.key"), "");
    // Both in one file, as many programs want it.
    let both = format!("{bags}{}{bags}{}", all.text("me.key"), all.text("me.pem"));
    fs::write(all.path("both.pem"), both).unwrap();
    assert_eq!(judged(&all, "ca.pem", "both.pem", "both.pem"), "");
}

#[test]
fn a_damaged_certificate_is_never_left_out() {
    let all = Certificates::new();
    let good = all.authority();
    let cut = &good[..good.len() - 40];
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (bad, says) in [
        (format!("{good}{cut}"), "block 2 has no -----END"),
        (format!("{cut}{good}"), "block 1 has no -----END"),
        (format!("{good}{}", good.replace("MII", "M!I")), "damaged"),
        (format!("{good}{junk}"), "certificate 2 of 2"),
        (
            format!(
                "{good}{}",
                good.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
            ),
            "openssl x509 -in FILE -out NEW",
        ),
    ] {
        fs::write(all.path("bad.pem"), &bad).unwrap();
        let said = judged(&all, "bad.pem", "", "");
        assert!(said.contains(says), "{said}\n{bad}");
    }
}

#[test]
fn other_forms_are_named_with_the_command_that_converts_them() {
    let all = Certificates::new();
    all.issue("me", "/CN=me", "ca", "");
    let utf_16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(all.authority().encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    fs::write(all.path("utf-16.pem"), utf_16).unwrap();
    let without_mark: Vec<u8> = format!("# x\n{}", all.authority())
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(all.path("no-mark.pem"), without_mark).unwrap();
    let authority = all.authority();
    let bare: Vec<_> = authority
        .lines()
        .filter(|line| !line.contains("-----"))
        .collect();
    fs::write(all.path("bare.pem"), bare.join("\n")).unwrap();
    fs::write(all.path("keystore.jks"), b"\xfe\xed\xfe\xed\0\0\0\x02").unwrap();
    fs::write(all.path("noise"), b"\0\x01\x02\x03").unwrap();
    for command in [
        "pkcs12 -export -in me.pem -inkey me.key -passout pass:1234 -out me.p12",
        "crl2pkcs7 -nocrl -certfile me.pem -out me.p7b",
        "crl2pkcs7 -nocrl -certfile me.pem -outform der -out der.p7b",
        "x509 -in me.pem -outform der -out me.der",
        "req -in me.csr -outform der -out csr.der",
        "pkey -in me.key -outform der -out key.der",
        "pkcs8 -topk8 -nocrypt -in me.key -outform der -out pkcs8.der",
        "pkcs8 -topk8 -in me.key -passout pass:1234 -outform der -out locked.der",
        "genpkey -algorithm ed25519 -outform der -out ed25519.der",
        "pkcs8 -topk8 -in me.key -passout pass:1234 -out locked.key",
        "ec -in me.key -aes128 -passout pass:1234 -out locked-sec1.key",
        "base64 -in ca.pem -out encoded.pem",
        "genrsa -traditional -aes128 -passout pass:1234 -out locked-rsa.key 2048",
    ] {
        all.openssl(command);
    }
    let ca = "ca.pem";
    for (authority, certificate, key, says) in [
        ("me.p12", "", "", "PKCS#12"),
        ("me.p12", "", "", "openssl pkcs12 -nodes -in FILE"),
        ("me.p7b", "", "", "openssl pkcs7 -print_certs"),
        ("der.p7b", "", "", "openssl pkcs7 -inform der -print_certs"),
        ("me.der", "", "", "openssl x509 -inform der"),
        ("csr.der", "", "", "certificate request"),
        ("utf-16.pem", "", "", "iconv -f UTF-16"),
        ("no-mark.pem", "", "", "iconv -f UTF-16LE"),
        ("bare.pem", "", "", "without the markers of PEM"),
        ("encoded.pem", "", "", "base64 -d"),
        ("keystore.jks", "", "", "keytool"),
        ("noise", "", "", "binary data"),
        (
            ca,
            "me.p12",
            "me.key",
            "`client_certificate`: the file holds PKCS#12",
        ),
        (
            ca,
            "me.pem",
            "me.p12",
            "`client_key`: the file holds PKCS#12",
        ),
        (ca, "me.pem", "key.der", "openssl pkey -inform der"),
        (ca, "me.pem", "pkcs8.der", "openssl pkey -inform der"),
        (ca, "me.pem", "ed25519.der", "openssl pkey -inform der"),
        (ca, "me.pem", "locked.der", "openssl pkcs8 -inform der"),
        (ca, "me.pem", "locked.key", "openssl pkey -in KEY -out NEW"),
        (ca, "me.pem", "locked-sec1.key", "the key is encrypted"),
        (ca, "me.pem", "locked-rsa.key", "the key is encrypted"),
        (
            ca,
            "me.key",
            "me.pem",
            "exchange the values of client_certificate and client_key",
        ),
        (
            ca,
            "me.pem",
            "me.pem",
            "no private key in it, but a certificate",
        ),
        ("me.key", "", "", "no certificate in it, but a private key"),
    ] {
        let said = judged(&all, authority, certificate, key);
        assert!(
            said.contains(says),
            "{authority} {certificate} {key}: {said}"
        );
        let secret = all.text("me.key");
        assert!(!said.contains(secret.lines().nth(1).unwrap()), "{said}");
    }
}
