//! A request's body: read, decompressed and bounded while it arrives.

use std::{io::Read, sync::Arc};

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::refusal::Refusal;

/// Bytes that a body may have after decompression (RudderStack: 4000 × 1024).
pub const MAX_BODY_BYTES: usize = 4_096_000;
/// Bodies up to this size, before and after decompression, are read without a reservation.
const SMALL_BYTES: usize = 64 * 1024;
/// Bytes that all larger ones may take together, before and after decompression.
pub(super) const LARGE_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of these that the bodies of one source may take: slow ones keep theirs for as long as they last.
const SOURCE_BYTES: usize = LARGE_BYTES / 4;
/// Bytes that the larger bodies of senders may take whose write key is in the body, so that they are unknown until
/// it is read: memory apart, since senders who are known must not wait for them.
pub(super) const UNKNOWN_SENDERS_BYTES: usize = SOURCE_BYTES;
/// Bytes of a refused body that are read and thrown away, so that the sender sees the answer
/// instead of a broken connection.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// Memory for large bodies: what those of all connections share, or the part of it that those of one source may take.
#[derive(Debug, Clone)]
pub(super) struct BodyMemory(Arc<Semaphore>);

/// Where the bodies of one source reserve memory: of its share, and of the whole.
pub(super) struct SourceMemory<'a> {
    pub(super) share: &'a BodyMemory,
    pub(super) all: &'a BodyMemory,
}

/// Memory that is reserved, of the source's share and of the whole.
type Reservation = [OwnedSemaphorePermit; 2];

impl BodyMemory {
    /// So many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// What the bodies of one source may take.
    pub(super) fn source_share() -> Self {
        Self::new(SOURCE_BYTES)
    }
}

impl SourceMemory<'_> {
    /// Waits for so many bytes: first behind those of the same source only.
    async fn reserve(&self, bytes: u64, deadline: Instant) -> Result<Reservation, Refusal> {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::Busy)?;
        let reserve = |memory: &BodyMemory| Arc::clone(&memory.0).acquire_many_owned(bytes);
        let reserved = timeout_at(deadline, async {
            let share = reserve(self.share).await.ok()?;
            Some([share, reserve(self.all).await.ok()?])
        });
        reserved.await.ok().flatten().ok_or(Refusal::Busy)
    }
}

/// A body that was read, with the memory it takes.
#[derive(Debug)]
pub(super) struct ReceivedBody {
    pub(super) bytes: Bytes,
    _reserved: Option<Reservation>,
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    /// What `Content-Encoding` says. Only the exact word `gzip` counts, as in RudderStack's gateway.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(header::CONTENT_ENCODING) {
            Some(encoding) if encoding == "gzip" => Self::Gzip,
            _ => Self::Plain,
        }
    }
}

/// Reads all of `body` before `deadline`, and decompresses it.
pub(super) async fn read<B>(
    encoding: Encoding,
    body: &mut B,
    memory: &SourceMemory<'_>,
    deadline: Instant,
) -> Result<ReceivedBody, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut reserved = None;
    let bytes = collect(encoding, body, memory, &mut reserved, deadline).await?;
    let bytes = match encoding {
        Encoding::Plain => bytes,
        Encoding::Gzip => inflate(bytes, memory, &mut reserved, deadline).await?,
    };
    Ok(ReceivedBody {
        bytes,
        _reserved: reserved,
    })
}

