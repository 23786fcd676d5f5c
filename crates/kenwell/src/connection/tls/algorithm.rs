//! Keys and signatures that are too weak or too rare to be taken, said in words.

use rustls::crypto::WebPkiSupportedAlgorithms;
use x509_parser::der_parser::oid::Oid;
use x509_parser::prelude::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::signature;

/// What to use instead.
pub(super) const INSTEAD: &str = "use an RSA key of 2048 to 4096 bits, ECDSA P-256/P-384 or Ed25519, signed with SHA-256 or better";

/// The sizes of RSA keys, in bits, that can be verified.
const VERIFIABLE: [usize; 2] = [2048, 8192];
/// Those that can sign.
const SIGNING: [usize; 2] = [2048, 4096];

const KEYS: [(&str, &str); 4] = [
    (
        "1.2.840.113549.1.1.10",
        "is an RSA-PSS key (id-RSASSA-PSS), which is not supported; an ordinary RSA key (rsaEncryption) is",
    ),
    ("1.3.101.113", "is an Ed448 key, which is not supported"),
    (
        "1.2.840.10040.4.1",
        "is a DSA key, which TLS does not use any more",
    ),
    ("1.2.643.7.1.1.1.1", "is a GOST key, which is not supported"),
];

const CURVES: [(&str, &str); 4] = [
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.1", "P-192"),
];
const SUPPORTED_CURVES: [&str; 2] = ["1.2.840.10045.3.1.7", "1.3.132.0.34"];

const SIGNATURES: [(&str, &str); 9] = [
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
    ("1.2.840.113549.1.1.14", "SHA-224"),
    ("1.2.840.10045.4.3.1", "SHA-224"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.113", "Ed448"),
    ("1.2.840.113549.1.1.10", "RSA-PSS with unusual parameters"),
];

/// Why nothing can be verified with the key of this certificate, such as `has an RSA key of 1024 bits, …`.
pub(super) fn unverifiable(key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    key_problem(key, VERIFIABLE)
}

/// Why we can sign nothing with the key of this certificate.
pub(super) fn unsignable(key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    key_problem(key, SIGNING)
}

fn key_problem(key: &SubjectPublicKeyInfo<'_>, [least, most]: [usize; 2]) -> Option<String> {
    let name = key.algorithm.algorithm.to_id_string();
    if let Some((_, problem)) = KEYS.iter().find(|(id, _)| *id == name) {
        return Some((*problem).to_owned());
    }
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let bits = significant_bits(rsa.modulus);
            if bits < least {
                Some(format!("is an RSA key of {bits} bits, which is too short"))
            } else if bits > most {
                Some(format!(
                    "is an RSA key of {bits} bits, which is longer than {most}"
                ))
            } else {
                None
            }
        }
        Ok(PublicKey::EC(_)) => curve_problem(&key.algorithm),
        _ => None,
    }
}

/// Leading zeros do not count.
fn significant_bits(modulus: &[u8]) -> usize {
    let start = modulus
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(modulus.len());
    let digits = modulus.get(start..).unwrap_or_default();
    let unused = digits.first().map_or(0, |first| first.leading_zeros());
    digits.len() * 8 - usize::try_from(unused).unwrap_or_default()
}

fn curve_problem(algorithm: &AlgorithmIdentifier<'_>) -> Option<String> {
    let curve = algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| Oid::try_from(parameters.clone()).ok())
        .map(|id| id.to_id_string());
    let Some(curve) = curve else {
        return Some("is an ECDSA key with a curve of its own, which is not supported".to_owned());
    };
    if SUPPORTED_CURVES.contains(&curve.as_str()) {
        return None;
    }
    let known = CURVES.iter().find(|(id, _)| *id == curve);
    let name = known.map_or(curve.as_str(), |(_, name)| *name);
    Some(format!(
        "is an ECDSA key on the curve {name}, which is not supported"
    ))
}

/// Why the signature on this certificate is never verified, such as `is signed with SHA-1, …`.
pub(super) fn unverifiable_signature(
    certificate: &X509Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Option<String> {
    let found = signature::content(&certificate.signature_algorithm);
    let is_known = algorithms
        .all
        .iter()
        .any(|known| known.signature_alg_id().as_ref() == found);
    if is_known {
        return None;
    }
    let id = certificate.signature_algorithm.algorithm.to_id_string();
    let known = SIGNATURES.iter().find(|(known, _)| *known == id);
    let name = known.map_or(id.as_str(), |(_, name)| *name);
    Some(format!(
        "is signed with {name}, which is not trusted any more or not supported"
    ))
}
