//! The keys of `[[destinations]]`.

use super::key::{Group, Key, Kind, Moves, Needs, keys};

/// From a second to ten years.
const TIME_TO_LIVE: Kind = Kind::Duration(1_000, 315_360_000_000);

keys! {
    /// The keys of `[[destinations]]`, in the reference's order.
    DESTINATION:
    ID = Key::new(
        "id",
        Kind::Id,
        "unique among destinations; its place in the journal is kept under this name",
    )
    .required()
    .example("\"profiles\"")
    .no_variable()
    .file_only()
    .moves(Moves::NoSecret);
    NAME = Key::new("name", Kind::Text, "for people")
        .otherwise("the id")
        .moves(Moves::NoSecret);
    ENABLED = Key::new(
        "enabled",
        Kind::Flag,
        "a disabled destination gets nothing; what waits for it already is kept until it is enabled again",
    )
    .default("true")
    .moves(Moves::NoSecret);
    PAUSED = Key::new(
        "paused",
        Kind::Flag,
        "a paused destination gets its share later: it waits in the journal, which keeps it however long that takes",
    )
    .default("false")
    .moves(Moves::NoSecret);
    HEAL = Key::new(
        "heal",
        Kind::Flag,
        "a Redis that [came back with less](operations.md#a-redis-that-came-back-with-less) after a restart or a failover gets again, by itself, what the journal still has; `false`: it is only shown",
    )
    .default("true")
    .moves(Moves::NoSecret);
    // Nothing depends on it so far.
    _TYPE = Key::new("type", Kind::Choice(&["redis"]), "the only type so far")
        .default("\"redis\"")
        .no_variable()
        .file_only()
        .moves(Moves::NoSecret);
    ADDRESS = Key::new(
        "address",
        Kind::Addresses,
        "`host:port`, `[ipv6]:port`, or `unix:/path/to/redis.sock`; also a [connection string of Azure](redis.md#fields-or-url); for a cluster some of its nodes, for Sentinels some of them: `\"a:6379, b:6379\"` or `[\"a:6379\", \"b:6379\"]`",
    )
    .otherwise("required, or `url`")
    .example("\"127.0.0.1:6379\"")
    .field(Group::Server, "Address");
    URL = Key::new(
        "url",
        Kind::RedisUrl,
        "`redis[s]://[[username][:password]@]host[:port][/database]` (or `valkey[s]://`), `redis-sentinel://[[username][:password]@]host[:port][,…]/master[/database]` or `unix:///path?db=N` instead of the keys it names; a [secret](#secrets)",
    )
    .file_only();
    USERNAME = Key::new(
        "username",
        Kind::Name,
        "Redis ACL user; empty for the default user; also `env:NAME` or `file:PATH`",
    )
    .default("\"\"")
    .field(Group::SignIn, "User")
    .hint("An ACL user of Redis. Empty for the default user.")
    .moves(Moves::Secret("password"));
    PASSWORD = Key::new(
        "password",
        Kind::Secret,
        "a [secret](#secrets); empty for none",
    )
    .default("\"\"")
    .field(Group::SignIn, "Password")
    .moves(Moves::NoSecret);
    DATABASE = Key::new("database", Kind::Number(0, i64::MAX), "Redis database number")
        .default("0")
        .field(Group::Keys, "Database")
        .hint("A number; 0 always exists, and is the only one of a cluster.")
        .moves(Moves::NoSecret);
    PREFIX = Key::new(
        "prefix",
        Kind::Text,
        "keys become `<prefix>:user:<id>`; also a [template](#prefixes)",
    )
    .default("\"\"")
    .field(Group::Keys, "Key prefix")
    .hint("Keys become prefix:user:<id>. Empty for user:<id>.")
    .moves(Moves::NoSecret);
    JSON = Key::new(
        "json",
        Kind::Flag,
        "a profile is one [JSON document](profiles.md#json-documents) instead of a hash; Redis must have RedisJSON",
    )
    .default("false")
    .field(Group::Profiles, "Profiles are JSON documents")
    .hint("One document of RedisJSON for each user instead of a hash. Profiles that are there already stay what they are.")
    .moves(Moves::NoSecret);
    TTL = Key::new(
        "ttl",
        TIME_TO_LIVE,
        "a profile [expires](profiles.md#time-to-live) when nothing was written to it for so long; `1s` to `3650d`",
    )
    .otherwise("never")
    .field(Group::Profiles, "Expires after")
    .hint("How long a profile stays after the last event that wrote to it, such as 90d. Empty for ever; profiles that have a time then keep it.")
    .moves(Moves::NoSecret);
    TTL_FROM = Key::new(
        "ttl_from",
        Kind::Choice(&["last_identify", "first"]),
        "from when on `ttl` counts: `last_identify`, each event that writes to a profile renews it; `first`, it is set once, when a profile has none",
    )
    .default("\"last_identify\"")
    .field(Group::Profiles, "Counted from")
    .hint("The last event that wrote to a profile, or the first.")
    .moves(Moves::NoSecret);
    FIELD_TTL = Key::new(
        "field_ttl",
        Kind::Map,
        "[fields that expire](profiles.md#fields-that-expire) by themselves: `{ \"cart.*\" = \"30m\" }`, a field's name or `name.*` for all below it, and how long each stays after it was written; takes Redis 7.4 or Valkey 9; at most 64 entries",
    )
    .default("{}")
    .example("{ \"cart.*\" = \"30m\" }")
    .field(Group::Profiles, "Fields that expire")
    .hint("One on each line: cart.* = 30m for all fields below cart, or the name of a field. Takes Redis 7.4 or Valkey 9.")
    .moves(Moves::NoSecret);
    ORDER = Key::new(
        "order",
        Kind::Choice(&["arrival", "event_time"]),
        "which of two events that set a field wins: `arrival`, the one that comes last; `event_time`, the one that [happened last](profiles.md#order-of-events), whatever order they come in and however often",
    )
    .default("\"arrival\"")
    .field(Group::Profiles, "Order of events")
    .hint("By arrival, or by the time at which events happened: then no late event overwrites a newer one.")
    .moves(Moves::NoSecret);
    CLOCK_TOLERANCE = Key::new(
        "clock_tolerance",
        Kind::Duration(0, 3_600_000),
        "with `order = \"event_time\"`: how far a sender's clock may be off and its times still be taken as they are; those of a worse clock are corrected; at most `1h`",
    )
    .default("\"5m\"")
    .field(Group::Profiles, "Clocks may be off by")
    .hint("Only for the order by event time: beyond this the sender's times are corrected. Empty for 5m.")
    .moves(Moves::NoSecret);
    NULL_TRAITS = Key::new(
        "null_traits",
        Kind::Choice(&["ignore", "delete"]),
        "what a trait does that is `null`: `ignore`, nothing; `delete`, it [removes](profiles.md#nulls) the field and everything below it",
    )
    .default("\"ignore\"")
    .field(Group::Profiles, "Traits that are null")
    .hint("They write nothing, or they remove the field and everything below it.")
    .moves(Moves::NoSecret);
    NESTED = Key::new(
        "nested",
        Kind::Choice(&["merge", "replace"]),
        "what becomes of the fields below a trait that is sent again: `merge`, those that are not sent stay; `replace`, [they go](profiles.md#nested-objects)",
    )
    .default("\"merge\"")
    .field(Group::Profiles, "Objects that are sent again")
    .hint("Fields that are not sent again stay, or go.")
    .moves(Moves::NoSecret);
    CLUSTER_MODE = Key::new(
        "cluster_mode",
        Kind::Flag,
        "the addresses are nodes of a [Redis Cluster](redis.md#redis-cluster)",
    )
    .default("false")
    .field(Group::Server, "Redis Cluster");
    SENTINEL_MASTER = Key::new(
        "sentinel_master",
        Kind::Text,
        "the addresses are [Sentinels](redis.md#sentinel), and this is the name under which they know the master",
    )
    .field(Group::Server, "Name of the master")
    .needs(Needs::Sentinels)
    .hint("As the Sentinels know it, often mymaster.");
    SENTINEL_USERNAME = Key::new(
        "sentinel_username",
        Kind::Text,
        "ACL user at the Sentinels, which have users of their own",
    )
    .field(Group::Server, "User at the Sentinels")
    .needs(Needs::Sentinels)
    .hint("Sentinels have users of their own. Empty for the default user.")
    .moves(Moves::Secret("sentinel_password"));
    SENTINEL_PASSWORD = Key::new(
        "sentinel_password",
        Kind::Secret,
        "password at the Sentinels; a [secret](#secrets)",
    )
    .field(Group::Server, "Password at the Sentinels")
    .needs(Needs::Sentinels)
    .moves(Moves::NoSecret);
    ADDRESS_MAP = Key::new(
        "address_map",
        Kind::Map,
        "where the servers that a cluster or Sentinels name are [from here](redis.md#servers-that-name-other-addresses): `{ \"10.0.0.5:6379\" = \"127.0.0.1:7001\" }`, or host to host; in a variable `10.0.0.5:6379=127.0.0.1:7001, …`; at most 1,024 entries",
    )
    .default("{}")
    .example("{ \"10.0.0.5:6379\" = \"127.0.0.1:7001\" }")
    .field(Group::Server, "Servers seen from here")
    .needs(Needs::SeveralServers)
    .hint("Where the servers that a cluster or Sentinels name are from here, one on each line: 10.0.0.5:6379 = 127.0.0.1:7001, or host = host.");
    SECURE = Key::new("secure", Kind::Flag, "TLS")
        .default("false")
        .field(Group::Encryption, "Connect with TLS")
        .hint("Encrypts the connection and checks the server's certificate.");
    SKIP_VERIFY = Key::new(
        "skip_verify",
        Kind::Flag,
        "TLS without looking at the server's certificate; for trying things only",
    )
    .default("false")
    .field(Group::Encryption, "Do not check the server's certificate")
    .needs(Needs::Tls);
    CA_CERTIFICATE = Key::new(
        "ca_certificate",
        Kind::Certificate,
        "PEM text (between `'''` lines) or the path of a PEM file, instead of the system's authorities",
    )
    .default("\"\"")
    .field(Group::Encryption, "CA certificate")
    .needs(Needs::Tls)
    .hint("Who issued the server's certificate: PEM text; or the path of a file on the server, where the file allows it. Empty for the system's authorities.");
    CLIENT_CERTIFICATE = Key::new(
        "client_certificate",
        Kind::Certificate,
        "PEM text or the path of a PEM file: who we are, for a Redis that asks",
    )
    .default("\"\"")
    .field(Group::ClientCertificate, "Client certificate")
    .needs(Needs::Tls)
    .hint("PEM text; or the path of a file on the server, where the file allows it.")
    .moves(Moves::NoSecret);
    CLIENT_KEY = Key::new(
        "client_key",
        Kind::PrivateKey,
        "its private key, not encrypted: PEM text, the path of a PEM file, `env:NAME` or `file:PATH`",
    )
    .default("\"\"")
    .field(Group::ClientCertificate, "Client key")
    .needs(Needs::Tls)
    .hint("The private key of the client certificate, not encrypted.")
    .moves(Moves::NoSecret);
    SERVER_NAME = Key::new(
        "server_name",
        Kind::Text,
        "the name that the server's certificate must carry, when it is not the host of the address",
    )
    .field(Group::Encryption, "Name in the certificate")
    .needs(Needs::Tls)
    .hint("Only when it differs from the host of the address.");
    CONNECT_TIMEOUT = Key::new(
        "connect_timeout",
        Kind::Duration(50, 600_000),
        "how long opening a connection may take: name, network, TLS and login together, of which looking up the name may take half; `50ms` to `10m`",
    )
    .default("\"5s\"")
    .field(Group::Timeouts, "Longest wait for a connection")
    .hint("Such as 10s. Empty for 5s.")
    .moves(Moves::NoSecret);
    RESPONSE_TIMEOUT = Key::new(
        "response_timeout",
        Kind::Duration(50, 600_000),
        "how long Redis may be silent while events are written: time in which no byte moves, not the time for all of them; for other questions the time for the answer; `50ms` to `10m`",
    )
    .default("\"5s\"")
    .field(Group::Timeouts, "Longest silence")
    .hint("How long Redis may say nothing before a new connection is opened, such as 10s. Empty for 5s.")
    .moves(Moves::NoSecret);
}
