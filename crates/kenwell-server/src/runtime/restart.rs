//! Settings that only a start can change, and which of them wait for one.

use kenwell::connection::Secret;

use crate::{config::Config, listener::ServerIdentity};

/// The same configuration, except that what only a start can change is as in `running`.
pub(super) fn without_restart(next: Config, running: &Config) -> Config {
    let mut gateway = running.gateway.clone();
    gateway.rate_limit = next.gateway.rate_limit;
    Config {
        data_dir: running.data_dir.clone(),
        workspace_id: running.workspace_id.clone(),
        accept_retired: next.accept_retired,
        gateway,
        private: running.private.clone(),
        journal: running.journal.clone(),
        dead_letters: running.dead_letters.clone(),
        delivery: next.delivery,
        sources: next.sources,
        destinations: next.destinations,
    }
}

/// What differs from `started`, the file as it was at the start, and needs another one.
pub(super) fn needs_restart(next: &Config, started: &Config) -> Vec<&'static str> {
    let (gateway, before) = (&next.gateway, &started.gateway);
    let (private, shown) = (&next.private, &started.private);
    let (journal, kept) = (&next.journal, &started.journal);
    let differs = [
        ("data_dir", next.data_dir != started.data_dir),
        ("workspace_id", next.workspace_id != started.workspace_id),
        ("gateway.listen", gateway.listen != before.listen),
        (
            "gateway.max_connections",
            gateway.max_connections != before.max_connections,
        ),
        (
            "gateway.idle_timeout",
            gateway.idle_timeout != before.idle_timeout,
        ),
        (
            "gateway.body_timeout",
            gateway.body_timeout != before.body_timeout,
        ),
        (
            "gateway.public_url",
            gateway.public_url != before.public_url,
        ),
        (
            "gateway.tls_certificate",
            differ(gateway.tls.as_ref(), before.tls.as_ref()),
        ),
        ("private.listen", private.listen != shown.listen),
        ("private.admin_key", private.admin_key != shown.admin_key),
        ("private.hosts", private.hosts != shown.hosts),
        (
            "private.allowed_references",
            private.allowed_references != shown.allowed_references,
        ),
        (
            "private.tls_certificate",
            differ(private.tls.as_ref(), shown.tls.as_ref()),
        ),
        ("journal.max_bytes", journal.max_bytes != kept.max_bytes),
        ("journal.retain", journal.retain != kept.retain),
        (
            "journal.retain_bytes",
            journal.retain_bytes != kept.retain_bytes,
        ),
        ("journal.durability", journal.durability != kept.durability),
        (
            "dead_letters.max_bytes",
            next.dead_letters != started.dead_letters,
        ),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(key, _)| key).collect()
}

/// Whether certificates stand elsewhere. What is in their files may change at any time: it is read again.
fn differ(next: Option<&ServerIdentity>, before: Option<&ServerIdentity>) -> bool {
    let (Some(next), Some(before)) = (next, before) else {
        return next.is_some() != before.is_some();
    };
    let elsewhere = |next: &Secret, before: &Secret| match (next.path(), before.path()) {
        (Some(next), Some(before)) => next != before,
        _ => next != before,
    };
    elsewhere(&next.certificate, &before.certificate) || elsewhere(&next.key, &before.key)
}
