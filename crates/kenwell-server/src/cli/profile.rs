//! `kenwell profile get`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::config_option::ConfigOption;
use super::destination::{choose, connect};
use super::exit::Failure;
use super::help;
use super::output::{self, printable};

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Print a user's profile
    #[command(after_help = help::PROFILE_GET)]
    Get(ProfileGet),
}

#[derive(Debug, Args)]
pub(super) struct ProfileGet {
    /// The user's id
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    config: ConfigOption,
    /// Which destination to read; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a user's profile, its fields sorted by name.
pub(super) async fn get(arguments: &ProfileGet) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let destination = choose(&config, arguments.destination.as_deref())?;
    let layout = config.layout(destination);
    let connection = connect(destination)?;
    let key = printable(&layout.key(&arguments.user));
    let found = kenwell::profile::read(&connection, &layout, &arguments.user)
        .await
        .map_err(|error| Failure::Failed(error.into()))?;
    let Some(mut fields) = found else {
        return Err(Failure::Absent(format!(
            "no profile: there is no {key} in destination \"{}\"",
            destination.id
        )));
    };
    fields.sort();
    if arguments.json {
        let fields: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| (lossy(name), Value::String(lossy(value))))
            .collect();
        return output::json(&json!({
            "user_id": arguments.user,
            "destination": destination.id,
            "key": lossy(&layout.key(&arguments.user)),
            "fields": fields,
        }));
    }
    output::line(&key)?;
    let width = fields
        .iter()
        .map(|(name, _)| printable(name).chars().count())
        .max()
        .unwrap_or_default();
    for (name, value) in &fields {
        output::line(format!(
            "  {:width$}  {}",
            printable(name),
            printable(value)
        ))?;
    }
    Ok(())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
