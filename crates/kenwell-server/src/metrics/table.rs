//! Every metric of `/metrics`, each described once. The page itself, the table of docs/operations.md, the dashboard
//! and what `kenwell metrics` prints are made from this table; the alert rules may name nothing else.

use super::description::{Description, Panel, Section, metrics};

const fn panel(
    section: Section,
    title: &'static str,
    query: &'static str,
    legend: &'static str,
    unit: &'static str,
) -> Panel {
    Panel {
        section,
        title,
        query,
        legend,
        unit,
    }
}

const fn overview(title: &'static str, query: &'static str, legend: &'static str) -> Panel {
    panel(Section::Overview, title, query, legend, "short")
}

/// A rate, by the labels in `query`.
const fn gateway(title: &'static str, query: &'static str, legend: &'static str) -> Panel {
    panel(Section::Gateway, title, query, legend, "ops")
}

const fn seconds(
    section: Section,
    title: &'static str,
    query: &'static str,
    legend: &'static str,
) -> Panel {
    panel(section, title, query, legend, "s")
}

/// One line for each destination.
const fn destination(title: &'static str, query: &'static str, unit: &'static str) -> Panel {
    panel(Section::Destinations, title, query, "{{destination}}", unit)
}

const fn bytes(section: Section, title: &'static str, legend: &'static str) -> Panel {
    panel(section, title, "@", legend, "bytes")
}

const RATE_BY_DESTINATION: &str = "sum by (destination) (rate(@[$__rate_interval]))";
const DESTINATION: &[&str] = &["destination"];

