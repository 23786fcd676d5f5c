//! A disk that is really full: a file system of 2 MiB, in a mount namespace of its own that ends with the process.
//!
//! Where neither root nor user namespaces may mount, the same is covered by the failures that `src/fault_tests.rs`
//! injects.

use std::path::Path;
use std::process::Command;

use kenwell_journal::{Batch, Error, Journal, Limit, Offset, Options, open};

const DIRECTORY: &str = "KENWELL_JOURNAL_FULL_TEST_DIRECTORY";
const MOUNT: &str = r#"mount -t tmpfs -o size=2m kenwell-test "$1" || exit 77; shift; exec "$@""#;
const NO_MOUNT: i32 = 77;

fn batch(size: usize) -> Batch {
    let mut batch = Batch::new();
    batch.push(&[&vec![b'x'; size]]);
    batch
}

/// Appends until the disk is full; the number of records that were accepted.
async fn fill(journal: &Journal) -> u64 {
    for accepted in 0.. {
        match journal.append(batch(10_000)).await {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
                assert!(error.is_retryable());
                return accepted;
            }
        }
    }
    unreachable!("two megabytes are not endless")
}

#[test]
#[ignore = "runs inside the mount that the other test makes"]
fn inside() {
    let dir = std::env::var(DIRECTORY).unwrap();
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        std::fs::write(dir.join("ballast"), vec![1; 500_000]).unwrap();
        let journal_dir = dir.join("journal");
        let (journal, _) = open(&journal_dir, Options::default()).unwrap();
        let mut reader = journal.reader("a").unwrap();
        let accepted = fill(&journal).await;
        assert!(
            (50..200).contains(&accepted),
            "most of the disk was used: {accepted}"
        );
        assert!(journal.stats().no_space);
        assert!(matches!(
            journal.append(batch(10_000)).await,
            Err(Error::NoSpace { .. })
        ));
        // Somebody makes room: it goes on by itself.
        std::fs::remove_file(dir.join("ballast")).unwrap();
        let more = fill(&journal).await;
        assert!(more > 20, "the room was used: {more}");
        // A restart on the full disk works, and nothing that was accepted is lost.
        drop((reader, journal));
        let (journal, recovery) = open(&journal_dir, Options::default()).unwrap();
        assert_eq!(recovery.next_offset, Offset(accepted + more));
        assert_eq!((recovery.corrupt_records, recovery.torn_bytes), (0, 0));
        reader = journal.reader("a").unwrap();
        let mut count = 0;
        while reader.reached() < recovery.next_offset {
            let records = reader.next(Limit::default()).await.unwrap();
            assert!(records.iter().all(|(_, record)| record == [b'x'; 10_000]));
            count += records.len() as u64;
            reader.ack(records.next_offset()).await.unwrap();
        }
        assert_eq!(count, accepted + more);
        // What is delivered gives way to what is new.
        journal.append(batch(10_000)).await.unwrap();
        assert!(!journal.stats().no_space);
    });
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    for namespace in ["-m", "-rm"] {
        let status = Command::new("unshare")
            .args([namespace, "sh", "-c", MOUNT, "sh"])
            .arg(dir.path())
            .arg(&test)
            .args(["--exact", "inside", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .status();
        match status {
            Ok(status) if status.success() => return,
            Ok(status) if status.code() != Some(NO_MOUNT) && status.code() != Some(1) => {
                panic!("the test inside the mount failed: {status}");
            }
            // No such program, or not allowed: try the next way.
            _ => {}
        }
    }
    println!("no file system could be mounted here; see the injected failures for this case");
}
