//! What a sighting of a marker means, given what is known of the server that should have it.

use kenwell::profile::{MarkerState, Server};
use serde::{Deserialize, Serialize};

/// What is known of one shard of a Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
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

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing happened.
    Same,
    /// A destination was pointed to another Redis, which has nothing of ours.
    Elsewhere,
    /// The server started anew, or another one took over. It has what comes before `from`; perhaps
    /// more, unless something is missing for sure.
    Changed {
        /// The oldest record there is for `None`.
        from: Option<u64>,
        /// Whether something is missing.
        lost: Loss,
    },
    /// The server is the same, and lacks what it had: somebody's command.
    Emptied {
        /// The oldest record there is for `None`.
        from: Option<u64>,
    },
}

/// Whether a server that changed lost something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    /// Its marker says what it should; of what came after it nobody knows.
    Unlikely,
    /// Its marker covers less than was delivered, but perhaps Kenwell ended before it could write it.
    Possible,
    /// Its marker says less than it did.
    Certain,
}

/// Compares. `acked` is how far delivery had come before the sighting.
///
/// A server that does not say who it is counts as changed when its marker says less than it should: to
/// bring back what was meant to go does less harm than to lose what was not.
pub(super) fn judge(expected: &Expected, seen: &MarkerState, acked: u64) -> Verdict {
    let position = seen.position;
    let told = expected.server.is_some() && seen.server.is_some();
    let less = match (position, expected.wrote) {
        (None, _) => expected.marked,
        (Some(position), Some(wrote)) => position < wrote && !expected.unsure.contains(&position),
        (Some(_), None) => false,
    };
    if expected.elsewhere && position.is_none() {
        return Verdict::Elsewhere;
    }
    if told && expected.server != seen.server {
        let unwritten = expected.wrote.is_none() && position.is_some_and(|it| it < acked);
        return Verdict::Changed {
            from: position.map(|position| position.min(acked)),
            lost: match unwritten {
                _ if less || position.is_none() => Loss::Certain,
                true => Loss::Possible,
                false => Loss::Unlikely,
            },
        };
    }
    match (less, told) {
        (false, _) => Verdict::Same,
        (true, true) => Verdict::Emptied { from: position },
        (true, false) => Verdict::Changed {
            from: position,
            lost: Loss::Certain,
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
    fn a_sighting_means_what_it_should() {
        let changed = |from, lost| Verdict::Changed { from, lost };
        let emptied = |from| Verdict::Emptied { from };
        // Known server, what was written, seen server, what the marker says; delivery is at 10.
        for (known, wrote, seen, position, verdict) in [
            ("a", Some(9), "a", Some(9), Verdict::Same),
            ("a", None, "a", Some(3), Verdict::Same),
            ("a", Some(9), "a", None, emptied(None)),
            ("a", None, "a", None, emptied(None)),
            ("a", Some(9), "a", Some(4), emptied(Some(4))),
            ("a", Some(9), "a", Some(8), Verdict::Same),
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
            ("", Some(9), "", Some(9), Verdict::Same),
            ("", Some(9), "", Some(4), changed(Some(4), Loss::Certain)),
            ("", Some(9), "", None, changed(None, Loss::Certain)),
            ("a", Some(9), "", None, changed(None, Loss::Certain)),
            ("", Some(9), "b", Some(9), Verdict::Same),
        ] {
            let expected = Expected {
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
            let found = judge(&expected, &sighting, 10);
            assert_eq!(found, verdict, "{known} {wrote:?} {seen} {position:?}");
        }
    }

    #[test]
    fn where_no_marker_was_written_yet_none_is_missed() {
        let judged = |known, seen| {
            let expected = Expected {
                server: server(known),
                ..Expected::default()
            };
            let (server, position) = (server(seen), None);
            judge(&expected, &MarkerState { server, position }, 10)
        };
        assert_eq!(judged("a", "a"), Verdict::Same);
        assert_eq!(judged("", ""), Verdict::Same);
        let lost = Verdict::Changed {
            from: None,
            lost: Loss::Certain,
        };
        assert_eq!(judged("a", "b"), lost);
    }

    #[test]
    fn another_redis_on_purpose_is_no_loss_unless_it_has_our_marker() {
        let expected = Expected {
            server: server("a"),
            elsewhere: true,
            marked: true,
            ..Expected::default()
        };
        let judged = |run, position| {
            let server = server(run);
            judge(&expected, &MarkerState { server, position }, 10)
        };
        assert_eq!(judged("b", None), Verdict::Elsewhere);
        assert_eq!(judged("", None), Verdict::Elsewhere);
        assert_eq!(judged("a", Some(10)), Verdict::Same);
        let behind = Verdict::Changed {
            from: Some(4),
            lost: Loss::Possible,
        };
        assert_eq!(judged("b", Some(4)), behind);
    }
}
