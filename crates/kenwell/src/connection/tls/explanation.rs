//! What a failed handshake means, and what to do about it: the one place that has words for it.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError};

use crate::Error;
use crate::cause::find_cause;

/// The longest sentence that is made of what a stranger's certificate says, in characters.
const MAX_SHOWN: usize = 400;

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{says}; {cure}")]
pub(crate) struct Explanation {
    /// A sentence without full stop.
    pub(crate) says: String,
    /// The same; it names the setting.
    pub(crate) cure: String,
}

/// What is known about our side of a handshake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientSide {
    /// Whether we have a client certificate.
    pub(super) has_identity: bool,
    /// What is wrong with it at this moment, such as `expired on …`.
    pub(super) identity_problem: Option<String>,
    /// Whether the server has asked for one.
    pub(super) was_asked: bool,
}

impl Explanation {
    /// Names in certificates are a stranger's words: they get no line of their own, and no more than a line.
    pub(crate) fn new(says: impl AsRef<str>, cure: impl Into<String>) -> Self {
        let says = says.as_ref().chars().take(MAX_SHOWN);
        Self {
            says: says.map(|c| if c.is_control() { '?' } else { c }).collect(),
            cure: cure.into(),
        }
    }

    /// The error of a handshake with this server.
    pub(in crate::connection) fn into_error(self, address: Arc<str>, source: io::Error) -> Error {
        Error::Tls {
            address,
            problem: self.says,
            cure: self.cure,
            source: Arc::new(source),
        }
    }
}

/// Says it in words. What is about the server's certificate was explained where it was refused.
pub(super) fn explain(error: &rustls::Error, ours: &ClientSide) -> Explanation {
    let (says, cure) = match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            return other.0.downcast_ref().cloned().unwrap_or_else(|| {
                Explanation::new(other.to_string(), "give the server another certificate")
            });
        }
        rustls::Error::InvalidCertificate(refusal) => {
            return Explanation::new(
                certificate(refusal),
                "give the server another certificate, or trust the authority that signed this one",
            );
        }
        rustls::Error::AlertReceived(alert) => return refused_by_server(*alert, ours),
        rustls::Error::InvalidMessage(_) => (
            "the server does not speak TLS on this port",
            "set secure = false, or give its TLS port in address",
        ),
        rustls::Error::PeerIncompatible(_) => (
            "the server and Kenwell have no version, cipher or kind of key of TLS in common",
            "the server must allow TLS 1.2 or 1.3 (`tls-protocols`, `tls-ciphers` of Redis), with ciphers of the kind ECDHE and AES-GCM or ChaCha20",
        ),
        rustls::Error::NoCertificatesPresented => (
            "the server shows no certificate",
            "give it one (`tls-cert-file` of Redis, `cert` of stunnel)",
        ),
        rustls::Error::DecryptError | rustls::Error::PeerSentOversizedRecord => (
            "what the server sent cannot be decrypted",
            "look whether something on the way changes what is sent",
        ),
        rustls::Error::FailedToGetCurrentTime => (
            "this machine has no clock",
            "set its clock: certificates cannot be judged without",
        ),
        _ => (
            "the server breaks the rules of TLS",
            "check that address is the port where Redis speaks TLS",
        ),
    };
    Explanation::new(says, cure)
}

/// What the handshake with a server failed on, in words; `None` when TLS has nothing to do with it.
pub fn tls_reason(error: &io::Error) -> Option<String> {
    let ours = ClientSide::default();
    find_cause(error).map(|error| explain(error, &ours).says)
}

/// A refusal of a certificate that is not at hand any more.
fn certificate(refusal: &CertificateError) -> &'static str {
    match refusal {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "none of the authorities that are trusted signed the server's certificate"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired, or this machine's clock is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet, or this machine's clock is wrong"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is for another purpose"
        }
        _ => {
            "the server's certificate cannot be used: its version, key or signature is not supported"
        }
    }
}

