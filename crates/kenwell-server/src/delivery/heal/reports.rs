//! What people are told of a Redis that came back with less: in the log, and on the readiness page.

use jiff::Timestamp;
use kenwell_journal::{Limit, Offset};

use super::{
    dependencies::LossDetectorDependencies,
    known_redis::{KnownRedis, OfferedRestore},
};
use crate::{clock, envelope::Envelope};

/// Shows again what was shown when Kenwell was stopped, or its settings changed.
pub(super) fn resume(dependencies: &LossDetectorDependencies) {
    let acked = dependencies.acked().unwrap_or(u64::MAX);
    let oldest = dependencies.journal.stats().first_offset.0;
    // Somebody who made the delivery go back so far has taken the offer.
    remember(dependencies, |known| {
        let taken = |offer: &OfferedRestore| acked <= offer.from.unwrap_or(0).max(oldest);
        known.offered = known.offered.take().filter(|offer| !taken(offer));
    });
}

/// Notes and says that everything that was lost is there again, once delivery has come so far.
pub(super) fn restored(dependencies: &LossDetectorDependencies, acked: u64) {
    let Some(done) = dependencies
        .known_redis
        .known()
        .running
        .filter(|it| acked >= it.until)
    else {
        return;
    };
    remember(dependencies, |known| known.running = None);
    let (destination, events) = (dependencies.destination(), done.events);
    let since = u64::try_from(done.since_ms).unwrap_or(0);
    let seconds = clock::age(since).as_secs();
    tracing::info!(
        destination.id = destination,
        events,
        seconds,
        "what Redis had lost is restored, as far as the journal had it"
    );
}

/// Says that the settings of a destination name another Redis.
pub(super) fn other_redis(dependencies: &LossDetectorDependencies) {
    let destination = dependencies.destination();
    tracing::info!(
        destination.id = destination,
        "this Redis is a new one for the destination: it gets what is delivered from now on; to fill it with what the journal still has: kenwell replay"
    );
}

/// Says that something is missing which is not restored unless a person wants it, and how to restore it. `changed`:
/// whether the server restarted or another one took over, rather than being emptied by a command.
pub(super) async fn offer(
    dependencies: &LossDetectorDependencies,
    from: Option<u64>,
    acked: u64,
    changed: bool,
) -> OfferedRestore {
    let destination = dependencies.destination();
    let oldest = dependencies.journal.stats().first_offset.0;
    let begin = from.unwrap_or(0).max(oldest);
    let time = received(dependencies, begin..acked).await;
    let what = if changed {
        "Redis came back from a restart or failover with less than it had confirmed, and `heal` is false"
    } else {
        "Redis lacks what it had, and it is the same server: somebody's command (FLUSHALL, FLUSHDB, DEL), perhaps meant"
    };
    let begins = match from {
        Some(from) if from >= oldest => "",
        _ => " (what is older the journal no longer has)",
    };
    let remedy = match time {
        Some(time) => format!(
            "to restore it from {time} on{begins}: deliver again in the console, or with the server stopped `kenwell replay --destination {destination} --from {time}`; if it was meant, deliver again from now"
        ),
        None => "the journal has nothing left of it".to_owned(),
    };
    let says = format!("{what}; {remedy}");
    tracing::error!(
        destination.id = destination,
        position = from,
        delivered = acked,
        "{says}"
    );
    OfferedRestore {
        since_ms: Timestamp::now().as_millisecond(),
        from,
        says,
    }
}

/// When the first record of a range was received.
async fn received(
    dependencies: &LossDetectorDependencies,
    range: std::ops::Range<u64>,
) -> Option<Timestamp> {
    let mut pass = dependencies
        .journal
        .read_range(Offset(range.start)..Offset(range.end));
    let one = Limit {
        records: 1,
        bytes: 1,
    };
    let records = pass.next(one).await.ok()??;
    let (_, record) = records.iter().next()?;
    let received = Envelope::decode(record).ok()?.received_at_ms;
    Timestamp::from_millisecond(i64::try_from(received).ok()?).ok()
}

/// Changes what is remembered, and shows it.
pub(super) fn remember(
    dependencies: &LossDetectorDependencies,
    change: impl FnOnce(&mut KnownRedis),
) {
    if let Err(error) = dependencies.known_redis.change(change) {
        let destination = dependencies.destination();
        tracing::error!(destination.id = destination, %error, "what is known of this Redis cannot be written to data_dir; after a restart of Kenwell its losses may not be noticed");
    }
    show(dependencies);
}

fn show(dependencies: &LossDetectorDependencies) {
    dependencies
        .health
        .set_missing_data(dependencies.known_redis.known().missing_data());
}
