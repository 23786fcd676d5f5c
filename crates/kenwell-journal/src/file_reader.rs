//! Reads records from segment files, for a reader that has fallen behind what memory holds.

use std::io;
use std::ops::Range;
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::frame_slice::FrameSlice;
use crate::segment_reader::{Chunk, SegmentReader};
use crate::state::JournalState;

/// How often a segment may vanish between being found and being opened before that is an error.
const MAX_VANISHED: usize = 16;

/// Records from a file.
#[derive(Debug)]
pub(crate) struct LoadedRecords {
    pub(crate) slices: Vec<FrameSlice>,
    /// The offset to go on at: not always behind the last record, when some were lost.
    pub(crate) next: u64,
    /// The open segment to go on with, if there is more in it.
    pub(crate) segment: Option<SegmentReader>,
}

/// What the thread is asked for: the records from this offset on.
struct LoadRequest {
    segment: Option<SegmentReader>,
    from: u64,
    reply: oneshot::Sender<Result<LoadedRecords, Error>>,
}

/// A thread that reads files for one reader, started when the reader first needs it.
#[derive(Debug)]
pub(crate) struct FileReader {
    requests: mpsc::Sender<LoadRequest>,
}

impl FileReader {
    pub(crate) fn start(state: Arc<JournalState>) -> Result<Self, Error> {
        let dir = state.dir.clone();
        let (requests, incoming) = mpsc::channel::<LoadRequest>();
        let answer_requests = move || {
            while let Ok(request) = incoming.recv() {
                let loaded = load(&state, request.segment, request.from);
                // The reader may have been dropped meanwhile.
                drop(request.reply.send(loaded));
            }
        };
        let builder = std::thread::Builder::new().name("kenwell-journal-read".to_owned());
        let started = builder.spawn(answer_requests);
        drop(started.map_err(Error::io("start a reading thread for", &dir))?);
        Ok(Self { requests })
    }

    /// Asks for the records from `from` on; `segment` is where the last answer ended. One request at a time.
    pub(crate) fn request(
        &self,
        segment: Option<SegmentReader>,
        from: u64,
    ) -> oneshot::Receiver<Result<LoadedRecords, Error>> {
        let (reply, answer) = oneshot::channel();
        let request = LoadRequest {
            segment,
            from,
            reply,
        };
        // Without a thread the answer's sender is dropped, which the receiver notices.
        drop(self.requests.send(request));
        answer
    }
}

/// Reads on from offset `from`: at least one record, unless the rest is lost to damage.
fn load(
    state: &JournalState,
    segment: Option<SegmentReader>,
    mut from: u64,
) -> Result<LoadedRecords, Error> {
    let mut open = segment.filter(|it| it.next == from && from < it.segment.end());
    loop {
        let next = state.next();
        if from >= next {
            return Ok(LoadedRecords {
                slices: Vec::new(),
                next: from,
                segment: None,
            });
        }
        let mut reader = match open.take() {
            Some(reader) => reader,
            None => match locate(state, from, next)? {
                Located::At(reader) => reader,
                Located::Lost(lost) => {
                    from = lost.end;
                    continue;
                }
            },
        };
        let path = &reader.segment.path;
        let base = reader.segment.identity.base;
        if base > from {
            state.report_lost(path, &(from..base));
            from = base;
        }
        let end = reader.segment.end().min(next);
        let chunk = reader.read_chunk(end)?;
        let path = &reader.segment.path;
        if chunk.is_last && reader.next < end {
            state.report_lost(path, &(reader.next..end));
            reader.next = end;
        }
        for lost in &chunk.lost {
            state.report_lost(path, lost);
        }
        let slices = slices(chunk, from);
        from = from.max(reader.next);
        let rest = (reader.next < reader.segment.end()).then_some(reader);
        if !slices.is_empty() {
            return Ok(LoadedRecords {
                slices,
                next: from,
                segment: rest,
            });
        }
        open = rest.filter(|reader| reader.next < end);
    }
}

/// The valid records of a chunk from offset `from` on.
pub(crate) fn slices(chunk: Chunk, from: u64) -> Vec<FrameSlice> {
    let bytes = chunk.bytes;
    let mut slices = Vec::new();
    for frames in chunk.frames {
        let Range { start, end } = frames.bytes;
        let Range {
            start: first,
            end: next,
        } = frames.offsets;
        if next > from {
            let mut slice = FrameSlice::new(Arc::clone(&bytes), start, end, first, next - first);
            slice.skip_to(from);
            slices.push(slice);
        }
    }
    slices
}

/// What looking for an offset came to.
enum Located {
    /// The segment that has it, or the first one after it.
    At(SegmentReader),
    /// These are gone, and were reported.
    Lost(Range<u64>),
}

/// Opens the segment that holds offset `from`, or the first one after it that there is before `next`.
fn locate(state: &JournalState, from: u64, next: u64) -> Result<Located, Error> {
    let mut vanished = 0;
    loop {
        let found = state
            .segments
            .find(|segment| segment.end().min(next) > from.max(segment.identity.base));
        let Some(segment) = found else {
            let newest = state.segments.newest();
            let place = newest.map_or_else(|| state.dir.clone(), |newest| newest.path.clone());
            state.report_lost(&place, &(from..next));
            return Ok(Located::Lost(from..next));
        };
        match SegmentReader::open(Arc::clone(&segment), from) {
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && vanished < MAX_VANISHED =>
            {
                if state.is_deleted_by_others(&segment) {
                    let lost = from..segment.end().min(next);
                    state.report_lost(&segment.path, &lost);
                    return Ok(Located::Lost(lost));
                }
                // Retention was faster; look again.
                vanished += 1;
            }
            other => return other.map(Located::At),
        }
    }
}