fn refused_by_server(alert: AlertDescription, ours: &ClientSide) -> Explanation {
    use AlertDescription as Alert;
    let word = words(alert);
    match alert {
        Alert::ProtocolVersion | Alert::InsufficientSecurity => Explanation::new(
            format!("the server refuses: {word}"),
            "the server must allow TLS 1.2 or 1.3",
        ),
        Alert::UnrecognisedName => Explanation::new(
            format!("the server refuses: {word}"),
            "set server_name to a name that the server knows",
        ),
        Alert::InternalError => Explanation::new(
            format!("the server refuses: {word}"),
            "see the server's log",
        ),
        _ => match (&ours.identity_problem, ours.has_identity) {
            (Some(problem), _) => Explanation::new(
                format!("the server refused client_certificate ({word}), which {problem}"),
                "renew client_certificate, or check the clocks of both machines",
            ),
            (None, true) if alert != Alert::HandshakeFailure || ours.was_asked => Explanation::new(
                format!("the server refused client_certificate ({word})"),
                "use one that is valid and signed by an authority that the server trusts (`tls-ca-cert-file` of Redis)",
            ),
            (None, false) if alert == Alert::CertificateRequired || ours.was_asked => {
                Explanation::new(
                    format!("the server wants a client certificate ({word})"),
                    "set client_certificate and client_key, or set `tls-auth-clients no` in Redis",
                )
            }
            (None, _) if alert == Alert::HandshakeFailure => Explanation::new(
                "the server finds no cipher or kind of key of TLS in common with Kenwell",
                "the server's key must be RSA of 2048 bits or more, ECDSA P-256/P-384 or Ed25519, and its ciphers of the kind ECDHE and AES-GCM or ChaCha20",
            ),
            (None, _) => Explanation::new(
                format!("the server refuses: {word}"),
                "see the server's log; if it wants a client certificate, set client_certificate and client_key",
            ),
        },
    }
}

/// What an alert of TLS means.
fn words(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::HandshakeFailure => "nothing in common, or something is missing",
        Alert::BadCertificate => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported kind of certificate",
        Alert::CertificateRevoked => "revoked certificate",
        Alert::CertificateExpired => "expired certificate",
        Alert::CertificateUnknown => "certificate not accepted",
        Alert::UnknownCA => "unknown authority",
        Alert::AccessDenied => "access denied",
        Alert::DecryptError => "a signature that does not fit",
        Alert::ProtocolVersion => "this version of TLS is not allowed",
        Alert::InsufficientSecurity => "its ciphers are not good enough",
        Alert::InternalError => "an error of its own",
        Alert::UnrecognisedName => "no such name here",
        Alert::CertificateRequired => "certificate required",
        Alert::NoApplicationProtocol => "it speaks another protocol",
        _ => "it gives no reason that Kenwell knows",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use AlertDescription as Alert;

    #[test]
    fn each_alert_has_a_cure_that_fits_our_side() {
        let nobody = ClientSide::default();
        let asked = ClientSide {
            was_asked: true,
            ..ClientSide::default()
        };
        let somebody = ClientSide {
            has_identity: true,
            was_asked: true,
            ..ClientSide::default()
        };
        let late = ClientSide {
            identity_problem: Some("expired on Monday".to_owned()),
            ..somebody.clone()
        };
        for (alert, ours, says) in [
            (Alert::ProtocolVersion, &nobody, "TLS 1.2 or 1.3"),
            (Alert::UnrecognisedName, &nobody, "server_name"),
            (
                Alert::CertificateRequired,
                &nobody,
                "set client_certificate and client_key",
            ),
            (
                Alert::HandshakeFailure,
                &asked,
                "set client_certificate and client_key",
            ),
            (Alert::HandshakeFailure, &nobody, "kind of key"),
            (
                Alert::UnknownCA,
                &somebody,
                "refused client_certificate (unknown authority)",
            ),
            (
                Alert::HandshakeFailure,
                &somebody,
                "refused client_certificate",
            ),
            (Alert::CertificateExpired, &late, "which expired on Monday"),
            (Alert::InternalError, &somebody, "log"),
        ] {
            let text = explain(&rustls::Error::AlertReceived(alert), ours).to_string();
            assert!(text.contains(says), "{alert:?}: {text}");
            assert!(!text.contains("HandshakeFailure"), "{text}");
        }
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let text = explain(&plain, &nobody).to_string();
        assert!(text.contains("secure = false"), "{text}");
    }

    #[test]
    fn a_strangers_words_get_one_line() {
        let says = Explanation::new(format!("a\nb{}", "x".repeat(10_000)), "cure").says;
        assert!(
            says.starts_with("a?bx") && says.len() == MAX_SHOWN,
            "{says}"
        );
    }
}
