//! The kinds of faults, and what makes them: each injector makes one at a time, and the injectors
//! overlap.

use std::{
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{World, config_faults, network_faults, people, process_faults, redis_faults};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The file is cut at a random byte.
    ConfigTruncate,
    ConfigEmpty,
    /// A file of which every destination is gone.
    ConfigNoDestination,
    /// A destination is changed through the API.
    Edit,
    /// SIGKILL, and back with everything that it had confirmed.
    RedisKill,
    /// SIGSTOP and SIGCONT.
    RedisFreeze,
    RedisMemory,
    RedisPassword,
    /// The key of one user is no hash.
    WrongType,
    NetCut,
    NetDelay,
    /// The way back from Redis ends, the way there stays open.
    NetHalfClose,
    /// Replies do not come back.
    NetSwallow,
    /// Some replies in a hundred are lost with their connection.
    NetLossy,
    /// Bytes of the connections of the moment come late.
    NetHold,
    /// Everything is answered in the words of a quota, or others that nobody knows.
    NetRefuse,
    KenwellKill,
    KenwellStop,
    /// Dead letters are retried.
    Letters,
    Replay,
}

/// What makes faults of some kinds, one at a time.
type FaultInjector = (
    &'static [FaultKind],
    fn(&World, FaultKind, usize, &mut fastrand::Rng),
);

impl FaultKind {
    pub(crate) const ALL: [Self; 20] = [
        Self::ConfigTruncate,
        Self::ConfigEmpty,
        Self::ConfigNoDestination,
        Self::Edit,
        Self::RedisKill,
        Self::RedisFreeze,
        Self::RedisMemory,
        Self::RedisPassword,
        Self::WrongType,
        Self::NetCut,
        Self::NetDelay,
        Self::NetHalfClose,
        Self::NetSwallow,
        Self::NetLossy,
        Self::NetHold,
        Self::NetRefuse,
        Self::KenwellKill,
        Self::KenwellStop,
        Self::Letters,
        Self::Replay,
    ];

    /// Its name in the environment.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConfigTruncate => "config_truncate",
            Self::ConfigEmpty => "config_empty",
            Self::ConfigNoDestination => "config_no_destination",
            Self::Edit => "edit",
            Self::RedisKill => "redis_kill",
            Self::RedisFreeze => "redis_freeze",
            Self::RedisMemory => "redis_memory",
            Self::RedisPassword => "redis_password",
            Self::WrongType => "wrong_type",
            Self::NetCut => "net_cut",
            Self::NetDelay => "net_delay",
            Self::NetHalfClose => "net_half_close",
            Self::NetSwallow => "net_swallow",
            Self::NetLossy => "net_lossy",
            Self::NetHold => "net_hold",
            Self::NetRefuse => "net_refuse",
            Self::KenwellKill => "kenwell_kill",
            Self::KenwellStop => "kenwell_stop",
            Self::Letters => "letters",
            Self::Replay => "replay",
        }
    }
}

/// The injectors, and for how many stores each runs once.
const INJECTORS: [(FaultInjector, usize); 5] = [
    (
        (
            &[
                FaultKind::ConfigTruncate,
                FaultKind::ConfigEmpty,
                FaultKind::ConfigNoDestination,
                FaultKind::Edit,
            ],
            config_faults::make,
        ),
        1,
    ),
    (
        (
            &[
                FaultKind::RedisKill,
                FaultKind::RedisFreeze,
                FaultKind::RedisMemory,
                FaultKind::RedisPassword,
                FaultKind::WrongType,
            ],
            redis_faults::make,
        ),
        2,
    ),
    (
        (
            &[
                FaultKind::NetCut,
                FaultKind::NetDelay,
                FaultKind::NetHalfClose,
                FaultKind::NetSwallow,
                FaultKind::NetLossy,
                FaultKind::NetHold,
                FaultKind::NetRefuse,
            ],
            network_faults::make,
        ),
        2,
    ),
    (
        (
            &[FaultKind::KenwellKill, FaultKind::KenwellStop],
            process_faults::make,
        ),
        1,
    ),
    ((&[FaultKind::Letters, FaultKind::Replay], people::make), 1),
];

/// All injectors that have something to make.
pub(crate) struct FaultInjectors {
    threads: Vec<JoinHandle<()>>,
}

impl FaultInjectors {
    pub(crate) fn start(
        world: &Arc<World>,
        kinds: &[FaultKind],
        random: &mut fastrand::Rng,
    ) -> Self {
        let mut threads = Vec::new();
        for ((makes, make), stores) in INJECTORS {
            let chosen = makes.iter().copied().filter(|it| kinds.contains(it));
            let chosen: Vec<_> = chosen.collect();
            for store in 0..stores {
                let (world, chosen, mut random) =
                    (Arc::clone(world), chosen.clone(), random.fork());
                if chosen.is_empty() {
                    continue;
                }
                threads.push(std::thread::spawn(move || {
                    while !world.faults_over.load(Ordering::SeqCst) {
                        let kind = chosen[random.usize(..chosen.len())];
                        make(&world, kind, store, &mut random);
                        let pause = Duration::from_millis(random.u64(100..2_000));
                        lasts(&world, pause);
                    }
                }));
            }
        }
        Self { threads }
    }

    /// Whether one has ended before its time, which is a failure.
    pub(crate) fn any_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Waits until each has cleared up after itself.
    pub(crate) fn join(self) {
        for thread in self.threads {
            thread.join().expect("a fault can be made and ended");
        }
    }
}

/// How long an episode lasts: some are longer than any limit that Kenwell has for an answer.
pub(crate) fn span(random: &mut fastrand::Rng) -> Duration {
    let most = [400, 1_500, 3_000, 8_000][random.usize(..4)];
    Duration::from_millis(random.u64(100..most))
}

/// Waits for the end of an episode, or until no more faults are wanted.
pub(crate) fn lasts(world: &World, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end && !world.faults_over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(10));
    }
}
