//! Reads records from files for a reader that has fallen behind what memory holds.

use std::io;
use std::ops::Range;
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::frame_slice::FrameSlice;
use crate::mutex::lock;
use crate::segment_reader::{Chunk, SegmentReader};
use crate::state::JournalState;

/// How often a segment may vanish between being found and being opened before that is an error.
const MAX_VANISHED: usize = 16;

/// Records from a file.
#[derive(Debug)]
pub(crate) struct LoadedRecords {
    pub(crate) runs: Vec<FrameSlice>,
    /// The offset to go on at: not always behind the last record, when some were lost.
    pub(crate) next: u64,
    /// Where to go on reading.
    pub(crate) place: Option<SegmentReader>,
}

/// A piece of work for the thread: load from this offset on.
struct LoadRequest {
    place: Option<SegmentReader>,
    from: u64,
    reply: oneshot::Sender<Result<LoadedRecords, Error>>,
}

/// A thread that reads files for one reader, begun when the reader first needs it.
#[derive(Debug)]
pub(crate) struct FileReader {
    orders: mpsc::Sender<LoadRequest>,
}

impl FileReader {
    pub(crate) fn start(shared: Arc<JournalState>) -> Result<Self, Error> {
        let dir = shared.dir.clone();
        let (orders, incoming) = mpsc::channel::<LoadRequest>();
        let work = move || {
            while let Ok(order) = incoming.recv() {
                let loaded = load(&shared, order.place, order.from);
                // The reader may have been dropped meanwhile.
                drop(order.reply.send(loaded));
            }
        };
        let builder = std::thread::Builder::new().name("kenwell-journal-read".to_owned());
        let started = builder.spawn(work);
        drop(started.map_err(Error::io("start a reading thread for", &dir))?);
        Ok(Self { orders })
    }

    /// Orders the records from `from` on; at most one order is ever open.
    pub(crate) fn order(
        &self,
        place: Option<SegmentReader>,
        from: u64,
    ) -> oneshot::Receiver<Result<LoadedRecords, Error>> {
        let (reply, answer) = oneshot::channel();
        // Without a thread the answer's sender is dropped, which the receiver notices.
        drop(self.orders.send(LoadRequest { place, from, reply }));
        answer
    }
}

/// Reads on from offset `from`: at least one record, unless the rest is lost to damage.
pub(crate) fn load(
    shared: &JournalState,
    place: Option<SegmentReader>,
    from: u64,
) -> Result<LoadedRecords, Error> {
    let mut from = from;
    let mut place = place.filter(|place| place.expected == from && from < place.segment.end());
    loop {
        let next = shared.next();
        if from >= next {
            return Ok(LoadedRecords {
                runs: Vec::new(),
                next: from,
                place: None,
            });
        }
        let mut here = match place.take() {
            Some(here) => here,
            None => match find(shared, from, next)? {
                Located::Found(found) => found,
                Located::Lost(lost) => {
                    from = lost.end;
                    continue;
                }
            },
        };
        let base = here.segment.identity.base;
        if base > from {
            shared.report_lost(&here.segment.path, &(from..base));
            from = base;
        }
        let end = here.segment.end().min(next);
        let piece = here.step(end)?;
        if piece.last && here.expected < end {
            shared.report_lost(&here.segment.path, &(here.expected..end));
            here.expected = end;
        }
        for lost in &piece.lost {
            shared.report_lost(&here.segment.path, lost);
        }
        let runs = runs(piece, from);
        from = from.max(here.expected);
        let place_on = (here.expected < here.segment.end()).then_some(here);
        if !runs.is_empty() {
            return Ok(LoadedRecords {
                runs,
                next: from,
                place: place_on,
            });
        }
        place = place_on.filter(|here| here.expected < end);
    }
}

fn runs(piece: Chunk, from: u64) -> Vec<FrameSlice> {
    let bytes = Arc::new(piece.bytes);
    let wanted = piece
        .found
        .into_iter()
        .filter(|found| found.offsets.end > from);
    let run = |found: crate::scan::FoundFrames| {
        let records = found.offsets.end - found.offsets.start;
        let shared = Arc::clone(&bytes);
        let mut run = FrameSlice::new(
            shared,
            found.bytes.start,
            found.bytes.end,
            found.offsets.start,
            records,
        );
        run.skip_to(from);
        run
    };
    wanted.map(run).collect()
}

/// What looking for an offset came to.
enum Located {
    /// Where it is, or where the first one after it is.
    Found(SegmentReader),
    /// These are gone, and were reported.
    Lost(Range<u64>),
}

/// The segment that holds offset `from`, or the first one after it that there is before `next`.
fn find(shared: &JournalState, from: u64, next: u64) -> Result<Located, Error> {
    let mut vanished = 0;
    loop {
        let segments = lock(&shared.segments);
        let holds = |segment: &&Arc<_>| {
            let segment: &Arc<crate::segment::Segment> = segment;
            segment.end().min(next) > from.max(segment.identity.base)
        };
        let newest = segments.back().cloned();
        let found = segments.iter().find(holds).cloned();
        drop(segments);
        let Some(segment) = found else {
            let place = newest.map_or_else(|| shared.dir.clone(), |newest| newest.path.clone());
            shared.report_lost(&place, &(from..next));
            return Ok(Located::Lost(from..next));
        };
        match SegmentReader::new(Arc::clone(&segment), from) {
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && vanished < MAX_VANISHED =>
            {
                if shared.is_deleted(&segment) {
                    let lost = from..segment.end().min(next);
                    shared.report_lost(&segment.path, &lost);
                    return Ok(Located::Lost(lost));
                }
                // Retention was faster; look again.
                vanished += 1;
            }
            other => return other.map(Located::Found),
        }
    }
}
