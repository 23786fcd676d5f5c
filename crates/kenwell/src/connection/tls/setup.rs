//! From settings to a client that is ready for handshakes.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::any::AcceptAny;
use super::authorities::Authorities;
use super::explain::{Explanation, OurSide, explain, tls_error};
use super::given::GivenAuthorities;
use super::identity::{self, Answer};
use super::judge::Judge;
use super::look::look;
use super::material::Material;
use super::validity::{TimeNotice, out_of_time, seconds, time_notices};
use super::{algorithm, pem};
use crate::Error;
use crate::connection::Settings;
use crate::connection::address::Address;

/// How to speak TLS to one server. What stands in files is read again when it has changed.
#[derive(Clone)]
pub(in crate::connection) struct Tls {
    name: ServerName<'static>,
    /// What was read last, and the client made of it.
    ready: Arc<Mutex<Ready>>,
}

struct Ready {
    material: Material,
    client: Client,
}

/// A client, and how it answers who it is.
#[derive(Clone)]
struct Client {
    config: Arc<ClientConfig>,
    answer: Arc<Answer>,
}

impl Tls {
    /// Reads every certificate and key now, so that a mistake shows before the first event. Dates are no mistake.
    pub(in crate::connection) fn new(
        settings: &Settings,
        address: &Address,
    ) -> Result<Self, Error> {
        let Address::Tcp { host, .. } = address else {
            return Err(Error::setting(
                "secure",
                "a Unix socket does not speak TLS; set secure = false",
            ));
        };
        let name = server_name(settings, host)?;
        let material = Material::read(settings)?;
        let client = client(settings, &material)?;
        Ok(Self {
            name,
            ready: Arc::new(Mutex::new(Ready { material, client })),
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
        if ready.material != material {
            let client = client(settings, &material)?;
            *ready = Ready { material, client };
            tracing::info!(redis.address = %settings.address, "certificates or keys have changed, and are used from now on");
        }
        Ok((Arc::clone(&ready.client.config).into(), self.name.clone()))
    }

    /// A broken socket is a matter of time (`Err`); what TLS itself said is put into words.
    pub(in crate::connection) fn explain<'e>(
        &self,
        error: &'e (dyn StdError + 'static),
    ) -> Result<Explanation, &'e (dyn StdError + 'static)> {
        match tls_error(error) {
            Some(found) => Ok(explain(found, &self.our_side())),
            None => Err(error),
        }
    }

    /// What a new socket to the same server shows, when the server says no more than that it finds nothing in
    /// common. Any other error needs no look.
    pub(in crate::connection) fn needs_look(&self, error: &io::Error) -> bool {
        let is_vague = matches!(
            tls_error(error),
            Some(rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InternalError
            ))
        );
        is_vague && !self.our_side().was_asked
    }

    /// See [`needs_look`](Self::needs_look).
    pub(in crate::connection) async fn look(&self, stream: TcpStream) -> Option<Explanation> {
        look(stream, self.name.clone()).await
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
        match tls_error(source) {
            Some(found @ rustls::Error::AlertReceived(_)) => Error::Tls {
                address: Arc::clone(address),
                problem: explain(found, &self.our_side()).to_string(),
                source: Arc::new(io::Error::new(io::ErrorKind::InvalidData, found.clone())),
            },
            _ => error,
        }
    }

    fn our_side(&self) -> OurSide {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = &ready.client.answer;
        let leaf = answer.identity.as_ref().and_then(|own| own.cert.first());
        let leaf = leaf.and_then(pem::parse);
        OurSide {
            has_identity: leaf.is_some(),
            identity_problem: leaf.and_then(|leaf| {
                let provider = ring::default_provider();
                let algorithms = provider.signature_verification_algorithms;
                out_of_time(&leaf, UnixTime::now())
                    .or_else(|| algorithm::unverifiable_signature(&leaf, &algorithms))
            }),
            was_asked: answer.was_asked(),
        }
    }
}

impl Settings {
    /// What is to be said now about the times of the certificates that the settings give: those that have expired,
    /// are not valid yet, or expire within 14 days. What cannot be read is left to [`validate`](Self::validate).
    pub fn time_notices(&self) -> Vec<TimeNotice> {
        let Ok(material) = Material::read(self) else {
            return Vec::new();
        };
        let now = seconds(UnixTime::now());
        [
            ("ca_certificate", material.authorities),
            ("client_certificate", material.certificate),
        ]
        .into_iter()
        .filter_map(|(setting, text)| time_notices(setting, &text?, now).ok())
        .flatten()
        .collect()
    }
}

fn client(settings: &Settings, material: &Material) -> Result<Client, Error> {
    let provider = Arc::new(ring::default_provider());
    let judge = judge(settings, material, &provider)?;
    let answer = Arc::new(Answer::new(identity::of_client(material)?));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions() // 1.2 and 1.3
        .map_err(|error| Error::setting("secure", error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge))
        .with_client_cert_resolver(Arc::clone(&answer) as _);
    Ok(Client {
        config: Arc::new(config),
        answer,
    })
}

/// The name that the certificate of this host must carry.
fn server_name(settings: &Settings, host: &str) -> Result<ServerName<'static>, Error> {
    let (setting, text) = match pem::given(settings.server_name.as_deref()) {
        Some(name) => ("server_name", name),
        None => ("address", host),
    };
    ServerName::try_from(text.to_owned()).map_err(|_| {
        Error::setting(
            setting,
            format!(
                "a certificate cannot name \"{text}\"; use a host name or an IP address, without port"
            ),
        )
    })
}

/// Who judges the server's certificate.
fn judge(
    settings: &Settings,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Judge, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let authorities = match &material.authorities {
        Some(text) => Some(Arc::new(Authorities::read(text, algorithms)?)),
        None => None,
    };
    let inner: Arc<dyn ServerCertVerifier> = if settings.skip_verify {
        Arc::new(AcceptAny(algorithms))
    } else if let Some(authorities) = &authorities {
        Arc::new(GivenAuthorities::new(Arc::clone(authorities), algorithms))
    } else {
        let roots = Arc::new(system_authorities()?);
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| Error::setting("secure", error.to_string()))?
    };
    Ok(Judge {
        inner,
        authorities,
        algorithms,
    })
}

fn system_authorities() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (trusted, _unreadable) = store.add_parsable_certificates(system.certs);
    if trusted == 0 {
        return Err(Error::setting(
            "secure",
            "this system trusts no certificate authority; set ca_certificate, or install `ca-certificates`".to_owned(),
        ));
    }
    Ok(store)
}
