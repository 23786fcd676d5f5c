//! Tries to use the private plane that were refused, by reason.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::{labels::ReasonLabels, registration::register, table};

/// Why somebody was refused on the private plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A program sent a wrong key.
    WrongKeyInRequest,
    /// Somebody typed a wrong key.
    WrongKeyAtSignIn,
    /// From there came too many wrong keys before.
    TooManyTries,
}

impl Refused {
    const ALL: [Self; 3] = [
        Self::WrongKeyInRequest,
        Self::WrongKeyAtSignIn,
        Self::TooManyTries,
    ];

    fn labels(self) -> ReasonLabels {
        let reason = match self {
            Self::WrongKeyInRequest => "wrong_key_in_request",
            Self::WrongKeyAtSignIn => "wrong_key_at_sign_in",
            Self::TooManyTries => "too_many_tries",
        };
        ReasonLabels { reason }
    }
}

/// The counters. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct RefusedRequests {
    counters: Family<ReasonLabels, Counter>,
}

impl RefusedRequests {
    /// Registered, and at zero for every reason.
    pub(super) fn registered(page: &mut Registry) -> Self {
        let counters = register::<Family<ReasonLabels, Counter>>(page, table::REFUSED);
        for refused in Refused::ALL {
            counters.get_or_create(&refused.labels()).inc_by(0);
        }
        Self { counters }
    }

    /// Somebody was refused.
    pub(crate) fn count(&self, refused: Refused) {
        self.counters.get_or_create(&refused.labels()).inc();
    }
}
