//! `kenwell profile get`.

use std::time::Duration;

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
    let expires_in = match kenwell::profile::expires_in(&connection, &layout, &arguments.user).await
    {
        // The user may have no right to ask.
        Err(kenwell::Error::Refused { .. }) => None,
        expires_in => expires_in.map_err(|error| Failure::Failed(error.into()))?,
    };
    if arguments.json {
        let fields: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| (lossy(name), Value::String(lossy(value))))
            .collect();
        return output::json(&json!({
            "user_id": arguments.user,
            "destination": destination.id,
            "key": lossy(&layout.key(&arguments.user)),
            "ttl_seconds": expires_in.map(|left| left.as_secs()),
            "fields": fields,
        }));
    }
    match expires_in {
        Some(left) => output::line(format!("{key}  expires in {}", rough(left)))?,
        None => output::line(&key)?,
    }
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

/// A length of time by its two largest units: `89d 23h`.
fn rough(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [
        ("d", 86_400, u64::MAX),
        ("h", 3_600, 24),
        ("m", 60, 60),
        ("s", 1, 60),
    ];
    let parts = units.map(|(unit, length, most)| (seconds / length % most, unit));
    let parts = parts.iter().skip_while(|(count, _)| *count == 0).take(2);
    let parts: Vec<_> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m 1s"),
            (3_600, "1h 0m"),
            (7_775_999, "89d 23h"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
    }
}
