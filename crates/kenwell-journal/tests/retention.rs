//! Which records stay, for how long, and what happens when there is no room. The time is a parameter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use kenwell_journal::{
    Batch, Clock, Durability, Error, Journal, Limit, Offset, Options, Reader, Stats, inspect, open,
};

use crate::support::{SEGMENT, append, start};

const HOUR: u64 = 3600;

#[derive(Clone, Default)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + time.0.load(Ordering::SeqCst))
        })
    }
}

fn options(time: &Time) -> Options {
    Options {
        segment_bytes: SEGMENT,
        max_bytes: 1 << 20,
        retain: Duration::from_secs(24 * HOUR),
        retain_bytes: 1 << 20,
        durability: Durability::Os,
        clock: time.clock(),
        ..Options::default()
    }
}

async fn read_and_ack(reader: &mut Reader, up_to: u64) {
    while reader.reached() < Offset(up_to) {
        let records = usize::try_from(up_to - reader.reached().0).unwrap();
        reader
            .next(Limit {
                records,
                ..Limit::default()
            })
            .await
            .unwrap();
    }
    reader.ack(Offset(up_to)).await.unwrap();
}

/// Waits until the numbers are as they should become.
async fn until(journal: &Journal, what: &str, wanted: impl Fn(&Stats) -> bool) -> Stats {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let stats = journal.stats();
        if wanted(&stats) {
            return stats;
        }
        assert!(Instant::now() < deadline, "never {what}: {stats:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn delivered_segments_stay_for_the_age_and_then_go() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let journal = start(dir.path(), options(&time));
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 30).await.unwrap();
    read_and_ack(&mut reader, 30).await;
    time.pass(23 * HOUR);
    append(&journal, 6).await.unwrap();
    let before = journal.stats();
    assert_eq!(before.first_offset, Offset(0));
    time.pass(2 * HOUR);
    let after = until(&journal, "without the old ones", |stats| {
        stats.first_offset > Offset(24)
    })
    .await;
    // What is not delivered stays, and so does what is not old.
    assert!(after.first_offset <= Offset(30), "{after:?}");
    read_and_ack(&mut reader, 36).await;
    time.pass(25 * HOUR);
    let idle = until(&journal, "empty", |stats| stats.first_offset == Offset(36)).await;
    assert_eq!((idle.segments, idle.next_offset), (1, Offset(36)));
    append(&journal, 1).await.unwrap();
    assert_eq!(
        reader.next(Limit::default()).await.unwrap().next_offset(),
        Offset(37)
    );
}

#[tokio::test]
async fn delivered_segments_beyond_the_size_go_at_once() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let journal = start(
        dir.path(),
        Options {
            retain_bytes: 3 * SEGMENT,
            ..options(&time)
        },
    );
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 40).await.unwrap();
    assert_eq!(journal.stats().first_offset, Offset(0));
    read_and_ack(&mut reader, 40).await;
    let stats = until(&journal, "within the size", |stats| stats.segments <= 4).await;
    assert_eq!(
        stats.segments, 4,
        "three delivered ones stay for a replay: {stats:?}"
    );
}

#[tokio::test]
async fn a_cursor_holds_its_segments_opened_or_not_until_it_is_forgotten() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let options = Options {
        retain: Duration::ZERO,
        retain_bytes: 0,
        memory_bytes: 0,
        ..options(&time)
    };
    let journal = start(dir.path(), options.clone());
    drop((journal.reader("gone").unwrap(), journal));
    let journal = start(dir.path(), options);
    let (mut fast, mut slow) = (
        journal.reader("fast").unwrap(),
        journal.reader("slow").unwrap(),
    );
    append(&journal, 40).await.unwrap();
    read_and_ack(&mut fast, 40).await;
    read_and_ack(&mut slow, 20).await;
    append(&journal, 4).await.unwrap();
    let held = journal.stats();
    assert_eq!(held.first_offset, Offset(0), "a cursor on disk counts");
    journal.forget("gone").unwrap();
    let stats = until(&journal, "up to the slow one", |stats| {
        stats.first_offset > Offset(15)
    })
    .await;
    assert!(
        stats.first_offset > Offset(15) && stats.first_offset <= Offset(20),
        "{stats:?}"
    );
    // Made anew, it begins at the end, and holds again.
    let gone = journal.reader("gone").unwrap();
    assert_eq!(gone.acked(), stats.next_offset);
    read_and_ack(&mut slow, 44).await;
    append(&journal, 40).await.unwrap();
    read_and_ack(&mut fast, 44).await;
    read_and_ack(&mut slow, 40).await;
    let held = journal.stats().first_offset;
    assert!(held <= stats.next_offset, "{held:?}");
    assert_eq!(journal.stats().corrupt_records, 0, "retention is no damage");
}

#[tokio::test]
async fn without_cursors_age_and_size_decide() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let journal = start(
        dir.path(),
        Options {
            retain_bytes: 2 * SEGMENT,
            ..options(&time)
        },
    );
    append(&journal, 40).await.unwrap();
    until(&journal, "within the size", |stats| stats.segments <= 3).await;
    time.pass(25 * HOUR);
    until(&journal, "empty", |stats| stats.first_offset == Offset(40)).await;
}

