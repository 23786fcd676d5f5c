//! How often somebody may try a key at the sign-in.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Tries at once, and tries that come back in a minute, of one address.
const TRIES: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Addresses that are told apart; beyond them all further ones share one allowance.
const MAX_ADDRESSES: usize = 1_024;
/// What stands for the addresses beyond the limit.
const ANYBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// The sign-in's allowance: ten tries at once and ten a minute, for each address.
pub(crate) struct Attempts {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            limiter: RateLimiter::hashmap(Quota::per_minute(TRIES)),
        }
    }
}

impl Attempts {
    /// Takes one try, or says how many seconds to wait for the next one.
    pub(crate) fn take(&self, peer: IpAddr) -> Result<(), u64> {
        let mut who = network(peer);
        if self.limiter.len() >= MAX_ADDRESSES {
            self.limiter.retain_recent();
            if self.limiter.len() >= MAX_ADDRESSES {
                who = ANYBODY;
            }
        }
        self.limiter.check_key(&who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }
}

/// An IPv6 sender has a whole /64 for himself and counts as one.
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
        let attempts = Attempts::default();
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..TRIES.get() {
            assert_eq!(attempts.take(one), Ok(()));
        }
        let wait = attempts.take(one).unwrap_err();
        assert!((1..=7).contains(&wait), "{wait}");
        assert_eq!(attempts.take(two), Ok(()));
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
        let attempts = Attempts::default();
        for number in 0..3_000_u32 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            assert!(attempts.take(address).is_ok() || number > 1_000);
        }
        assert!(attempts.limiter.len() <= MAX_ADDRESSES + 1);
        assert!(attempts.take("198.51.100.1".parse().unwrap()).is_err());
    }
}
