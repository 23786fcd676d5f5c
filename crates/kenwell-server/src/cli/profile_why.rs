//! `kenwell profile why`.

use clap::Args;
use kenwell::profile::{DataType, ProfileWithClocks};
use kenwell_journal::Snapshot;

use super::config_option::ConfigOption;
use super::destination::{choose, connect};
use super::exit::Failure;
use super::output::{self, printable};
use crate::config::Config;
use crate::origin::{FieldReport, FieldState, JournalRecords, ProfileReport, why_no_times};

#[derive(Debug, Args)]
pub(super) struct ProfileWhy {
    /// The user's id
    #[arg(value_name = "USER")]
    user: String,
    /// Only this field, also when it was removed; all when it is left out
    #[arg(value_name = "FIELD")]
    field: Option<String>,
    #[command(flatten)]
    config: ConfigOption,
    /// Which destination to read; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// Print the events, too
    #[arg(long)]
    event: bool,
    /// Print JSON, with the events
    #[arg(long)]
    json: bool,
}

/// Prints where the fields of a user's profile have their values from.
pub(super) async fn why(arguments: &ProfileWhy) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let destination = choose(&config, arguments.destination.as_deref())?;
    let id = &destination.id;
    let layout = config.layout(destination);
    if let Some(why) = why_no_times(&layout) {
        return Err(Failure::Usage(format!(
            "error: of destination \"{id}\" this is not known: {why}{}",
            match layout.data_type {
                DataType::Json => "",
                DataType::Hash =>
                    "\n  fix: set order = \"event_time\" in its table, if late events shall not overwrite newer ones",
            }
        )));
    }
    let connection = connect(destination)?;
    let (user, field) = (&arguments.user, arguments.field.as_deref());
    let stored = ProfileWithClocks::read(&connection, &layout, user).await?;
    let records = records(&config)?;
    let report = ProfileReport::of(&stored, user, field, &layout, &config, &records).await;
    let report = report.map_err(anyhow::Error::new)?;
    if report.fields.is_empty() {
        let key = printable(report.key.as_bytes());
        let what = field.map_or_else(
            || format!("there is no {key}"),
            |field| {
                let field = printable(field.as_bytes());
                format!("nothing is known of a field {field} of {key}")
            },
        );
        return Err(Failure::Absent(format!("{what} in destination \"{id}\"")));
    }
    if arguments.json {
        return output::data(serde_json::to_string(&report).map_err(anyhow::Error::new)?);
    }
    output::line(printable(report.key.as_bytes()))?;
    for field in &report.fields {
        for line in lines(field, arguments.event) {
            output::line(line)?;
        }
    }
    Ok(())
}

/// The journal's files, without its lock: a server may be at work.
fn records(config: &Config) -> Result<JournalRecords, Failure> {
    let directory = config.data_dir.join("journal");
    if !directory.is_dir() {
        return Ok(JournalRecords::Nowhere);
    }
    let snapshot = Snapshot::open(&directory).map_err(anyhow::Error::new)?;
    Ok(JournalRecords::Files(snapshot))
}

/// What is told of a field, in lines for people.
fn lines(field: &FieldReport, with_event: bool) -> Vec<String> {
    let name = printable(field.field.as_bytes());
    let value = field.value.as_deref().map(|it| printable(it.as_bytes()));
    let mut lines = vec![match (&value, field.state) {
        (Some(value), _) => format!("  {name}  {value}"),
        (None, FieldState::Removed) => format!("  {name}  (removed)"),
        (None, _) => format!("  {name}  (not there)"),
    }];
    if let (Some(event_time), Some(received_at), Some(source), Some(offset)) = (
        &field.event_time,
        &field.received_at,
        &field.source,
        field.offset,
    ) {
        lines.push(format!(
            "    happened {event_time}, received {received_at}, from {source}, offset {offset}"
        ));
    }
    if let Some(replaced) = &field.replaced {
        let value = replaced.value.as_deref();
        let value = value.map_or("(removed)".to_owned(), |it| printable(it.as_bytes()));
        lines.push(format!(
            "    replaced {value}: happened {}, received {}, from {}, offset {}",
            replaced.event_time, replaced.received_at, replaced.source, replaced.offset
        ));
    }
    lines.extend(field.notes.iter().map(|note| format!("    {note}")));
    let event = field.event.as_ref().filter(|_| with_event);
    lines.extend(event.map(|event| format!("    {}", printable(event.get().as_bytes()))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_steers_no_terminal() {
        let field = FieldReport {
            field: "pl\u{1b}an".to_owned(),
            value: None,
            state: FieldState::Removed,
            event_time: Some("2026-01-31T12:00:00.000Z".to_owned()),
            received_at: Some("2026-01-31T12:00:01.000Z".to_owned()),
            source: Some("web".to_owned()),
            offset: Some(7),
            notes: vec!["a note".to_owned()],
            event: None,
            replaced: None,
        };
        let expected = [
            "  pl\\u{1b}an  (removed)",
            "    happened 2026-01-31T12:00:00.000Z, received 2026-01-31T12:00:01.000Z, from web, offset 7",
            "    a note",
        ];
        assert_eq!(lines(&field, true), expected);
    }
}
