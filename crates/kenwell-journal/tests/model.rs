//! A model in lockstep: random appends, reads, acks, restarts and damage, and the journal never differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kenwell_journal::{Batch, Durability, Journal, Limit, Offset, Options, Reader, open};
use proptest::prelude::*;

const HEADER: u64 = 64;
/// What stands before the first record of an append, and before each of the others.
const FRAMES: [u64; 2] = [24, 7];

#[derive(Debug, Clone)]
enum Step {
    /// A batch of records of these sizes.
    Append(Vec<usize>),
    Read {
        records: usize,
        bytes: usize,
    },
    /// Acknowledges this share of what was read.
    Ack(f64),
    /// Moves the cursor back to this share of all offsets, if it is beyond.
    Rewind(f64),
    Restart,
    /// Cuts the newest segment at this share of its length, then restarts. What was cut off is lost.
    Crop(f64),
    /// Changes a byte at this share of the length of one of the segments, then restarts.
    Flip {
        segment: prop::sample::Index,
        at: f64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![9 => 0usize..300, 1 => 2000usize..6000];
    let append = prop::collection::vec(size, 1..8).prop_map(Step::Append);
    let read =
        (1usize..40, 1usize..5000).prop_map(|(records, bytes)| Step::Read { records, bytes });
    let flip = (any::<prop::sample::Index>(), 0.0..1.0)
        .prop_map(|(segment, at)| Step::Flip { segment, at });
    let step = prop_oneof![
        10 => append,
        6 => read,
        4 => (0.0..=1.0).prop_map(Step::Ack),
        1 => (0.0..=1.0).prop_map(Step::Rewind),
        1 => Just(Step::Restart),
        1 => (0.0..1.0).prop_map(Step::Crop),
        2 => flip,
    ];
    prop::collection::vec(step, 1..60)
}

/// One segment file, as the model knows it from its name and the records it put there.
struct File {
    path: PathBuf,
    base: u64,
    length: u64,
}

fn files(dir: &Path) -> Vec<File> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "segment"))
        .collect();
    // By id, the second number of the name: two segments may have the same base.
    let part = |path: &PathBuf, index: usize| -> u64 {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.split('-').nth(index).unwrap().parse().unwrap()
    };
    paths.sort_by_key(|path| part(path, 1));
    let file = |path: PathBuf| File {
        base: part(&path, 0),
        length: fs::metadata(&path).unwrap().len(),
        path,
    };
    paths.into_iter().map(file).collect()
}

/// In memory where there is such a place: the model is about contents, not about disks.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

struct World {
    dir: tempfile::TempDir,
    options: Options,
    runtime: tokio::runtime::Runtime,
    open: Option<(Journal, Reader)>,
    /// What every record that still exists holds.
    live: BTreeMap<u64, Vec<u8>>,
    /// The size of every record ever put at an offset of the current files, damaged ones included.
    sizes: BTreeMap<u64, u64>,
    next: u64,
    read: u64,
    acked: u64,
    counter: u8,
    /// Bytes that were changed already: changing one back would heal it.
    flipped: BTreeSet<(PathBuf, u64)>,
}

impl World {
    fn new(memory_bytes: usize) -> Self {
        let mut world = Self {
            dir: directory(),
            options: Options {
                segment_bytes: 4096,
                memory_bytes,
                durability: Durability::Os,
                ..Options::default()
            },
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            open: None,
            live: BTreeMap::new(),
            sizes: BTreeMap::new(),
            next: 0,
            read: 0,
            acked: 0,
            counter: 0,
            flipped: BTreeSet::new(),
        };
        world.open(0);
        world
    }

