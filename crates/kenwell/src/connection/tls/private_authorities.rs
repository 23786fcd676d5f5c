//! Verifies a server's certificate by the authorities in `ca_certificate`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use x509_parser::prelude::{X509Certificate, X509Version};

use super::authorities::Authorities;
use super::names::{self, CommonNameError};
use super::{pem, signature};

/// Verifies as webpki does, and then allows for what private authorities are used to:
///
/// * a leaf without any subjectAltName is known by its only common name,
/// * a leaf of X.509 version 1 that one of the authorities signed itself,
/// * a self-signed leaf that is, byte for byte, one of the given certificates,
/// * at a loopback address, a leaf for another name of this machine: `localhost`, `127.0.0.1` or `::1`.
///
/// Signatures, dates, key usage and the name are checked in each case.
#[derive(Debug)]
pub(super) struct PrivateAuthorities {
    authorities: Arc<Authorities>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Whether the log knows already that the certificate is old-fashioned.
    told: AtomicBool,
}

/// How the chain was found to be good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// Signed by an authority.
    Signed,
    /// The leaf itself was given.
    Itself,
}

impl PrivateAuthorities {
    pub(super) fn new(
        authorities: Arc<Authorities>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            authorities,
            algorithms,
            told: AtomicBool::new(false),
        }
    }

    /// Checks the chain of a server's certificate, and its name.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let chain = self.check_chain(leaf, intermediates, now)?;
        self.check_name(leaf, intermediates, name, now)?;
        if chain == Chain::Itself {
            self.tell(
                "the certificate signed itself, and is trusted because it was given",
                name,
            );
        }
        Ok(())
    }

    /// Checks everything but the name.
    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Chain, Error> {
        let by_authority = match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => verify_server_cert_signed_by_trust_anchor(
                &parsed,
                &self.authorities.roots(now),
                intermediates,
                now,
                self.algorithms.all,
            ),
            Err(unreadable) => Err(unreadable),
        };
        let Err(refusal) = by_authority else {
            return Ok(Chain::Signed);
        };
        let Some(certificate) = pem::parse(leaf) else {
            return Err(refusal);
        };
        let chain = if self.authorities.holds(leaf, &certificate) {
            Chain::Itself
        } else if certificate.version() == X509Version::V1 {
            self.check_version_one(&certificate, now)?;
            Chain::Signed
        } else {
            return Err(refusal);
        };
        names::check_purpose(&certificate, now)?;
        // webpki reads the leaf, or its version is the reason why not: no unknown critical extension.
        if certificate.version() != X509Version::V1 {
            ParsedCertificate::try_from(leaf)?;
        }
        Ok(chain)
    }

    fn check_version_one(&self, leaf: &X509Certificate<'_>, now: UnixTime) -> Result<(), Error> {
        let is_signed = self
            .authorities
            .signing(now)
            .any(|issuer| signature::is_issued_by(leaf, &issuer, &self.algorithms));
        if is_signed {
            Ok(())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    /// Checks the host. At a loopback address any name of this machine will do: no other machine can listen there.
    fn check_name(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let Err(refusal) = self.check_one_name(leaf, intermediates, name, now) else {
            return Ok(());
        };
        for alias in aliases(name) {
            if self
                .check_one_name(leaf, intermediates, &alias, now)
                .is_ok()
            {
                return Ok(());
            }
        }
        Err(refusal)
    }

    /// Checks a name, by the subjectAltName where there is one.
    fn check_one_name(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let by_alternative_name =
            ParsedCertificate::try_from(leaf).and_then(|parsed| verify_server_name(&parsed, name));
        let Err(refusal) = by_alternative_name else {
            return Ok(());
        };
        let Some(certificate) = pem::parse(leaf) else {
            return Err(refusal);
        };
        if names::has_alternative_names(&certificate) {
            return Err(refusal);
        }
        let may_constrain = |der: &CertificateDer<'_>| {
            pem::parse(der).is_none_or(|authority| names::constrains_names(&authority))
        };
        if intermediates.iter().any(may_constrain)
            || self
                .authorities
                .signing(now)
                .any(|authority| names::constrains_names(&authority))
        {
            return Err(CommonNameError::Constrained.into_tls());
        }
        names::check_purpose(&certificate, now)?;
        names::check_common_name(&certificate, name).map_err(CommonNameError::into_tls)?;
        self.tell(
            "the certificate has no subjectAltName, so its common name was compared",
            name,
        );
        Ok(())
    }

    /// Says once that the certificate is accepted for an exception, and how to make a proper one.
    fn tell(&self, why: &str, name: &ServerName<'_>) {
        if self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let kind = match name {
            ServerName::IpAddress(_) => "IP",
            _ => "DNS",
        };
        let name = name.to_str();
        tracing::warn!(
            "Redis at {name}: {why}. Other clients refuse it. Sign it again with its names in it: \
             openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 365 -out server.pem \
             -extfile <(printf 'subjectAltName=%s' {kind}:{name})"
        );
    }
}

/// The names of this machine, if `name` is one of them.
fn aliases(name: &ServerName<'_>) -> Vec<ServerName<'static>> {
    let is_loopback = match name {
        ServerName::IpAddress(address) => std::net::IpAddr::from(*address)
            .to_canonical()
            .is_loopback(),
        _ => name
            .to_str()
            .trim_end_matches('.')
            .eq_ignore_ascii_case("localhost"),
    };
    if !is_loopback {
        return Vec::new();
    }
    let mut aliases: Vec<_> = ServerName::try_from("localhost").into_iter().collect();
    aliases.push(ServerName::IpAddress(Ipv4Addr::LOCALHOST.into()));
    aliases.push(ServerName::IpAddress(Ipv6Addr::LOCALHOST.into()));
    aliases
}
