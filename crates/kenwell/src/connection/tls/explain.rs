//! What to do about a handshake that failed.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, OtherError};

use super::names::Unusable;
use super::pem;
use crate::Error;
use crate::connection::Settings;

/// A broken socket is a matter of time; everything else about TLS is a matter of configuration.
pub(in crate::connection) fn handshake(
    error: io::Error,
    settings: &Settings,
    address: &Arc<str>,
) -> Error {
    let address = Arc::clone(address);
    let problem = tls_error(&error).map(|error| problem(error, settings));
    let source = Arc::new(error);
    match problem {
        Some(problem) => Error::Tls {
            address,
            problem,
            source,
        },
        None => Error::Connect { address, source },
    }
}

/// The same for the alert of a server that refuses us after the handshake, as TLS 1.3 does with
/// client certificates; any other error is given back.
pub(in crate::connection) fn alert(error: Error, settings: &Settings) -> Error {
    let Error::Lost {
        address, source, ..
    } = &error
    else {
        return error;
    };
    match tls_error(source) {
        Some(found @ rustls::Error::AlertReceived(_)) => Error::Tls {
            address: Arc::clone(address),
            problem: problem(found, settings),
            source: Arc::new(io::Error::new(io::ErrorKind::InvalidData, found.clone())),
        },
        _ => error,
    }
}

/// What rustls said, wherever it is wrapped.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    // How redis-rs keeps an error of the socket.
    type Shared = Arc<dyn StdError + Send + Sync>;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = if let Some(shared) = error.downcast_ref::<Shared>() {
            Some(shared.as_ref())
        } else if let Some(io) = error.downcast_ref::<io::Error>() {
            io.get_ref().map(|inner| inner as &(dyn StdError + 'static))
        } else {
            error.source()
        };
    }
    None
}

fn problem(error: &rustls::Error, settings: &Settings) -> String {
    let cure = cure(error, settings);
    match error {
        // rustls shows these as Rust code.
        rustls::Error::InvalidCertificate(CertificateError::Other(reason)) => {
            format!("{reason}; {cure}")
        }
        _ => format!("{error}; {cure}"),
    }
}

fn cure(error: &rustls::Error, settings: &Settings) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error, settings),
        rustls::Error::AlertReceived(alert) => refused_by_server(*alert, settings),
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS on this port; set secure = false, or give its TLS port in address"
        }
        rustls::Error::PeerIncompatible(_) => "the server must allow TLS 1.2 or 1.3",
        _ => "check that address is the port where Redis speaks TLS",
    }
}

fn certificate(error: &CertificateError, settings: &Settings) -> &'static str {
    let has_authority = pem::given(settings.ca_certificate.as_deref()).is_some();
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature if has_authority => {
            "none of the authorities in ca_certificate signed the server's certificate; put the one that did into ca_certificate"
        }
        CertificateError::UnknownIssuer => {
            "no authority that this system trusts signed the server's certificate; set ca_certificate to the certificate of the one that did"
        }
        CertificateError::NotValidForNameContext { presented, .. }
            if presented.is_empty() && !has_authority =>
        {
            "the certificate has no names; put the host of address into its subjectAltName, or set ca_certificate to the authority that signed it, and its common name counts"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "set server_name to a name in the certificate, or put the host of address into its subjectAltName"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew the server's certificate, or the one above it that expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "check the clocks of both machines; the server's certificate begins later"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is for another purpose; its extendedKeyUsage must have serverAuth"
        }
        CertificateError::Other(other) => unusual(other, has_authority),
        _ => "make the server a certificate of X.509 version 3 with a subjectAltName",
    }
}

