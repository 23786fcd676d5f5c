//! Configuration files, good and bad: what is read, and what is said about what cannot be read.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kenwell_journal::Durability;
use kenwell_server::config::{Config, Environment, Loaded, Problems};

#[path = "../../kenwell/tests/support/certificates.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "other tests use all of it, as a public module"
)]
mod certificates;
#[path = "config/connection.rs"]
mod connection;
#[path = "config/environment.rs"]
mod environment;
#[path = "config/expiry.rs"]
mod expiry;
#[path = "config/listener.rs"]
mod listener;
#[path = "config/prefix_overlap.rs"]
mod prefix_overlap;
#[path = "config/public_url.rs"]
mod public_url;
#[path = "config/rules.rs"]
mod rules;
#[path = "config/secrets.rs"]
mod secrets;
#[path = "config/size.rs"]
mod size;

/// A source and a destination that are fine, to put wrong things beside.
const ROUTE: &str = r#"
[[sources]]
id = "web"
write_key = "key-1"
destinations = ["profiles"]
[[destinations]]
id = "profiles"
address = "127.0.0.1:6379"
"#;

fn load_in(directory: &Path, text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let path = directory.join("kenwell.toml");
    fs::write(&path, text).unwrap();
    private(&path);
    Config::load(&path, &variables.iter().copied().collect())
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let directory = tempfile::tempdir().unwrap();
    load_in(directory.path(), text, variables)
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Every problem of every case, as a person sees it.
fn report(cases: &[(&str, &[(&str, &str)])]) -> String {
    let mut report = String::new();
    for (text, variables) in cases {
        let directory = tempfile::tempdir().unwrap();
        let said = match load_in(directory.path(), text, variables) {
            Err(problems) => problems.to_string(),
            Ok(loaded) => loaded
                .warnings
                .iter()
                .map(|warning| format!("warning: {warning}"))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        assert!(!said.contains("SECRET"), "a secret is shown: {said}");
        let said = said.replace(&format!("{}/", directory.path().display()), "");
        for (name, value) in *variables {
            writeln!(report, "$ export {name}={value}").unwrap();
        }
        writeln!(report, "{}\n>>>\n{said}\n{}", text.trim(), "-".repeat(72)).unwrap();
    }
    report
}

fn report_texts(texts: &[&str]) -> String {
    let cases: Vec<(&str, &[(&str, &str)])> = texts.iter().map(|text| (*text, &[][..])).collect();
    report(&cases)
}

/// The good route with lines added to its destination.
fn with_destination_lines(lines: &str) -> String {
    format!("{}{lines}\n", ROUTE.trim_start())
}

#[test]
fn the_example_of_the_documentation_is_valid() {
    let guide = include_str!("../../../docs/configuration.md");
    let example = guide.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let variables = [("WEB_WRITE_KEY", "w"), ("REDIS_PASSWORD", "p")];
    let loaded = load(example, &variables).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_small_file_gets_the_documented_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let Loaded { config, warnings } = load_in(directory.path(), ROUTE, &[]).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config.data_dir, directory.path().join("data"));
    assert_eq!(config.workspace_id, "default");
    assert_eq!(config.gateway.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.gateway.max_connections, 4096);
    assert_eq!(config.gateway.idle_timeout, Duration::from_mins(12));
    assert_eq!(config.gateway.body_timeout, Duration::from_secs(30));
    assert_eq!(config.gateway.rate_limit, 0);
    assert_eq!(config.private.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.journal.max_bytes, 8 << 30);
    assert_eq!(config.journal.retain, Duration::from_hours(24));
    assert_eq!(config.journal.retain_bytes, 1 << 30);
    assert_eq!(config.journal.durability, Durability::Fsync);
    assert_eq!(config.delivery.batch_records, 4000);
    assert_eq!(config.delivery.lanes, 4);
    assert_eq!(config.dead_letters.max_bytes, 1 << 30);
    let [source] = &config.sources[..] else {
        panic!("one source")
    };
    assert_eq!((source.name.as_str(), source.enabled), ("web", true));
    assert_eq!(source.write_key.expose(), "key-1");
    assert_eq!(source.destinations, ["profiles"]);
    let [destination] = &config.destinations[..] else {
        panic!("one destination")
    };
    assert_eq!(
        (destination.name.as_str(), destination.enabled),
        ("profiles", true)
    );
    assert!(destination.connection.username.is_none());
    assert!(destination.connection.password.is_none());
    assert_eq!(destination.connection.database, 0);
}

#[test]
fn every_setting_arrives() {
    let text = r#"
data_dir = "/var/lib/kenwell"
workspace_id = "w1"
[gateway]
listen = "[::1]:9000"
max_connections = 10
idle_timeout = "20m"
body_timeout = "1m 30s"
rate_limit = 500
[private]
listen = "127.0.0.2:0"
[journal]
max_bytes = "32 MiB"
retain = 60
retain_bytes = "1 MB"
durability = "os"
[delivery]
batch_records = 50
lanes = 2
[dead_letters]
max_bytes = "80 MiB"
[[sources]]
id = "web"
name = "Web site"
write_key = "k"
enabled = false
destinations = ["profiles"]
[[destinations]]
id = "profiles"
name = "Profiles"
enabled = false
type = "redis"
address = "redis.internal:6380"
username = "kenwell"
password = "SECRET"
database = 3
prefix = "app"
secure = true
skip_verify = true
"#;
    let config = load(text, &[]).unwrap().config;
    assert_eq!(config.data_dir, Path::new("/var/lib/kenwell"));
    assert_eq!(config.workspace_id, "w1");
    assert_eq!(config.gateway.listen.to_string(), "[::1]:9000");
    assert_eq!(config.gateway.max_connections, 10);
    assert_eq!(config.gateway.idle_timeout, Duration::from_mins(20));
    assert_eq!(config.gateway.body_timeout, Duration::from_secs(90));
    assert_eq!(config.gateway.rate_limit, 500);
    assert_eq!(config.private.listen.to_string(), "127.0.0.2:0");
    assert_eq!(config.journal.max_bytes, 32 << 20);
    assert_eq!(config.journal.retain, Duration::from_mins(1));
    assert_eq!(config.journal.retain_bytes, 1_000_000);
    assert_eq!(config.journal.durability, Durability::Os);
    assert_eq!(
        (config.delivery.batch_records, config.delivery.lanes),
        (50, 2)
    );
    assert_eq!(config.dead_letters.max_bytes, 80 << 20);
    assert_eq!(
        (config.sources[0].name.as_str(), config.sources[0].enabled),
        ("Web site", false)
    );
    let destination = &config.destinations[0];
    assert_eq!(
        (destination.name.as_str(), destination.enabled),
        ("Profiles", false)
    );
    assert_eq!(destination.prefix, "app");
    assert_eq!(destination.connection.address, "redis.internal:6380");
    assert_eq!(destination.connection.username.as_deref(), Some("kenwell"));
    assert_eq!(
        destination.connection.password.as_ref().unwrap().expose(),
        "SECRET"
    );
    assert_eq!(destination.connection.database, 3);
    assert!(destination.connection.secure && destination.connection.skip_verify);
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("\"k\""),
        "{shown}"
    );
}

