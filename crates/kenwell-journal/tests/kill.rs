//! kill -9 at random moments: every acknowledged append and every acknowledged position is there afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a step that fails is a test that fails"
)]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kenwell_journal::{Batch, Limit, Offset, Options, open};

const DIRECTORY: &str = "KENWELL_JOURNAL_KILL_TEST_DIRECTORY";
const ROUND: &str = "KENWELL_JOURNAL_KILL_TEST_ROUND";
const ROUNDS: u64 = 20;
const PRODUCERS: u64 = 16;

fn options() -> Options {
    Options {
        segment_bytes: 32 * 1024,
        memory_bytes: 16 * 1024,
        ..Options::default()
    }
}

/// One line at once: a line is either printed or it is not.
fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// The child: appends and reads until it is killed, and says what the journal has promised.
#[test]
#[ignore = "the process that the kill test starts and kills"]
fn child() {
    let dir = std::env::var(DIRECTORY).unwrap();
    let round = std::env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (journal, _) = open(Path::new(&dir), options()).unwrap();
        let mut reader = journal.reader("follower").unwrap();
        let journal = Arc::new(journal);
        for producer in 0..PRODUCERS {
            let (journal, round) = (Arc::clone(&journal), round.clone());
            tokio::spawn(async move {
                for number in 0u64.. {
                    let record = format!("{round}.{producer}.{number}");
                    let mut batch = Batch::new();
                    batch.push(&[record.as_bytes(), &[b' '; 200]]);
                    batch.push(&[record.as_bytes()]);
                    let offset = journal.append(batch).await.unwrap();
                    say(&format!("\nappended {offset} {record} .\n"));
                }
            });
        }
        loop {
            let records = reader
                .next(Limit {
                    records: 50,
                    bytes: 1 << 20,
                })
                .await
                .unwrap();
            reader.ack(records.next_offset()).await.unwrap();
            say(&format!("\nacked {} .\n", records.next_offset()));
        }
    });
}

/// Runs a child until it has printed `lines` lines, kills it, and returns what it had promised by then.
fn run_and_kill(dir: &Path, round: u64, lines: u64) -> (BTreeMap<u64, String>, u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut appended, mut acked) = (BTreeMap::new(), 0);
    let mut seen = 0;
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The last word says that the line is complete.
        match words.as_slice() {
            ["appended", offset, record, "."] => {
                let offset: u64 = offset.parse().unwrap();
                appended.insert(offset, (*record).to_owned());
                seen += 1;
            }
            ["acked", offset, "."] => acked = acked.max(offset.parse().unwrap()),
            _ => {}
        }
        line.clear();
        if seen == lines {
            // SIGKILL; what is in the pipe already is still read.
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(
        status.code().is_none(),
        "the child ended by itself: {status}"
    );
    assert!(seen >= lines);
    (appended, acked)
}

#[test]
fn every_acknowledged_record_survives_twenty_kills() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (journal, _) = open(dir.path(), options()).unwrap();
    drop((
        journal.reader("audit").unwrap(),
        journal.reader("follower").unwrap(),
    ));
    drop(journal);
    for round in 0..ROUNDS {
        let lines = 1 + RandomState::new().build_hasher().finish() % 400;
        let (appended, acked) = run_and_kill(dir.path(), round, lines);
        let (journal, recovery) = open(dir.path(), options()).unwrap();
        assert_eq!(
            (recovery.corrupt_records, recovery.missing_segments),
            (0, 0),
            "{recovery:?}"
        );
        let follower = journal.reader("follower").unwrap().acked();
        assert!(
            follower.0 >= acked,
            "round {round}: acked {acked}, found {follower}"
        );
        let mut audit = journal.reader("audit").unwrap();
        let mut found = BTreeMap::new();
        runtime.block_on(async {
            while audit.reached() < recovery.next_offset {
                for (offset, record) in audit.next(Limit::default()).await.unwrap().iter() {
                    found.insert(offset.0, String::from_utf8(record.to_vec()).unwrap());
                }
            }
            audit.ack(recovery.next_offset).await.unwrap();
        });
        for (offset, record) in &appended {
            let both = [found.get(offset), found.get(&(offset + 1))];
            let both = both.map(|found| found.map(|text| text.trim_end()));
            assert_eq!(
                both,
                [Some(record.as_str()); 2],
                "round {round}, offset {offset}"
            );
        }
        check_nothing_invented(&found, round);
        assert_eq!(audit.acked(), recovery.next_offset);
        assert_eq!(
            Offset(*found.keys().next_back().unwrap() + 1),
            recovery.next_offset
        );
    }
}

/// Every record found is one of this round, and each producer's come in its order, each twice at most.
fn check_nothing_invented(found: &BTreeMap<u64, String>, round: u64) {
    let mut next = BTreeMap::<u64, u64>::new();
    for (offset, record) in found {
        let parts: Vec<u64> = record
            .trim_end()
            .split('.')
            .map(|part| part.parse().unwrap())
            .collect();
        assert_eq!(
            (parts.len(), parts[0]),
            (3, round),
            "offset {offset}: {record}"
        );
        let expected = next.entry(parts[1]).or_default();
        assert_eq!(parts[2], *expected / 2, "offset {offset}: {record}");
        *expected += 1;
    }
}