#[tokio::test]
async fn a_full_journal_refuses_loses_nothing_and_recovers() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let options = Options {
        max_bytes: 10 * SEGMENT,
        ..options(&time)
    };
    let journal = start(dir.path(), options.clone());
    let mut reader = journal.reader("a").unwrap();
    // Delivered records that are only kept for a replay give way.
    append(&journal, 20).await.unwrap();
    read_and_ack(&mut reader, 20).await;
    append(&journal, 24).await.unwrap();
    let error = append(&journal, 20).await.unwrap_err();
    assert!(
        matches!(error, Error::Full { max_bytes } if max_bytes == 10 * SEGMENT)
            && error.is_retryable()
    );
    let stats = journal.stats();
    assert!(
        stats.full && stats.disk_bytes <= stats.max_bytes,
        "{stats:?}"
    );
    assert!(stats.first_offset <= Offset(20));
    let accepted = stats.next_offset.0;
    assert!(accepted >= 44, "{stats:?}");
    // Full survives a restart, too.
    drop((reader, journal));
    let journal = start(dir.path(), options);
    assert!(matches!(
        append(&journal, 20).await,
        Err(Error::Full { .. })
    ));
    let accepted = journal.stats().next_offset.0.max(accepted);
    let mut reader = journal.reader("a").unwrap();
    let mut count = 0;
    while reader.reached() < Offset(accepted) {
        let records = reader.next(Limit::default()).await.unwrap();
        count += records.len() as u64;
        reader.ack(records.next_offset()).await.unwrap();
    }
    assert_eq!(count, accepted - 20, "nothing accepted was lost");
    until(&journal, "room", |stats| !stats.full).await;
    append(&journal, 20).await.unwrap();
    assert!(journal.stats().disk_bytes <= 10 * SEGMENT);
}

#[tokio::test]
async fn a_record_that_retention_took_is_in_no_file_any_more() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let options = Options {
        retain: Duration::ZERO,
        retain_bytes: 0,
        memory_bytes: 0,
        ..options(&time)
    };
    let journal = start(dir.path(), options.clone());
    let mut reader = journal.reader("a").unwrap();
    let mut gone = 0;
    for round in 0..40u64 {
        let mut batch = Batch::new();
        let personal = format!("ada in round {round:03}");
        batch.push(&[personal.as_bytes()]);
        journal.append(batch).await.unwrap();
        append(&journal, 4).await.unwrap();
        read_and_ack(&mut reader, round * 5 + 5).await;
        let oldest = journal.stats().first_offset;
        let deadline = Instant::now() + Duration::from_mins(1);
        while inspect(dir.path()).unwrap().first_offset < oldest {
            assert!(Instant::now() < deadline, "the files are removed at once");
            tokio::task::yield_now().await;
        }
        // The files as a crash at this moment would leave them.
        let copy = tempfile::tempdir().unwrap();
        let mut copied = Vec::new();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            // A file may be removed meanwhile; that is retention at work.
            if let Ok(bytes) = std::fs::read(entry.path()) {
                std::fs::write(copy.path().join(entry.file_name()), &bytes).unwrap();
                copied.push(bytes);
            }
        }
        for earlier in (0..=round).filter(|round| round * 5 < oldest.0) {
            let personal = format!("ada in round {earlier:03}");
            let holds =
                |bytes: &&Vec<u8>| memchr::memmem::find(bytes, personal.as_bytes()).is_some();
            gone += 1;
            assert_eq!(
                copied.iter().filter(holds).count(),
                0,
                "{personal}, of {round}"
            );
        }
        let (copied, recovery) = open(copy.path(), options.clone()).unwrap();
        assert_eq!(recovery.next_offset, Offset(round * 5 + 5));
        assert_eq!(
            (recovery.torn_bytes, recovery.corrupt_records),
            (0, 0),
            "{recovery:?}"
        );
        drop(copied);
    }
    assert!(gone > 100, "retention took records: {gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_from_outside_succeeds_while_files_come_and_go() {
    let (dir, time) = (tempfile::tempdir().unwrap(), Time::default());
    let options = Options {
        retain: Duration::ZERO,
        retain_bytes: 0,
        ..options(&time)
    };
    let journal = start(dir.path(), options);
    let mut reader = journal.reader("a").unwrap();
    let path = dir.path().to_path_buf();
    let (tell_begun, begun) = std::sync::mpsc::channel();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let looking = std::thread::spawn(move || {
        let mut last = Offset(0);
        while stopped.try_recv().is_err() {
            let stats = inspect(&path).unwrap();
            assert!(stats.next_offset >= last, "{stats:?}");
            assert_eq!(stats.corrupt_records, 0);
            last = stats.next_offset;
            tell_begun.send(()).unwrap();
        }
    });
    begun.recv().unwrap();
    for round in 1..=60 {
        append(&journal, 5).await.unwrap();
        read_and_ack(&mut reader, round * 5).await;
    }
    stop.send(()).unwrap();
    looking.join().unwrap();
    assert!(begun.try_iter().count() > 0, "nobody looked meanwhile");
    assert!(matches!(
        inspect(&dir.path().join("nowhere")),
        Err(Error::Io { .. })
    ));
}
