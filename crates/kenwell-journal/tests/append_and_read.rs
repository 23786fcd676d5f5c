//! The ordinary life of a journal: append, read, ack, close, open again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kenwell_journal::{
    Batch, Durability, Error, Journal, Limit, Offset, Options, Reader, inspect, open,
};

fn batch(records: &[&str]) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.push(&[record.as_bytes()]);
    }
    batch
}

fn reopen(dir: &Path, options: Options) -> Journal {
    open(dir, options).unwrap().0
}

async fn take(reader: &mut Reader, count: usize) -> Vec<(u64, String)> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let limit = Limit {
            records: count - taken.len(),
            ..Limit::default()
        };
        let records = reader.next(limit).await.unwrap();
        let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
        taken.extend(
            records
                .iter()
                .map(|(offset, record)| (offset.0, text(record))),
        );
    }
    taken
}

fn expected(range: std::ops::Range<u64>) -> Vec<(u64, String)> {
    range.map(|offset| (offset, format!("r{offset}"))).collect()
}

#[tokio::test]
async fn records_come_back_in_order_with_their_offsets() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, recovery) = open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovery, kenwell_journal::Recovery::default());
    let mut reader = journal.reader("a").unwrap();
    assert_eq!(
        journal.append(batch(&["r0", "r1"])).await.unwrap(),
        Offset(0)
    );
    assert_eq!(journal.append(batch(&["r2"])).await.unwrap(), Offset(2));
    assert_eq!(journal.append(Batch::new()).await.unwrap(), Offset(3));
    assert_eq!(take(&mut reader, 3).await, expected(0..3));
    journal.close().await.unwrap();
    assert!(matches!(
        journal.append(batch(&["x"])).await,
        Err(Error::Closed)
    ));
    assert!(matches!(
        reader.next(Limit::default()).await,
        Err(Error::Closed)
    ));
    assert!(matches!(reader.ack(Offset(1)).await, Err(Error::Closed)));
}

#[tokio::test]
async fn parts_make_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let mut reader = journal.reader("a").unwrap();
    let mut parts = Batch::new();
    parts.push(&[b"one", b"", b"two"]);
    parts.push(&[]);
    journal.append(parts).await.unwrap();
    let records = reader.next(Limit::default()).await.unwrap();
    let all: Vec<_> = records.iter().map(|(_, record)| record.to_vec()).collect();
    assert_eq!(all, [b"onetwo".to_vec(), Vec::new()]);
    assert_eq!((records.len(), records.next_offset()), (2, Offset(2)));
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let (mut a, mut b) = (journal.reader("a").unwrap(), journal.reader("b").unwrap());
    journal.append(batch(&["r0", "r1", "r2"])).await.unwrap();
    take(&mut a, 3).await;
    take(&mut b, 2).await;
    a.ack(Offset(3)).await.unwrap();
    b.ack(Offset(1)).await.unwrap();
    assert!(matches!(
        b.ack(Offset(3)).await,
        Err(Error::AckAhead {
            up_to: 3,
            reached: 2
        })
    ));
    b.ack(Offset(0)).await.unwrap();
    drop((a, b, journal));

    let (journal, recovery) = open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovery.next_offset, Offset(3));
    let mut b = journal.reader("b").unwrap();
    assert_eq!(take(&mut b, 2).await, expected(1..3));
    journal.append(batch(&["r3"])).await.unwrap();
    assert_eq!(
        take(&mut journal.reader("a").unwrap(), 1).await,
        expected(3..4)
    );
    // A new cursor begins at the end.
    let mut fresh = journal.reader("fresh").unwrap();
    journal.append(batch(&["r4"])).await.unwrap();
    assert_eq!(take(&mut fresh, 1).await, expected(4..5));
}

#[tokio::test]
async fn a_cursor_has_one_reader_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let reader = journal.reader("a").unwrap();
    assert!(matches!(journal.reader("a"), Err(Error::CursorBusy { .. })));
    assert!(matches!(journal.reader("A"), Err(Error::CursorName { .. })));
    drop(reader);
    assert!(journal.reader("a").is_ok());
}

