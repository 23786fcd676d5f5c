//! How long an answer takes.

use std::time::{Duration, Instant};

use super::explain;
use super::finding::{Check, Finding};
use crate::Error;
use crate::connection::Connection;

/// How many answers are waited for.
const ROUNDS: usize = 100;

/// Measures round trips, for at most as long as one command may take.
pub(super) async fn examine(connection: &Connection) -> Finding {
    let limit = connection.settings().command_timeout;
    let start = Instant::now();
    let mut times = Vec::with_capacity(ROUNDS);
    while times.len() < ROUNDS && start.elapsed() < limit {
        let sent = Instant::now();
        match connection.ping().await {
            Ok(()) => times.push(sent.elapsed()),
            Err(Error::Refused { reply, .. }) if reply.code() == "NOPERM" => {
                return Check::RoundTrip
                    .skipped("the user may not run PING")
                    .with_cure("to let the doctor measure, grant +ping");
            }
            Err(Error::Refused { reply, .. }) if reply.code() == "LOADING" => {
                return Check::RoundTrip.skipped("not measured while Redis is loading");
            }
            Err(error) => return explain::failed(Check::RoundTrip, &error),
        }
    }
    times.sort_unstable();
    Check::RoundTrip.ok(format!(
        "p50 {}, p99 {} of {} PINGs",
        milliseconds(rank(&times, 50)),
        milliseconds(rank(&times, 99)),
        times.len()
    ))
}

/// The smallest time that so many percent do not exceed.
fn rank(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(rank(&times, 50), Duration::from_millis(50));
        assert_eq!(rank(&times, 99), Duration::from_millis(99));
        assert_eq!(rank(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(rank(&[], 50), Duration::ZERO);
        assert_eq!(milliseconds(Duration::from_micros(1234)), "1.23 ms");
    }
}
