//! A certificate that is read again when its files change, so that renewing it needs no restart.

use std::{
    fmt, fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::certificate::Identity;

/// How often the files are looked at, at most; only when somebody connects.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells whether the files have changed: when each was written, and its length.
type Marks = Vec<Option<(SystemTime, u64)>>;

/// Gives each handshake the certificate of the moment.
struct Renewed {
    identity: Identity,
    now: Mutex<Now>,
}

struct Now {
    shown: Arc<CertifiedKey>,
    marks: Marks,
    looked: Instant,
}

impl Renewed {
    fn new(identity: Identity) -> io::Result<Self> {
        let marks = marks(&identity);
        // The files may have changed since the configuration was read.
        let current = identity.reread().unwrap_or_else(|_gone| identity.clone());
        let certified = current.certified().or_else(|_| identity.certified());
        Ok(Self {
            now: Mutex::new(Now {
                shown: Arc::new(certified.map_err(io::Error::other)?),
                marks,
                looked: Instant::now(),
            }),
            identity,
        })
    }

    /// The certificate to show at this time. What cannot be used, such as a certificate whose key is
    /// still being written, leaves the former one in place.
    fn at(&self, time: Instant) -> Arc<CertifiedKey> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if time.saturating_duration_since(now.looked) < LOOK_EVERY {
            return Arc::clone(&now.shown);
        }
        now.looked = time;
        // Before reading, so that a change meanwhile is seen the next time.
        let marks = marks(&self.identity);
        if marks == now.marks {
            return Arc::clone(&now.shown);
        }
        now.marks = marks;
        match self.identity.reread().and_then(|read| read.certified()) {
            Ok(certified) => {
                now.shown = Arc::new(certified);
                tracing::info!("a renewed certificate is shown from now on");
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "the new certificate or key cannot be used; the former one stays"
                );
            }
        }
        Arc::clone(&now.shown)
    }
}

/// TLS 1.2 and 1.3 with this identity, as it is in its files when somebody connects.
pub(super) fn config(identity: Identity) -> io::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Renewed::new(identity)?));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(Instant::now()))
    }
}

impl fmt::Debug for Renewed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Renewed").finish_non_exhaustive()
    }
}

fn marks(identity: &Identity) -> Marks {
    let mark = |path| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    identity.files().map(mark).collect()
}
