//! The keys of `[gateway]`.

use super::key::{Key, Kind, keys};

keys! {
    /// The keys of `[gateway]`.
    GATEWAY:
    LISTEN = Key::new("listen", Kind::Listen, "IP address and port; port 0 takes a free one")
        .default("\"127.0.0.1:8080\"")
        .restart();
    MAX_CONNECTIONS = Key::new(
        "max_connections",
        Kind::Number(1, 1_000_000),
        "connections served at once (1 to 1,000,000), as far as the process may have [descriptors](operations.md#connections-and-strangers); one more takes the place of the one that has kept us waiting for longest",
    )
    .default("4096")
    .restart();
    // RudderStack's. A balancer must not send a request on a connection that is just being closed.
    IDLE_TIMEOUT = Key::new(
        "idle_timeout",
        Kind::Duration(1, u64::MAX),
        "how long a connection may be without a request; longer than the load balancers in front keep theirs (Google's: 600 s)",
    )
    .default("\"12m\"")
    .restart();
    BODY_TIMEOUT = Key::new(
        "body_timeout",
        Kind::Duration(1, u64::MAX),
        "longest time a request body may take to arrive",
    )
    .default("\"30s\"")
    .restart();
    RATE_LIMIT = Key::new(
        "rate_limit",
        Kind::Number(0, u32::MAX as i64),
        "events a second from each source; more are refused with 429; 0 is no limit",
    )
    .default("0");
    PUBLIC_URL = Key::new(
        "public_url",
        Kind::HttpUrl,
        "the data-plane URL that SDKs are given, such as `https://events.example.com`. Needed only for Segment's mobile and browser SDKs behind a proxy that passes on neither `Host` nor `X-Forwarded-Host`, or below a path",
    )
    .restart();
    TLS_CERTIFICATE = Key::new(
        "tls_certificate",
        Kind::Certificate,
        "PEM text or the path of a PEM file, the listener's own certificate first; with it only TLS 1.2 and 1.3 is spoken",
    )
    .restart();
    TLS_KEY = Key::new(
        "tls_key",
        Kind::PrivateKey,
        "its private key, not encrypted: PEM text, the path of a PEM file, `env:NAME` or `file:PATH`",
    )
    .restart();
}
