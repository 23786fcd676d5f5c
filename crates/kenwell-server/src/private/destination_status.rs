//! How a destination is doing.

use serde::Serialize;
use utoipa::ToSchema;

use crate::delivery::{Health, HealthState, MissingData};
use crate::metrics::EventCounts;
use crate::runtime::{AcceptRetired, DestinationView, RetiredDestination};
use crate::time;

/// How a destination is doing.
///
/// accepted = written + ignored + `dead_lettered` + lost + queued, at every moment; `balanced` says whether.
#[derive(Debug, Default, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the answers to as many questions"
)]
pub(super) struct DestinationStatus {
    /// Its id.
    pub(super) id: String,
    /// For people.
    name: String,
    /// Whether it gets events.
    enabled: bool,
    /// Whether its events wait in the journal by wish.
    paused: bool,
    /// `connecting` (not reached yet, and no attempt has failed), `up`, `waiting` (for its Redis; nothing is
    /// lost), `restoring` (its Redis came back with less, and gets that again), `incomplete` (its Redis lacks
    /// something, and somebody has to say whether it is to get that again), `paused`, `disabled`, or `retired`
    /// (not configured any more; what waits for it is kept).
    #[schema(example = "up")]
    pub(super) state: &'static str,
    /// Since when it waits, is restored or is incomplete; of one that is disabled or retired, when its oldest
    /// waiting event was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    /// What it waits for or lacks, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Whether somebody has to change a setting, here or in Redis, or to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) needs_operator: Option<bool>,
    /// Events accepted for it since the start, replayed ones again.
    accepted: u64,
    /// Events of these that are in Redis.
    written: u64,
    /// Events of these that had nothing for it.
    ignored: u64,
    /// Events of these that Redis refused for good.
    dead_lettered: u64,
    /// Dead letters in its log, older ones included, that somebody has to retry or discard; null before they
    /// were counted for the first time.
    pub(super) dead_letters_outstanding: Option<u64>,
    /// Events of these that were in a damaged or deleted part of the journal.
    lost: u64,
    /// Events of these without an outcome yet.
    pub(super) queued: u64,
    /// Whether the counters are in order: no event has two outcomes, and none is queued that the journal does
    /// not have.
    balanced: bool,
    /// Age of the oldest event that is just being delivered; null when there is none.
    pub(super) lag_seconds: Option<f64>,
    /// Whether it accepts any certificate (`skip_verify`).
    pub(super) insecure: bool,
}

impl DestinationStatus {
    /// The status of one that is configured; `broken` is whether its counters do not balance.
    pub(super) fn of(running: &DestinationView, broken: bool) -> Self {
        let settings = &running.settings;
        let counts = running.counters.event_counts();
        let mut status = Self {
            id: settings.id.clone(),
            name: settings.name.clone(),
            enabled: settings.enabled,
            paused: settings.paused,
            state: "up",
            balanced: counts.is_balanced() && !broken,
            lag_seconds: running.lag.now().map(|lag| lag.as_secs_f64()),
            insecure: settings.connection.secure && settings.connection.skip_verify,
            ..Self::counted(&counts)
        };
        match running.health.as_ref().map(Health::state) {
            None => {
                status.state = "disabled";
                status.since = running.waiting_since().map(time::text);
            }
            Some(_) if settings.paused => status.state = "paused",
            Some(HealthState::Connecting) => status.state = "connecting",
            Some(HealthState::Up) => {}
            Some(HealthState::Waiting {
                since,
                error,
                needs_operator,
            }) => {
                status.state = "waiting";
                status.since = Some(time::text(since));
                status.error = Some(error);
                status.needs_operator = Some(needs_operator);
            }
        }
        status.wait_in_part(running);
        if status.state == "up"
            && let Some(missing) = running.health.as_ref().and_then(Health::missing_data)
        {
            status.apply(missing);
        }
        status
    }

    /// A status of which only the counts are known.
    fn counted(counts: &EventCounts) -> Self {
        Self {
            accepted: counts.accepted,
            written: counts.written,
            ignored: counts.ignored,
            dead_lettered: counts.dead_lettered,
            lost: counts.lost,
            queued: counts.queued(),
            balanced: counts.is_balanced(),
            ..Self::default()
        }
    }

    /// Shows what waits by itself while the rest is delivered.
    fn wait_in_part(&mut self, running: &DestinationView) {
        let deferred = running.health.as_ref().map(Health::deferred);
        let Some((deferred, text)) =
            deferred.and_then(|deferred| Some((deferred.clone(), deferred.text()?)))
        else {
            return;
        };
        if self.state == "up" {
            self.state = "waiting";
            self.since = deferred.since.map(time::text);
            self.error = Some(text);
            self.needs_operator = Some(deferred.needs_operator);
        } else if let Some(error) = &mut self.error {
            *error = format!("{error}; {text}");
        }
    }

    /// The status of a destination that is not configured; `known` is whether `accept_retired` says so.
    pub(super) fn retired(retired: &RetiredDestination, known: AcceptRetired) -> Self {
        let counts = retired.counters.event_counts();
        let mut status = Self {
            id: retired.id.clone(),
            name: retired.id.clone(),
            state: "retired",
            since: retired.since.map(time::text),
            needs_operator: Some(known == AcceptRetired::No),
            ..Self::counted(&counts)
        };
        let events = if status.queued == 1 {
            "event"
        } else {
            "events"
        };
        let waiting = format!("not configured, {} {events} waiting", status.queued);
        let since = status.since.as_ref();
        let since = since.map_or_else(String::new, |since| format!(" since {since}"));
        status.error = Some(format!("{waiting}{since}: {}", status.cure()));
        status
    }

    /// Whether its Redis does not take or have what it should, or that is not known yet; or it is not configured,
    /// and `accept_retired` is off.
    pub(super) fn is_degraded(&self) -> bool {
        match self.state {
            "waiting" | "connecting" | "restoring" | "incomplete" => true,
            "retired" => self.needs_operator == Some(true),
            _ => false,
        }
    }

    /// Whether somebody looks at the list for its sake: it waits, gets back what it lost, lacks something, or is not
    /// configured.
    pub(super) fn takes_less(&self) -> bool {
        matches!(
            self.state,
            "waiting" | "restoring" | "incomplete" | "retired"
        )
    }

    /// Why events wait for it, and what to do about it.
    pub(super) fn why_events_wait(&self) -> String {
        let why = match self.state {
            "retired" => "which is not configured",
            "disabled" => "which is disabled",
            "paused" => "which is paused",
            "waiting" => "whose Redis does not take them",
            _ => "which is behind",
        };
        format!("{why}: {}", self.cure())
    }

    fn cure(&self) -> String {
        let id = &self.id;
        match self.state {
            "retired" => format!("put it back, or `kenwell destinations forget {id}`"),
            "disabled" => "enable it, or remove it".to_owned(),
            "paused" => "let it go on".to_owned(),
            "waiting" => "see what it says, and put that right".to_owned(),
            _ => "wait for it, or raise journal.max_bytes".to_owned(),
        }
    }

    fn apply(&mut self, missing: MissingData) {
        let (state, since, says, needs_operator) = match missing {
            MissingData::Restoring { since, events } => (
                "restoring",
                since,
                format!(
                    "Redis restarted, or another server took over; {events} events that it may have lost are delivered again"
                ),
                false,
            ),
            MissingData::Incomplete { since, says } => ("incomplete", since, says, true),
        };
        self.state = state;
        self.since = Some(time::text(since));
        self.error = Some(says);
        self.needs_operator = Some(needs_operator);
    }
}
