//! From settings to a client that is ready for handshakes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::authorities::Authorities;
use super::explanation::{ClientSide, Explanation, explain};
use super::identity::{self, ClientIdentity};
use super::key_inspection::inspect;
use super::pem_texts::PemTexts;
use super::private_authorities::PrivateAuthorities;
use super::validity::{TimeNotice, certificate_expiry, out_of_time, seconds, time_notices};
use super::verifier::{ServerVerifier, Trust};
use super::{algorithm, pem};
use crate::Error;
use crate::cause::find_cause;
use crate::connection::Settings;
use crate::connection::address::Address;

/// How long the inspection of the certificate of a server that refused us may take, so that its reason is told in
/// any case.
const INSPECTION: Duration = Duration::from_secs(1);

/// How to speak TLS to one server. What stands in files is read again when it has changed.
#[derive(Clone)]
pub(in crate::connection) struct TlsClient {
    name: ServerName<'static>,
    loaded: Arc<Mutex<Loaded>>,
}

/// The certificates and keys that were read last, and what was made of them.
struct Loaded {
    texts: PemTexts,
    config: Arc<ClientConfig>,
    identity: Arc<ClientIdentity>,
}

impl TlsClient {
    /// Reads every certificate and key now, so that a mistake shows before the first event. Dates are no mistake.
    pub(in crate::connection) fn new(
        settings: &Settings,
        address: &Address,
    ) -> Result<Self, Error> {
        let Address::Tcp { host, .. } = address else {
            return Err(Error::wrong_setting(
                "secure",
                "a Unix socket does not speak TLS; set secure = false",
            ));
        };
        let name = server_name(settings, host)?;
        let loaded = Loaded::new(settings, PemTexts::read(settings)?)?;
        Ok(Self {
            name,
            loaded: Arc::new(Mutex::new(loaded)),
        })
    }

    /// What one handshake needs: the connector, and the name that the server's certificate must carry.
    pub(in crate::connection) fn current(
        &self,
        settings: &Settings,
    ) -> Result<(TlsConnector, ServerName<'static>), Error> {
        let texts = PemTexts::read(settings)?;
        // All is replaced at once, so a panic elsewhere leaves it usable.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.texts != texts {
            *loaded = Loaded::new(settings, texts)?;
            tracing::info!(redis.address = %settings.address, "certificates or keys have changed, and are used from now on");
        }
        Ok((Arc::clone(&loaded.config).into(), self.name.clone()))
    }

    /// What a failed handshake means; `None` when TLS has nothing to do with it. When the server says no more than
    /// that it finds nothing in common, its certificate is inspected on another socket to it, which `reconnect`
    /// opens.
    pub(in crate::connection) async fn explain_failure(
        &self,
        error: &io::Error,
        reconnect: impl Future<Output = Option<TcpStream>>,
    ) -> Option<Explanation> {
        let found = find_cause(error)?;
        let is_vague = matches!(
            found,
            rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InternalError
            )
        );
        if is_vague
            && !self.client_side().was_asked
            && let Some(stream) = reconnect.await
            && let Ok(Some(weak)) = timeout(INSPECTION, inspect(stream, self.name.clone())).await
        {
            return Some(weak);
        }
        Some(explain(found, &self.client_side()))
    }

    /// The alert of a server that refuses us after the handshake, as TLS 1.3 does with client certificates; any
    /// other error is given back.
    pub(in crate::connection) fn alert(&self, error: Error) -> Error {
        let Error::Lost {
            address, source, ..
        } = &error
        else {
            return error;
        };
        match find_cause(source) {
            Some(found @ rustls::Error::AlertReceived(_)) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, found.clone());
                explain(found, &self.client_side()).into_error(Arc::clone(address), source)
            }
            _ => error,
        }
    }

    fn client_side(&self) -> ClientSide {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = &loaded.identity;
        let leaf = identity.identity.as_ref().and_then(|own| own.cert.first());
        let leaf = leaf.and_then(pem::parse);
        ClientSide {
            has_identity: leaf.is_some(),
            identity_problem: leaf.and_then(|leaf| {
                let provider = ring::default_provider();
                let algorithms = provider.signature_verification_algorithms;
                out_of_time(&leaf, UnixTime::now())
                    .or_else(|| algorithm::unverifiable_signature(&leaf, &algorithms))
            }),
            was_asked: identity.was_asked.load(Ordering::Relaxed),
        }
    }
}

impl Settings {
    /// What is to be said now about the times of the certificates that the settings give: those that have expired,
    /// are not valid yet, or expire within 14 days. What cannot be read is left to [`validate`](Self::validate).
    pub fn time_notices(&self) -> Vec<TimeNotice> {
        let Ok(texts) = PemTexts::read(self) else {
            return Vec::new();
        };
        let now = seconds(UnixTime::now());
        let notices = texts
            .by_setting()
            .filter_map(|(setting, text)| time_notices(setting, &text, now).ok());
        notices.flatten().collect()
    }

    /// When the first certificate expires that each setting holds, in seconds since 1970. What cannot be read is left
    /// out.
    pub(crate) fn certificate_expiries(&self) -> Vec<(&'static str, i64)> {
        let Ok(texts) = PemTexts::read(self) else {
            return Vec::new();
        };
        let expiries = texts.by_setting().filter_map(|(setting, text)| {
            let first = certificate_expiry(setting, &text).ok().flatten()?;
            Some((setting, first))
        });
        expiries.collect()
    }
}

impl Loaded {
    fn new(settings: &Settings, texts: PemTexts) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = verifier(settings, &texts, &provider)?;
        let identity = Arc::new(ClientIdentity {
            identity: identity::of_client(&texts)?,
            was_asked: AtomicBool::new(false),
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions() // 1.2 and 1.3
            .map_err(|error| Error::wrong_setting("secure", error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(&identity) as _);
        Ok(Self {
            texts,
            config: Arc::new(config),
            identity,
        })
    }
}

/// The name that the certificate of this host must carry.
fn server_name(settings: &Settings, host: &str) -> Result<ServerName<'static>, Error> {
    let (setting, text) = match pem::non_blank(settings.server_name.as_deref()) {
        Some(name) => ("server_name", name),
        None => ("address", host),
    };
    ServerName::try_from(text.to_owned()).map_err(|_| {
        Error::wrong_setting(
            setting,
            format!(
                "a certificate cannot name \"{text}\"; use a host name or an IP address, without port"
            ),
        )
    })
}

/// What accepts or refuses the server's certificate.
fn verifier(
    settings: &Settings,
    texts: &PemTexts,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerVerifier, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let authorities = match &texts.authorities {
        Some(text) => Some(Arc::new(Authorities::read(text, algorithms)?)),
        None => None,
    };
    let trust = if settings.skip_verify {
        Trust::Anybody
    } else if let Some(authorities) = &authorities {
        Trust::Private(PrivateAuthorities::new(Arc::clone(authorities), algorithms))
    } else {
        let roots = Arc::new(system_authorities()?);
        Trust::System(
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
                .build()
                .map_err(|error| Error::wrong_setting("secure", error.to_string()))?,
        )
    };
    Ok(ServerVerifier {
        trust,
        authorities,
        algorithms,
    })
}

fn system_authorities() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (trusted, _unreadable) = store.add_parsable_certificates(system.certs);
    if trusted == 0 {
        return Err(Error::wrong_setting(
            "secure",
            "this system trusts no certificate authority; set ca_certificate, or install `ca-certificates`".to_owned(),
        ));
    }
    Ok(store)
}
