//! From settings to a client that is ready for handshakes.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::any::AcceptAny;
use super::authorities::Authorities;
use super::given::GivenAuthorities;
use super::identity::Identity;
use super::material::Material;
use super::pem;
use crate::Error;
use crate::connection::Settings;
use crate::connection::address::Address;

/// How to speak TLS to one server. What stands in files is read again when it has changed.
#[derive(Clone)]
pub(in crate::connection) struct Tls {
    name: ServerName<'static>,
    /// What was read last, and the client made of it.
    ready: Arc<Mutex<(Material, Arc<ClientConfig>)>>,
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
        let material = Material::read(settings)?;
        let config = client(settings, &material)?;
        Ok(Self {
            name,
            ready: Arc::new(Mutex::new((material, config))),
        })
    }

    /// For one handshake: who shakes hands, and the name that the server's certificate must carry.
    pub(in crate::connection) fn current(
        &self,
        settings: &Settings,
    ) -> Result<(TlsConnector, ServerName<'static>), Error> {
        let material = Material::read(settings)?;
        // Both are replaced at once, so a panic elsewhere leaves them usable.
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.0 != material {
            let config = client(settings, &material)?;
            *ready = (material, config);
            tracing::info!(redis.address = %settings.address, "certificates or keys have changed, and are used from now on");
        }
        Ok((Arc::clone(&ready.1).into(), self.name.clone()))
    }
}

fn client(settings: &Settings, material: &Material) -> Result<Arc<ClientConfig>, Error> {
    let now = UnixTime::now();
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions() // 1.2 and 1.3
        .map_err(|error| Error::Settings {
            setting: "secure",
            problem: error.to_string(),
        })?;
    let builder = match verifier(settings, material, &provider, now)? {
        Some(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier),
        None => builder.with_root_certificates(system_authorities()?),
    };
    let config = match Identity::read(material, now)? {
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(|error| Identity::refused(&error))?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
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
    material: &Material,
    provider: &CryptoProvider,
    now: UnixTime,
) -> Result<Option<Arc<dyn ServerCertVerifier>>, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let authorities = match &material.authorities {
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
