//! What a refusal for good says about an update.

use kenwell::Error;

use crate::metrics::REFUSALS;

/// Whether a refusal for good may be about some of the fields. The others are about the key.
pub(super) fn concerns_fields(error: &Error) -> bool {
    match error {
        Error::Refused { reply, .. } => !matches!(reply.code(), "WRONGTYPE" | "CROSSSLOT"),
        Error::RefusedAlone { reply, .. } => reply.code() != "NOPERM",
        _ => true,
    }
}

/// One of [`REFUSALS`].
pub(super) fn reason(error: &Error) -> &'static str {
    let known = |code: &str| REFUSALS.into_iter().find(|known| *known == code);
    match error {
        Error::Refused { reply, .. } | Error::RefusedAlone { reply, .. } => {
            known(reply.code()).unwrap_or("other")
        }
        Error::Dropped { .. } => "connection_closed",
        _ => "other",
    }
}
