//! A durable log on local disk: append records, read them back in order, acknowledge them, keep them for a while.
//!
//! # What it is
//! A directory of append-only segment files, written by one thread that does group commit: everything that is queued
//! goes out in one write and one `fdatasync`, then all of those appends resolve. Any number of readers follow the log,
//! each with a durable [cursor](Journal::reader): from memory while they keep up, from the files when they do not.
//! What all cursors have passed is kept for a replay until it is too old or too much. Then it is deleted.
//!
//! # What it is not
//! It knows bytes only: no keys, no queries, no topics. It is not replicated; it survives the death of the process
//! and of the machine, not of the disk. One process owns a directory at a time ([`inspect`] and [`Snapshot`] look in from outside).
//!
//! # Example
//! ```
//! use kenwell_journal::{Batch, Limit, Options, open};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let (journal, recovery) = open(dir, Options::default())?;
//! assert_eq!(recovery.corrupt_records, 0);
//! let mut reader = journal.reader("profiles")?; // a new cursor begins at the end
//!
//! let mut batch = Batch::new();
//! batch.push(&[b"hello, ", b"world"]); // one record of two parts
//! let offset = journal.append(batch).await?; // resolves when it is on the disk
//!
//! let records = reader.next(Limit::default()).await?;
//! let (first, bytes) = records.iter().next().ok_or("no record")?;
//! assert_eq!((first, bytes), (offset, &b"hello, world"[..]));
//! reader.ack(records.next_offset()).await?; // never handed out again
//! journal.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//! - **Durable before Ok.** An append resolves with `Ok` only after the `fdatasync` of its group ([`Durability::Os`]:
//!   after the write). Readers see a record no earlier than its producer could.
//! - **A failed write stays failed.** After a failed write or `fdatasync` the end of the segment counts as unknown: it
//!   is cut off and never written again; the next append begins a new segment at the same offset.
//! - **Acknowledged is acknowledged.** A cursor survives the death of the process at once and a power cut after a
//!   second at most; it moves backwards only when [told to](Reader::rewind), or when its file is damaged or missing: then
//!   it begins again at the oldest record. A segment is deleted only below cursors that are on the disk.
//! - **Damage costs what it hit.** A record that fails its checksum, or whose file is gone, is skipped, counted and
//!   logged as an error, and readers are [told](Records::lost); those before and behind it are delivered. Opening never
//!   fails because of damage.
//! - **Nothing is invented.** A checksum is seeded with the identity of its segment: neither bytes of another
//!   file nor bytes inside a record pass for a record.
//! - **For its owner alone.** The directory has the mode 0700 and every file in it 0600, whatever the umask and whatever
//!   they had before; what root makes belongs to the owner of the directory; links are not followed. A deleted segment's
//!   file is never used again, so a record cannot be read for longer than it is kept. See [`files`].
//! - **Bounded.** Disk by [`Options::max_bytes`], the queue by [`Options::queue_bytes`], memory by
//!   [`Options::memory_bytes`] plus what readers hold, and 8 MiB for each that reads files; a slow reader holds up neither the writer nor another reader.
//!
//! # Byte format, version 2
//! All numbers are little-endian, all checksums CRC-32C.
//!
//! **Segment** `<base, 20 digits>-<id, 10 digits>-<salt, 8 hex digits>.segment`. *Base* is the offset of its first
//! record; *id* counts segments; *salt* is random. The records of a segment end where the next one's base begins,
//! whatever else the file holds. The file begins with 64 bytes:
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | `KENWELLJ` |
//! | 8 | 2 | version, 2 |
//! | 10 | 2 | flags; bit 0: bytes of an earlier segment may follow the end, since an earlier version used its file again |
//! | 12 | 4 | salt |
//! | 16 | 8 | id |
//! | 24 | 8 | base |
//! | 32 | 8 | id of the segment before, or all ones |
//! | 40 | 8 | when it was begun, milliseconds since 1970 |
//! | 48 | 12 | zero |
//! | 60 | 4 | checksum of the 60 bytes before |
//!
//! When these are damaged, the name says all that reading needs. Then follow **frames**, one per record, with nothing
//! between them. The first record of an append has a full frame, and so has at least one in 16, and each of more than
//! 16 KiB:
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 4 | marker `F5 4B 57 FA` |
//! | 4 | 4 | checksum of id (8 bytes), salt (4 bytes) and the bytes 8 to 24 of the frame |
//! | 8 | 4 | length of the record, at most [`MAX_RECORD_BYTES`] |
//! | 12 | 4 | checksum of the record |
//! | 16 | 8 | offset |
//! | 24 | length | the record |
//!
//! The others have a short one, whose offset is that of the frame before it, plus 1:
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 1 | marker `F6` |
//! | 1 | 2 | length of the record |
//! | 3 | 4 | checksum of the bytes 1 to 3 of the frame and the record, exclusive or that of id (8 bytes), salt (4 bytes) and offset (8 bytes) |
//! | 7 | length | the record |
//!
//! Version 1 is the same without short frames.
//!
//! Every write ends with 24 zeroes, which the next one overwrites: they separate the end from what the file may
//! still hold. A frame counts if its checksums are right and its offset is one that the segment may still bring, of a
//! short one within the next 16; after anything else, reading searches for the next marker that begins such a frame (that of
//! a short one 16 KiB far), and the offsets in between are lost. At the end of the newest segment they are only as far as `end.mark` says: what has no valid frame behind it
//! was never acknowledged, or cannot be told from that. It is cut off when the journal is opened.
//!
//! **Cursor** `<name>.cursor`: three slots, at 0, 4096 and 8192, of which the valid one with the highest generation
//! counts. The newest slot known to be on the disk is never overwritten.
//!
//! | at | size | field |
//! |---|---|---|
//! | 0 | 8 | `KENWELLC` |
//! | 8 | 8 | generation |
//! | 16 | 8 | offset of the first record not acknowledged |
//! | 24 | 4 | checksum of the 24 bytes before |
//!
//! **End** `end.mark`: a cursor file that says how far the log was written; after a power cut, half a second before it at
//! most. When less is there, the records in between are lost.
//!
//! **List** `cursors.list`: the names of all cursors, one a line, between a first line `kenwell-journal cursors 1` and a
//! last one with the checksum of those before, as 8 hex digits. A cursor that is listed and has no file lost it, and
//! begins again at the oldest record, as one with a damaged file does. Without a list nothing tells whether a name is
//! new, so until the next start a new cursor begins at the oldest record too.
//!
//! `lock` is locked (`flock`) by the owner. `*.tmp` are files in the making, `*.spare` are files of deleted segments
//! that an earlier version kept to write them again; both are removed when the journal is opened. Everything else is left alone.
//!
//! # Where to look
//! | for | read |
//! |---|---|
//! | an append, from the call to the `fdatasync` | [`Journal::append`] → `append_queue` → `Writer::commit` in `writer` → `segment_writer` → `disk` |
//! | reading | `reader` (with a cursor) and `range_reader` (without) → `log_reader` → `recent_records` in memory, or `file_reader` → `segment_reader` → `scan` |
//! | a start | `journal::open` → `directory_scan` (looks) → `recovery` (repairs) |
//! | space on the disk | `retention`, which the writer asks; `segments` |
//! | the bytes | `frame`, `segment_header`, `cursor`, `cursor_list` |
//! | rights and links | [`files`] |
//! | what all of them share | `state` |