#[tokio::test]
async fn a_second_instance_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let error = open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(&error, Error::Locked { dir: locked } if locked == dir.path()));
    assert!(
        error
            .to_string()
            .contains(&dir.path().display().to_string()),
        "{error}"
    );
    assert!(error.to_string().contains("another instance"), "{error}");
    assert!(!error.is_retryable());
    journal.close().await.unwrap();
    reopen(dir.path(), Options::default());
}

#[tokio::test]
async fn a_reader_that_fell_behind_reads_from_files_and_catches_up() {
    for memory_bytes in [0, 2_000, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 4096,
            memory_bytes,
            ..Options::default()
        };
        let journal = reopen(dir.path(), options);
        let mut reader = journal.reader("a").unwrap();
        for offset in 0..500 {
            journal
                .append(batch(&[&format!("r{offset}")]))
                .await
                .unwrap();
            if offset % 50 == 49 {
                let so_far = reader.reached().0;
                let count = usize::try_from(offset + 1 - so_far).unwrap() / 2;
                let taken = take(&mut reader, count).await;
                assert_eq!(taken, expected(so_far..so_far + count as u64));
            }
        }
        let reached = reader.reached().0;
        assert_eq!(
            take(&mut reader, 500 - usize::try_from(reached).unwrap()).await,
            expected(reached..500)
        );
        assert!(journal.stats().segments > 3, "{:?}", journal.stats());
    }
}

#[tokio::test]
async fn a_dropped_next_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        memory_bytes: 0,
        ..Options::default()
    };
    let journal = reopen(dir.path(), options);
    let mut reader = journal.reader("a").unwrap();
    let mut seen = Vec::new();
    for round in 0..200u64 {
        journal
            .append(batch(&[&format!("r{round}")]))
            .await
            .unwrap();
        tokio::select! {
            biased;
            records = reader.next(Limit::default()) => {
                seen.extend(records.unwrap().iter().map(|(offset, _)| offset.0));
            }
            () = tokio::task::yield_now() => {}
        }
    }
    // Dropped at every turn it still gets on, since what it waits for is not begun anew.
    let deadline = Instant::now() + Duration::from_mins(1);
    while seen.len() < 200 {
        assert!(
            Instant::now() < deadline,
            "stuck after {} records",
            seen.len()
        );
        tokio::select! {
            biased;
            records = reader.next(Limit::default()) => {
                seen.extend(records.unwrap().iter().map(|(offset, _)| offset.0));
            }
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(seen, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_records_and_by_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let mut reader = journal.reader("a").unwrap();
    let waiting = tokio::spawn(async move {
        let first = reader
            .next(Limit::default())
            .await
            .map(|records| records.len());
        (
            first,
            reader
                .next(Limit::default())
                .await
                .map(|records| records.len()),
        )
    });
    tokio::task::yield_now().await;
    journal.append(batch(&["r0"])).await.unwrap();
    tokio::task::yield_now().await;
    journal.close().await.unwrap();
    let (first, second) = waiting.await.unwrap();
    // Both orders are right for the first, depending on whether the task ran before the journal was closed.
    assert!(matches!(first, Ok(1) | Err(Error::Closed)), "{first:?}");
    assert!(matches!(second, Err(Error::Closed)), "{second:?}");
}

#[tokio::test]
async fn records_larger_than_segments_and_queues_are_fine() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 4096,
        queue_bytes: 1,
        memory_bytes: 0,
        ..Options::default()
    };
    let journal = reopen(dir.path(), options.clone());
    let mut reader = journal.reader("a").unwrap();
    let large = vec![7; 3_000_000];
    let mut records = Batch::new();
    records.push(&[b"r0"]);
    records.push(&[&large]);
    journal.append(records).await.unwrap();
    journal.append(batch(&["r2"])).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let records = reader
            .next(Limit {
                records: 10,
                bytes: 10,
            })
            .await
            .unwrap();
        seen.extend(
            records
                .iter()
                .map(|(offset, record)| (offset.0, record.len())),
        );
    }
    assert_eq!(seen, [(0, 2), (1, 3_000_000), (2, 2)]);
    let mut too_large = Batch::new();
    let tight = Options {
        max_bytes: 1 << 20,
        ..options
    };
    too_large.push(&[&vec![0; 1 << 20]]);
    drop((journal, reader));
    let journal = reopen(dir.path(), tight);
    assert!(matches!(
        journal.append(too_large).await,
        Err(Error::RecordTooLarge { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_producers_and_three_readers_agree() {
    const PRODUCERS: u64 = 64;
    const EACH: u64 = 200;
    for durability in [Durability::Fsync, Durability::Os] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 64 * 1024,
            memory_bytes: 32 * 1024,
            queue_bytes: 1,
            durability,
            ..Options::default()
        };
        let journal = reopen(dir.path(), options.clone());
        let readers: Vec<_> = ["fast", "slow", "slower"]
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let mut reader = journal.reader(name).unwrap();
                tokio::spawn(async move {
                    let mut seen = BTreeMap::new();
                    while (seen.len() as u64) < PRODUCERS * EACH {
                        let limit = Limit {
                            records: 1 + index * 300,
                            bytes: 1 << 20,
                        };
                        let records = reader.next(limit).await.unwrap();
                        for (offset, record) in records.iter() {
                            assert!(seen.insert(offset, record.to_vec()).is_none());
                        }
                        reader.ack(records.next_offset()).await.unwrap();
                    }
                    seen
                })
            })
            .collect();
        let journal = Arc::new(journal);
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move {
                    let mut acked = Vec::new();
                    for number in 0..EACH {
                        let record = format!("{producer}/{number}");
                        acked.push((journal.append(batch(&[&record])).await.unwrap(), record));
                    }
                    acked
                })
            })
            .collect();
        let mut acked = BTreeMap::new();
        for producer in producers {
            let one: Vec<_> = producer.await.unwrap();
            assert!(one.is_sorted(), "a producer's records are in its order");
            acked.extend(
                one.into_iter()
                    .map(|(offset, record)| (offset, record.into_bytes())),
            );
        }
        assert_eq!(acked.len() as u64, PRODUCERS * EACH);
        for reader in readers {
            assert_eq!(reader.await.unwrap(), acked);
        }
        let stats = journal.stats();
        assert!(
            stats.cursors.iter().all(|cursor| cursor.pending == 0),
            "{stats:?}"
        );
    }
}

