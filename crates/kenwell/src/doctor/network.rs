//! Finding the server: names and sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::explain;
use super::finding::{Check, Finding};
use crate::Error;
use crate::connection::{Address, Socket, StagedConnection};

/// The most addresses of one name that are listed.
const MAX_LISTED: usize = 4;

/// Looks the host up and connects.
pub(super) async fn reach(
    staged: &StagedConnection,
    findings: &mut Vec<Finding>,
) -> Option<Socket> {
    match staged.address() {
        Address::Unix(path) => {
            findings.push(Check::Name.skipped("a Unix socket has no name to look up"));
            let (finding, socket) = file(staged, path).await;
            findings.push(finding);
            socket
        }
        Address::Tcp { host, port } => {
            let (finding, addresses) = look_up(staged, host, *port).await;
            findings.push(finding);
            let (finding, socket) = connect(staged, *port, &addresses?).await;
            findings.push(finding);
            socket
        }
    }
}

async fn look_up(
    staged: &StagedConnection,
    host: &str,
    port: u16,
) -> (Finding, Option<Vec<SocketAddr>>) {
    let cure = format!(
        "correct the host in `address`, or make this machine resolve \"{host}\" (DNS, /etc/hosts)"
    );
    let says = match staged.look_up(host, port).await {
        Ok(found) if !found.is_empty() => {
            let says = if host.parse::<IpAddr>().is_ok() {
                format!("{host} is an IP address")
            } else {
                format!("{host} is {}", listed(&found))
            };
            return (Check::Name.ok(says), Some(found));
        }
        Ok(_none) => format!("the name \"{host}\" has no address"),
        Err(error @ Error::Timeout { .. }) => {
            format!("looking up \"{host}\" {}", explain::took(&error))
        }
        Err(_error) => format!("the name \"{host}\" cannot be resolved"),
    };
    (Check::Name.failed(says, cure), None)
}

fn listed(found: &[SocketAddr]) -> String {
    let mut shown: Vec<String> = found
        .iter()
        .take(MAX_LISTED)
        .map(|address| address.ip().to_string())
        .collect();
    if found.len() > MAX_LISTED {
        shown.push(format!("{} more", found.len() - MAX_LISTED));
    }
    shown.join(", ")
}

async fn connect(
    staged: &StagedConnection,
    port: u16,
    at: &[SocketAddr],
) -> (Finding, Option<Socket>) {
    let listed = listed(at);
    let (says, cure) = match staged.reach(at).await {
        Ok((socket, peer)) => {
            let says = format!("{peer} accepts connections");
            return (Check::Connect.ok(says), Some(socket));
        }
        Err(Error::Connect { source, .. }) if source.kind() == io::ErrorKind::ConnectionRefused => {
            (
                format!("nothing listens on port {port} of {listed}"),
                "start Redis, correct the port in `address`, or let Redis `bind` that address",
            )
        }
        Err(Error::Connect { source, .. }) => (
            format!("cannot connect to port {port} of {listed}: {source}"),
            "check `address`, and the routes and firewalls between here and there",
        ),
        Err(error) => (
            format!(
                "connecting to port {port} of {listed} {}",
                explain::took(&error)
            ),
            "check `address`, and whether a firewall drops the packets (security groups, network policies)",
        ),
    };
    (Check::Connect.failed(says, cure), None)
}

async fn file(staged: &StagedConnection, path: &Path) -> (Finding, Option<Socket>) {
    let shown = path.display();
    let error = match staged.reach_file(path).await {
        Ok(socket) => {
            let says = format!("{shown} accepts connections");
            return (Check::Connect.ok(says), Some(socket));
        }
        Err(error) => error,
    };
    let kind = match &error {
        Error::Connect { source, .. } => Some(source.kind()),
        _ => None,
    };
    let (says, cure) = match kind {
        Some(io::ErrorKind::NotFound) => (
            format!("there is no socket {shown}"),
            "start Redis, or write the path of its `unixsocket` in `address`",
        ),
        Some(io::ErrorKind::PermissionDenied) => (
            format!("this user may not open the socket {shown}"),
            "set `unixsocketperm 770` in Redis and add this user to its group",
        ),
        Some(io::ErrorKind::ConnectionRefused) => (
            format!("nobody listens on the socket {shown}"),
            "start Redis; the file is left over",
        ),
        _ => (
            format!("cannot connect to the socket {shown}"),
            "check the path in `address`",
        ),
    };
    (Check::Connect.failed(says, cure), None)
}
