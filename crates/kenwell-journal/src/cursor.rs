//! A cursor: how far one reader has got, in a small file that survives both kill -9 and a power cut.
//!
//! The file has three slots, each in a disk block of its own. One holds the newest position known to be on the disk
//! and is never overwritten. Acks are written to another one, and to the third while that one is being synced.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::sync_dir;
use crate::error::Error;
use crate::files::{self, UNFINISHED};
use crate::little_endian::{le32, le64};
use crate::mutex::lock;

const MAGIC: [u8; 8] = *b"KENWELLC";
const SLOT_BYTES: usize = 28;
const SLOT_DISTANCE: u64 = 4096;
const SLOTS: u64 = 3;
const SUFFIX: &str = ".cursor";
/// Name of the file that says how far the log was written; see [`Cursor::end_mark`].
pub(crate) const END_MARK: &str = "end.mark";
const MAX_NAME: usize = 64;

/// A valid cursor name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CursorName(String);

impl CursorName {
    pub(crate) fn new(name: &str) -> Result<Self, Error> {
        let allowed = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=MAX_NAME).contains(&name.len()) && name.as_bytes().iter().all(allowed) {
            return Ok(Self(name.to_owned()));
        }
        Err(Error::CursorName {
            name: name.to_owned(),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }
}

/// The name of the cursor that a file belongs to, if it is the file of one.
pub(crate) fn name_of_file(file_name: &str) -> Option<CursorName> {
    CursorName::new(file_name.strip_suffix(SUFFIX)?).ok()
}

/// A cursor with its file.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) name: CursorName,
    path: PathBuf,
    file: File,
    state: Mutex<State>,
    /// Whether it has a reader now.
    pub(crate) busy: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    position: u64,
    /// What survives a power cut; not above `position`.
    durable: u64,
    generation: u64,
    durable_slot: u64,
    write_slot: u64,
    dirty: bool,
    closed: bool,
}

/// What a cursor file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredPosition {
    pub(crate) position: u64,
    generation: u64,
    slot: u64,
}

/// The newest valid slot of a cursor file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<StoredPosition>, Error> {
    let mut bytes = Vec::new();
    files::open(path)
        .and_then(|file| file.take(SLOTS * SLOT_DISTANCE).read_to_end(&mut bytes))
        .map_err(Error::io("read", path))?;
    let slots = (0..SLOTS).filter_map(|slot| {
        let at = usize::try_from(slot * SLOT_DISTANCE).ok()?;
        let (generation, position) = decode(bytes.get(at..)?)?;
        Some(StoredPosition {
            position,
            generation,
            slot,
        })
    });
    Ok(slots.max_by_key(|stored| stored.generation))
}

impl Cursor {
    /// A new cursor file at `position`, durable when this returns; replaces a damaged one.
    pub(crate) fn create(dir: &Path, name: CursorName, position: u64) -> Result<Self, Error> {
        let file_name = name.file_name();
        Self::create_as(dir, &file_name, name, position)
    }

    /// The cursor that follows the end of the log, so that a start notices when less is there. It has a file of its own,
    /// which is made at `position` when there is none or it is damaged. Nobody reads with it.
    pub(crate) fn end_mark(
        dir: &Path,
        stored: Option<StoredPosition>,
        position: u64,
    ) -> Result<Self, Error> {
        let name = CursorName("end".to_owned());
        match stored {
            Some(stored) => Self::open(name, dir.join(END_MARK), stored),
            None => Self::create_as(dir, END_MARK, name, position),
        }
    }

    fn create_as(
        dir: &Path,
        file_name: &str,
        name: CursorName,
        position: u64,
    ) -> Result<Self, Error> {
        let path = dir.join(file_name);
        let unfinished = dir.join(format!("{file_name}{UNFINISHED}"));
        let file = files::make_anew(&unfinished).map_err(Error::io("create", &unfinished))?;
        for slot in 0..SLOTS {
            let bytes = encode(0, position);
            file.write_all_at(&bytes, slot * SLOT_DISTANCE)
                .map_err(Error::io("write", &unfinished))?;
        }
        file.sync_all().map_err(Error::io("fsync", &unfinished))?;
        std::fs::rename(&unfinished, &path).map_err(Error::io("replace", &path))?;
        sync_dir(dir)?;
        let stored = StoredPosition {
            position,
            generation: 0,
            slot: 0,
        };
        Ok(Self::new(name, path, file, stored))
    }

    /// A cursor file from an earlier run, made durable: a kill -9 may have left it in the page cache only.
    pub(crate) fn open(
        name: CursorName,
        path: PathBuf,
        stored: StoredPosition,
    ) -> Result<Self, Error> {
        let file = files::open_for_writing(&path).map_err(Error::io("open", &path))?;
        file.sync_data().map_err(Error::io("fdatasync", &path))?;
        Ok(Self::new(name, path, file, stored))
    }

    fn new(name: CursorName, path: PathBuf, file: File, stored: StoredPosition) -> Self {
        Self {
            name,
            path,
            file,
            state: Mutex::new(State {
                position: stored.position,
                durable: stored.position,
                generation: stored.generation,
                durable_slot: stored.slot,
                write_slot: (stored.slot + 1) % SLOTS,
                dirty: false,
                closed: false,
            }),
            busy: AtomicBool::new(false),
        }
    }

