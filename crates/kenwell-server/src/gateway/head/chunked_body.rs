//! Where a body that comes in chunks ends.

/// Where in a chunked body the last byte was. It changes and refuses nothing: that is left to hyper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkedBody {
    /// In the length of a chunk, as far as it was read.
    Length(u64),
    /// Behind the length, up to the end of its line.
    Extension(u64),
    /// In a chunk of which so much is to come.
    Data(u64),
    /// Behind a chunk, up to the end of the line.
    Line,
    /// In the lines behind the last chunk; whether there is anything in this one yet.
    Trailer(TrailerLine),
    /// Behind the body.
    Ended,
    /// In what is no chunked body: hyper refuses it and reads nothing else.
    Broken,
}

/// Whether a line behind the last chunk has anything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrailerLine {
    Empty,
    NotEmpty,
}

impl ChunkedBody {
    /// A body that begins here.
    pub(super) const BEGIN: Self = Self::Length(0);

    /// Goes through `bytes`; how many of them belong to the body.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self {
                Self::Ended => break,
                Self::Broken => return bytes.len(),
                Self::Data(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= u64::try_from(here).unwrap_or(u64::MAX);
                    rest = rest.get(here..).unwrap_or_default();
                    if *left == 0 {
                        *self = Self::Line;
                    }
                }
                _ => {
                    *self = self.after(byte);
                    rest = after;
                }
            }
        }
        bytes.len() - rest.len()
    }

    /// What follows one byte outside of a chunk's data.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Length(0) | Self::Extension(0), b'\n') => Self::Trailer(TrailerLine::Empty),
            (Self::Length(length) | Self::Extension(length), b'\n') => Self::Data(length),
            (Self::Length(length), byte) => match char::from(byte).to_digit(16) {
                Some(digit) => length.checked_mul(16).map_or(Self::Broken, |length| {
                    Self::Length(length + u64::from(digit))
                }),
                None => Self::Extension(length),
            },
            (Self::Line, b'\n') => Self::BEGIN,
            (Self::Trailer(TrailerLine::Empty), b'\n') => Self::Ended,
            (Self::Trailer(_), b'\n') => Self::Trailer(TrailerLine::Empty),
            (Self::Trailer(line), b'\r') => Self::Trailer(line),
            (Self::Trailer(_), _) => Self::Trailer(TrailerLine::NotEmpty),
            (same, _) => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: &[u8], piece: usize) -> (usize, ChunkedBody) {
        let mut chunks = ChunkedBody::BEGIN;
        let mut length = 0;
        for piece in bytes.chunks(piece) {
            let here = chunks.pass(piece);
            length += here;
            if here < piece.len() {
                break;
            }
        }
        (length, chunks)
    }

    #[test]
    fn the_end_is_found_in_pieces_of_any_size() {
        for body in [
            &b"0\r\n\r\n"[..],
            b"5\r\nhello\r\n0\r\n\r\n",
            b"A;ext=\"x\"\r\n0123\r\n\r\n89\r\n000\r\n\r\n",
            b"1 \r\n\n\r\n0\r\nTrailer: \r\nOther: 0\r\n\r\n",
        ] {
            let with_next = [body, b"GET /<> HTTP/1.1\r\n\r\n"].concat();
            for piece in 1..=with_next.len() {
                let found = length(&with_next, piece);
                assert_eq!(found, (body.len(), ChunkedBody::Ended), "pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_chunked_body_has_no_end() {
        let endless = b"fffffffffffffffff\r\n0\r\n\r\n";
        assert_eq!(length(endless, 7), (endless.len(), ChunkedBody::Broken));
    }
}
