//! The alert rules for Prometheus. They name metrics of the table and nothing else, which a test looks at.

use serde_json::json;

/// One alert rule.
pub(crate) struct Alert {
    pub(crate) name: &'static str,
    /// What is wrong, as a query that answers nothing while all is well.
    pub(crate) query: &'static str,
    /// How long it has to be so, as Prometheus writes it.
    pub(crate) lasts: &'static str,
    pub(crate) severity: Severity,
    /// In one line, with labels.
    pub(crate) summary: &'static str,
    /// What it means, and what to do.
    pub(crate) description: &'static str,
}

/// How soon somebody has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Something is or will be lost, or events are refused.
    Critical,
    /// Nothing is lost; it has to be put right some time.
    Warning,
}

impl Severity {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// All alerts.
pub(crate) const ALERTS: &[Alert] = &[
    Alert {
        name: "KenwellNotAcceptingEvents",
        query: "kenwell_accepting_events == 0",
        lasts: "1m",
        severity: Severity::Critical,
        summary: "{{ $labels.instance }} takes no events",
        description: "The journal or its disk is full, and senders are answered 503. GET /ready says which destination \
                      holds the journal, and what to do.",
    },
    Alert {
        name: "KenwellEventsLost",
        query: "increase(kenwell_destination_lost_total[1h]) > 0",
        lasts: "0m",
        severity: Severity::Critical,
        summary: "{{ $labels.instance }} lost events for {{ $labels.destination }}",
        description: "A part of the journal is damaged. The log names the place; look after the disk.",
    },
    Alert {
        name: "KenwellDestinationNeedsOperator",
        query: "kenwell_destination_needs_operator == 1",
        lasts: "1m",
        severity: Severity::Critical,
        summary: "{{ $labels.destination }} on {{ $labels.instance }} waits for somebody",
        description: "A setting is wrong, here or in Redis, or a decision is needed; it does not mend by itself. Events \
                      are kept meanwhile. GET /ready says what it is.",
    },
    Alert {
        name: "KenwellDestinationWaiting",
        query: "kenwell_destination_state{state=~\"connecting|waiting|restoring|incomplete|retired\"} == 1",
        lasts: "5m",
        severity: Severity::Warning,
        summary: "{{ $labels.destination }} on {{ $labels.instance }} is {{ $labels.state }}",
        description: "Its Redis does not take or have what it should, or it is not configured any more. Events are kept, \
                      as long as the journal has room. GET /ready says why.",
    },
    Alert {
        name: "KenwellDestinationBehind",
        query: "kenwell_destination_lag_seconds > 300\n  unless on (job, instance, destination) \
                kenwell_destination_state{state=~\"paused|disabled\"} == 1",
        lasts: "5m",
        severity: Severity::Warning,
        summary: "{{ $labels.destination }} on {{ $labels.instance }} is {{ $value | humanizeDuration }} behind",
        description: "The oldest event that is not in Redis yet is older than five minutes: Redis is away, or too slow \
                      for what arrives.",
    },
    Alert {
        name: "KenwellDeadLetters",
        query: "kenwell_destination_dead_letters_outstanding > 0",
        lasts: "5m",
        severity: Severity::Warning,
        summary: "{{ $value }} dead letters for {{ $labels.destination }} on {{ $labels.instance }}",
        description: "Redis refused these events for good. Put right what it says, then retry or discard them: \
                      kenwell dead-letters list.",
    },
    Alert {
        name: "KenwellRefusedLogins",
        query: "sum by (job, instance) (increase(kenwell_private_refused_total[10m])) > 20",
        lasts: "0m",
        severity: Severity::Warning,
        summary: "{{ $value | humanize }} wrong keys on the private plane of {{ $labels.instance }} in 10 minutes",
        description: "Somebody guesses, or a program has an old key. The log has the addresses.",
    },
    Alert {
        name: "KenwellJournalNearlyFull",
        query: "kenwell_journal_bytes / kenwell_journal_max_bytes > 0.85",
        lasts: "5m",
        severity: Severity::Warning,
        summary: "The journal of {{ $labels.instance }} is {{ $value | humanizePercentage }} full",
        description: "When it is full, senders are answered 503. See which destination is behind, or raise \
                      journal.max_bytes; journal.retain_bytes counts, too.",
    },
    Alert {
        name: "KenwellDiskLow",
        query: "kenwell_disk_available_bytes\n  < clamp_min(kenwell_journal_max_bytes - kenwell_journal_bytes, 1e9)",
        lasts: "10m",
        severity: Severity::Warning,
        summary: "{{ $value | humanize1024 }}B left on the disk of {{ $labels.instance }}",
        description: "The journal may still grow by more than the disk has, or less than 1 GB is left. Make room, or lower \
                      journal.max_bytes.",
    },
    Alert {
        name: "KenwellConfigurationNotInForce",
        query: "kenwell_config_last_reload_successful == 0",
        lasts: "5m",
        severity: Severity::Warning,
        summary: "The configuration file of {{ $labels.instance }} cannot be used",
        description: "What it said before goes on; a restart would fail. The log and GET /ready say what is wrong.",
    },
    Alert {
        name: "KenwellCertificateExpiring",
        query: "(kenwell_listener_certificate_expiry_timestamp_seconds\n  or \
                kenwell_destination_certificate_expiry_timestamp_seconds) - time() < 14 * 86400",
        lasts: "1h",
        severity: Severity::Warning,
        summary: "A certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}",
        description: "Of the listener {{ $labels.listener }} or the destination {{ $labels.destination }} \
                      ({{ $labels.setting }}). Renew it before clients refuse us, or the destination waits.",
    },
    Alert {
        name: "KenwellRestartLoop",
        query: "changes(process_start_time_seconds[15m]) > 2\n  and on (job, instance) kenwell_build_info",
        lasts: "0m",
        severity: Severity::Critical,
        summary: "{{ $labels.instance }} was started {{ $value }} times in 15 minutes",
        description: "It ends again and again. Its last log lines, or the exit code, say why.",
    },
];

/// The file of rules, as YAML. Its texts are JSON strings, which YAML reads.
pub(crate) fn rules() -> String {
    let rules: String = ALERTS.iter().map(rule).collect();
    format!(
        "# Alert rules for Prometheus, made by `kenwell metrics --rules`.\n\
         groups:\n  - name: kenwell\n    rules:\n{rules}"
    )
}

fn rule(alert: &Alert) -> String {
    format!(
        "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n        \
         annotations:\n          summary: {}\n          description: {}\n",
        alert.name,
        json!(alert.query),
        alert.lasts,
        alert.severity.as_str(),
        json!(alert.summary),
        json!(alert.description),
    )
}