metrics! {
    /// Every metric, in the order of the reference.
    METRICS:
    BUILD_INFO = Description::gauge("kenwell_build_info", &["version", "commit"], "1, with what runs as labels")
        .panel(overview("Version", "@", "{{instance}} {{version}}"));
    ACCEPTING = Description::gauge("kenwell_accepting_events", &[], "1 while the gateway takes events, 0 while it answers 503")
        .watch("0: `/ready` says why")
        .panel(overview("Accepting events", "@", "{{instance}}"));
    CONFIG_RELOADED = Description::gauge(
        "kenwell_config_last_reload_successful", &[],
        "1 when the configuration file as it is now is what runs, 0 when it cannot be used")
        .watch("0: what the file said before goes on; `/ready` and the log say what is wrong")
        .panel(overview("Configuration in force", "@", "{{instance}}"));
    CONFIG_RELOADED_AT = Description::gauge(
        "kenwell_config_last_reload_success_timestamp_seconds", &[],
        "When the running configuration was taken over, in seconds since 1970");
    STATE = Description::gauge(
        "kenwell_destination_state", &["destination", "state"],
        "1 for the state that the destination is in, 0 for the others")
        .watch("`waiting`, `connecting`, `restoring`, `incomplete` or `retired` for minutes; the states are those of `/ready`")
        .panel(overview("Destinations", "@ == 1", "{{destination}} {{state}}"));
    NEEDS_OPERATOR = Description::gauge(
        "kenwell_destination_needs_operator", DESTINATION,
        "1 when the destination waits for a setting, here or in Redis, or for a decision")
        .watch("1: it does not mend by itself");
    REFUSED = Description::counter(
        "kenwell_private_refused_total", &["reason"],
        "Refused tries to use the private plane: wrong_key_in_request, wrong_key_at_sign_in, too_many_tries")
        .watch("an `increase()` that is more than somebody's typing: the log has the addresses")
        .panel(overview("Refused on the private plane", "sum by (reason) (rate(@[$__rate_interval]))", "{{reason}}"));

    REQUESTS = Description::counter(
        "kenwell_requests_total", &["route", "status"], "HTTP requests to the gateway, by route and status")
        .watch("`status=\"401\"`: an SDK with an old write key, or senders that name none, in header or body")
        .panel(gateway("Requests", "sum by (route, status) (rate(@[$__rate_interval])) > 0", "{{route}} {{status}}"));
    REQUEST_SECONDS = Description::histogram(
        "kenwell_request_duration_seconds", &["route"],
        "Time from a request's head to its answer, its body and its wait included, by route")
        .panel(seconds(Section::Gateway, "Request time, 99 %",
            "histogram_quantile(0.99, sum by (le, route) (rate(@_bucket[$__rate_interval])))", "{{route}}"));
    ACCEPTED = Description::counter("kenwell_events_accepted_total", &["source"], "Identify events made durable")
        .panel(gateway("Events accepted", "sum by (source) (rate(@[$__rate_interval]))", "{{source}}"));
    IGNORED = Description::counter(
        "kenwell_events_ignored_total", &["source", "reason"], "Events accepted and not kept, by reason")
        .panel(gateway("Events ignored", "sum by (source, reason) (rate(@[$__rate_interval])) > 0", "{{source}} {{reason}}"));
    APPEND_SECONDS = Description::histogram("kenwell_append_seconds", &[], "Time until a request's events were durable")
        .watch("the disk's part of a request's time")
        .panel(seconds(Section::Gateway, "Time until durable, 99 %",
            "histogram_quantile(0.99, sum by (le, instance) (rate(@_bucket[$__rate_interval])))", "{{instance}}"));
    WAITS = Description::counter(
        "kenwell_waits_total", &["of", "result"],
        "Requests that waited until events were applied, by what they were and how the wait ended")
        .watch("other results than `applied`: requests that [wait until their events are in Redis](profiles.md#read-your-own-writes) and are told that they are not")
        .panel(gateway("Requests that wait", "sum by (of, result) (rate(@[$__rate_interval])) > 0", "{{of}} {{result}}"));
    WAIT_SECONDS = Description::histogram(
        "kenwell_wait_seconds", &[], "Time that requests waited until events were applied")
        .panel(seconds(Section::Gateway, "Time of waits, 99 %",
            "histogram_quantile(0.99, sum by (le, instance) (rate(@_bucket[$__rate_interval])))", "{{instance}}"));
    GIVEN_UP = Description::counter(
        "kenwell_events_given_up_total", &[],
        "Accepted events that somebody gave up by removing the destination that they waited for")
        .watch("anything");

    DESTINATION_ACCEPTED = Description::counter(
        "kenwell_destination_accepted_total", DESTINATION, "Identify events accepted for the destination")
        .panel(destination("Events accepted for it", RATE_BY_DESTINATION, "ops"));
    WRITTEN = Description::counter("kenwell_destination_written_total", DESTINATION, "Identify events written to Redis")
        .panel(destination("Events written", RATE_BY_DESTINATION, "ops"));
    QUEUED = Description::gauge("kenwell_destination_queued", DESTINATION, "Identify events without an outcome yet")
        .watch("growing: the destination is down or too slow")
        .panel(destination("Events that wait", "@", "short"));
    LAG = Description::gauge(
        "kenwell_destination_lag_seconds", DESTINATION,
        "Age of the oldest event that is not applied yet; 0 when there is none")
        .watch("minutes, unless it is paused or disabled; jumps of the clock are left out, and it is at most 30 days")
        .panel(destination("Lag", "@", "s"));
    FRESHNESS = Description::histogram(
        "kenwell_destination_freshness_seconds", DESTINATION,
        "Time from receipt to visible in Redis, of the oldest event of a batch")
        .watch("what people mean by real time; jumps of the clock are left out, and it is at most 30 days")
        .panel(destination("Time from receipt to visible, 99 %",
            "histogram_quantile(0.99, sum by (le, destination) (rate(@_bucket[$__rate_interval])))", "s"));
    DESTINATION_IGNORED = Description::counter(
        "kenwell_destination_ignored_total", &["destination", "reason"],
        "Identify events with nothing for the destination, by reason");
    DEAD_LETTERED = Description::counter(
        "kenwell_destination_dead_lettered_total", &["destination", "reason"],
        "Identify events in the dead-letter log, by reason")
        .watch("an `increase()`: events that Redis refuses for good. It begins at 0 for each reason, as all counters do")
        .panel(panel(Section::Destinations, "Events dead-lettered",
            "sum by (destination, reason) (rate(@[$__rate_interval])) > 0", "{{destination}} {{reason}}", "ops"));
    LETTERS_OUTSTANDING = Description::gauge(
        "kenwell_destination_dead_letters_outstanding", DESTINATION,
        "Dead letters in the log that nobody has retried with success or discarded yet")
        .watch("not zero: somebody has to put something right and [retry](#dead-letters)")
        .panel(destination("Dead letters outstanding", "@", "short"));
    LETTERS_WRITTEN = Description::counter(
        "kenwell_destination_dead_letters_written_total", DESTINATION,
        "Dead letters that were retried and written to Redis");
    LETTERS_DISCARDED = Description::counter(
        "kenwell_destination_dead_letters_discarded_total", DESTINATION, "Dead letters that were dropped");
    LOST = Description::counter(
        "kenwell_destination_lost_total", DESTINATION,
        "Identify events that were in a damaged part of the journal")
        .watch("anything: [the disk lost events](#when-the-journal-is-damaged)");
    RETRIES = Description::counter(
        "kenwell_destination_retries_total", DESTINATION, "Pipelines that had to be sent again")
        .panel(destination("Pipelines sent again", RATE_BY_DESTINATION, "ops"));
    REPLAYED = Description::counter(
        "kenwell_destination_replayed_total", DESTINATION,
        "Identify events accepted again: by a replay, or because a batch was cut off");
    RETIRED = Description::gauge(
        "kenwell_destination_retired", DESTINATION,
        "1 for a destination that is not configured and has events waiting")
        .watch("1: put it back, or give the events up");

    JOURNAL_BYTES = Description::gauge(
        "kenwell_journal_bytes", &[], "Bytes that the journal occupies on disk, preallocated ones included")
        .watch("nearly `kenwell_journal_max_bytes`: the gateway will answer 503")
        .panel(bytes(Section::Storage, "Journal", "{{instance}} used"));
    JOURNAL_MAX_BYTES = Description::gauge("kenwell_journal_max_bytes", &[], "Bytes that the journal may occupy")
        .panel(bytes(Section::Storage, "Journal", "{{instance}} at most"));
    DAMAGED_RECORDS = Description::counter(
        "kenwell_journal_damaged_records_total", &[], "Damaged records skipped since the start")
        .watch("anything: the disk lost records, delivered ones included");
    CORRUPT_RECORDS = Description::gauge(
        "kenwell_journal_corrupt_records", &[],
        "The former name of kenwell_journal_damaged_records_total; it goes with the next version");
    DISK_AVAILABLE = Description::gauge(
        "kenwell_disk_available_bytes", &[], "Bytes that Kenwell may still write on the disk of its data directory")
        .watch("less than the journal may still grow: it will be full before `journal.max_bytes`")
        .panel(bytes(Section::Storage, "Disk of the data directory", "{{instance}} available"));
    DISK_SIZE = Description::gauge(
        "kenwell_disk_size_bytes", &[], "Bytes that the disk of the data directory has")
        .panel(bytes(Section::Storage, "Disk of the data directory", "{{instance}} size"));

    LISTENER_CERTIFICATE = Description::gauge(
        "kenwell_listener_certificate_expiry_timestamp_seconds", &["listener"],
        "When the first certificate of the listener expires, in seconds since 1970")
        .watch("`- time()` below two weeks: renew it. Looked at every hour")
        .panel(seconds(Section::Process, "Time until certificates expire", "@ - time()", "{{listener}}"));
    DESTINATION_CERTIFICATE = Description::gauge(
        "kenwell_destination_certificate_expiry_timestamp_seconds", &["destination", "setting"],
        "When the first certificate expires, in seconds since 1970: of a setting, or with setting=\"address\" of what the servers show")
        .watch("likewise")
        .panel(seconds(Section::Process, "Time until certificates expire", "@ - time()", "{{destination}} {{setting}}"));

    CPU_SECONDS = Description::counter("process_cpu_seconds_total", &[], "Processor time, of users and system, in seconds")
        .panel(panel(Section::Process, "Processor", "rate(@[$__rate_interval])", "{{instance}}", "percentunit"));
    RESIDENT_BYTES = Description::gauge("process_resident_memory_bytes", &[], "Memory that is in use, in bytes")
        .panel(bytes(Section::Process, "Memory", "{{instance}}"));
    VIRTUAL_BYTES = Description::gauge("process_virtual_memory_bytes", &[], "Addresses that are in use, in bytes");
    OPEN_FDS = Description::gauge("process_open_fds", &[], "File descriptors that are open")
        .panel(panel(Section::Process, "File descriptors", "@", "{{instance}} open", "short"));
    MAX_FDS = Description::gauge("process_max_fds", &[], "File descriptors that may be open")
        .watch("`process_open_fds` near to it: raise `LimitNOFILE`")
        .panel(panel(Section::Process, "File descriptors", "@", "{{instance}} at most", "short"));
    START_TIME = Description::gauge(
        "process_start_time_seconds", &[], "When the process was started, in seconds since 1970")
        .watch("`changes()`: it is started again and again");
}
