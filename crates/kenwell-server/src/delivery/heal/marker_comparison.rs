//! What a marker that was read says, given what is known of the server that should have it.

use kenwell::profile::{MarkerState, Server};
use serde::{Deserialize, Serialize};

/// The marker that one shard of a Redis should have, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExpectedMarker {
    /// The server that had the marker when it was seen last; `None` when it does not say who it is.
    pub(super) server: Option<Server>,
    /// Whether that was at another address, database or prefix.
    pub(super) elsewhere: bool,
    /// Whether there should be a marker.
    pub(super) marked: bool,
    /// What the marker says since this Kenwell wrote it last; `None` when it has not yet.
    pub(super) wrote: Option<u64>,
    /// Positions whose writing was not answered: they may still arrive, late.
    pub(super) unsure: Vec<u64>,
}

/// What a marker says of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Nothing happened.
    Same,
    /// A destination was pointed to another Redis, which has nothing of ours.
    OtherRedis,
    /// The server started anew, or another one took over. It has what comes before `from`; perhaps
    /// more, unless something is missing for sure.
    ServerChanged {
        /// `None` for the oldest record there is.
        from: Option<u64>,
        /// How likely it is that something is missing.
        loss: Loss,
    },
    /// The server is the same, and lacks what it had: somebody sent a command that removed it.
    Emptied {
        /// `None` for the oldest record there is.
        from: Option<u64>,
    },
}

/// How likely it is that a server that changed lost something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    /// Its marker says what it should; whether it has what was written after the marker is unknown.
    Unlikely,
    /// Its marker covers less than was delivered, but perhaps Kenwell ended before it could write it.
    Possible,
    /// Its marker says less than it did before.
    Certain,
}

/// Compares the marker that was read with the expected one. `acked` is how far delivery had come before.
///
/// A server that does not say who it is counts as changed when its marker says less than it should: to
/// bring back what was meant to go does less harm than to lose what was not.
pub(super) fn compare(expected: &ExpectedMarker, seen: &MarkerState, acked: u64) -> Comparison {
    let position = seen.position;
    let both_known = expected.server.is_some() && seen.server.is_some();
    let less = match (position, expected.wrote) {
        (None, _) => expected.marked,
        (Some(position), Some(wrote)) => position < wrote && !expected.unsure.contains(&position),
        (Some(_), None) => false,
    };
    if expected.elsewhere && position.is_none() {
        return Comparison::OtherRedis;
    }
    if both_known && expected.server != seen.server {
        let unwritten = expected.wrote.is_none() && position.is_some_and(|it| it < acked);
        return Comparison::ServerChanged {
            from: position.map(|position| position.min(acked)),
            loss: match unwritten {
                _ if less || position.is_none() => Loss::Certain,
                true => Loss::Possible,
                false => Loss::Unlikely,
            },
        };
    }
    match (less, both_known) {
        (false, _) => Comparison::Same,
        (true, true) => Comparison::Emptied { from: position },
        (true, false) => Comparison::ServerChanged {
            from: position,
            loss: Loss::Certain,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(run: &str) -> Option<Server> {
        (!run.is_empty()).then(|| Server {
            run: run.to_owned(),
            history: "h".to_owned(),
        })
    }

    #[test]
    fn each_marker_says_what_it_should() {
        let changed = |from, loss| Comparison::ServerChanged { from, loss };
        let emptied = |from| Comparison::Emptied { from };
        // Known server, what was written, seen server, what the marker says; delivery is at 10.
        for (known, wrote, seen, position, verdict) in [
            ("a", Some(9), "a", Some(9), Comparison::Same),
            ("a", None, "a", Some(3), Comparison::Same),
            ("a", Some(9), "a", None, emptied(None)),
            ("a", None, "a", None, emptied(None)),
            ("a", Some(9), "a", Some(4), emptied(Some(4))),
            ("a", Some(9), "a", Some(8), Comparison::Same),
            ("a", Some(9), "b", Some(9), changed(Some(9), Loss::Unlikely)),
            ("a", Some(9), "b", Some(4), changed(Some(4), Loss::Certain)),
            ("a", Some(9), "b", None, changed(None, Loss::Certain)),
            ("a", None, "b", Some(4), changed(Some(4), Loss::Possible)),
            ("a", None, "b", Some(10), changed(Some(10), Loss::Unlikely)),
            (
                "a",
                Some(9),
                "b",
                Some(12),
                changed(Some(10), Loss::Unlikely),
            ),
            ("", Some(9), "", Some(9), Comparison::Same),
            ("", Some(9), "", Some(4), changed(Some(4), Loss::Certain)),
            ("", Some(9), "", None, changed(None, Loss::Certain)),
            ("a", Some(9), "", None, changed(None, Loss::Certain)),
            ("", Some(9), "b", Some(9), Comparison::Same),
        ] {
            let expected = ExpectedMarker {
                server: server(known),
                elsewhere: false,
                marked: true,
                wrote,
                unsure: vec![8],
            };
            let sighting = MarkerState {
                server: server(seen),
                position,
            };
            let found = compare(&expected, &sighting, 10);
            assert_eq!(found, verdict, "{known} {wrote:?} {seen} {position:?}");
        }
    }

    #[test]
    fn where_no_marker_was_written_yet_none_is_missed() {
        let compared = |known, seen| {
            let expected = ExpectedMarker {
                server: server(known),
                ..ExpectedMarker::default()
            };
            let (server, position) = (server(seen), None);
            compare(&expected, &MarkerState { server, position }, 10)
        };
        assert_eq!(compared("a", "a"), Comparison::Same);
        assert_eq!(compared("", ""), Comparison::Same);
        let certain = Comparison::ServerChanged {
            from: None,
            loss: Loss::Certain,
        };
        assert_eq!(compared("a", "b"), certain);
    }

    #[test]
    fn another_redis_on_purpose_is_no_loss_unless_it_has_our_marker() {
        let expected = ExpectedMarker {
            server: server("a"),
            elsewhere: true,
            marked: true,
            ..ExpectedMarker::default()
        };
        let compared = |run, position| {
            let server = server(run);
            compare(&expected, &MarkerState { server, position }, 10)
        };
        assert_eq!(compared("b", None), Comparison::OtherRedis);
        assert_eq!(compared("", None), Comparison::OtherRedis);
        assert_eq!(compared("a", Some(10)), Comparison::Same);
        let behind = Comparison::ServerChanged {
            from: Some(4),
            loss: Loss::Possible,
        };
        assert_eq!(compared("b", Some(4)), behind);
    }
}
