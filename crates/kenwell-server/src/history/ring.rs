//! The steps of one range: a ring in which the oldest gives way.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Range, Sample};

/// The steps of one range.
#[derive(Debug)]
pub(super) struct Ring {
    range: Range,
    /// Those that have ended, oldest first.
    steps: VecDeque<Sample>,
    /// What had happened since the start of the server when the running step began.
    before: Sample,
    /// What had happened in the running step before the server was started.
    carried: Sample,
    /// The number of the running step; `None` before the first look.
    running: Option<i64>,
}

/// A ring as it is kept on disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeptSteps {
    /// Those that have ended, oldest first.
    pub(super) steps: Vec<Sample>,
    /// The one that was running; its `at` is when it was to end.
    pub(super) running: Option<Sample>,
}

impl Ring {
    /// What an earlier run of the server has kept, as far as it is of the range that ends `now`.
    pub(super) fn new(range: Range, kept: KeptSteps, now: Timestamp) -> Self {
        let mut ring = Self {
            range,
            steps: VecDeque::new(),
            before: Sample::default(),
            carried: Sample::default(),
            running: None,
        };
        let running = kept.running;
        let is_running = |step: &Sample| range != Range::Hour && step.at > now;
        let carried = running.filter(is_running);
        if let Some(carried) = carried {
            // Its end is the end of the step that runs now, unless the clock was wrong.
            let step = range.step_at(now);
            if range.end_of(step) == carried.at {
                ring.carried = carried;
                ring.running = Some(step);
            }
        }
        let ended = running.filter(|step| !is_running(step));
        let kept = kept.steps.into_iter().chain(ended);
        for step in kept.filter(|step| step.at <= now) {
            ring.push(step);
        }
        ring
    }

    /// Looks at what has happened since the start, every ten seconds, and ends the running step when it is over.
    pub(super) fn observe(&mut self, total: Sample) {
        let now = self.range.step_at(total.at);
        let running = *self.running.get_or_insert(now);
        if now < running {
            // The clock was put back: what it called future is not known to have been.
            self.steps.retain(|step| step.at <= total.at);
            self.running = Some(now);
        }
        // The steps of an hour are as long as from one look to the next.
        let at = match self.range {
            Range::Hour => total.at,
            _ if now > running => self.range.end_of(running).min(total.at),
            _ => return,
        };
        let step = self.since_last(total);
        self.push(Sample { at, ..step });
        self.before = total;
        self.carried = Sample::default();
        self.running = Some(now);
    }

    /// The steps, oldest first; the last one is the one that is running. `total` is what has happened since the start.
    pub(super) fn samples(&self, total: Sample) -> Vec<Sample> {
        let begin = self.range.begin(total.at);
        let ended = self.steps.iter().copied();
        let ended = ended.filter(|step| step.at > begin);
        ended.chain([self.since_last(total)]).collect()
    }

    /// The same to be kept on disk.
    pub(super) fn kept(&self, total: Sample) -> KeptSteps {
        let running = self.since_last(total);
        let at = match (self.range, self.running) {
            (Range::Hour, _) | (_, None) => total.at,
            (range, Some(step)) => range.end_of(step),
        };
        KeptSteps {
            steps: self.steps.iter().copied().collect(),
            running: Some(Sample { at, ..running }),
        }
    }

    fn push(&mut self, step: Sample) {
        if self.steps.len() >= self.range.steps() - 1 {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    fn since_last(&self, total: Sample) -> Sample {
        total.since(&self.before).and(&self.carried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A total at a second since 1970.
    fn total(second: i64, accepted: u64) -> Sample {
        Sample {
            at: Timestamp::from_second(second).unwrap(),
            accepted,
            ..Sample::default()
        }
    }

    fn empty(range: Range) -> Ring {
        Ring::new(range, KeptSteps::default(), Timestamp::UNIX_EPOCH)
    }

    fn accepted(samples: &[Sample]) -> Vec<u64> {
        samples.iter().map(|step| step.accepted).collect()
    }

    #[test]
    fn each_step_tells_its_own_share() {
        let mut ring = empty(Range::Hour);
        ring.observe(total(10, 5));
        ring.observe(total(20, 7));
        assert_eq!(accepted(&ring.samples(total(25, 10))), [5, 2, 3]);
    }

    #[test]
    fn longer_steps_end_at_the_full_minutes() {
        let mut ring = empty(Range::Day);
        for look in 0..=61 {
            ring.observe(total(look * 10, u64::try_from(look).unwrap()));
        }
        let samples = ring.samples(total(615, 70));
        assert_eq!(accepted(&samples), [30, 30, 10]);
        let ends: Vec<_> = samples.iter().map(|step| step.at.as_second()).collect();
        assert_eq!(ends, [300, 600, 615]);
    }

    #[test]
    fn as_many_are_kept_as_the_range_has() {
        for range in Range::ALL {
            let mut ring = empty(range);
            let step = i64::try_from(range.step().as_secs()).unwrap();
            for look in 0..1_000 {
                ring.observe(total(look * step, 0));
            }
            let samples = ring.samples(total(1_000 * step - 1, 0));
            assert_eq!(samples.len(), range.steps());
        }
    }

    #[test]
    fn counts_that_went_away_are_no_negative_step() {
        let mut ring = empty(Range::Hour);
        ring.observe(total(10, 5));
        assert_eq!(accepted(&ring.samples(total(15, 3))), [5, 0]);
    }

    #[test]
    fn a_restart_within_a_step_goes_on_with_it_and_a_later_one_ends_it() {
        let mut ring = empty(Range::Day);
        ring.observe(total(10, 1));
        ring.observe(total(310, 4));
        let kept = || ring.kept(total(400, 9));
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut soon = Ring::new(Range::Day, kept(), at(450));
        assert_eq!(accepted(&soon.samples(total(450, 2))), [4, 7]);
        soon.observe(total(610, 3));
        assert_eq!(accepted(&soon.samples(total(620, 3))), [4, 8, 0]);
        let later = Ring::new(Range::Day, kept(), at(1_000));
        assert_eq!(accepted(&later.samples(total(1_001, 2))), [4, 5, 2]);
        let much_later = Ring::new(Range::Day, kept(), at(86_400 + 450));
        assert_eq!(
            accepted(&much_later.samples(total(86_400 + 450, 2))),
            [5, 2]
        );
    }

    #[test]
    fn a_clock_that_is_put_back_leaves_nothing_in_the_future() {
        let mut ring = empty(Range::Hour);
        ring.observe(total(10_000, 1));
        ring.observe(total(100, 3));
        assert_eq!(accepted(&ring.samples(total(105, 4))), [2, 1]);
    }
}
