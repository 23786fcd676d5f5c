//! Whose events they are: each user in turn, or some users far more often than others.

use anyhow::Context;

use crate::options::{Distribution, Options};

/// Where the random numbers begin, so that every run sends the same.
const SEED: u64 = 485;

/// The user of each event.
#[derive(Debug)]
pub(crate) struct Users {
    order: Order,
    /// Distinct users among all events.
    distinct: u64,
}

#[derive(Debug)]
enum Order {
    /// So many users, each in turn.
    InTurn(u64),
    /// The user of each event.
    Drawn(Vec<u32>),
}

impl Users {
    /// As the options say.
    ///
    /// # Errors
    /// Too many users to draw from.
    pub(crate) fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(match options.distribution {
            Distribution::Uniform => Self {
                order: Order::InTurn(options.users),
                distinct: options.users.min(options.events),
            },
            Distribution::Zipf => {
                let users = u32::try_from(options.users)
                    .context("--distribution zipf takes at most 4,294,967,295 users")?;
                let drawn = zipf(options.events, users);
                Self {
                    distinct: distinct(&drawn, users),
                    order: Order::Drawn(drawn),
                }
            }
        })
    }

    /// Whose event this is.
    pub(crate) fn of(&self, event: u64) -> u64 {
        match &self.order {
            Order::InTurn(users) => spread(event % users, *users),
            Order::Drawn(drawn) => usize::try_from(event)
                .ok()
                .and_then(|event| drawn.get(event))
                .map_or(0, |&user| user.into()),
        }
    }

    /// Distinct users among all events.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }
}

/// Users by Zipf's law with exponent 1: the second most frequent has half the events of the first, the third a
/// third, and so on.
fn zipf(events: u64, users: u32) -> Vec<u32> {
    let mut sum = 0.0;
    let mut sums = Vec::new();
    for rank in 1..=users {
        sum += 1.0 / f64::from(rank);
        sums.push(sum);
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut draw = || {
        let at = random.f64() * sum;
        let rank = sums.partition_point(|&sum| sum <= at) as u64;
        spread(rank.min(u64::from(users) - 1), users.into())
    };
    (0..events)
        .map(|_| u32::try_from(draw()).unwrap_or(0)) // below `users`, so it always fits
        .collect()
}

fn distinct(drawn: &[u32], users: u32) -> u64 {
    let mut seen = vec![false; users as usize];
    for &user in drawn {
        if let Some(seen) = seen.get_mut(user as usize) {
            *seen = true;
        }
    }
    seen.into_iter().map(u64::from).sum()
}

/// The user with this number, below `users`: neighbouring numbers belong to distant users, as in real traffic, and
/// every user has one number.
fn spread(number: u64, users: u64) -> u64 {
    /// A prime, larger than any sensible number of users: it shares no factor with it.
    const STRIDE: u64 = 2_654_435_761;
    let product = u128::from(number) * u128::from(STRIDE) % u128::from(users);
    u64::try_from(product).unwrap_or(0) // below `users`, so it always fits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_user_has_its_turn() {
        for users in [1, 7, 1000, 1024] {
            let in_turn = Users {
                order: Order::InTurn(users),
                distinct: users,
            };
            let seen: HashSet<_> = (0..users).map(|event| in_turn.of(event)).collect();
            assert_eq!(seen.len() as u64, users);
            assert_eq!(in_turn.of(users), in_turn.of(0));
        }
    }

    #[test]
    fn the_first_user_of_zipf_has_twice_the_events_of_the_second() {
        let drawn = zipf(100_000, 1000);
        let count = |rank| {
            let user = spread(rank, 1000);
            drawn
                .iter()
                .filter(|&&drawn| u64::from(drawn) == user)
                .count()
        };
        // The sum of 1/1 to 1/1000 is 7.485, so the first has 13 % of the events.
        assert!((13_000..13_800).contains(&count(0)), "{}", count(0));
        assert!((6_400..7_000).contains(&count(1)), "{}", count(1));
        assert!((30..110).contains(&count(199)), "{}", count(199));
        assert!(drawn.iter().all(|&user| user < 1000));
    }

    #[test]
    fn distinct_users_are_counted_once() {
        assert_eq!(distinct(&[3, 1, 3, 0], 5), 3);
    }
}
