//! From a request's body to the commands for Redis: 100 identify events in a batch.

use anyhow::{anyhow, ensure};
use kenwell::connection::{Connection, Settings};
use kenwell::profile::{self, Flattener, Fold, FoldedUpdate, Layout, ProfileUpdate};
use kenwell_event::Route;
use kenwell_journal::Batch;

use crate::measure;

const EVENTS: usize = 100;
/// About as long as the envelope of an event.
const ENVELOPE: &[u8] = &[b'e'; 40];

/// An identify as a server-side SDK makes it, 8 traits.
fn event(user: usize) -> String {
    format!(
        r#"{{"type":"identify","userId":"user-{user:012}","anonymousId":"0190a5d0-6b1f-7aaa-8000-1234567890ab","messageId":"0190a5d0-6b1f-7bbb-8000-{user:012}","channel":"server","context":{{"library":{{"name":"some-sdk","version":"1.2.3"}}}},"traits":{{"email":"{user:012}@example.com","plan":"professional","logins":42,"newsletter":true,"name":"Ada Lovelace","lastSeenAt":"2026-11-22T05:00:17.881Z","address":{{"city":"Klagenfurt am Wörthersee","country":"AT"}}}},"originalTimestamp":"2026-11-22T05:00:17.881Z","sentAt":"2026-11-22T05:00:17.881Z"}}"#
    )
}

fn events() -> Vec<String> {
    (0..EVENTS).map(event).collect()
}

/// The gateway reads a body.
pub(crate) fn parse() -> anyhow::Result<()> {
    let body = format!(r#"{{"batch":[{}]}}"#, events().join(","));
    measure(
        || body.as_bytes(),
        |body| {
            let parsed = kenwell_event::parse(Route::Batch, body, |_, _| {})
                .map_err(|rejection| anyhow!(rejection.as_str()))?;
            ensure!(parsed.identifies.len() == EVENTS, "events were lost");
            Ok(parsed)
        },
    )
}

/// The journal frames its records.
pub(crate) fn append() -> anyhow::Result<()> {
    let events = events();
    measure(Batch::new, |mut batch| {
        for event in &events {
            batch.push(&[ENVELOPE, event.as_bytes()]);
        }
        Ok(batch)
    })
}

/// The delivery makes updates of events.
pub(crate) fn flatten() -> anyhow::Result<()> {
    let (events, layout) = (events(), Layout::default());
    let mut flattener = Flattener::default();
    measure(|| (), |()| updates(&mut flattener, &events, &layout))
}

/// The delivery folds updates by user.
pub(crate) fn fold() -> anyhow::Result<()> {
    let (events, layout) = (events(), Layout::default());
    let mut flattener = Flattener::default();
    let updates = updates(&mut flattener, &events, &layout)?;
    measure(|| updates.clone(), |updates| Ok(folded(updates)))
}

/// Updates become commands, go to Redis, and their replies are read.
pub(crate) fn write(redis: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let connection = Connection::new(Settings::new(redis))?;
    let layout = Layout::default();
    let updates = folded(updates(&mut Flattener::default(), &events(), &layout)?);
    measure(
        || (),
        |()| {
            let written = runtime.block_on(profile::apply(&connection, &updates));
            Ok(written.into_iter().collect::<Result<(), _>>()?)
        },
    )
}

fn updates(
    flattener: &mut Flattener,
    events: &[String],
    layout: &Layout,
) -> anyhow::Result<Vec<ProfileUpdate>> {
    let update = |event: &String| flattener.update(event.as_bytes(), layout);
    Ok(events.iter().map(update).collect::<Result<_, _>>()?)
}

fn folded(updates: Vec<ProfileUpdate>) -> Vec<FoldedUpdate> {
    let mut fold = Fold::with_capacity(updates.len());
    for (index, update) in updates.into_iter().enumerate() {
        fold.push(index, update);
    }
    fold.finish()
}