async fn collect<B>(
    encoding: Encoding,
    body: &mut B,
    memory: &SourceMemory<'_>,
    reserved: &mut Option<Reservation>,
    deadline: Instant,
) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    // Known before the first byte where the sender says so.
    let largest = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    let announced = body.size_hint().upper().unwrap_or(largest).min(largest);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = timeout_at(deadline, body.frame())
        .await
        .map_err(|_| Refusal::TooSlow)?
    {
        let Ok(chunk) = frame.map_err(|_| Refusal::Unreadable)?.into_data() else {
            continue;
        };
        // Most bodies come in one piece, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
        } else {
            if rest.is_empty() {
                // At once, as far as it is small: growing would take up to twice as much.
                rest.reserve(SMALL_BYTES.min(usize::try_from(announced).unwrap_or(SMALL_BYTES)));
            }
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&chunk);
        }
        let length = first.len() + rest.len();
        if length > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        if length > SMALL_BYTES && reserved.is_none() {
            // All that it will take, at once: no body waits for more while others wait for what it has.
            let inflated = match encoding {
                Encoding::Plain => announced,
                Encoding::Gzip => largest,
            };
            *reserved = Some(memory.reserve(announced + inflated, deadline).await?);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// Decompresses a gzip stream of any number of members. Small results, nearly all, are made here
/// and now; larger ones on a thread that may block.
async fn inflate(
    bytes: Bytes,
    memory: &SourceMemory<'_>,
    reserved: &mut Option<Reservation>,
    deadline: Instant,
) -> Result<Bytes, Refusal> {
    // Also keeps a body of thousands of empty members, which inflate to nothing, off this thread.
    if bytes.len() <= SMALL_BYTES {
        let small = inflate_up_to(&bytes, SMALL_BYTES);
        if small != Err(Refusal::TooLarge) {
            return small;
        }
    }
    if reserved.is_none() {
        let largest = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
        *reserved = Some(memory.reserve(largest, deadline).await?);
    }
    let inflated = tokio::task::spawn_blocking(move || inflate_up_to(&bytes, MAX_BODY_BYTES)).await;
    inflated.unwrap_or(Err(Refusal::Unreadable))
}

fn inflate_up_to(bytes: &[u8], most: usize) -> Result<Bytes, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Unreadable);
    }
    let mut inflated = Vec::with_capacity(most.min(bytes.len().saturating_mul(4)));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut inflated);
    match read {
        _ if inflated.len() > most => Err(Refusal::TooLarge),
        Ok(_) => Ok(inflated.into()),
        Err(_) => Err(Refusal::Unreadable),
    }
}

/// Reads and throws away what is left of a refused body, within bounds.
pub(super) async fn discard<B>(body: &mut B, deadline: Instant)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut discarded = 0;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > MAX_DISCARDED_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use flate2::{Compression, write::GzEncoder};
    use http_body_util::Full;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn received(encoding: Option<&'static str>, body: Vec<u8>) -> Result<Bytes, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let deadline = Instant::now() + Duration::from_mins(1);
        read(
            Encoding::of(&headers),
            &mut Full::new(Bytes::from(body)),
            &SourceMemory {
                share: &BodyMemory::source_share(),
                all: &BodyMemory::new(LARGE_BYTES),
            },
            deadline,
        )
        .await
        .map(|received| received.bytes)
    }

    #[tokio::test]
    async fn gunzips_every_member() {
        let two = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(received(Some("gzip"), two).await.unwrap(), "{\"a\":1}");
        let large = vec![b'x'; MAX_BODY_BYTES];
        assert_eq!(received(Some("gzip"), gzip(&large)).await.unwrap(), large);
    }

    #[tokio::test]
    async fn other_encodings_are_not_looked_at() {
        for encoding in ["GZIP", "gzip, br", "deflate", "x-gzip"] {
            assert_eq!(
                received(Some(encoding), b"{}".to_vec()).await.unwrap(),
                "{}",
                "{encoding}"
            );
        }
    }

    #[tokio::test]
    async fn broken_gzip_is_unreadable() {
        let whole = gzip(b"{\"userId\":\"u\"}");
        let trailing = [&whole[..], b"garbage"].concat();
        for body in [
            b"{}".to_vec(),
            Vec::new(),
            whole[..whole.len() - 3].to_vec(),
            trailing,
        ] {
            assert_eq!(received(Some("gzip"), body).await, Err(Refusal::Unreadable));
        }
    }

    #[tokio::test]
    async fn the_limit_holds_before_and_after_decompression() {
        assert_eq!(
            received(None, vec![b' '; MAX_BODY_BYTES + 1]).await,
            Err(Refusal::TooLarge)
        );
        assert!(received(None, vec![b' '; MAX_BODY_BYTES]).await.is_ok());
        assert_eq!(
            received(Some("gzip"), gzip(&vec![b' '; MAX_BODY_BYTES + 1])).await,
            Err(Refusal::TooLarge)
        );
    }
}