mod append_queue;
mod batch;
mod commit_group;
mod cursor;
mod cursor_list;
mod directory;
mod directory_scan;
mod disk;
mod error;
mod error_chain;
#[cfg(test)]
mod fault_injection;
#[cfg(test)]
mod fault_tests;
mod file_reader;
pub mod files;
mod frame;
mod frame_slice;
mod inspect;
mod journal;
mod little_endian;
mod log_reader;
mod lost_offsets;
mod mutex;
mod offset;
mod options;
mod range_reader;
mod reader;
mod recent_records;
mod records;
mod recovery;
mod retention;
mod scan;
mod segment;
mod segment_header;
mod segment_reader;
mod segment_writer;
mod segments;
mod snapshot;
mod state;
mod stats;
mod writer;

pub use batch::Batch;
pub use directory::is_in_use;
pub use error::Error;
pub use error_chain::ErrorChain;
pub use frame::MAX_RECORD_BYTES;
pub use inspect::inspect;
pub use journal::{Journal, open};
pub use offset::Offset;
pub use options::{
    Clock, Durability, MAX_BATCH_BYTES, MAX_COMMIT_DELAY_MS, MIN_SEGMENT_BYTES, MIN_SEGMENTS,
    Options,
};
pub use range_reader::RangeReader;
pub use reader::Reader;
pub use records::{Limit, Records};
pub use recovery::Recovery;
pub use snapshot::Snapshot;
pub use stats::{CursorStats, Stats};
