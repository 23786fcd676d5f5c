//! Which limit of Redis an update exceeds, when the server closes the connection over it without a word.

use std::fmt;

/// The most bytes of one name or value; default 512 MiB.
pub(crate) const VALUE: &str = "proto-max-bulk-len";
/// The most bytes of a client that wait to be understood, which a whole command may be; default 1 GiB.
pub(crate) const COMMAND: &str = "client-query-buffer-limit";

/// The limit of a server that an update exceeds, over which it closes the connection. As text it names the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exceeded {
    /// A name or value is larger than `proto-max-bulk-len`.
    Value,
    /// The whole update is larger than `client-query-buffer-limit`.
    Command,
    /// Both.
    Both,
    /// Neither of them.
    Neither,
    /// The server does not tell what they are.
    Unknown,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => write!(formatter, "a value is larger than its `{VALUE}`"),
            Self::Command => write!(formatter, "all of it is larger than its `{COMMAND}`"),
            Self::Both => write!(
                formatter,
                "a value is larger than its `{VALUE}`, and all of it than its `{COMMAND}`"
            ),
            Self::Neither => write!(
                formatter,
                "neither its `{VALUE}` nor its `{COMMAND}` is in the way, so perhaps something between here and there is"
            ),
            Self::Unknown => write!(
                formatter,
                "perhaps a value is larger than its `{VALUE}`, or all of it than its `{COMMAND}`, which it does not tell"
            ),
        }
    }
}

impl Exceeded {
    /// Sizes and limits of a single value, and of the whole.
    pub(crate) fn of(sizes: [usize; 2], limits: [u64; 2]) -> Self {
        let [largest, whole] = sizes.map(|size| u64::try_from(size).unwrap_or(u64::MAX));
        let [value, command] = limits;
        // Some relatives of Redis say 0 where there is no limit.
        match (largest > value, command > 0 && whole > command) {
            (true, false) => Self::Value,
            (false, true) => Self::Command,
            (true, true) => Self::Both,
            (false, false) => Self::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exceeded_is_named_and_nothing_else() {
        for (sizes, limits, exceeded, named) in [
            ([10, 30], [9, 40], Exceeded::Value, [true, false]),
            ([10, 30], [20, 29], Exceeded::Command, [false, true]),
            ([10, 30], [9, 29], Exceeded::Both, [true, true]),
            ([10, 30], [10, 30], Exceeded::Neither, [true, true]),
            ([10, 30], [10, 0], Exceeded::Neither, [true, true]),
        ] {
            let found = Exceeded::of(sizes, limits);
            assert_eq!(found, exceeded, "{sizes:?} of {limits:?}");
            let said = found.to_string();
            assert_eq!(
                [said.contains(VALUE), said.contains(COMMAND)],
                named,
                "{said}"
            );
        }
    }
}
