//! `tls_certificate` and `tls_key` of a listener.

use jiff::Timestamp;
use kenwell::Error;

use super::certificate;
use super::keys::gateway::{TLS_CERTIFICATE, TLS_KEY};
use super::table_reader::TableReader;
use super::values::Values;
use crate::listener::ServerIdentity;

/// Both; `None` when neither is given. `[private]` has keys of the same names.
pub(super) fn identity(values: &Values) -> Option<ServerIdentity> {
    Some(ServerIdentity {
        certificate: values.secret(TLS_CERTIFICATE)?.secret.clone(),
        key: values.secret(TLS_KEY)?.secret.clone(),
    })
}

/// They must be usable now; one whose time is over is only doubtful, so that a server that was started late still
/// starts.
pub(super) fn check(table: &TableReader<'_>) {
    for (key, other) in [(TLS_CERTIFICATE, TLS_KEY), (TLS_KEY, TLS_CERTIFICATE)] {
        if table.values.secret(key).is_some() && !table.is_given(other) {
            table.error(
                key,
                format!("it has no use without {}", other.name),
                format!(
                    "add a line {}, or remove this one for plain HTTP",
                    other.name
                ),
            );
        }
    }
    let Some(identity) = identity(&table.values) else {
        return;
    };
    if let Err(error) = identity.certified() {
        let is_key = matches!(&error, Error::Settings { setting, .. } if *setting == TLS_KEY.name);
        let key = if is_key { TLS_KEY } else { TLS_CERTIFICATE };
        table.complain(key, certificate::explained(error));
        return;
    }
    for notice in identity.time_notices(Timestamp::now().as_second()) {
        let fix = format!(
            "{}; the new one is taken up without a restart when it has the same path",
            notice.cure
        );
        table.warning(TLS_CERTIFICATE, notice.says, fix);
    }
}
