//! The variables that Kubernetes gives every container for each Service of its namespace: a Service called `kenwell`
//! makes `KENWELL_SERVICE_HOST`, `KENWELL_PORT`, `KENWELL_PORT_8080_TCP_ADDR` and more, which no setting is meant by.

use std::net::IpAddr;

/// The protocols of a Service's ports, as they stand in names.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Whether Kubernetes makes a variable with such a name and such a value. A setting that somebody misspelt has another
/// kind of name, or of value.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") {
        return is_address(value);
    }
    if let Some((_, port)) = name.split_once("_SERVICE_PORT")
        && (port.is_empty() || port.starts_with('_'))
    {
        return is_port(value);
    }
    if name.ends_with("_PORT") && is_url(value) {
        return true;
    }
    let mut ports = name
        .match_indices("_PORT_")
        .map(|(at, word)| at + word.len());
    ports.any(|at| is_of_port(name.get(at..).unwrap_or_default(), value))
}

/// What follows `…_PORT_`, such as `8080_TCP` or `8080_TCP_ADDR`.
fn is_of_port(rest: &str, value: &str) -> bool {
    let mut words = rest.split('_');
    let (port, protocol, what) = (words.next(), words.next(), words.next());
    let is_protocol = protocol.is_some_and(|it| PROTOCOLS.contains(&it));
    if !port.is_some_and(is_port) || !is_protocol || words.next().is_some() {
        return false;
    }
    match what {
        None => is_url(value),
        Some("PROTO") => PROTOCOLS.contains(&value.to_uppercase().as_str()),
        Some("PORT") => is_port(value),
        Some("ADDR") => is_address(value),
        Some(_) => false,
    }
}

fn is_url(value: &str) -> bool {
    value
        .split_once("://")
        .is_some_and(|(scheme, _)| PROTOCOLS.contains(&scheme.to_uppercase().as_str()))
}

fn is_port(value: &str) -> bool {
    value.parse::<u16>().is_ok()
}

fn is_address(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_service_link;

    #[test]
    fn names_and_values_of_kubernetes_and_no_others() {
        for (name, value) in [
            ("KENWELL_SERVICE_HOST", "10.96.0.7"),
            ("KENWELL_SERVICE_HOST", "fd00::7"),
            ("KENWELL_SERVICE_PORT", "4000"),
            ("KENWELL_SERVICE_PORT_HTTP_ALT", "8080"),
            ("KENWELL_PORT", "tcp://10.96.0.7:4000"),
            ("KENWELL_PORT", "tcp://[fd00::7]:4000"),
            ("KENWELL_PORT_4000_TCP", "tcp://10.96.0.7:4000"),
            ("KENWELL_PORT_53_UDP", "udp://10.96.0.7:53"),
            ("KENWELL_PORT_4000_TCP_PROTO", "tcp"),
            ("KENWELL_PORT_4000_TCP_PORT", "4000"),
            ("KENWELL_PORT_4000_TCP_ADDR", "10.96.0.7"),
            ("KENWELL_GATEWAY_SERVICE_HOST", "10.96.0.8"),
            ("KENWELL_GATEWAY_PORT", "tcp://10.96.0.8:8080"),
            ("KENWELL_PORT_FORWARD_PORT_80_TCP_ADDR", "10.96.0.9"),
        ] {
            assert!(is_service_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("KENWELL_PORT", "8080"),
            ("KENWELL_GATEWAY_PORT", "8080"),
            ("KENWELL_GATEWAY_SERVICE_HOST", "kenwell.internal"),
            ("KENWELL_GATEWAY_HOST", "10.96.0.8"),
            ("KENWELL_SERVICE_PORTS", "4000"),
            ("KENWELL_PORT_4000_TCP_ADR", "10.96.0.7"),
            ("KENWELL_PORT_X_TCP_ADDR", "10.96.0.7"),
            ("KENWELL_PORT_4000_TCP", "4000"),
            ("KENWELL_GATWAY_LISTEN", "127.0.0.1:1"),
        ] {
            assert!(!is_service_link(name, value), "{name}={value}");
        }
    }
}
