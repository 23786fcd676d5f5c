//! `kenwell identify`.

use std::path::PathBuf;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Args;
use http::Method;
use kenwell::connection::Secret;
use serde_json::json;

use super::exit::Failure;
use super::output;
use super::send::{Answer, Endpoint, Request};
use super::traits::{json_object, quoted};
use crate::config;

/// The longest wait: the answer must come in the time that every answer has.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(super) struct Identify {
    /// The user's id
    #[arg(value_name = "USER")]
    user: String,
    /// Traits; a dotted key makes nested objects, a value that is JSON is sent as JSON
    #[arg(value_name = "KEY=VALUE")]
    traits: Vec<String>,
    /// The write key of the source to send as
    #[arg(
        long,
        value_name = "KEY",
        allow_hyphen_values = true,
        value_parser = secret,
        env = "KENWELL_WRITE_KEY",
        hide_env_values = true
    )]
    write_key: Secret,
    /// The data plane
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    #[arg(env = "KENWELL_URL", hide_env_values = true)]
    url: String,
    /// PEM file of the authority that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// An anonymous id to send along
    #[arg(long, value_name = "ID")]
    anonymous_id: Option<String>,
    /// Wait until the event is in Redis, for as long [5s when no time is given, 20s at most]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "5s", value_parser = wait_limit)]
    wait: Option<Duration>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

/// Keeps what was typed out of `Debug`.
#[expect(clippy::unnecessary_wraps, reason = "the signature that clap wants")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// How long to wait.
fn wait_limit(text: &str) -> Result<Duration, String> {
    let limit = config::duration(text).filter(|limit| !limit.is_zero() && *limit <= LONGEST_WAIT);
    limit.ok_or_else(|| "write a time from 1ms to 20s, such as --wait=2s".to_owned())
}

/// Sends one identify and prints the server's `ok`.
pub(super) async fn identify(arguments: &Identify) -> Result<(), Failure> {
    let usage = |what: String| Failure::Usage(format!("error: {what}"));
    let path = path(arguments.wait);
    let endpoint = Endpoint::parse(&arguments.url, &path).map_err(usage)?;
    let body = body(arguments).map_err(usage)?;
    // The write key is the user of HTTP Basic, without a password.
    let user = format!("{}:", arguments.write_key.expose());
    let authorization = format!("Basic {}", BASE64_STANDARD.encode(user));
    let request = Request {
        endpoint: &endpoint,
        ca: arguments.ca.as_deref(),
        method: Method::POST,
        authorization: &authorization,
        body,
    };
    let answer = request.send().await?;
    if arguments.json {
        output::json(&json!({ "status": answer.status, "body": answer.body }))?;
    }
    match refusal(&answer, &endpoint) {
        Some(why) => Err(Failure::failed(why)),
        None if arguments.json => Ok(()),
        None => output::line("ok"),
    }
}

fn path(wait: Option<Duration>) -> String {
    let query = wait.map(|limit| format!("?wait=applied&timeout={}ms", limit.as_millis()));
    format!("/v1/identify{}", query.unwrap_or_default())
}

fn body(arguments: &Identify) -> Result<String, String> {
    let traits = json_object(&arguments.traits)?;
    let anonymous = arguments
        .anonymous_id
        .as_ref()
        .map(|id| format!("\"anonymousId\":{},", quoted(id)))
        .unwrap_or_default();
    let user = quoted(&arguments.user);
    Ok(format!(
        "{{\"type\":\"identify\",\"userId\":{user},{anonymous}\"traits\":{traits}}}"
    ))
}

/// Why the server did not take the event, and what to do; `None` when it did.
fn refusal(answer: &Answer, endpoint: &Endpoint) -> Option<String> {
    let fix = match answer.status {
        200 => return None,
        202 => return Some(not_applied(answer)),
        401 => "use the write_key of one of the [[sources]] in its configuration",
        404 => "is its source enabled, and is --url the data plane of a Kenwell?",
        413 => "send fewer or smaller traits",
        429 => "the source's rate limit is reached: wait a little",
        500.. => "nothing is lost that was answered with ok: try again, and see the server's log",
        _ => "see what the server says",
    };
    let body = output::printable(answer.body.trim().as_bytes());
    Some(format!(
        "{endpoint} answered {}: {body}\n  fix: {fix}",
        answer.status
    ))
}

/// What the server says of an event that it stored and that is not known to be in Redis.
fn not_applied(answer: &Answer) -> String {
    let page = answer.json();
    let message = page.as_ref().and_then(|page| page.get("message")?.as_str());
    let message = output::printable(message.unwrap_or(&answer.body).as_bytes());
    format!(
        "{message}\n  fix: do not send it again, it is delivered by itself; kenwell doctor says how the destinations are"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_has_ids_and_nested_traits() {
        let arguments = Identify {
            user: "ada \"1\"".into(),
            traits: vec!["plan.tier=pro".into(), "age=36".into()],
            write_key: kenwell::connection::Secret::new("k"),
            url: String::new(),
            ca: None,
            anonymous_id: Some("a-1".into()),
            wait: None,
            json: false,
        };
        assert_eq!(
            body(&arguments).unwrap(),
            r#"{"type":"identify","userId":"ada \"1\"","anonymousId":"a-1","traits":{"plan":{"tier":"pro"},"age":36}}"#
        );
    }
}
