//! What `kenwell metrics` prints: rules that Prometheus takes and that fire when they should.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing test panics"
)]

use std::path::Path;
use std::process::{Command, Output};

fn kenwell(option: &str) -> String {
    let mut kenwell = Command::new(env!("CARGO_BIN_EXE_kenwell"));
    let output = kenwell.args(["metrics", option]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn promtool(directory: &Path, words: &[&str]) -> Output {
    let mut promtool = Command::new("promtool");
    promtool
        .args(words)
        .current_dir(directory)
        .output()
        .expect("promtool is missing: apt-get install prometheus")
}

/// A directory with the rules, and with the series that they are tried on.
fn rules() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("kenwell.rules.yaml");
    std::fs::write(rules, kenwell("--rules")).unwrap();
    let cases = "../../conformance/metrics/alerts.test.yaml";
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join(cases);
    std::fs::copy(cases, directory.path().join("alerts.test.yaml")).unwrap();
    directory
}

#[test]
fn prometheus_takes_the_rules() {
    let directory = rules();
    let output = promtool(directory.path(), &["check", "rules", "kenwell.rules.yaml"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn each_alert_fires_when_it_should_and_is_silent_otherwise() {
    let directory = rules();
    let output = promtool(directory.path(), &["test", "rules", "alerts.test.yaml"]);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // None is left out.
    let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let (rules, cases) = (read("kenwell.rules.yaml"), read("alerts.test.yaml"));
    let mut alerts = 0;
    for line in rules.lines() {
        let Some(name) = line.trim().strip_prefix("- alert: ") else {
            continue;
        };
        assert!(
            cases.contains(&format!("alertname: {name} }}")),
            "{name} is silent nowhere"
        );
        assert!(
            cases.contains(&format!("alertname=\"{name}\"")),
            "{name} fires nowhere"
        );
        alerts += 1;
    }
    assert_eq!(alerts, 12);
}

/// As rules that record: promtool reads nothing else.
#[test]
fn prometheus_understands_what_the_dashboard_asks() {
    let dashboard: serde_json::Value = serde_json::from_str(&kenwell("--dashboard")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let rules: Vec<_> = targets
        .enumerate()
        .map(|(number, target)| {
            let asked = target["expr"].as_str().unwrap();
            let asked = asked
                .replace("$__rate_interval", "5m")
                .replace("$instance", "one");
            assert!(!asked.contains('$'), "{asked}");
            serde_json::json!({ "record": format!("panel:{number}"), "expr": asked })
        })
        .collect();
    assert!(rules.len() > 20, "{rules:?}");
    let file = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("dashboard.yaml"), file.to_string()).unwrap();
    let output = promtool(directory.path(), &["check", "rules", "dashboard.yaml"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_dashboard_is_json_and_the_list_has_every_metric() {
    let dashboard: serde_json::Value = serde_json::from_str(&kenwell("--dashboard")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 20);
    let list = kenwell("--json");
    let mut metrics = list
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert!(metrics.any(|it| it["name"] == "kenwell_destination_queued" && it["kind"] == "gauge"));
}
