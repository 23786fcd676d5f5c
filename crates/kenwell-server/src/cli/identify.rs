//! `kenwell identify`.

use std::path::PathBuf;

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Args;
use http::Method;
use kenwell::connection::Secret;
use serde_json::json;

use super::exit::Failure;
use super::output;
use super::send::{Answer, Endpoint, send};
use super::traits::{json_object, quoted};

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
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

/// Keeps what was typed out of `Debug`.
#[expect(clippy::unnecessary_wraps, reason = "the signature that clap wants")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// Sends one identify and prints the server's `ok`.
pub(super) async fn identify(arguments: &Identify) -> Result<(), Failure> {
    let usage = |what: String| Failure::Usage(format!("error: {what}"));
    let endpoint = Endpoint::parse(&arguments.url, "/v1/identify").map_err(usage)?;
    let body = body(arguments).map_err(usage)?;
    // The write key is the user of HTTP Basic, without a password.
    let user = format!("{}:", arguments.write_key.expose());
    let authorization = format!("Basic {}", BASE64_STANDARD.encode(user));
    let ca = arguments.ca.as_deref();
    let answer = send(&endpoint, ca, Method::POST, &authorization, body).await?;
    if arguments.json {
        output::json(&json!({ "status": answer.status, "body": answer.body }))?;
    }
    match refusal(&answer, &endpoint) {
        Some(why) => Err(Failure::failed(why)),
        None if arguments.json => Ok(()),
        None => output::line("ok"),
    }
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
            json: false,
        };
        assert_eq!(
            body(&arguments).unwrap(),
            r#"{"type":"identify","userId":"ada \"1\"","anonymousId":"a-1","traits":{"plan":{"tier":"pro"},"age":36}}"#
        );
    }
}
