//! From a host's name to its addresses, in a share of the time that there is for connecting.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

/// For how long what a look-up found may be used by the next attempt, after the one that asked had given up.
const FRESH: Duration = Duration::from_secs(30);

/// A host, and the look-up of its addresses that is under way. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    pending_lookup: Arc<Mutex<Option<Lookup>>>,
}

/// A look-up that took longer than the attempt which began it could wait.
struct Lookup {
    began: Instant,
    found: JoinHandle<io::Result<Vec<SocketAddr>>>,
}

impl Resolver {
    /// The addresses of a host. The look-up may take `share` of the time that there is for all; what takes
    /// longer goes on, and the next attempt gets what it finds. A name server that is down makes each
    /// look-up take seconds, until the next one is asked.
    pub(super) async fn look_up(
        &self,
        host: &str,
        port: u16,
        share: Duration,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let place = (host.to_owned(), port);
        let find = move || Ok(place.to_socket_addrs()?.collect());
        self.look_up_with(find, host, share).await
    }

    async fn look_up_with(
        &self,
        find: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
        host: &str,
        share: Duration,
    ) -> io::Result<Vec<SocketAddr>> {
        let pending = self.pending_lookup().take();
        let mut under_way = match pending.filter(|pending| pending.began.elapsed() < FRESH) {
            Some(pending) => pending,
            None => Lookup {
                began: Instant::now(),
                found: spawn_blocking(find),
            },
        };
        if let Ok(found) = timeout(share, &mut under_way.found).await {
            return found?;
        }
        *self.pending_lookup() = Some(under_way);
        let problem = format!(
            "looking up {host} took longer than {} ms; see whether this machine's name servers answer",
            share.as_millis()
        );
        Err(io::Error::new(io::ErrorKind::TimedOut, problem))
    }

    fn pending_lookup(&self) -> MutexGuard<'_, Option<Lookup>> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        self.pending_lookup
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    impl Resolver {
        /// Its next look-up finds these addresses.
        pub(in crate::connection) fn finding(addresses: Vec<SocketAddr>) -> Self {
            let resolver = Self::default();
            *resolver.pending_lookup() = Some(Lookup {
                began: Instant::now(),
                found: spawn_blocking(move || Ok(addresses)),
            });
            resolver
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_slow_look_up_has_its_share_and_helps_the_next_attempt() {
        let resolver = Resolver::default();
        let share = Duration::from_millis(20);
        let found = vec![address("1.1.1.1:1")];
        let (tell, told) = mpsc::channel();
        let slow = move || told.recv().map_err(io::Error::other);
        let error = resolver.look_up_with(slow, "redis.internal", share).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("looking up redis.internal"));
        tell.send(found.clone()).unwrap();
        // Nobody is asked again.
        let limit = Duration::from_mins(1);
        let again = resolver
            .look_up_with(|| Ok(Vec::new()), "redis.internal", limit)
            .await;
        assert_eq!(again.unwrap(), found);
        // Only once: addresses change.
        let anew = resolver.look_up_with(|| Ok(Vec::new()), "redis.internal", limit);
        assert_eq!(anew.await.unwrap(), []);
    }
}
