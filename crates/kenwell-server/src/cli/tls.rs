//! TLS towards a data plane that speaks https.

use std::path::Path;
use std::sync::Arc;

use kenwell::{
    Error,
    connection::{pem, tls_reason},
};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts the authorities in this PEM file, or the system's.
///
/// # Errors
/// What is wrong with the file, and the fix.
pub(super) fn client(ca: Option<&Path>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let wrong = |what: String| {
                format!(
                    "error: {}: {what}\n  fix: give --ca the PEM file of the authority (-----BEGIN CERTIFICATE-----)",
                    path.display()
                )
            };
            let found = pem::read_file("--ca", path)
                .and_then(|text| pem::certificates("--ca", &text))
                .map_err(|error| wrong(certificate_problem(error)))?;
            for certificate in found {
                roots.add(certificate).map_err(|_| {
                    wrong("it holds something that is no certificate of an authority".to_owned())
                })?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("error: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

fn certificate_problem(error: Error) -> String {
    match error {
        Error::Settings { problem, .. } => problem,
        other => other.to_string(),
    }
}

/// Shakes hands.
///
/// # Errors
/// Why not, and the fix.
pub(super) async fn secure(
    client: TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    // In a URL an IPv6 address stands in brackets.
    let host = host.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("no certificate can name \"{host}\""))?;
    let secured = client.connect(name, stream).await;
    secured.map_err(|error| {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        let fix = match cause {
            Some(rustls::Error::InvalidCertificate(_)) => {
                "give --ca the authority that signed the server's certificate, and --url a name that is in it"
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                "the server does not speak TLS there: use http://, or its other port"
            }
            _ => "see the server's log",
        };
        let why = tls_reason(&error).unwrap_or_else(|| error.to_string());
        format!("no TLS: {why}\n  fix: {fix}")
    })
}
