//! Why an event is ignored, and why a request is refused.

/// Why one event is not kept, although its request is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// A track, page, screen, group, alias or merge, or any other type that is not identify.
    NotIdentify,
    /// In a batch: `type` is missing, empty or no string.
    InvalidType,
    /// In a batch: neither `userId` nor `anonymousId` says who this is.
    NoIdentity,
    /// In a batch: the element is no JSON object.
    NotAnObject,
    /// A number in the event leaves the range of a double.
    NumberOutOfRange,
    /// The event nests deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
}

impl Ignored {
    /// Every reason, in the order of [`IgnoredCounts::iter`].
    pub const ALL: [Self; 6] = [
        Self::NotIdentify,
        Self::InvalidType,
        Self::NoIdentity,
        Self::NotAnObject,
        Self::NumberOutOfRange,
        Self::TooDeep,
    ];

    /// A stable name for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotIdentify => "not_identify",
            Self::InvalidType => "invalid_type",
            Self::NoIdentity => "no_identity",
            Self::NotAnObject => "not_an_object",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::TooDeep => "too_deep",
        }
    }

    /// Why a request is refused whose events are all bad and whose first one is bad for this reason;
    /// `None` when such an event is fine but of no interest.
    pub(crate) fn rejection(self) -> Option<Rejection> {
        match self {
            Self::NotIdentify | Self::InvalidType => None,
            Self::NoIdentity => Some(Rejection::NoIdentity),
            Self::NotAnObject => Some(Rejection::NotAnObject),
            Self::NumberOutOfRange | Self::TooDeep => Some(Rejection::InvalidJson),
        }
    }
}

/// How many events of a request were ignored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IgnoredCounts {
    counts: [u64; Ignored::ALL.len()],
}

impl IgnoredCounts {
    pub(crate) fn add(&mut self, reason: Ignored) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for (count, other) in self.counts.iter_mut().zip(others.counts) {
            *count += other;
        }
    }

    /// Ignored events of every reason together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Ignored, u64)> + '_ {
        Ignored::ALL
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }
}

/// Why a whole request is refused. The words are RudderStack's, because SDKs act on them: the
/// Android SDK, for one, stops or repeats a batch for ever depending on the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The body is no JSON.
    #[error("invalid json")]
    InvalidJson,
    /// The event, or every element of the batch, is no object.
    #[error("event is not a valid rudder event")]
    NotAnObject,
    /// Nobody is named by the event, or by any event of the batch.
    #[error("request neither has anonymousId nor userId")]
    NoIdentity,
    /// `batch` is missing, null or empty.
    #[error("empty batch payload")]
    EmptyBatch,
    /// The events of one batch name more than [`MAX_WRITE_KEYS`](crate::MAX_WRITE_KEYS) write keys.
    #[error("too many write keys in one batch")]
    TooManyWriteKeys,
}

impl Rejection {
    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        400
    }

    /// A stable name for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::NoIdentity => "no_identity",
            Self::EmptyBatch => "empty_batch",
            Self::TooManyWriteKeys => "too_many_write_keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_slot() {
        let mut counts = IgnoredCounts::default();
        for reason in Ignored::ALL {
            counts.add(reason);
        }
        assert_eq!(
            counts.iter().map(|(reason, _)| reason).collect::<Vec<_>>(),
            Ignored::ALL
        );
        assert!(counts.iter().all(|(_, count)| count == 1));
        assert_eq!(counts.total(), 6);
    }
}
