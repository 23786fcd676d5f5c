//! Why a server's certificate is refused, with what can be seen of it.

use rustls::CertificateError;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{X509Certificate, X509Version};

use super::authorities::Authorities;
use super::explanation::Explanation;
use super::names::{CommonNameError, listed_names};
use super::validity::out_of_time;
use super::{algorithm, pem};

/// What the server showed, and by what it was judged.
pub(super) struct PresentedChain<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) intermediates: &'a [CertificateDer<'a>],
    pub(super) name: &'a ServerName<'a>,
    pub(super) now: UnixTime,
    /// Those of `ca_certificate`; `None` when the system's count.
    pub(super) authorities: Option<&'a Authorities>,
    pub(super) algorithms: &'a WebPkiSupportedAlgorithms,
}

const OTHER: &str = "make the server a certificate of X.509 version 3 with a subjectAltName";

impl PresentedChain<'_> {
    /// The refusal in words.
    pub(super) fn explain(&self, refusal: &CertificateError) -> Explanation {
        let Some(leaf) = pem::parse(self.leaf) else {
            return Explanation::new("the server's certificate cannot be read", OTHER);
        };
        match refusal {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.other_name(&leaf)
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => self.not_now(&leaf),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Explanation::new(
                    "the server's certificate is for another purpose",
                    "its extendedKeyUsage must have serverAuth, and its keyUsage digitalSignature",
                )
            }
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(unusable) => unusable_name(unusable),
                None => self.unusual(&other.to_string(), &leaf),
            },
            CertificateError::UnhandledCriticalExtension => Explanation::new(
                "the server's certificate has a critical extension that Kenwell does not know",
                OTHER,
            ),
            _ => self.not_signed(&leaf),
        }
    }

    /// No authority that is trusted signed it, as far as that can be verified.
    fn not_signed(&self, leaf: &X509Certificate<'_>) -> Explanation {
        let above: Vec<_> = self.intermediates.iter().filter_map(pem::parse).collect();
        if let Some(weak) = self.weak(leaf, &above) {
            return weak;
        }
        let issuer = top(leaf, &above).issuer();
        let same_name = self.authorities.into_iter().flat_map(|all| {
            all.all()
                .filter(|authority| authority.subject().as_raw() == issuer.as_raw())
        });
        let same_name: Vec<_> = same_name.collect();
        let late = same_name
            .iter()
            .find_map(|authority| out_of_time(authority, self.now));
        let signed_itself = leaf.issuer().as_raw() == leaf.subject().as_raw();
        if let Some(late) = late {
            Explanation::new(
                format!("the authority \"{issuer}\" in ca_certificate {late}"),
                "renew it and put the new one into ca_certificate, or check this machine's clock",
            )
        } else if self.authorities.is_none() && signed_itself {
            Explanation::new(
                format!(
                    "the server's certificate signed itself (\"{issuer}\"), and is not trusted"
                ),
                "set `ca_certificate` to exactly that certificate (PEM text or path)",
            )
        } else if self.authorities.is_none() {
            Explanation::new(
                format!(
                    "the server's certificate is issued by {issuer}, which is not trusted by this system"
                ),
                "set `ca_certificate` to the certificate of that authority (PEM text or path)",
            )
        } else if same_name.is_empty() {
            Explanation::new(
                format!(
                    "none of the authorities in ca_certificate signed the server's certificate, which is issued by {issuer}"
                ),
                "put the one that did into `ca_certificate`",
            )
        } else {
            Explanation::new(
                format!(
                    "none of the authorities in ca_certificate signed the server's certificate, though one has the name of its issuer, {issuer}"
                ),
                "set `ca_certificate` to the current certificate of that authority",
            )
        }
    }

    /// A key or signature on the way up that cannot be verified.
    fn weak(
        &self,
        leaf: &X509Certificate<'_>,
        above: &[X509Certificate<'_>],
    ) -> Option<Explanation> {
        let signature = |certificate: &X509Certificate<'_>| {
            algorithm::unverifiable_signature(certificate, self.algorithms)
        };
        let key =
            |certificate: &X509Certificate<'_>| algorithm::unverifiable(certificate.public_key());
        if let Some(weak) = weak_key(leaf) {
            return Some(weak);
        }
        if let Some(problem) = signature(leaf) {
            return Some(weak("the server's certificate", &problem));
        }
        for certificate in above {
            let subject = certificate.subject();
            if let Some(problem) = key(certificate) {
                return Some(weak(
                    &format!("the key of the authority \"{subject}\""),
                    &problem,
                ));
            }
            if let Some(problem) = signature(certificate).filter(|_| !is_root(certificate)) {
                return Some(weak(&format!("the authority \"{subject}\""), &problem));
            }
        }
        let issuer = top(leaf, above).issuer();
        let authorities = self.authorities?;
        let given = authorities.all().find_map(|authority| {
            (authority.subject().as_raw() == issuer.as_raw()).then(|| key(&authority))?
        })?;
        Some(weak(
            &format!("the key of the authority \"{issuer}\" in ca_certificate"),
            &given,
        ))
    }

    fn other_name(&self, leaf: &X509Certificate<'_>) -> Explanation {
        let host = self.name.to_str();
        if leaf.subject_alternative_name().ok().flatten().is_none() && self.authorities.is_none() {
            return Explanation::new(
                "the server's certificate has no subjectAltName",
                format!(
                    "put {host} into its subjectAltName, or set ca_certificate to the authority that signed it, and its common name counts"
                ),
            );
        }
        Explanation::new(
            format!(
                "the server's certificate is for {}, not for {host}",
                listed_names(leaf)
            ),
            format!(
                "use a name of the certificate in `address`, set server_name to one, or issue one with subjectAltName {host}"
            ),
        )
    }

    fn not_now(&self, leaf: &X509Certificate<'_>) -> Explanation {
        if let Some(late) = out_of_time(leaf, self.now) {
            return Explanation::new(
                format!("the server's certificate {late}"),
                "renew it, or check the clocks of both machines",
            );
        }
        let above = self.intermediates.iter().filter_map(pem::parse);
        let late = above.filter_map(|certificate| {
            let late = out_of_time(&certificate, self.now)?;
            Some(format!(
                "the authority \"{}\" above the server's certificate {late}",
                certificate.subject()
            ))
        });
        let says = late.into_iter().next();
        Explanation::new(
            says.as_deref()
                .unwrap_or("a certificate of the server's has expired or is not valid yet"),
            "renew it, or check the clocks of both machines",
        )
    }

    /// What webpki does not accept at all.
    fn unusual(&self, words: &str, leaf: &X509Certificate<'_>) -> Explanation {
        let has_authority = self.authorities.is_some();
        let (says, cure) = if leaf.version() == X509Version::V1 {
            (
                "the server's certificate is of X.509 version 1",
                if has_authority {
                    OTHER
                } else {
                    "make one of version 3 with a subjectAltName, or set ca_certificate to the authority that signed it"
                },
            )
        } else if words.contains("CaUsedAsEndEntity") {
            (
                "the server's certificate is one of an authority",
                if has_authority {
                    "if it signed itself, ca_certificate must be exactly it"
                } else {
                    "if it signed itself, set ca_certificate to it"
                },
            )
        } else {
            ("the server's certificate cannot be used", OTHER)
        };
        Explanation::new(says, cure)
    }
}

