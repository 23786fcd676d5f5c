//! The keys of `[private]`.

use super::gateway;
use super::key::{Key, Kind, keys};

keys! {
    /// The keys of `[private]`.
    PRIVATE:
    LISTEN = Key::new("listen", Kind::Listen, "IP address and port; port 0 takes a free one")
        .default("\"127.0.0.1:8081\"")
        .restart();
    ADMIN_KEY = Key::new(
        "admin_key",
        Kind::Secret,
        "the key that opens the private plane, at least 20 characters; it is a secret, so `env:NAME` and `file:PATH` work",
    )
    .otherwise("made at the first start")
    .restart();
    METRICS_KEY = Key::new(
        "metrics_key",
        Kind::Secret,
        "a key that opens `/metrics` and nothing else, at least 20 characters; `env:NAME` and `file:PATH` work",
    );
    HOSTS = Key::new(
        "hosts",
        Kind::List,
        "names by which browsers may call it, besides IP addresses and `localhost`",
    )
    .default("[]")
    .restart();
    ALLOWED_REFERENCES = Key::new(
        "allowed_references",
        Kind::List,
        "which variables, files and sockets of the server an edit over the network [may name](#secrets)",
    )
    .default("[]")
    .restart();
    // Read by the same code as those of `[gateway]`, by their names.
    _TLS_CERTIFICATE = *gateway::TLS_CERTIFICATE;
    _TLS_KEY = *gateway::TLS_KEY;
}
