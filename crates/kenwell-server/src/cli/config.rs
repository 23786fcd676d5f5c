//! `kenwell config check` and `kenwell config schema`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kenwell_journal::Durability;
use serde_json::{Value, json};

use super::exit::Failure;
use super::help;
use super::output::{self, size};
use crate::config::{
    self, Config, Destination, Environment, Loaded, Place, Problem, Problems, Source,
};
use crate::listener::ServerIdentity;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong with a file, or what it sets up
    #[command(after_help = help::CONFIG_CHECK)]
    Check(ConfigCheck),
    /// Print the JSON Schema of the file, so that editors complete and check it
    #[command(after_help = help::CONFIG_SCHEMA)]
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct ConfigCheck {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "kenwell.toml")]
    #[arg(env = "KENWELL_CONFIG", hide_env_values = true)]
    file: PathBuf,
    /// Print JSON, a line for each error and warning
    #[arg(long)]
    json: bool,
}

/// Says what the file sets up, and what is doubtful about it.
pub(super) fn check(arguments: &ConfigCheck) -> Result<(), Failure> {
    let checked = Config::load(&arguments.file, &Environment::of_process());
    if arguments.json {
        let (errors, warnings) = match &checked {
            Ok(loaded) => ([].as_slice(), &loaded.warnings),
            Err(Problems { errors, warnings }) => (errors.as_slice(), warnings),
        };
        let objects = errors.iter().map(|error| object("error", error));
        let mut objects = objects.chain(warnings.iter().map(|warning| object("warning", warning)));
        objects.try_for_each(|one| output::json(&one))?;
        return checked.map(drop).map_err(Failure::from);
    }
    let Loaded { config, warnings } = checked?;
    for warning in &warnings {
        output::complain(&format!("warning: {warning}"));
    }
    output::line(format!("{}: ok", arguments.file.display()))?;
    output::line(summary(&config))
}

fn object(level: &str, problem: &Problem) -> Value {
    let (file, line, column, variable) = match &problem.place {
        Place::File(path) => (Some(path), None, None, None),
        Place::Line(path, line, column) => (Some(path), Some(line), Some(column), None),
        Place::Variable(name) => (None, None, None, Some(name)),
    };
    json!({
        "level": level,
        "file": file.map(|path| path.display().to_string()),
        "line": line,
        "column": column,
        "variable": variable,
        "key": problem.key,
        "what": problem.what,
        "fix": problem.fix,
    })
}

/// Prints the JSON Schema of the file.
pub(super) fn schema() -> Result<(), Failure> {
    output::data(format!("{:#}", config::schema()))
}

fn summary(config: &Config) -> String {
    let durability = match config.journal.durability {
        Durability::Fsync => "fsync",
        Durability::Os => "os",
    };
    let mut lines = vec![
        format!("  data        {}", config.data_dir.display()),
        listener(
            "gateway",
            config.gateway.listen,
            config.gateway.tls.as_ref(),
        ),
        listener(
            "private",
            config.private.listen,
            config.private.tls.as_ref(),
        ),
        format!(
            "  journal     at most {}, kept {} or {}, durability {durability}",
            size(config.journal.max_bytes),
            config::duration_text(config.journal.retain),
            size(config.journal.retain_bytes),
        ),
    ];
    lines.extend(config.sources.iter().map(source));
    lines.extend(config.destinations.iter().map(destination));
    lines.join("\n")
}

fn listener(name: &str, listen: SocketAddr, tls: Option<&ServerIdentity>) -> String {
    let tls = if tls.is_some() { ", TLS" } else { "" };
    format!("  {name}     {listen}{tls}")
}

fn source(source: &Source) -> String {
    let to = match source.destinations.as_slice() {
        [] => "nowhere".to_owned(),
        ids => ids.join(", "),
    };
    format!(
        "  source      {} -> {to}{}",
        source.id,
        state(source.enabled)
    )
}

fn destination(destination: &Destination) -> String {
    let connection = &destination.connection;
    let tls = match (connection.secure, connection.skip_verify) {
        (true, false) => ", TLS",
        (true, true) => ", TLS without verification",
        (false, _) => "",
    };
    let place = match &connection.sentinel_master {
        _ if connection.cluster_mode => format!("cluster {}", connection.address),
        Some(master) => format!(
            "{master} of sentinels {} database {}",
            connection.address, connection.database
        ),
        None => format!("{} database {}", connection.address, connection.database),
    };
    let password = if connection.password.is_some() {
        ", with password"
    } else {
        ""
    };
    format!(
        "  destination {} -> redis {place}{tls}{password}{}",
        destination.id,
        state(destination.enabled)
    )
}

fn state(enabled: bool) -> &'static str {
    if enabled { "" } else { " (disabled)" }
}