#[tokio::test]
async fn a_look_from_outside_needs_no_lock_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = reopen(dir.path(), Options::default());
    let mut reader = journal.reader("a").unwrap();
    journal.append(batch(&["r0", "r1"])).await.unwrap();
    take(&mut reader, 1).await;
    reader.ack(Offset(1)).await.unwrap();
    let stats = inspect(dir.path()).unwrap();
    assert_eq!(
        (stats.first_offset, stats.next_offset, stats.segments),
        (Offset(0), Offset(2), 1)
    );
    let cursor = &stats.cursors[0];
    assert_eq!(
        (cursor.name.as_str(), cursor.position, cursor.pending),
        ("a", Offset(1), 1)
    );
    assert_eq!(stats.bytes, journal.stats().bytes);
    journal.append(batch(&["r2"])).await.unwrap();
    drop((reader, journal));
    let closed = inspect(dir.path()).unwrap();
    assert_eq!(
        (closed.next_offset, closed.bytes),
        (Offset(3), closed.disk_bytes)
    );
}

#[tokio::test]
async fn appends_that_come_within_the_commit_delay_wait_for_its_end() {
    let delay = Duration::from_millis(100);
    let options = Options {
        commit_delay: delay,
        ..Options::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), options).unwrap();
    let mut reader = journal.reader("a").unwrap();
    let began = Instant::now();
    assert_eq!(journal.append(batch(&["r0"])).await.unwrap(), Offset(0));
    let (second, third) = tokio::join!(
        journal.append(batch(&["r1"])),
        journal.append(batch(&["r2"]))
    );
    assert_eq!((second.unwrap(), third.unwrap()), (Offset(1), Offset(2)));
    let took = began.elapsed();
    assert!(took >= delay, "{took:?}");
    assert_eq!(take(&mut reader, 3).await, expected(0..3));
    journal.close().await.unwrap();
}