fn unusual(error: &OtherError, has_authority: bool) -> &'static str {
    if let Some(unusable) = error.0.downcast_ref() {
        return match unusable {
            Unusable::OtherName { .. } => {
                "set server_name to the name in the certificate, or put the host of address into its subjectAltName"
            }
            Unusable::NotOneName(_) | Unusable::NotText | Unusable::Constrained => {
                "put the host of address into the certificate's subjectAltName"
            }
        };
    }
    match error.to_string().as_str() {
        "UnsupportedCertVersion" if !has_authority => {
            "the server's certificate is of X.509 version 1; make one of version 3 with a subjectAltName, or set ca_certificate to the authority that signed it"
        }
        "CaUsedAsEndEntity" if !has_authority => {
            "the server's certificate is one of an authority; if it signed itself, set ca_certificate to it"
        }
        "CaUsedAsEndEntity" => {
            "the server's certificate is one of an authority; if it signed itself, ca_certificate must be exactly it"
        }
        _ => "make the server a certificate of X.509 version 3 with a subjectAltName",
    }
}

fn refused_by_server(alert: AlertDescription, settings: &Settings) -> &'static str {
    let has_identity = pem::given(settings.client_certificate.as_deref()).is_some();
    match alert {
        AlertDescription::ProtocolVersion => "the server must allow TLS 1.2 or 1.3",
        AlertDescription::UnrecognisedName => "set server_name to a name that the server knows",
        _ if has_identity => {
            "the server refused client_certificate; use one that is valid and signed by an authority that the server trusts"
        }
        _ => "the server may want a client certificate; set client_certificate and client_key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    #[test]
    fn a_reset_during_the_handshake_is_transient_and_a_certificate_is_not() {
        let (settings, address) = (Settings::new("h:1"), "h:1".into());
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(
            handshake(reset, &settings, &address).class(),
            Class::Transient
        );
        let untrusted = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let untrusted = io::Error::new(io::ErrorKind::InvalidData, untrusted);
        let error = handshake(untrusted, &settings, &address);
        assert_eq!(error.class(), Class::Configuration);
        assert!(error.to_string().contains("ca_certificate"), "{error}");
    }

    #[test]
    fn each_refusal_has_a_cure_that_fits_the_settings() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Webpki(&'static str);

        let other = |words| CertificateError::Other(OtherError(Arc::new(Webpki(words))));
        let nameless = CertificateError::NotValidForNameContext {
            expected: rustls::pki_types::ServerName::try_from("h").unwrap(),
            presented: Vec::new(),
        };
        for (error, alone, with_authority) in [
            (
                CertificateError::UnknownIssuer,
                "set ca_certificate",
                "put the one that did",
            ),
            (nameless, "its common name counts", "set server_name"),
            (CertificateError::Expired, "renew", "renew"),
            (CertificateError::NotValidYet, "clocks", "clocks"),
            (CertificateError::InvalidPurpose, "serverAuth", "serverAuth"),
            (
                other("UnsupportedCertVersion"),
                "or set ca_certificate",
                "version 3",
            ),
            (
                other("CaUsedAsEndEntity"),
                "set ca_certificate to it",
                "must be exactly it",
            ),
            (CertificateError::BadEncoding, "version 3", "version 3"),
        ] {
            let error = rustls::Error::InvalidCertificate(error);
            let mut settings = Settings::new("h:1");
            let text = problem(&error, &settings);
            assert!(text.contains(alone), "{text}");
            settings.ca_certificate = Some("PEM".to_owned());
            let text = problem(&error, &settings);
            assert!(text.contains(with_authority), "{text}");
        }
        for (alert, cure) in [
            (AlertDescription::ProtocolVersion, "TLS 1.2 or 1.3"),
            (AlertDescription::UnrecognisedName, "server_name"),
            (
                AlertDescription::HandshakeFailure,
                "client_certificate and client_key",
            ),
        ] {
            let text = problem(&rustls::Error::AlertReceived(alert), &Settings::new("h:1"));
            assert!(text.contains(cure), "{text}");
        }
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let text = problem(&plain, &Settings::new("h:1"));
        assert!(text.contains("secure = false"), "{text}");
    }
}
