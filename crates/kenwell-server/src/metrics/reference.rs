//! The table of docs/operations.md, the dashboard and the rules: all of them are what the table of metrics says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::alerts::{ALERTS, rules};
use super::dashboard::dashboard;
use super::description::{Kind, Section};
use super::table::METRICS;
use super::{
    CertificateExpiry, CertificateOwner, DestinationFigures, DiskSpace, Metrics, PageFigures,
};

/// Set it to have the table of the guide written anew.
const UPDATE: &str = "KENWELL_UPDATE_DOCS";
fn rows() -> String {
    let mut rows =
        "| metric | labels | what it is | watch for |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in METRICS {
        let labels: Vec<_> = metric.labels.iter().map(|it| format!("`{it}`")).collect();
        let (name, labels, help, watch) =
            (metric.name, labels.join(", "), metric.help, metric.watch);
        writeln!(rows, "| `{name}` | {labels} | {help} | {watch} |").unwrap();
    }
    rows
}

fn alert_rows() -> String {
    let mut rows =
        "| alert | severity | after | what it means |\n| --- | --- | --- | --- |\n".to_owned();
    for alert in ALERTS {
        let (name, severity) = (alert.name, alert.severity.as_str());
        let (lasts, description) = (alert.lasts, alert.description);
        writeln!(rows, "| `{name}` | {severity} | {lasts} | {description} |").unwrap();
    }
    // Labels are for Prometheus.
    rows.replace("{{ $labels.", "`").replace(" }}", "`")
}

/// The guide with this table below this heading.
fn with_table(guide: &str, heading: &str, rows: &str) -> String {
    let (before, rest) = guide.split_once(heading).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}{heading}{rows}\n{after}")
}

#[test]
fn the_tables_of_metrics_and_alerts_in_the_guide_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let wanted = with_table(&guide, "\n### Metrics\n\n", &rows());
    let wanted = with_table(&wanted, "\n### Alerts\n\n", &alert_rows());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let guide = std::fs::read_to_string(&path).unwrap();
    assert!(
        guide == wanted,
        "docs/operations.md is not what the tables of metrics and alerts say; write it anew with \
         {UPDATE}=1 cargo nextest run -p kenwell-server the_tables_of_metrics"
    );
}

/// A page on which every metric has a sample.
fn whole_page() -> String {
    let metrics = Metrics::new();
    let (source, destination) = (metrics.source("web"), metrics.destination("profiles"));
    source.accepted(1);
    destination.observe_freshness(0.1);
    metrics.set_retired("profiles");
    metrics.expect_requests("batch", &[200]);
    let certificate = |owner| CertificateExpiry {
        owner,
        expires_at: 2_000_000_000,
    };
    let figures = PageFigures {
        is_accepting: true,
        disk: Some(DiskSpace {
            available: 1,
            size: 2,
        }),
        destinations: vec![DestinationFigures {
            id: "profiles".to_owned(),
            state: "waiting",
            needs_operator: true,
            lag_seconds: 1.5,
        }],
        certificates: vec![
            certificate(CertificateOwner::Listener("gateway")),
            certificate(CertificateOwner::Destination {
                id: "profiles".to_owned(),
                setting: "address",
            }),
        ],
        ..PageFigures::default()
    };
    metrics.page(&figures).unwrap()
}

/// What a page says of its metrics: kind and help by the name in the table, and the labels of each.
#[derive(Default, PartialEq, Debug)]
struct Shown {
    kinds: BTreeMap<String, String>,
    helps: BTreeMap<String, String>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

fn shown(page: &str) -> Shown {
    let mut shown = Shown::default();
    for line in super::plain_text(page).lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            shown.helps.insert(name.to_owned(), help.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            shown.kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let family = ["_bucket", "_sum", "_count"]
                .into_iter()
                .find_map(|suffix| {
                    name.strip_suffix(suffix)
                        .filter(|name| shown.kinds.get(*name).is_some_and(|it| it == "histogram"))
                });
            let all = shown
                .labels
                .entry(family.unwrap_or(name).to_owned())
                .or_default();
            let names = labels.trim_end_matches('}').split("\",");
            let names = names.filter_map(|pair| pair.split_once('=').map(|(name, _)| name));
            all.extend(names.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    shown
}

#[test]
fn the_page_has_every_metric_of_the_table_as_it_says_and_no_other() {
    let mut wanted = Shown::default();
    for metric in METRICS {
        let name = metric.name.to_owned();
        wanted
            .kinds
            .insert(name.clone(), metric.kind.as_str().to_owned());
        wanted
            .helps
            .insert(name.clone(), format!("{}.", metric.help));
        let labels = metric.labels.iter().map(|label| (*label).to_owned());
        wanted.labels.insert(name, labels.collect());
    }
    assert_eq!(shown(&whole_page()), wanted);
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let mut names = BTreeSet::new();
    for metric in METRICS {
        let name = metric.name;
        assert!(names.insert(name), "{name} twice");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{name}"
        );
        let fits = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(fits), "{name}");
        assert!(
            name.starts_with("kenwell_") || name.starts_with("process_"),
            "{name}"
        );
        assert!(!metric.help.ends_with('.'), "{name}");
    }
}

/// Every name of a metric in a query.
fn named(query: &str) -> BTreeSet<&str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("kenwell_") || word.starts_with("process_"))
        .collect()
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_there_are() {
    let there: BTreeSet<_> = METRICS.iter().flat_map(|it| it.samples()).collect();
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    let mut count = 0;
    for query in queries.chain(ALERTS.iter().map(|alert| alert.query)) {
        let names = named(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(there.contains(name), "{name} in {query}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn the_dashboard_has_the_shape_that_grafana_imports() {
    let dashboard = dashboard();
    assert!(dashboard["title"].is_string() && dashboard["schemaVersion"].as_u64() >= Some(39));
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!(variables[0]["type"], "datasource");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let number = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for x in number("x")..number("x") + number("w") {
            assert!(x < 24, "{panel}");
            for y in number("y")..number("y") + number("h") {
                assert!(taken.insert((x, y)), "{panel} lies on another one");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["type"], "timeseries");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string());
        let targets = panel["targets"].as_array().unwrap();
        let letters: BTreeSet<_> = targets.iter().map(|it| it["refId"].as_str()).collect();
        assert_eq!(letters.len(), targets.len(), "{panel}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let query = target["expr"].as_str().unwrap();
            assert!(query.contains("{instance=~\"$instance\"}") && !query.contains('@'));
        }
    }
    assert!(panels.len() > Section::ALL.len() + 15);
    assert_eq!(panels.iter().filter(|it| it["type"] == "row").count(), 5);
}

#[test]
fn metrics_of_one_panel_agree_about_it() {
    for (index, metric) in METRICS.iter().enumerate() {
        let Some(panel) = metric.panel else { continue };
        for other in METRICS.iter().skip(index).filter_map(|it| it.panel) {
            let same = other.section == panel.section && other.title == panel.title;
            assert!(!same || other.unit == panel.unit, "{}", panel.title);
        }
    }
}

#[test]
fn every_alert_is_in_the_file_of_rules() {
    let rules = rules();
    for alert in ALERTS {
        assert!(rules.contains(&format!("- alert: {}\n", alert.name)));
        let query = Value::from(alert.query).to_string();
        assert!(rules.contains(&query), "{query}");
    }
}
