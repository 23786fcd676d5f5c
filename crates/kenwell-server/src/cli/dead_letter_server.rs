//! Dead letters by the API of a server that is named.

use std::pin::pin;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::dead_letter_options::{DeadLettersList, DeadLettersShow, LetterChoice, LettersPlace};
use super::dead_letter_text::{print, print_count, print_discarded};
use super::exit::Failure;
use super::output;
use super::progress::Progress;
use super::server::Server;

/// Letters of one page, the most that the API gives.
const PAGE: &str = "200";
/// How often the server is asked how far a retry has come.
const POLL: Duration = Duration::from_millis(500);

/// A page of letters, each as it came.
#[derive(Deserialize)]
struct Page {
    letters: Vec<Box<RawValue>>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct LetterIdentity {
    id: String,
    destination: String,
}

impl LetterChoice {
    /// What the API is asked for.
    fn body(&self, destination: &str) -> Value {
        let mut body = Map::from_iter([("destination".to_owned(), json!(destination))]);
        let (name, which) = match self {
            Self::Ids(ids) => ("ids", json!(ids)),
            Self::Reason(reason) => ("reason", json!(reason)),
            Self::All => ("all", json!(true)),
        };
        body.insert(name.to_owned(), which);
        Value::Object(body)
    }
}

pub(super) async fn list(arguments: &DeadLettersList, server: &Server) -> Result<(), Failure> {
    let place = &arguments.place;
    let mut counts: Vec<(String, u64)> = Vec::new();
    for id in destinations(server, place).await? {
        counts.push((id, 0));
    }
    let reason = arguments.reason.as_deref();
    each(server, place, reason, |letter, identity| {
        if let Some((_, count)) = counts
            .iter_mut()
            .find(|(id, _)| *id == identity.destination)
        {
            *count += 1;
        }
        print(letter, place)?;
        Ok(true)
    })
    .await?;
    if place.json {
        return Ok(());
    }
    counts
        .iter()
        .try_for_each(|(id, count)| print_count(id, *count))
}

/// The letter, as JSON.
pub(super) async fn find(
    arguments: &DeadLettersShow,
    server: &Server,
) -> Result<Option<String>, Failure> {
    let mut found = None;
    each(server, &arguments.place, None, |letter, identity| {
        if identity.id == arguments.id {
            found = Some(letter.to_owned());
        }
        Ok(found.is_none())
    })
    .await?;
    Ok(found)
}

/// Goes through the letters, page by page, while `look` says so.
async fn each(
    server: &Server,
    place: &LettersPlace,
    reason: Option<&str>,
    mut look: impl FnMut(&str, LetterIdentity) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let parts = [
            ("limit", Some(PAGE)),
            ("destination", place.destination.as_deref()),
            ("reason", reason),
            ("after", after.as_deref()),
        ];
        let given = parts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        let path = format!("/dead-letters?{}", query.extend_pairs(given).finish());
        let page = server.text(Method::GET, &path, None).await?;
        let page: Page = serde_json::from_str(&page).map_err(anyhow::Error::from)?;
        for letter in &page.letters {
            let identity = serde_json::from_str(letter.get()).map_err(anyhow::Error::from)?;
            if !look(letter.get(), identity)? {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

pub(super) async fn retry(
    place: &LettersPlace,
    choice: &LetterChoice,
    server: &Server,
) -> Result<(), Failure> {
    let (mut kept, mut found) = (0, 0);
    for id in chosen(server, place, choice).await? {
        let told = retry_destination(server, &id, choice).await?;
        let count = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (retried, superseded) = (count("retried"), count("superseded"));
        let still_failing = count("still_failing");
        kept += still_failing;
        found += retried + superseded + still_failing;
        let error = told.get("error").and_then(Value::as_str);
        if place.json {
            output::json(&json!({
                "destination": id,
                "retried": retried,
                "superseded": superseded,
                "still_failing": still_failing,
                "error": error,
            }))?;
        } else {
            output::line(format!(
                "{id}: {retried} written or with nothing to write, {superseded} dropped because newer events have set \
                 all of their fields, {still_failing} kept"
            ))?;
            if let Some(note) = told.get("note").and_then(Value::as_str)
                && retried > 0
            {
                output::line(note)?;
            }
        }
        if let Some(error) = error {
            return Err(Failure::failed(format!(
                "the retry stopped early; all that was not written is kept: {error}"
            )));
        }
    }
    match kept {
        0 => choice.expect(found),
        kept => Err(Failure::failed(format!(
            "{kept} dead letters are kept: kenwell dead-letters list says why"
        ))),
    }
}

/// One call, and beside it a look now and then at how many are left.
async fn retry_destination(
    server: &Server,
    id: &str,
    choice: &LetterChoice,
) -> Result<Value, Failure> {
    let before = outstanding(server, id).await?;
    let total = match choice {
        LetterChoice::Ids(ids) => u64::try_from(ids.len()).unwrap_or(u64::MAX),
        LetterChoice::Reason(_) | LetterChoice::All => before,
    };
    let progress = Progress::new("retrying", total);
    let body = choice.body(id);
    let mut call = pin!(server.call_slowly(Method::POST, "/dead-letters/retry", Some(&body)));
    loop {
        tokio::select! {
            told = &mut call => return told,
            () = tokio::time::sleep(POLL) => {
                // What goes wrong here is no reason to let go of the answer.
                if let Ok(left) = outstanding(server, id).await {
                    progress.show(before.saturating_sub(left));
                }
            }
        }
    }
}

async fn outstanding(server: &Server, id: &str) -> Result<u64, Failure> {
    let overview = server.get("/overview").await?;
    let all = overview.get("destinations").and_then(Value::as_array);
    let found = all
        .into_iter()
        .flatten()
        .find(|one| one.get("id").and_then(Value::as_str) == Some(id));
    let count = found.and_then(|one| one.get("dead_letters_outstanding")?.as_u64());
    Ok(count.unwrap_or_default())
}

pub(super) async fn discard(
    place: &LettersPlace,
    choice: &LetterChoice,
    server: &Server,
) -> Result<(), Failure> {
    let mut found = 0;
    for id in chosen(server, place, choice).await? {
        let path = "/dead-letters/discard";
        let body = choice.body(&id);
        let told = server.call_slowly(Method::POST, path, Some(&body)).await?;
        let discarded = told.get("discarded").and_then(Value::as_u64);
        let discarded = discarded.unwrap_or_default();
        print_discarded(&id, discarded, place)?;
        found += discarded;
    }
    choice.expect(found)
}

/// Letters are known by their ids within one destination.
async fn chosen(
    server: &Server,
    place: &LettersPlace,
    choice: &LetterChoice,
) -> Result<Vec<String>, Failure> {
    let all = destinations(server, place).await?;
    if matches!(choice, LetterChoice::Ids(_)) && all.len() > 1 {
        let ids = all.join(", ");
        return Err(Failure::Usage(format!(
            "error: there are several destinations\n  fix: choose one with --destination: {ids}"
        )));
    }
    Ok(all)
}

/// The destination that is asked for, or all of the server.
async fn destinations(server: &Server, place: &LettersPlace) -> Result<Vec<String>, Failure> {
    if let Some(id) = &place.destination {
        return Ok(vec![id.clone()]);
    }
    let page = server.get("/destinations").await?;
    let all = page.get("destinations").and_then(Value::as_array);
    let ids = all
        .into_iter()
        .flatten()
        .filter_map(|one| Some(one.get("id")?.as_str()?.to_owned()));
    Ok(ids.collect())
}