    fn open(&mut self, expected_lost: u64) {
        let (journal, recovery) = open(self.dir.path(), self.options.clone()).unwrap();
        assert_eq!(recovery.next_offset, Offset(self.next), "{recovery:?}");
        assert_eq!(recovery.corrupt_records, expected_lost, "{recovery:?}");
        assert_eq!(recovery.missing_segments, 0);
        let reader = journal.reader("model").unwrap();
        assert_eq!(reader.acked(), Offset(self.acked));
        self.read = self.acked;
        self.open = Some((journal, reader));
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Append(sizes) => self.append(sizes),
            Step::Read { records, bytes } => self.read(*records, *bytes),
            Step::Ack(share) => self.ack(*share),
            Step::Rewind(share) => self.rewind(*share),
            Step::Restart => self.restart(|_| {}),
            Step::Crop(share) => self.restart(|world| world.crop(*share)),
            Step::Flip { segment, at } => self.restart(|world| world.flip(*segment, *at)),
        }
    }

    fn append(&mut self, sizes: &[usize]) {
        let mut batch = Batch::new();
        let first = self.next;
        for (number, size) in sizes.iter().enumerate() {
            self.counter = self.counter.wrapping_add(1);
            let record = vec![self.counter; *size];
            batch.push(&[&record]);
            self.sizes
                .insert(self.next, FRAMES[number.min(1)] + *size as u64);
            self.live.insert(self.next, record);
            self.next += 1;
        }
        let (journal, _) = self.open.as_ref().unwrap();
        let offset = self.runtime.block_on(journal.append(batch)).unwrap();
        assert_eq!(offset, Offset(first));
    }

    fn read(&mut self, records: usize, bytes: usize) {
        // Nothing to read means waiting, which a model cannot.
        if self.live.range(self.read..).next().is_none() {
            return;
        }
        let (_, reader) = self.open.as_mut().unwrap();
        let got = self
            .runtime
            .block_on(reader.next(Limit { records, bytes }))
            .unwrap();
        assert!(got.len() <= records && (!got.is_empty() || !got.lost().is_empty()));
        let got_bytes: usize = got.iter().map(|(_, record)| record.len()).sum();
        assert!(got_bytes <= bytes || got.len() == 1);
        // What is told to be lost is what there is not, up to where the reader is then.
        let end = got.next_offset().0;
        let missing = (self.read..end).filter(|offset| !self.live.contains_key(offset));
        let lost = got.lost().iter().flat_map(|lost| lost.start.0..lost.end.0);
        assert!(missing.eq(lost), "{:?}", got.lost());
        let mut expected = self.live.range(self.read..);
        for (offset, record) in got.iter() {
            let (wanted, content) = expected.next().unwrap();
            assert_eq!((offset.0, record), (*wanted, content.as_slice()));
        }
        self.read = got.next_offset().0;
    }

    fn ack(&mut self, share: f64) {
        let (_, reader) = self.open.as_mut().unwrap();
        let up_to = self.acked + portion(self.read - self.acked, share);
        self.runtime.block_on(reader.ack(Offset(up_to))).unwrap();
        self.acked = up_to;
    }

    fn rewind(&mut self, share: f64) {
        let (_, reader) = self.open.as_mut().unwrap();
        let to = portion(self.next, share);
        self.acked = self.acked.min(to);
        assert_eq!(reader.rewind(Offset(to)).unwrap(), Offset(self.acked));
        assert_eq!(reader.reached(), Offset(self.acked));
        self.read = self.acked;
    }

    fn restart(&mut self, damage: impl FnOnce(&mut Self)) {
        self.open = None;
        damage(self);
        // A start finds what is missing in the newest segment: everything up to where it was closed should be there.
        let newest = files(self.dir.path()).pop();
        let lost = newest.map_or(0, |newest| {
            self.next - newest.base - self.live.range(newest.base..).count() as u64
        });
        self.open(lost);
    }

    /// Offset, first byte and the byte behind it of every record in a file.
    fn layout(&self, file: &File, end: u64) -> Vec<(u64, u64, u64)> {
        let mut at = HEADER;
        let place = |(offset, size): (&u64, &u64)| {
            let start = at;
            at += size;
            (*offset, start, at)
        };
        self.sizes.range(file.base..end).map(place).collect()
    }

    fn crop(&mut self, share: f64) {
        let Some(file) = files(self.dir.path()).pop() else {
            return;
        };
        let length = portion(file.length, share);
        for (offset, _, end) in self.layout(&file, u64::MAX) {
            if end > length {
                self.live.remove(&offset);
            }
        }
        OpenOptions::new()
            .write(true)
            .open(&file.path)
            .unwrap()
            .set_len(length)
            .unwrap();
    }

    fn flip(&mut self, segment: prop::sample::Index, share: f64) {
        let files = files(self.dir.path());
        if files.is_empty() {
            return;
        }
        let index = segment.index(files.len());
        let file = &files[index];
        let end = files.get(index + 1).map_or(u64::MAX, |next| next.base);
        if file.length == 0 {
            return;
        }
        let at = portion(file.length, share).min(file.length - 1);
        if !self.flipped.insert((file.path.clone(), at)) {
            return;
        }
        for (offset, start, after) in self.layout(file, end) {
            if (start..after).contains(&at) {
                self.live.remove(&offset);
            }
        }
        let handle = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&file.path)
            .unwrap();
        let mut byte = [0];
        handle.read_exact_at(&mut byte, at).unwrap();
        handle.write_all_at(&[byte[0] ^ 0x5A], at).unwrap();
    }

    /// At the end a cursor at the very start sees all that is left, in order, and the losses are counted exactly.
    fn finish(mut self) {
        self.append(&[3]);
        let last = self.next - 1;
        while self.read <= last {
            self.read(1000, 1 << 20);
        }
        let (journal, reader) = self.open.take().unwrap();
        assert_eq!(reader.reached(), Offset(self.next));
        let gaps = self.next - self.acked - self.live.range(self.acked..).count() as u64;
        assert!(
            journal.stats().corrupt_records >= gaps,
            "every gap was counted"
        );
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "shares of small file lengths"
)]
fn portion(whole: u64, share: f64) -> u64 {
    (whole as f64 * share) as u64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_does_what_the_model_does(
        steps in steps(),
        memory_bytes in prop_oneof![Just(0usize), Just(2000), Just(1 << 20)],
    ) {
        let mut world = World::new(memory_bytes);
        for step in &steps {
            world.run(step);
        }
        world.finish();
    }
}
