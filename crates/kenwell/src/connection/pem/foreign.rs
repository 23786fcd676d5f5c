//! What a file holds that is no PEM, and the command that makes PEM of it.

use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

/// `SEQUENCE`, with which everything in DER begins here.
const SEQUENCE: u8 = 0x30;
/// The object identifier of PKCS#7 "signed data", as DER has it.
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// The beginning of those of encrypted private keys (PKCS#5 and PKCS#12).
const ENCRYPTION_5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5];
const ENCRYPTION_12: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12];
/// How far into a file its kind shows.
const HEAD: usize = 64;

/// What it is, and what to do; `None` when it is text, which may be PEM.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'-', ..] | [b'-', 0, ..] => Some(
            "UTF-16 text, as Windows writes it; convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW",
        ),
        [0xfe, 0xed, 0xfe, 0xed, ..] => Some(
            "a Java keystore; convert it: keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype pkcs12, and then openssl pkcs12 -nodes -in NEW.p12 -out NEW",
        ),
        [SEQUENCE, second, ..] if *second >= 0x80 => Some(der(bytes)),
        // Shorter than 128 bytes, as the keys of Ed25519 and of small curves are.
        [SEQUENCE, length, ..] if bytes.len() == usize::from(*length) + 2 => Some(der(bytes)),
        _ if is_utf_16(bytes) => Some(
            "UTF-16 text, as Windows writes it; convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW",
        ),
        _ if bytes.trim_ascii_start().starts_with(b"LS0tLS1CRUdJTi") => Some(
            "PEM that is encoded in base64, as in a Secret of Kubernetes; decode it: base64 -d FILE > NEW",
        ),
        _ if bytes.trim_ascii_start().starts_with(b"MII") => Some(
            "base64 without the markers of PEM; put a line -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- behind it (PRIVATE KEY for a key)",
        ),
        _ if bytes.contains(&0) => Some("binary data; give a PEM file"),
        _ => None,
    }
}

/// Whether each second byte is zero, as in Latin text without a byte order mark.
fn is_utf_16(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 16;
    let is_zero = |first: usize| {
        let mut every_second = bytes.iter().skip(first).step_by(2).take(LOOKED_AT / 2);
        every_second.all(|byte| *byte == 0)
    };
    bytes.len() >= LOOKED_AT && (is_zero(0) != is_zero(1))
}

fn der(bytes: &[u8]) -> &'static str {
    if X509Certificate::from_der(bytes).is_ok() {
        return "a certificate in DER form; convert it: openssl x509 -inform der -in FILE -out NEW";
    }
    if X509CertificationRequest::from_der(bytes).is_ok() {
        return "a certificate request in DER form; give the certificate that an authority makes of it";
    }
    let head = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    // What follows the outer tag and its length.
    match after_length(head) {
        [2, 1, 3, SEQUENCE, ..] => {
            "PKCS#12 (.p12, .pfx); convert it: openssl pkcs12 -nodes -in FILE -out NEW"
        }
        inner if inner.starts_with(SIGNED_DATA) => {
            "PKCS#7 in DER form (.p7b); convert it: openssl pkcs7 -inform der -print_certs -in FILE -out NEW"
        }
        [2, 1, 0 | 1, ..] => {
            "a private key in DER form; convert it: openssl pkey -inform der -in FILE -out NEW"
        }
        [SEQUENCE, ..] if has(ENCRYPTION_5) || has(ENCRYPTION_12) => {
            "an encrypted private key in DER form; convert it: openssl pkcs8 -inform der -in FILE -out NEW"
        }
        _ => "binary data (DER); give a PEM file",
    }
}

/// The content of an element, as far as it is there.
fn after_length(bytes: &[u8]) -> &[u8] {
    let length_bytes = match bytes.get(1) {
        Some(length) if *length > 0x80 => usize::from(length & 0x7f),
        _ => 0,
    };
    bytes.get(2 + length_bytes..).unwrap_or_default()
}
