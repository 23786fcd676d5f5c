//! From settings to a client that is ready for handshakes.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};

use super::any::AcceptAny;
use super::authorities::Authorities;
use super::given::GivenAuthorities;
use super::identity::Identity;
use super::pem;
use crate::Error;
use crate::connection::Settings;
use crate::connection::address::Address;

/// A ready client set-up and the name that the server's certificate must carry.
#[derive(Clone)]
pub(in crate::connection) struct Tls {
    pub(in crate::connection) config: Arc<ClientConfig>,
    pub(in crate::connection) name: ServerName<'static>,
}

impl Tls {
    /// Reads every certificate and key now, so that a mistake shows before the first event.
    pub(in crate::connection) fn new(
        settings: &Settings,
        address: &Address,
    ) -> Result<Self, Error> {
        let Address::Tcp { host, .. } = address else {
            return Err(Error::Settings {
                setting: "secure",
                problem: "a Unix socket does not speak TLS; set secure = false".to_owned(),
            });
        };
        let name = server_name(settings, host)?;
        let now = UnixTime::now();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions() // 1.2 and 1.3
            .map_err(|error| Error::Settings {
                setting: "secure",
                problem: error.to_string(),
            })?;
        let builder = match verifier(settings, &provider, now)? {
            Some(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(verifier),
            None => builder.with_root_certificates(system_authorities()?),
        };
        let config = match Identity::read(settings, now)? {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain, identity.key)
                .map_err(|error| Identity::refused(&error))?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }
}

/// The name that the certificate of this host must carry.
fn server_name(settings: &Settings, host: &str) -> Result<ServerName<'static>, Error> {
    let (setting, text) = match pem::given(settings.server_name.as_deref()) {
        Some(name) => ("server_name", name),
        None => ("address", host),
    };
    ServerName::try_from(text.to_owned()).map_err(|_| Error::Settings {
        setting,
        problem: format!(
            "a certificate cannot name \"{text}\"; use a host name or an IP address, without port"
        ),
    })
}

/// Who judges the server's certificate, unless it is rustls with the system's authorities.
fn verifier(
    settings: &Settings,
    provider: &CryptoProvider,
    now: UnixTime,
) -> Result<Option<Arc<dyn ServerCertVerifier>>, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let authorities = match pem::given(settings.ca_certificate.as_deref()) {
        Some(text) => Some(Authorities::read(text, algorithms, now)?),
        None => None,
    };
    Ok(if settings.skip_verify {
        Some(Arc::new(AcceptAny(algorithms)))
    } else if let Some(authorities) = authorities {
        Some(Arc::new(GivenAuthorities::new(authorities, algorithms)))
    } else {
        None
    })
}

fn system_authorities() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (trusted, _unreadable) = store.add_parsable_certificates(system.certs);
    if trusted == 0 {
        return Err(Error::Settings {
            setting: "secure",
            problem: "this system trusts no certificate authority; set ca_certificate, or install `ca-certificates`".to_owned(),
        });
    }
    Ok(store)
}
