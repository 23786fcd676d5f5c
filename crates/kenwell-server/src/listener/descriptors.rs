//! File descriptors: as many as the system lets us have, and enough kept back for our own files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for journal, dead letters, configuration, and connections that are being closed.
const OWN: u64 = 512;
/// Descriptors kept for each destination: its files and its connections to Redis.
const FOR_DESTINATION: u64 = 32;
/// Descriptors for the connections that both listeners take beyond their places.
const SPARE: u64 = 32;
/// What macOS takes at most where it says that there is no limit.
const MOST_OF_MACOS: u64 = 10_240;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// To the gateway.
    pub(crate) gateway: usize,
    /// To the private plane.
    pub(crate) private: usize,
}

/// Raises the soft limit to the hard one, or to what the system takes, and returns what holds then; nothing when there
/// is no limit.
pub(crate) fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    for most in [limit.maximum, Some(MOST_OF_MACOS)] {
        let raised = Rlimit {
            current: most,
            ..limit
        };
        let is_more = limit
            .current
            .is_some_and(|now| most.is_none_or(|most| most > now));
        if is_more && setrlimit(Resource::Nofile, raised).is_ok() {
            return most;
        }
    }
    limit.current
}

/// What fits of the connections that are `wanted` into this many descriptors, beside our own files and those for so
/// many destinations. Of a small limit half is kept for them.
pub(crate) fn fit(
    limit: Option<u64>,
    destinations: usize,
    wanted: ConnectionLimits,
) -> ConnectionLimits {
    let Some(limit) = limit else { return wanted };
    let destinations = u64::try_from(destinations).unwrap_or(u64::MAX);
    let own = OWN.saturating_add(destinations.saturating_mul(FOR_DESTINATION));
    let left = (limit - own.min(limit / 2)).saturating_sub(SPARE);
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    let private = wanted.private.min(left / 4).max(1);
    ConnectionLimits {
        gateway: wanted.gateway.min(left.saturating_sub(private)).max(1),
        private,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: ConnectionLimits = ConnectionLimits {
        gateway: 4096,
        private: 256,
    };

    #[test]
    fn what_is_wanted_fits_where_there_is_enough() {
        assert_eq!(fit(None, 1, WANTED), WANTED);
        assert_eq!(fit(Some(65_536), 900, WANTED), WANTED);
        assert_eq!(fit(Some(512 + 32 + 32 + 4096 + 256), 1, WANTED), WANTED);
    }

    #[test]
    fn otherwise_our_own_files_come_first() {
        for limit in [128, 256, 1024, 4096] {
            let ConnectionLimits { gateway, private } = fit(Some(limit), 1, WANTED);
            let taken = u64::try_from(gateway + private).unwrap();
            let own = (OWN + FOR_DESTINATION).min(limit / 2);
            assert!(taken + own + SPARE <= limit, "{limit}: {taken}");
            assert!(gateway >= private, "{limit}");
        }
        // However few there are, somebody is served.
        let few = fit(Some(3), 1, WANTED);
        assert_eq!((few.gateway, few.private), (1, 1));
    }
}
