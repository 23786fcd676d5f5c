//! `kenwell tail`: what becomes of events, as it happens.

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::config_option::ConfigOption;
use super::event_stream::{Message, messages};
use super::exit::Failure;
use super::output::{self, printable};
use super::server::{Server, ServerOptions};
use super::signals;

/// The server says every 15 seconds that it is still there.
const SILENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
pub(super) struct TailOptions {
    #[command(flatten)]
    config: ConfigOption,
    #[command(flatten)]
    server: ServerOptions,
    /// Only events of this user: userId or anonymousId, exactly
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Only events from this source
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    source: Option<String>,
    /// Only what happens at this destination
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    destination: Option<String>,
    /// Only events of this type, such as identify or track
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    kind: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = ["accepted", "written", "ignored", "dead_lettered"])]
    outcome: Option<String>,
    /// End after so many
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print each event as it was sent, too
    #[arg(long)]
    event: bool,
    /// Print JSON, a line for each event
    #[arg(long)]
    json: bool,
}

/// Prints events until a signal, or until there were enough.
pub(super) async fn tail(arguments: &TailOptions) -> Result<(), Failure> {
    let stop = signals::interrupted()?;
    let server = arguments.server.find(&arguments.config)?;
    let printing = async {
        warn_of_absent(&server, "source", arguments.source.as_deref()).await?;
        warn_of_absent(&server, "destination", arguments.destination.as_deref()).await?;
        let body = server.stream(&path(arguments)).await?;
        print(arguments, messages(body)).await
    };
    match stop.run_until_cancelled(printing).await {
        Some(ended) => ended,
        None => Ok(()),
    }
}

/// Whoever has mistyped a name waits for ever, unless told.
async fn warn_of_absent(server: &Server, what: &str, id: Option<&str>) -> Result<(), Failure> {
    let Some(id) = id else {
        return Ok(());
    };
    let answer = server.get(&format!("/{what}s")).await?;
    let all = answer.get(format!("{what}s")).and_then(Value::as_array);
    let mut ids = all.into_iter().flatten().filter_map(|one| one.get("id"));
    if !ids.any(|one| one == id) {
        output::complain(&format!(
            "warning: the server has no {what} {id:?}: nothing is shown until it has"
        ));
    }
    Ok(())
}

fn path(arguments: &TailOptions) -> String {
    let filters = [
        ("user", &arguments.user),
        ("source", &arguments.source),
        ("destination", &arguments.destination),
        ("type", &arguments.kind),
        ("outcome", &arguments.outcome),
    ];
    let given = filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/events?{}", query.extend_pairs(given).finish())
}

async fn print(
    arguments: &TailOptions,
    messages: impl Stream<Item = anyhow::Result<Message>>,
) -> Result<(), Failure> {
    let mut messages = pin!(messages);
    let mut left = arguments.count.unwrap_or(u64::MAX);
    loop {
        let next = timeout(SILENCE, messages.next()).await;
        let next = next.map_err(|_| {
            let silence = SILENCE.as_secs();
            Failure::failed(format!(
                "the server has said nothing for {silence} seconds: is it still there?"
            ))
        })?;
        let Some(message) = next.transpose()? else {
            return Err(Failure::failed(
                "the server has ended the stream: it stops, or its admin key was changed",
            ));
        };
        match message.name.as_str() {
            "event" => {
                show(arguments, &message.data)?;
                left -= 1;
                if left == 0 {
                    return Ok(());
                }
            }
            "dropped" => output::complain(&format!("warning: {}", missed(&message.data))),
            _ => {}
        }
    }
}

fn missed(data: &str) -> String {
    let data: Option<Value> = serde_json::from_str(data).ok();
    let count = data.and_then(|data| data.get("count")?.as_u64());
    let count = count.map_or_else(|| "some".to_owned(), |count| count.to_string());
    format!("{count} events came faster than they could be printed; a filter makes them fewer")
}

fn show(arguments: &TailOptions, data: &str) -> Result<(), Failure> {
    if arguments.json {
        // As it came, so that numbers keep their digits.
        return output::data(data);
    }
    let seen: Value = serde_json::from_str(data).map_err(anyhow::Error::from)?;
    output::line(as_text(&seen))?;
    if arguments.event {
        output::line(format!("  {}", printable(sent(data).as_bytes())))?;
    }
    Ok(())
}

/// The event's own text.
fn sent(data: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Event {
        event: Box<RawValue>,
    }
    let event = serde_json::from_str::<Event>(data);
    event.map_or_else(|_| String::new(), |it| it.event.get().to_owned())
}

fn as_text(seen: &Value) -> String {
    let text = |name: &str| {
        let text = seen.get(name).and_then(Value::as_str);
        printable(text.unwrap_or_default().as_bytes())
    };
    let or = |text: String, otherwise: &str| {
        if text.is_empty() {
            otherwise.to_owned()
        } else {
            text
        }
    };
    let place = match text("destination") {
        none if none.is_empty() => text("source"),
        destination => format!("{} -> {destination}", text("source")),
    };
    let kind = or(text("type"), "-");
    let user = or(text("user_id"), "-");
    let line = format!(
        "{}  {:<13}  {kind:<8}  {user}  {place}  {}",
        text("at"),
        text("outcome"),
        text("reason")
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_what_there_is() {
        let written = json!({
            "at": "2026-01-31T12:00:00.250Z", "outcome": "written", "type": "identify", "user_id": "a\u{1b}da",
            "source": "web", "destination": "profiles", "reason": null, "event": {},
        });
        assert_eq!(
            as_text(&written),
            "2026-01-31T12:00:00.250Z  written        identify  a\\u{1b}da  web -> profiles"
        );
        let ignored = json!({
            "at": "2026-01-31T12:00:00.250Z", "outcome": "ignored", "type": "", "user_id": null, "source": "web",
            "destination": null, "reason": "no user", "event": {},
        });
        assert_eq!(
            as_text(&ignored),
            "2026-01-31T12:00:00.250Z  ignored        -         -  web  no user"
        );
    }

    #[test]
    fn an_event_is_shown_as_it_was_sent() {
        assert_eq!(sent(r#"{"event":{"a": 1.0},"x":1}"#), r#"{"a": 1.0}"#);
    }
}
