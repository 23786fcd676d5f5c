//! `kenwell doctor`.

use clap::Args;
use kenwell::doctor::{Finding, Report, Status, examine_expiring};
use serde_json::{Value, json};

use super::config_option::ConfigOption;
use super::destination::choose_all;
use super::exit::Failure;
use super::output::{self, printable};
use crate::config::{Config, Destination, Environment, Loaded};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    config: ConfigOption,
    /// Only this destination; without it, all that are enabled
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// Print JSON, a line for each destination
    #[arg(long)]
    json: bool,
}

/// Width of the column of statuses.
const STATUS: usize = 8;
/// Width of the column of checks.
const CHECK: usize = 12;

/// Examines the destinations one after the other, and prints each report when it is there.
pub(super) async fn doctor(arguments: &Doctor) -> Result<(), Failure> {
    let file = &arguments.config.file;
    let Loaded { config, warnings } = Config::load(file, &Environment::of_process())?;
    for warning in &warnings {
        output::complain(&format!("warning: {warning}"));
    }
    let chosen = choose_all(&config, arguments.destination.as_deref())?;
    if chosen.is_empty() {
        return Err(Failure::Usage(
            "error: the configuration has no destination\n  fix: add [[destinations]]".into(),
        ));
    }
    let mut ill = Vec::new();
    for destination in chosen {
        if !destination.enabled && arguments.destination.is_none() {
            passed_over(destination, arguments.json)?;
            continue;
        }
        let report = one(&config, destination, arguments.json).await?;
        if !report.is_healthy() {
            ill.push(destination.id.as_str());
        }
    }
    if ill.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("not healthy: {}", ill.join(", "))))
}

/// A disabled destination gets nothing, so its Redis need not be there.
fn passed_over(destination: &Destination, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&json!({ "destination": destination.id, "enabled": false }));
    }
    output::line(format!(
        "{}: disabled; kenwell doctor --destination {} examines it",
        destination.id, destination.id
    ))
}

async fn one(config: &Config, destination: &Destination, json: bool) -> Result<Report, Failure> {
    let settings = &destination.connection;
    if !json {
        output::line(format!("{}: redis at {}", destination.id, settings.address))?;
    }
    let (layout, expiry) = (config.layout(destination), destination.expiry());
    let report = examine_expiring(settings, &layout, &expiry).await;
    if json {
        output::json(&as_json(destination, &report))?;
        return Ok(report);
    }
    for finding in report.findings() {
        output::line(as_text(finding))?;
    }
    output::line(format!("{}: {}", destination.id, verdict(&report)))?;
    Ok(report)
}

fn as_text(finding: &Finding) -> String {
    let (status, check) = (finding.status, finding.check);
    let says = printable(finding.says.as_bytes());
    let line = format!("  {status:STATUS$} {check:CHECK$} {says}");
    let Some(cure) = &finding.cure else {
        return line;
    };
    let indent = 2 + STATUS + 1 + CHECK + 1;
    format!("{line}\n{:indent$}cure: {}", "", printable(cure.as_bytes()))
}

fn verdict(report: &Report) -> String {
    let health = if report.is_healthy() {
        "healthy"
    } else {
        "not healthy"
    };
    let counted = [
        (report.count(Status::Failed), "failed", "failed"),
        (report.count(Status::Warning), "warning", "warnings"),
    ];
    let parts: Vec<String> = counted
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }))
        .collect();
    if parts.is_empty() {
        return health.to_owned();
    }
    format!("{health} ({})", parts.join(", "))
}

fn as_json(destination: &Destination, report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings()
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check.as_str(),
                "status": finding.status.as_str(),
                "says": finding.says,
                "cure": finding.cure,
            })
        })
        .collect();
    json!({
        "destination": destination.id,
        "enabled": destination.enabled,
        "address": destination.connection.address,
        "healthy": report.is_healthy(),
        "findings": findings,
    })
}
