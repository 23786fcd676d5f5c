//! How often a key may be tried from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tries at once.
const TRIES: u32 = 10;
/// The time in which one try is restored: ten a minute.
const RESTORE_ONE: Duration = Duration::from_secs(6);
/// Addresses that are told apart; beyond them all further ones share one allowance.
const MAX_ADDRESSES: usize = 1_024;
/// What stands for the addresses beyond the limit.
const OTHERS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// An allowance of ten tries at once and ten a minute, for each address.
#[derive(Debug, Default)]
pub(crate) struct AttemptLimiter {
    /// When all tries of an address will be restored. Those that have all of theirs may be forgotten.
    restored_at: Mutex<HashMap<IpAddr, Instant>>,
}

/// Seconds until the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryAfter(pub(crate) u64);

impl AttemptLimiter {
    /// Takes one try, or says how long to wait for the next one.
    pub(crate) fn take(&self, peer: IpAddr, now: Instant) -> Result<(), RetryAfter> {
        let mut addresses = self.lock();
        let mut who = network(peer);
        if !addresses.contains_key(&who) && addresses.len() >= MAX_ADDRESSES {
            addresses.retain(|_, at| *at > now);
            if addresses.len() >= MAX_ADDRESSES {
                who = OTHERS;
            }
        }
        let at = addresses.entry(who).or_insert(now);
        if let Some(wait) = wait(*at, now) {
            return Err(wait);
        }
        *at = (*at).max(now) + RESTORE_ONE;
        Ok(())
    }

    /// How long an address has to wait that has taken all of its tries. It never waits for the others
    /// beyond the limit.
    pub(crate) fn wait(&self, peer: IpAddr, now: Instant) -> Option<RetryAfter> {
        wait(*self.lock().get(&network(peer))?, now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.restored_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long until there is a try, when all will be back at `restored_at`.
fn wait(restored_at: Instant, now: Instant) -> Option<RetryAfter> {
    let missing = restored_at.saturating_duration_since(now) + RESTORE_ONE;
    let wait = missing.checked_sub(RESTORE_ONE * TRIES)?;
    (!wait.is_zero()).then(|| RetryAfter(wait.as_secs() + 1))
}

/// An IPv6 sender has a whole /64 for itself and counts as one.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_allowance() {
        let (attempts, now) = (AttemptLimiter::default(), Instant::now());
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..TRIES {
            assert_eq!(attempts.wait(one, now), None);
            assert_eq!(attempts.take(one, now), Ok(()));
        }
        let RetryAfter(seconds) = attempts.take(one, now).unwrap_err();
        assert!((6..=7).contains(&seconds), "{seconds}");
        assert_eq!(attempts.wait(one, now), Some(RetryAfter(seconds)));
        assert_eq!(attempts.take(two, now), Ok(()));
        let later = now + RESTORE_ONE;
        assert_eq!(attempts.take(one, later), Ok(()), "one is back");
        assert!(attempts.take(one, later).is_err());
        let much_later = now + RESTORE_ONE * 100;
        for _ in 0..TRIES {
            assert_eq!(attempts.take(one, much_later), Ok(()));
        }
        assert!(attempts.take(one, much_later).is_err(), "never more");
    }

    #[test]
    fn addresses_of_one_network_share_theirs() {
        let same = |address: &str| network(address.parse().unwrap());
        assert_eq!(same("2001:db8::1"), same("2001:db8::ffff:1"));
        assert_ne!(same("2001:db8::1"), same("2001:db8:0:1::1"));
        assert_eq!(same("::ffff:192.0.2.1"), same("192.0.2.1"));
    }

    #[test]
    fn the_table_is_bounded() {
        let (attempts, now) = (AttemptLimiter::default(), Instant::now());
        let stranger = "198.51.100.1".parse().unwrap();
        for number in 0..3_000_u32 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            assert!(attempts.take(address, now).is_ok() || number > 1_000);
        }
        assert!(attempts.lock().len() <= MAX_ADDRESSES + 1);
        assert!(attempts.take(stranger, now).is_err());
        assert_eq!(attempts.wait(stranger, now), None, "nothing of its own");
        let later = now + RESTORE_ONE;
        assert!(attempts.take(stranger, later).is_ok());
        assert!(attempts.lock().len() <= 2, "who has waited is forgotten");
    }
}
