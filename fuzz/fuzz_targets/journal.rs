//! Any bytes as the files of a journal: it opens, gives no more than it should, and takes more.
#![no_main]

use kenwell_journal::{Batch, Durability, Limit, Options, open};
use libfuzzer_sys::fuzz_target;

/// The damage: where, and the bytes that stand there instead.
type Damage<'a> = Vec<(u16, &'a [u8])>;

fuzz_target!(|input: (Damage<'_>, Damage<'_>)| {
    let (segment_damage, cursor_damage) = input;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let directory = tempfile::tempdir().expect("a directory");
        let options = || Options {
            durability: Durability::Os,
            segment_bytes: 1 << 16,
            max_bytes: 1 << 20,
            ..Options::default()
        };
        let (journal, _) = open(directory.path(), options()).expect("a new journal");
        drop(journal.reader("c").expect("a cursor"));
        for number in 0..4_u8 {
            let mut batch = Batch::new();
            batch.push(&[b"record ", &[b'0' + number]]);
            // Behind another one of its append, in a short frame.
            batch.push(&[b"record ", &[b'4' + number]]);
            journal.append(batch).await.expect("an append");
        }
        journal.close().await.expect("closed");
        drop(journal);
        for entry in std::fs::read_dir(directory.path()).expect("a listing") {
            let path = entry.expect("an entry").path();
            let damage = match path.extension().and_then(|ending| ending.to_str()) {
                Some("segment") => &segment_damage,
                Some("cursor" | "mark" | "list") => &cursor_damage,
                _ => continue,
            };
            let mut bytes = std::fs::read(&path).expect("a file");
            for (place, replacement) in damage {
                let place = usize::from(*place).min(bytes.len());
                let end = (place + replacement.len()).min(bytes.len());
                bytes[place..end].copy_from_slice(&replacement[..end - place]);
            }
            std::fs::write(&path, bytes).expect("written");
        }
        let (journal, _) = open(directory.path(), options()).expect("damage does not stop it");
        let mut reader = journal.reader("c").expect("the cursor");
        let mut batch = Batch::new();
        batch.push(&[b"last"]);
        journal.append(batch).await.expect("an append after damage");
        'all: loop {
            let records = reader.next(Limit::default()).await.expect("records");
            for (_, record) in records.iter() {
                if record == b"last" {
                    break 'all;
                }
                // A checksum of 32 bits: nothing that was not written may come out.
                assert!(record.starts_with(b"record ") && record.len() == 8);
            }
        }
        journal.close().await.expect("closed");
    });
});
