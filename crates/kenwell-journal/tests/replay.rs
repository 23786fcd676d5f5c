//! Going back: what was acknowledged can be read again, and is kept until it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kenwell_journal::{Clock, Durability, Error, Journal, Limit, Offset, Options};

use crate::support::{SEGMENT, append, start};

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT,
        max_bytes: 10 * SEGMENT,
        durability: Durability::Os,
        ..Options::default()
    }
}

async fn read_all(journal: &Journal, reader: &mut kenwell_journal::Reader) -> u64 {
    let end = journal.stats().next_offset;
    let mut count = 0;
    while reader.reached() < end {
        count += reader.next(Limit::default()).await.unwrap().len() as u64;
    }
    reader.ack(end).await.unwrap();
    count
}

#[tokio::test]
async fn what_was_acknowledged_is_read_again_also_after_a_restart() {
    for memory_bytes in [0, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            memory_bytes,
            ..options()
        };
        let journal = start(dir.path(), options.clone());
        let mut reader = journal.reader("a").unwrap();
        append(&journal, 20).await.unwrap();
        assert_eq!(read_all(&journal, &mut reader).await, 20);
        assert_eq!(reader.rewind(Offset(5)).unwrap(), Offset(5));
        assert_eq!(
            reader.rewind(Offset(9)).unwrap(),
            Offset(5),
            "never forward"
        );
        drop((reader, journal));

        let journal = start(dir.path(), options);
        let mut reader = journal.reader("a").unwrap();
        assert_eq!(reader.acked(), Offset(5));
        assert_eq!(read_all(&journal, &mut reader).await, 15);
        assert_eq!(journal.stats().corrupt_records, 0);
    }
}

#[tokio::test]
async fn what_a_reader_went_back_to_is_not_deleted_before_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let journal = start(dir.path(), options());
    let mut reader = journal.reader("a").unwrap();
    append(&journal, 20).await.unwrap();
    read_all(&journal, &mut reader).await;
    reader.rewind(Offset(4)).unwrap();
    assert!(matches!(
        append(&journal, 100).await,
        Err(Error::Full { .. })
    ));
    let stats = journal.stats();
    assert!(
        (Offset(1)..=Offset(4)).contains(&stats.first_offset),
        "{stats:?}"
    );
    // What is gone already cannot be read again: it goes on at the oldest record.
    assert_eq!(reader.rewind(Offset(0)).unwrap(), stats.first_offset);
    let rest = stats.next_offset.0 - stats.first_offset.0;
    assert_eq!(read_all(&journal, &mut reader).await, rest);
    assert_eq!(journal.stats().corrupt_records, 0);
}

#[tokio::test]
async fn a_cursor_without_a_reader_holds_and_a_forgotten_one_begins_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let journal = start(dir.path(), options());
    let reader = journal.reader("a").unwrap();
    assert!(matches!(journal.forget("a"), Err(Error::CursorBusy { .. })));
    drop(reader);
    let filled = append(&journal, 100).await;
    assert!(
        matches!(filled, Err(Error::Full { .. })),
        "without a reader it still holds"
    );
    journal.forget("a").unwrap();
    journal.forget("a").unwrap();
    assert_eq!(journal.stats().cursors, []);
    assert!(!dir.path().join("a.cursor").exists());
    let reader = journal.reader("a").unwrap();
    assert_eq!(reader.acked(), journal.stats().next_offset);
}

#[tokio::test]
async fn a_time_leads_to_the_segment_that_was_written_then() {
    let time = Arc::new(AtomicU64::new(1000));
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let clock = Arc::clone(&time);
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        clock: Clock::new(move || at(clock.load(Ordering::SeqCst))),
        ..options()
    };
    let journal = start(dir.path(), options);
    assert_eq!(journal.written_since(at(0)), Offset(0));
    for second in 1000..1020 {
        time.store(second, Ordering::SeqCst);
        append(&journal, 1).await.unwrap();
    }
    for second in 1000..1020 {
        let found = journal.written_since(at(second)).0;
        let wanted = second - 1000;
        assert!(found <= wanted && found + 4 > wanted, "{second}: {found}");
    }
    assert_eq!(journal.written_since(at(1020)), Offset(20));
}
