//! Where the gateway is, and connections to it, with TLS or without.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

/// A connection on which HTTP is spoken.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A listener that takes HTTP.
pub(crate) struct Gateway {
    /// Name or address, and port.
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Gateway {
    /// The listener at `url`; with https it must show a certificate by one of the authorities in `ca`, a PEM file.
    ///
    /// # Errors
    /// The URL or the file cannot be used.
    pub(crate) fn new(url: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let (scheme, rest) = url
            .split_once("://")
            .context("--url must begin with http:// or https://")?;
        let host = rest.trim_end_matches('/').to_owned();
        let tls = match scheme {
            "http" => None,
            "https" => {
                let name = host.split(':').next().unwrap_or_default().to_owned();
                let ca = ca.context("https needs --ca, the authority's certificate")?;
                Some((connector(ca)?, ServerName::try_from(name)?))
            }
            _ => anyhow::bail!("--url must begin with http:// or https://"),
        };
        Ok(Self { host, tls })
    }

    /// What the header `Host` says.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Connects.
    ///
    /// # Errors
    /// When nobody listens, or it cannot show the right certificate.
    pub(crate) async fn connect(&self) -> anyhow::Result<Stream> {
        let stream = TcpStream::connect(&self.host)
            .await
            .with_context(|| format!("cannot connect to {}", self.host))?;
        stream.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Either::Left(stream));
        };
        let stream = connector
            .connect(name.clone(), stream)
            .await
            .with_context(|| format!("no TLS with {}", self.host))?;
        Ok(Either::Right(Box::new(stream)))
    }
}

fn connector(ca: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let wrong = || format!("cannot read the certificates in {}", ca.display());
    for certificate in CertificateDer::pem_file_iter(ca).with_context(wrong)? {
        roots.add(certificate.with_context(wrong)?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_host() {
        let host = |url| Gateway::new(url, None).map(|gateway| gateway.host);
        assert_eq!(host("http://127.0.0.1:8080/").unwrap(), "127.0.0.1:8080");
        assert!(host("ftp://127.0.0.1").is_err());
        let error = host("https://127.0.0.1").unwrap_err();
        assert!(error.to_string().contains("--ca"), "{error}");
    }
}
