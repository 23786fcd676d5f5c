//! What went wrong, and which faults were made meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Mutex, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};

/// Examples that are kept of each kind of violation.
const EXAMPLES: usize = 5;
/// Lines of the server's log that a failing run shows.
const LOG_LINES: usize = 60;

/// Violations by what was violated, and a diary of the faults.
pub(crate) struct Report {
    begun: Instant,
    violations: Mutex<BTreeMap<&'static str, (usize, Vec<String>)>>,
    diary: Mutex<Vec<String>>,
    /// Events that got 200, saves and deletions of records that were confirmed, requests whose answer was not
    /// seen, pages of metrics.
    pub(crate) acknowledged: AtomicU64,
    pub(crate) confirmed: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) pages: AtomicU64,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            violations: Mutex::default(),
            diary: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            pages: AtomicU64::new(0),
        }
    }

    /// How long the run has lasted.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Something that must never be.
    pub(crate) fn violated(&self, what: &'static str, example: impl Into<String>) {
        let at = self.age().as_secs_f64();
        let mut violations = self.violations.lock().unwrap();
        let (count, examples) = violations.entry(what).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(format!("{at:7.2} s  {}", example.into()));
        }
    }

    /// A line for the diary.
    pub(crate) fn note(&self, line: impl Into<String>) {
        let at = self.age().as_secs_f64();
        let line = format!("{at:7.2} s  {}", line.into());
        self.diary.lock().unwrap().push(line);
    }

    /// Fails if anything was violated.
    pub(crate) fn end(&self, seed: u64, log: &str) {
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        eprintln!(
            "{} events acknowledged, {} saves confirmed, {} requests without an answer, {} pages of metrics",
            count(&self.acknowledged),
            count(&self.confirmed),
            count(&self.unanswered),
            count(&self.pages)
        );
        let violations = self.violations.lock().unwrap();
        if violations.is_empty() {
            return;
        }
        let lines: Vec<_> = log.lines().collect();
        eprintln!("--- the end of the server's log ---");
        for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
            eprintln!("{line}");
        }
        eprintln!("--- the faults ---");
        for line in self.diary.lock().unwrap().iter() {
            eprintln!("{line}");
        }
        eprintln!("--- violated ---");
        for (what, (count, examples)) in violations.iter() {
            eprintln!("{what}: {count} times");
            for example in examples {
                eprintln!("    {example}");
            }
        }
        panic!("violations; repeat with KENWELL_HISTORY_SEED={seed}");
    }
}