#[test]
fn clusters_and_sentinels_take_lists_of_addresses() {
    let connection = |lines: &str, variables: &[(&str, &str)]| {
        let text = ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
        let config = load(&text, variables).unwrap().config;
        config.destinations[0].connection.clone()
    };
    for lines in [
        "address = \"a:1, [::1]:2\"\ncluster_mode = true",
        "address = [\"a:1\", \" [::1]:2 \"]\ncluster_mode = true",
    ] {
        let cluster = connection(lines, &[]);
        assert!(cluster.cluster_mode);
        assert_eq!(cluster.address, "a:1,[::1]:2");
    }
    let sentinel = connection(
        "address = \"a:1\"\nsentinel_master = \"mymaster\"\nsentinel_username = \"u\"\nsentinel_password = \"SECRET\"\ndatabase = 2",
        &[("KENWELL_DESTINATIONS_PROFILES_ADDRESS", "b:1,c:1")],
    );
    assert_eq!(sentinel.address, "b:1,c:1");
    assert_eq!(sentinel.database, 2);
    assert_eq!(sentinel.sentinel_master.as_deref(), Some("mymaster"));
    assert_eq!(sentinel.sentinel_username.as_deref(), Some("u"));
    let password = sentinel.sentinel_password.as_ref().unwrap();
    assert_eq!(password.expose(), "SECRET");
    assert!(!format!("{sentinel:?}").contains("SECRET"));
    let path = connection("address = \"unix:/run/a,b.sock\"", &[]);
    assert_eq!(path.address, "unix:/run/a,b.sock");
}

