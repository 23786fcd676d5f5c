//! `/metrics` of a running server: by Prometheus' rules, with all that dashboards and alerts ask for, and its own key.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{ADMIN_KEY, Certificates, Node, Redis, Reply, Server, eventually, post, raw};

const METRICS_KEY: &str = "metrics-key-of-the-tests-0123456789";

/// Asks with this key; `accept` is what is accepted, if anything is said.
fn ask(server: &Server, method: &str, path: &str, key: &str, accept: &str) -> Reply {
    let private = &server.private;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {private}\r\nAuthorization: Bearer {key}\r\n{accept}Content-Length: 0\r\n\r\n"
    );
    raw(private, request.as_bytes())
}

/// Prometheus' own look at names, kinds and helps.
fn promtool_check(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: apt-get install prometheus");
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let silent = output.stdout.is_empty() && output.stderr.is_empty();
    assert!(output.status.success() && silent, "{output:?}");
}

/// What dashboards and alerts ask for.
fn asked_for(server: &Server) -> BTreeSet<String> {
    let print = |option| {
        let output = server.cli(&["metrics", option]);
        String::from_utf8(output.stdout).unwrap()
    };
    let both = print("--dashboard") + &print("--rules");
    let words = both.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("kenwell_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_is_as_prometheus_wants_it_and_has_all_that_is_asked_for() {
    let all = Certificates::new();
    let secure = Node::start_with_certificate(&all, "server", &["--tls-auth-clients", "no"]);
    let path = |name: &str| all.path(name).display().to_string();
    let identity = format!(
        "tls_certificate = {:?}\ntls_key = {:?}\n",
        path("server.pem"),
        path("server.key")
    );
    let server = Server::with_gateway(
        &identity,
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"secure\"]\n\
             [[destinations]]\nid = \"secure\"\naddress = \"localhost:{}\"\nsecure = true\nca_certificate = {:?}\n",
            secure.tls_port(),
            path("ca.pem"),
        ),
    );
    let page = eventually("the certificate of the Redis to be looked at", || {
        let page = server.metrics();
        page.contains("setting=\"address\"").then_some(page)
    });
    promtool_check(&page);
    let there: BTreeSet<_> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = asked_for(&server).difference(&there).cloned().collect();
    // No request has waited, and no batch was written: nothing has a value there, but all have a name.
    assert!(missing.is_empty(), "{missing:?} in {page}");

    // Every reason stands there before it happens.
    for line in [
        "kenwell_events_ignored_total{source=\"web\",reason=\"not_identify\"} 0",
        "kenwell_destination_dead_lettered_total{destination=\"secure\",reason=\"WRONGTYPE\"} 0",
        "kenwell_private_refused_total{reason=\"wrong_key_at_sign_in\"} 0",
        "kenwell_requests_total{route=\"identify\",status=\"401\"} 0",
        "kenwell_config_last_reload_successful 1",
        "kenwell_accepting_events 1",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    let open = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let reply = ask(&server, "GET", "/metrics", ADMIN_KEY, open);
    let kind = reply.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(reply.text().ends_with("# EOF\n"));
}

#[test]
fn the_metrics_key_opens_the_metrics_and_nothing_else_and_needs_no_restart() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let status = |method: &str, path: &str, key: &str| ask(&server, method, path, key, "").status;
    assert_eq!(status("GET", "/metrics", METRICS_KEY), 401);

    let file = std::fs::read_to_string(server.config()).unwrap();
    let with = |key: &str| {
        let line = format!("metrics_key = \"{key}\"\nadmin_key");
        std::fs::write(server.config(), file.replace("admin_key", &line)).unwrap();
    };
    with(METRICS_KEY);
    eventually("the key to be taken up", || {
        (status("GET", "/metrics", METRICS_KEY) == 200).then_some(())
    });
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/api/v1/overview"),
        ("GET", "/api/v1/session"),
        ("GET", "/nothing"),
        ("DELETE", "/metrics"),
        ("DELETE", "/api/v1/sources/web"),
    ] {
        let reply = ask(&server, method, path, METRICS_KEY, "");
        assert_eq!(reply.status, 403, "{method} {path}");
        assert!(reply.text().contains("metrics_key"), "{}", reply.text());
    }
    assert_eq!(status("GET", "/metrics", ADMIN_KEY), 200);
    assert_eq!(status("GET", "/ready", METRICS_KEY), 200);

    // Another one.
    let next = "another-metrics-key-0123456789";
    with(next);
    eventually("the next key to be taken up", || {
        (status("GET", "/metrics", next) == 200).then_some(())
    });
    assert_eq!(status("GET", "/metrics", METRICS_KEY), 401);
    let shown = server.log() + &server.ask("GET", "/api/v1/configuration", "").text();
    assert!(!shown.contains(next) && !shown.contains(METRICS_KEY));
}

/// The value of the first sample that begins so.
fn value(server: &Server, sample: &str) -> f64 {
    let page = server.metrics();
    let line = page.lines().find(|line| line.starts_with(sample));
    let line = line.unwrap_or_else(|| panic!("{sample} in {page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn state_and_lag_tell_of_a_redis_that_is_away_also_after_a_restart() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    let event = r#"{"userId":"ada","traits":{"n":1}}"#;
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    server.settle("profiles");
    let lag = "kenwell_destination_lag_seconds{destination=\"profiles\"}";
    let state = |name: &str| {
        format!("kenwell_destination_state{{destination=\"profiles\",state=\"{name}\"}}")
    };
    eventually("nothing to be under way", || {
        (value(&server, lag) < 1e-9).then_some(())
    });
    assert!(value(&server, &state("up")) > 0.5 && value(&server, &state("waiting")) < 0.5);

    redis.kill();
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    eventually("it to wait", || {
        (value(&server, &state("waiting")) > 0.5 && value(&server, lag) > 0.0).then_some(())
    });
    server.kill();
    server.restart();
    // Nothing is under way yet, and all the same it is known how old the oldest event is.
    let first = eventually("it to be behind", || {
        Some(value(&server, lag)).filter(|lag| *lag > 0.0)
    });
    eventually("it to be further behind", || {
        (value(&server, lag) > first).then_some(())
    });
    redis.restart();
    server.settle("profiles");
    eventually("it to have caught up", || {
        (value(&server, lag) < 1e-9).then_some(())
    });

    // A paused one is as far behind as its oldest event.
    server.ask("POST", "/api/v1/destinations/profiles/pause", "");
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    eventually("the paused one to be behind", || {
        (value(&server, &state("paused")) > 0.5 && value(&server, lag) > 0.0).then_some(())
    });
}
