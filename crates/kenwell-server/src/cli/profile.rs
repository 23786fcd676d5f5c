//! `kenwell profile get`.

use clap::{Args, Subcommand};
use kenwell::profile::{DataType, StoredFields};
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

/// Prints a user's profile: the fields of a hash, sorted by name, or the text of a document.
pub(super) async fn get(arguments: &ProfileGet) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let destination = choose(&config, arguments.destination.as_deref())?;
    let layout = config.layout(destination);
    let connection = connect(destination)?;
    let (key, user) = (layout.key(&arguments.user), &arguments.user);
    let failed = |error: kenwell::Error| Failure::Failed(error.into());
    let absent = || {
        let key = printable(&key);
        let id = &destination.id;
        Failure::Absent(format!(
            "no profile: there is no {key} in destination \"{id}\""
        ))
    };
    let about = json!({ "user_id": user, "destination": destination.id, "key": lossy(&key) });
    let about = Some(about).filter(|_| arguments.json);
    match layout.data_type {
        DataType::Hash => {
            let fields = kenwell::profile::read(&connection, &layout, user).await;
            print_fields(&key, fields.map_err(failed)?.ok_or_else(absent)?, about)
        }
        DataType::Json => {
            let document = kenwell::profile::read_document(&connection, &layout, user).await;
            let document = document.map_err(failed)?.ok_or_else(absent)?;
            print_document(&key, &document, about)
        }
    }
}

/// Prints a document; `about` is what comes before it when JSON is wanted.
fn print_document(key: &[u8], document: &[u8], about: Option<Value>) -> Result<(), Failure> {
    let text = lossy(document);
    if let Some(about) = about {
        // As it stands, so that its numbers keep their text.
        let about = about.to_string();
        let about = about.strip_suffix('}').unwrap_or_default();
        return output::data(format!(r#"{about},"document":{text}}}"#));
    }
    output::line(printable(key))?;
    output::line(format!("  {}", printable(document)))
}

/// Prints the fields of a hash; `about` is what comes before them when JSON is wanted.
fn print_fields(key: &[u8], mut fields: StoredFields, about: Option<Value>) -> Result<(), Failure> {
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
    output::line(printable(key))?;
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