#[test]
fn secrets_come_from_variables_and_files_beside_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("password"), "from file\r\n").unwrap();
    let text = ROUTE.replace("key-1", "env:WEB_KEY") + "password = \"file:password\"\n";
    let variables = [("WEB_KEY", "from-variable")];
    let config = load_in(directory.path(), &text, &variables).unwrap().config;
    assert_eq!(config.sources[0].write_key.expose(), "from-variable");
    let password = config.destinations[0].connection.password.as_ref().unwrap();
    assert_eq!(password.expose(), "from file");
}

#[test]
fn a_small_journal_keeps_at_most_half_of_itself_after_delivery() {
    let text = format!("[journal]\nmax_bytes = \"16 MiB\"\n{ROUTE}");
    assert_eq!(
        load(&text, &[]).unwrap().config.journal.retain_bytes,
        8 << 20
    );
}

#[test]
fn a_certificate_is_read_from_its_path() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ca.pem"), PEM).unwrap();
    let text = with_destination_lines("secure = true\nca_certificate = \"ca.pem\"");
    let config = load_in(directory.path(), &text, &[]).unwrap().config;
    // The path, so that a renewed certificate is taken up.
    let given = config.destinations[0].connection.ca_certificate.as_deref();
    assert_eq!(given, directory.path().join("ca.pem").to_str());
    let text = with_destination_lines(&format!("secure = true\nca_certificate = '''{PEM}'''"));
    let config = load_in(directory.path(), &text, &[]).unwrap().config;
    assert_eq!(
        config.destinations[0].connection.ca_certificate.as_deref(),
        Some(PEM)
    );
}

#[test]
fn a_missing_file_is_explained() {
    let problems = Config::load(Path::new("no/such.toml"), &Environment::default()).unwrap_err();
    let said = problems.to_string();
    insta::assert_snapshot!(said);
}

