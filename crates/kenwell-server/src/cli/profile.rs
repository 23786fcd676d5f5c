//! `kenwell profile get`, and what can follow `kenwell profile`.

use std::time::Duration;

use clap::{Args, Subcommand};
use kenwell::profile::{DataType, StoredFields};
use serde_json::{Map, Value, json};

use super::config_option::ConfigOption;
use super::destination::{choose, connect};
use super::exit::Failure;
use super::help;
use super::output::{self, printable};
use super::profile_why::ProfileWhy;

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Print a user's profile
    #[command(after_help = help::PROFILE_GET)]
    Get(ProfileGet),
    /// Tell where each field has its value from: when its event happened, and who sent it
    #[command(after_help = help::PROFILE_WHY)]
    Why(ProfileWhy),
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

/// Prints a user's profile: the fields of a hash, sorted by name, or the text of a document.
pub(super) async fn get(arguments: &ProfileGet) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let destination = choose(&config, arguments.destination.as_deref())?;
    let layout = config.layout(destination);
    let connection = connect(destination)?;
    let (key, user) = (layout.key(&arguments.user), &arguments.user);
    let absent = || {
        let key = printable(&key);
        let id = &destination.id;
        Failure::Absent(format!(
            "no profile: there is no {key} in destination \"{id}\""
        ))
    };
    let expires_in = async || match kenwell::profile::expires_in(&connection, &layout, user).await {
        // The user may have no right to ask.
        Err(kenwell::Error::Refused { .. }) => Ok(None),
        expires_in => expires_in.map_err(Failure::from),
    };
    let about = |left: Option<Duration>| {
        let about = json!({
            "user_id": user,
            "destination": destination.id,
            "key": lossy(&key),
            "ttl_seconds": left.map(|left| left.as_secs()),
        });
        arguments.json.then_some(about)
    };
    let title = |left: Option<Duration>| match left {
        Some(left) => format!("{}  expires in {}", printable(&key), rough(left)),
        None => printable(&key),
    };
    match layout.data_type {
        DataType::Hash => {
            let fields = kenwell::profile::read(&connection, &layout, user).await;
            let fields = fields?.ok_or_else(absent)?;
            let left = expires_in().await?;
            print_fields(&title(left), fields, about(left))
        }
        DataType::Json => {
            let document = kenwell::profile::read_document(&connection, &layout, user).await;
            let document = document?.ok_or_else(absent)?;
            let left = expires_in().await?;
            print_document(&title(left), &document, about(left))
        }
    }
}

/// Prints a document; `about` is what comes before it when JSON is wanted.
fn print_document(title: &str, document: &[u8], about: Option<Value>) -> Result<(), Failure> {
    let text = lossy(document);
    if let Some(about) = about {
        // As it stands, so that its numbers keep their text.
        let about = about.to_string();
        let about = about.strip_suffix('}').unwrap_or_default();
        return output::data(format!(r#"{about},"document":{text}}}"#));
    }
    output::line(title)?;
    output::line(format!("  {}", printable(document)))
}

/// Prints the fields of a hash; `about` is what comes before them when JSON is wanted.
fn print_fields(
    title: &str,
    mut fields: StoredFields,
    about: Option<Value>,
) -> Result<(), Failure> {
    fields.sort();
    if let Some(mut about) = about {
        let fields: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| (lossy(name), Value::String(lossy(value))))
            .collect();
        if let Value::Object(about) = &mut about {
            about.insert("fields".to_owned(), Value::Object(fields));
        }
        return output::json(&about);
    }
    output::line(title)?;
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
