//! `kenwell profile get`.

use serde_json::{Map, Value, json};

use super::arguments::ProfileGet;
use super::destination::{choose, connect};
use super::exit::Failure;
use super::output::{self, printable};
use super::run::load;

/// Prints a user's profile, its fields sorted by name.
pub(super) async fn get(arguments: &ProfileGet) -> Result<(), Failure> {
    let config = load(&arguments.config.file)?;
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
