//! `kenwell metrics`: what `/metrics` shows, and what dashboards and alerts are made of it.

use clap::Args;
use serde_json::{Value, json};

use super::exit::Failure;
use super::output;
use crate::config::without_links;
use crate::metrics::{Description, METRICS, dashboard, rules};

#[derive(Debug, Args)]
pub(super) struct ListMetrics {
    /// Print a dashboard for Grafana, as JSON
    #[arg(long, conflicts_with_all = ["rules", "json"])]
    dashboard: bool,
    /// Print alert rules for Prometheus, as YAML
    #[arg(long, conflicts_with = "json")]
    rules: bool,
    /// Print JSON, a line for each metric
    #[arg(long)]
    json: bool,
}

/// Prints what was asked for.
pub(super) fn list(arguments: &ListMetrics) -> Result<(), Failure> {
    if arguments.dashboard {
        return output::data(format!("{:#}", dashboard()));
    }
    if arguments.rules {
        return output::data(rules().trim_end());
    }
    if arguments.json {
        return METRICS
            .iter()
            .try_for_each(|metric| output::json(&object(metric)));
    }
    let metrics: Vec<_> = METRICS.iter().map(|metric| lines(metric)).collect();
    output::line(metrics.join("\n"))
}

/// One metric for people.
fn lines(metric: &Description) -> String {
    let labels = metric.labels.join(", ");
    let labels = if labels.is_empty() {
        labels
    } else {
        format!("{{{labels}}}")
    };
    let (name, kind, help) = (metric.name, metric.kind.as_str(), metric.help);
    let watch = without_links(metric.watch);
    let watch = if watch.is_empty() {
        watch
    } else {
        format!("\n    watch for: {watch}")
    };
    format!("{name}{labels}  {kind}\n    {help}{watch}")
}

fn object(metric: &Description) -> Value {
    json!({
        "name": metric.name,
        "kind": metric.kind,
        "labels": metric.labels,
        "help": metric.help,
        "watch_for": without_links(metric.watch),
    })
}