#[test]
fn broken_toml() {
    let said = report_texts(&[
        "[gateway\nlisten = \"127.0.0.1:1\"",
        "data_dir = data",
        "data_dir = \"a\"\ndata_dir = \"b\"",
        "password = \"SECRET\nid = 1",
        "[[destinations]]\npassword = SECRET\n[[destinations]\nid = \"x\"",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn unknown_keys() {
    let said = report_texts(&[
        "datadir = \"a\"\n[gatway]\nlisten = \"127.0.0.1:1\"\n[gateway]\nport = 80\nListen = \"x\"",
        "[[source]]\nid = \"web\"",
        "[[sources]]\nid = \"web\"\nwriteKey = \"SECRET\"",
        &with_destination_lines("adress = \"h:1\"\nskipVerify = true\ncolour = \"red\""),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn wrong_types() {
    let said = report_texts(&[
        "data_dir = 7\nworkspace_id = \"\"\ngateway = \"127.0.0.1:1\"\nsources = []\n",
        "[sources]\nid = \"web\"",
        "[gateway]\nlisten = 8080\nmax_connections = \"many\"\nbody_timeout = true\nrate_limit = 1.5",
        "[[sources]]\nid = 1\nwrite_key = 12345\nenabled = \"true\"\ndestinations = \"profiles\"",
        "[[sources]]\nid = \"a\"\nwrite_key = [\"SECRET\"]\ndestinations = [1]",
        &with_destination_lines(
            "password = true\ndatabase = \"0\"\ncluster_mode = 1\nsecure = \"true\"\nprefix = 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn bad_values() {
    let said = report_texts(&[
        "[gateway]\nlisten = \"localhost:8080\"\nmax_connections = 0\nidle_timeout = \"0s\"\nbody_timeout = \"0s\"\nrate_limit = -1",
        "[gateway]\nlisten = \":8080\"\n[private]\nlisten = \"8081\"",
        "[private]\nlisten = \"0.0.0.0:8081\"\nadmin_key = \"\"",
        "[private]\nadmin_key = \"too short\"\nhosts = [\"http://kenwell.internal\", \"*\"]",
        "[private]\nadmin_key = \"long enough but with white space\"\nhosts = [\"\"]",
        "[private]\nmetrics_key = \"too short\"",
        "[private]\nadmin_key = \"kwa_SECRET-of-twenty-characters\"\nmetrics_key = \"kwa_SECRET-of-twenty-characters\"",
        "[gateway]\nlisten = \"127.0.0.1:8081\"",
        "[gateway]\nlisten = \"127.0.0.1:9\"\n[private]\nlisten = \"127.0.0.1:9\"",
        "[journal]\nmax_bytes = \"8 gigs\"\nretain = \"a day\"\nretain_bytes = -1\ndurability = \"sync\"",
        "[journal]\nmax_bytes = \"1 KiB\"\n[dead_letters]\nmax_bytes = 1",
        "[journal]\nmax_bytes = \"1 GiB\"\nretain_bytes = \"2 GiB\"",
        "[delivery]\nbatch_records = 0\nlanes = 65",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn bad_sources() {
    let long_id = format!(
        "[[sources]]\nid = \"{}\"\nwrite_key = \"k\"",
        "a".repeat(65)
    );
    let said = report_texts(&[
        "",
        "[[sources]]\nname = \"Web\"",
        "[[sources]]\nid = \"Web Site\"\nwrite_key = \"\"",
        &long_id,
        "[[sources]]\nid = \"web\"\nwrite_key = \"SECRET:x\"",
        "[[sources]]\nid = \"web\"\nwrite_key = \"env:NOT_THERE\"",
        "[[sources]]\nid = \"web\"\nwrite_key = \"file:not-there\"",
        "[[sources]]\nid = \"a\"\nwrite_key = \"SECRET\"\n[[sources]]\nid = \"b\"\nwrite_key = \"SECRET\"\n[[sources]]\nid = \"a\"\nwrite_key = \"2\"",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn bad_destinations() {
    let of = |lines: &str| ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
    let cases: Vec<String> = [
        "",
        "address = \"\"",
        "address = \"localhost\"",
        "address = \"redis://:SECRET@localhost:6379/0\"",
        "address = \"a:6379,b:6379\"",
        "address = \"::1:6379\"",
        "address = \"[::g]:6379\"",
        "address = \"localhost:0\"",
        "address = \"localhost:65536\"",
        "address = \":6379\"",
        "address = \"unix:redis.sock\"",
        "address = \"h:1\"\ntype = \"kafka\"",
        "address = \"h:1\"\ndatabase = -1",
        "address = \"h:1\"\ncluster_mode = true\ndatabase = 1",
        "address = [\"a:6379\", \"b:6379\"]",
        "address = []",
        "address = [6379]",
        "address = [\"a:6379\", \"b\"]\ncluster_mode = true",
        "address = \"a:6379,\"\ncluster_mode = true",
        "address = \"unix:/redis.sock\"\ncluster_mode = true",
        "address = \"h:1\"\nsentinel_master = \"mymaster\"\ncluster_mode = true",
        "address = \"h:1\"\nsentinel_master = \"\"",
        "address = \"unix:/redis.sock\"\nsentinel_master = \"mymaster\"",
        "address = \"h:1\"\nsentinel_username = \"u\"\nsentinel_password = \"SECRET\"",
        "address = \"h:1\"\nsentinel_master = \"mymaster\"\nsentinel_username = \"u\"",
        "address = \"h:1\"\nskip_verify = true\nca_certificate = \"ca.pem\"",
        "address = \"h:1\"\nsecure = true\nca_certificate = \"not-there.pem\"",
        "address = \"h:1\"\nsecure = true\nca_certificate = \"kenwell.toml\"",
        "address = \"h:1\"\nsecure = true\nca_certificate = '-----BEGIN CERTIFICATE-----\\nMII\\n-----END CERTIFICATE-----'",
        "address = \"h:1\"\nusername = \"u\"",
        "address = \"h:1\"\npassword = \"env:NOT_THERE\"",
        "address = \"h:1\"\npassword = \"file:not-there\"",
    ]
    .into_iter()
    .map(of)
    .collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let said = report_texts(&cases);
    insta::assert_snapshot!(said);
}

#[test]
fn bad_routes() {
    let twice = format!("{ROUTE}\n[[destinations]]\nid = \"profiles\"\naddress = \"h:1\"");
    let said = report_texts(&[
        &ROUTE.replace("[\"profiles\"]", "[\"profile\"]"),
        &ROUTE.replace("[\"profiles\"]", "[\"elsewhere\"]"),
        &ROUTE.replace("[\"profiles\"]", "[\"profiles\", \"profiles\"]"),
        &ROUTE.replace("[\"profiles\"]", "[]"),
        &twice,
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_destination_that_is_wrong_is_not_also_called_missing() {
    let text = ROUTE.replace("127.0.0.1:6379", "localhost");
    let problems = load(&text, &[]).unwrap_err();
    assert_eq!(problems.errors.len(), 1, "{problems}");
    assert_eq!(problems.warnings, []);
}

#[test]
fn bad_variables() {
    let route = ROUTE.trim();
    let said = report(&[
        (route, &[("KENWELL_GATEWAY_LISTEN", "8080")]),
        (route, &[("KENWELL_GATEWAY_MAX_CONNECTIONS", "lots")]),
        (route, &[("KENWELL_GATWAY_LISTEN", "127.0.0.1:1")]),
        (route, &[("KENWELL_DESTINATIONS_PROFILE_PASSWORD", "x")]),
        (route, &[("KENWELL_FAVOURITE_COLOUR", "x")]),
        (route, &[("KENWELL_DESTINATIONS_PROFILES_SECURE", "yes")]),
        (route, &[("KENWELL_SOURCES_WEB_WRITE_KEY", "")]),
        (
            route,
            &[("KENWELL_SOURCES_WEB_DESTINATIONS", "profiles,nowhere")],
        ),
    ]);
    insta::assert_snapshot!(said);
}

/// A self-signed certificate of a name that is nobody's.
const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUSEg+StnlEy5RWt5g5Z1gJFs/49YwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY2EuaW52YWxpZDAgFw0yNjExMjIxMjA5MzdaGA8yMTI2MTAy
OTEyMDkzN1owFTETMBEGA1UEAwwKY2EuaW52YWxpZDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABLKOOhxXrhrQzsnHapXGtWEvFaH8j6eLjcqzpv9mptiwdMqE9BUk
WQu6n7CtQUeYtN9qKVyFqptjeNlCaBzg3WijUzBRMB0GA1UdDgQWBBSI5jeWSyjD
huT+r5Q7Ik+XjPhh4jAfBgNVHSMEGDAWgBSI5jeWSyjDhuT+r5Q7Ik+XjPhh4jAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIGDGHQvzZ8wMGuhCLQ3U
8ZNnPBZVggn/LxIEPbFJCK94AiEA8r0IkaIZBDmNqh2xmx512e6A4jVpk6YeL9QO
ofp2uOc=
-----END CERTIFICATE-----
";
