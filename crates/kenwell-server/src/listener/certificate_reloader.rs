//! A certificate that is read again when its files change, so that renewing it needs no restart.

use std::{
    fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::ServerIdentity;

/// How often the files are looked at, at most, and only when a client connects.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells whether the files have changed: when each was written, and its length.
type FileVersions = Vec<Option<(SystemTime, u64)>>;

/// Gives each handshake the certificate that is in the files.
#[derive(Debug)]
struct CertificateReloader {
    identity: ServerIdentity,
    current: Mutex<CurrentCertificate>,
}

#[derive(Debug)]
struct CurrentCertificate {
    certified: Arc<CertifiedKey>,
    versions: FileVersions,
    checked_at: Instant,
}

impl CertificateReloader {
    fn new(identity: ServerIdentity) -> io::Result<Self> {
        let versions = versions(&identity);
        // The files may have changed since the configuration was read.
        let newest = identity.reread().unwrap_or_else(|_gone| identity.clone());
        let certified = newest.certified().or_else(|_| identity.certified());
        Ok(Self {
            current: Mutex::new(CurrentCertificate {
                certified: Arc::new(certified.map_err(io::Error::other)?),
                versions,
                checked_at: Instant::now(),
            }),
            identity,
        })
    }

    /// The certificate to show at this time. What cannot be used, such as a certificate whose key is
    /// still being written, leaves the former one in place.
    fn at(&self, time: Instant) -> Arc<CertifiedKey> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if time.saturating_duration_since(current.checked_at) < LOOK_EVERY {
            return Arc::clone(&current.certified);
        }
        current.checked_at = time;
        // Before reading, so that a change meanwhile is seen the next time.
        let versions = versions(&self.identity);
        if versions == current.versions {
            return Arc::clone(&current.certified);
        }
        current.versions = versions;
        match self.identity.reread().and_then(|read| read.certified()) {
            Ok(certified) => {
                current.certified = Arc::new(certified);
                tracing::info!("a renewed certificate is shown from now on");
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "the new certificate or key cannot be used; the former one stays"
                );
            }
        }
        Arc::clone(&current.certified)
    }
}

/// TLS 1.2 and 1.3 with this identity, as it is in its files when a client connects.
pub(super) fn config(identity: ServerIdentity) -> io::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(CertificateReloader::new(identity)?));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl ResolvesServerCert for CertificateReloader {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(Instant::now()))
    }
}

fn versions(identity: &ServerIdentity) -> FileVersions {
    let version = |path| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    identity.files().map(version).collect()
}
