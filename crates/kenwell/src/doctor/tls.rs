//! The encryption: whether it is there, and whether the certificate is right.

use std::net::{IpAddr, Ipv6Addr};

use rustls::ProtocolVersion;

use super::certificate::Certificate;
use super::finding::{Check, Finding};
use crate::connection::{Settings, Socket, StagedConnection};

/// A certificate that expires within so many days is a warning.
const EXPIRES_SOON_DAYS: i64 = 30;

const NOT_TLS: &str =
    "if that port does not speak TLS, set `secure = false` or write the TLS port in `address`";

/// Goes over to TLS where the settings want it.
pub(super) async fn secure(
    staged: &StagedConnection,
    socket: Socket,
    findings: &mut Vec<Finding>,
) -> Option<Socket> {
    if !staged.settings().secure {
        findings.push(without(staged, &socket));
        return Some(socket);
    }
    let (finding, socket) = match staged.secure(socket).await {
        Ok(socket) => (sealed(&socket, staged.settings()), Some(socket)),
        Err(Some(explanation)) => (Check::Tls.failed(explanation.says, explanation.cure), None),
        // A server that expects plain text waits, answers in plain text or hangs up, as it pleases.
        Err(None) => {
            let says = "the server does not speak TLS on this port";
            (Check::Tls.failed(says, NOT_TLS), None)
        }
    };
    findings.push(finding);
    socket
}

fn without(staged: &StagedConnection, socket: &Socket) -> Finding {
    match socket {
        Socket::Tcp(stream) if stream.peer_addr().is_ok_and(|peer| is_public(peer.ip())) => {
            let what = if staged.settings().password.is_some() {
                "the password and all profiles travel"
            } else {
                "all profiles travel"
            };
            Check::Tls.warning(
                format!("{what} to a public address in plain text"),
                "set `secure = true` and use the TLS port of Redis",
            )
        }
        Socket::Tcp(_) => Check::Tls.skipped("secure is false: plain text"),
        _ => Check::Tls.skipped("a Unix socket needs no TLS"),
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        // 100.64.0.0/10 is what carriers and clouds use inside.
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let shared = first == 100 && second & 0b1100_0000 == 64;
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared)
        }
        IpAddr::V6(ip) => {
            ip != Ipv6Addr::LOCALHOST && !ip.is_unique_local() && !ip.is_unicast_link_local()
        }
    }
}

fn sealed(socket: &Socket, settings: &Settings) -> Finding {
    let Some((version, certificate)) = socket.tls_session() else {
        return Check::Tls.ok("TLS");
    };
    let version = match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    };
    let certificate = Certificate::read(certificate);
    let about = certificate.as_ref().map_or_else(String::new, |found| {
        format!("; for {}; {}", found.names, found.expiry())
    });
    if settings.skip_verify {
        return Check::Tls.warning(
            format!("{version}, but nobody checks the certificate (skip_verify){about}"),
            "remove `skip_verify`; set `ca_certificate` to the authority that issued the certificate",
        );
    }
    let by = if settings.ca_certificate.is_some() {
        "by ca_certificate"
    } else {
        "by the system's authorities"
    };
    let says = format!("{version}, certificate verified {by}{about}");
    match certificate {
        Some(found) if found.days < EXPIRES_SOON_DAYS => {
            Check::Tls.warning(says, "renew the certificate of Redis before it expires")
        }
        _ => Check::Tls.ok(says),
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn tells_inside_from_outside() {
        for (ip, public) in [
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("192.168.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("8.8.8.8", true),
            ("::1", false),
            ("fd00::1", false),
            ("::ffff:10.0.0.1", false),
            ("2001:4860::1", true),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