    /// Where the reader is.
    pub(crate) fn position(&self) -> u64 {
        lock(&self.state).position
    }

    /// Where the reader will be even after a power cut.
    pub(crate) fn durable(&self) -> u64 {
        lock(&self.state).durable
    }

    /// Moves on to `position`, in the file too; never backwards. Returns where it was.
    pub(crate) fn advance(&self, position: u64) -> Result<u64, Error> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::Closed);
        }
        let before = state.position;
        if position > before {
            self.write(&mut state, position)?;
        }
        Ok(before)
    }

    /// Moves back to `position`, in the file too. Nothing happens if it is not behind.
    pub(crate) fn rewind(&self, position: u64) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::Closed);
        }
        if position < state.position {
            self.write(&mut state, position)?;
            // Retention must not rely on what the disk still says.
            state.durable = state.durable.min(position);
        }
        Ok(())
    }

    /// Removes the file; the cursor takes no more acks.
    pub(crate) fn remove(&self, dir: &Path) -> Result<(), Error> {
        lock(&self.state).closed = true;
        std::fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))?;
        sync_dir(dir)
    }

    fn write(&self, state: &mut State, position: u64) -> Result<(), Error> {
        let generation = state.generation + 1;
        let bytes = encode(generation, position);
        self.file
            .write_all_at(&bytes, state.write_slot * SLOT_DISTANCE)
            .map_err(Error::io("write", &self.path))?;
        state.generation = generation;
        state.position = position;
        state.dirty = true;
        Ok(())
    }

    /// Makes the position durable. Acks go on meanwhile, in the third slot. Only the writer's thread calls this.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if !state.dirty {
            return Ok(());
        }
        let (position, slot) = (state.position, state.write_slot);
        state.dirty = false;
        state.write_slot = SLOTS - slot - state.durable_slot;
        drop(state);
        let synced = self.file.sync_data();
        let mut state = lock(&self.state);
        if let Err(error) = synced {
            // What the disk has of that slot is unknown now: write the position again, into the other free one.
            let position = state.position;
            self.write(&mut state, position)?;
            return Err(Error::io("fdatasync", &self.path)(error));
        }
        // The cursor may have moved back meanwhile.
        state.durable = position.min(state.position);
        state.durable_slot = slot;
        Ok(())
    }

    /// Takes no more acks: another instance may open the directory soon.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Marks the cursor as taken by its one reader.
    pub(crate) fn occupy(&self) -> Result<(), Error> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(Error::CursorBusy {
                name: self.name.0.clone(),
            });
        }
        Ok(())
    }
}

fn encode(generation: u64, position: u64) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&position.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[0..24]);
    bytes[24..28].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, u64)> {
    let bytes = bytes.first_chunk::<SLOT_BYTES>()?;
    let valid = bytes[0..8] == MAGIC && le32(bytes, 24) == crc32c::crc32c(&bytes[0..24]);
    valid.then(|| (le64(bytes, 8), le64(bytes, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CursorName {
        CursorName::new(text).unwrap()
    }

    #[test]
    fn names_are_checked() {
        for good in ["a", "profiles-2_x", "0"] {
            assert!(CursorName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "a.b", "a/b", "ü", &"x".repeat(65)] {
            assert!(
                matches!(CursorName::new(bad), Err(Error::CursorName { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn positions_survive_and_never_go_back() {
        let dir = tempfile::tempdir().unwrap();
        let cursor = Cursor::create(dir.path(), name("a"), 5).unwrap();
        for (position, synced) in [(9, false), (12, true), (11, false), (30, false)] {
            cursor.advance(position).unwrap();
            if synced {
                cursor.sync().unwrap();
            }
        }
        assert_eq!((cursor.position(), cursor.durable()), (30, 12));
        let path = dir.path().join("a.cursor");
        let stored = read(&path).unwrap().unwrap();
        let again = Cursor::open(name("a"), path, stored).unwrap();
        assert_eq!((again.position(), again.durable()), (30, 30));
    }

    #[test]
    fn the_durable_slot_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let cursor = Cursor::create(dir.path(), name("a"), 0).unwrap();
        for position in 1..50 {
            cursor.advance(position).unwrap();
            let state = *lock(&cursor.state);
            assert_ne!(state.write_slot, state.durable_slot);
            if position % 3 == 0 {
                cursor.sync().unwrap();
            }
            // Whatever a power cut makes of the slot being written, the durable position is still found.
            let path = dir.path().join("a.cursor");
            let mut bytes = std::fs::read(&path).unwrap();
            let state = *lock(&cursor.state);
            let at = usize::try_from(state.write_slot * SLOT_DISTANCE).unwrap();
            bytes[at..at + SLOT_BYTES].fill(0xAA);
            let copy = dir.path().join("copy");
            std::fs::write(&copy, bytes).unwrap();
            assert!(read(&copy).unwrap().unwrap().position >= state.durable);
        }
    }

    #[test]
    fn a_file_without_a_valid_slot_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for content in [&b""[..], &[0; 9000], &[0xFF; 28]] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(&path).unwrap(), None);
        }
    }

    #[test]
    fn a_closed_cursor_takes_no_ack() {
        let dir = tempfile::tempdir().unwrap();
        let cursor = Cursor::create(dir.path(), name("a"), 0).unwrap();
        cursor.close();
        assert!(matches!(cursor.advance(1), Err(Error::Closed)));
    }
}