/// Why nothing can be verified with the key of the server's certificate.
pub(super) fn weak_key(leaf: &X509Certificate<'_>) -> Option<Explanation> {
    let problem = algorithm::unverifiable(leaf.public_key())?;
    Some(weak("the key of the server's certificate", &problem))
}

fn weak(which: &str, problem: &str) -> Explanation {
    Explanation::new(
        format!("{which} {problem}"),
        format!("make it again: {}", algorithm::INSTEAD),
    )
}

fn unusable_name(unusable: &CommonNameError) -> Explanation {
    let cure = match unusable {
        CommonNameError::OtherName { .. } => {
            "set server_name to the name in the certificate, or put the host of address into its subjectAltName"
        }
        CommonNameError::NotOneName(_)
        | CommonNameError::NotText
        | CommonNameError::Constrained => {
            "put the host of address into the certificate's subjectAltName"
        }
    };
    Explanation::new(unusable.to_string(), cure)
}

fn is_root(certificate: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == certificate.subject().as_raw()
}

/// The last certificate on the way up from `leaf`, as far as the server sent it.
fn top<'c, 'a>(
    leaf: &'c X509Certificate<'a>,
    above: &'c [X509Certificate<'a>],
) -> &'c X509Certificate<'a> {
    let mut top = leaf;
    for _ in above {
        let next = above
            .iter()
            .find(|next| next.subject().as_raw() == top.issuer().as_raw());
        match next {
            Some(next) if !is_root(top) => top = next,
            _ => break,
        }
    }
    top
}
