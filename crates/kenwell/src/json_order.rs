//! Putting the members of objects in order after their text was written.

use std::cmp::Ordering;
use std::ops::Range;

/// Objects in a text whose members must change places. Each byte is copied once, however deep the
/// objects are nested in each other.
#[derive(Debug, Default)]
pub(crate) struct Reorder {
    objects: Vec<Object>,
    /// Their members, in the order wanted.
    members: Vec<Range<usize>>,
    /// The text as it was written.
    source: Vec<u8>,
    pieces: Vec<Fragment>,
}

#[derive(Debug)]
struct Object {
    text: Range<usize>,
    members: Range<usize>,
}

#[derive(Debug)]
enum Fragment {
    Text(Range<usize>),
    Byte(u8),
}

impl Reorder {
    pub(crate) fn clear(&mut self) {
        self.objects.clear();
        self.members.clear();
    }

    /// Notes an object by the place of its text. Its members follow.
    pub(crate) fn object(&mut self, text: Range<usize>) {
        let end = self.members.len();
        self.objects.push(Object {
            text,
            members: end..end,
        });
    }

    /// Notes the next member of the object noted last.
    pub(crate) fn member(&mut self, text: Range<usize>) {
        self.members.push(text);
        if let Some(object) = self.objects.last_mut() {
            object.members.end = self.members.len();
        }
    }

    /// Rewrites the text from `start` on with every object's members in order.
    pub(crate) fn apply(&mut self, start: usize, out: &mut Vec<u8>) {
        if self.objects.is_empty() {
            return;
        }
        self.objects
            .sort_unstable_by_key(|object| object.text.start);
        self.source.clear();
        self.source
            .extend_from_slice(slice(out, &(start..out.len())));
        let within = |range: &Range<usize>| range.start - start..range.end - start;
        out.truncate(start);
        self.pieces.clear();
        self.pieces
            .push(Fragment::Text(start..start + self.source.len()));
        while let Some(piece) = self.pieces.pop() {
            let text = match piece {
                Fragment::Byte(byte) => {
                    out.push(byte);
                    continue;
                }
                Fragment::Text(text) => text,
            };
            let next = self
                .objects
                .partition_point(|object| object.text.start < text.start);
            let Some(object) = self
                .objects
                .get(next)
                .filter(|object| object.text.start < text.end)
            else {
                out.extend_from_slice(slice(&self.source, &within(&text)));
                continue;
            };
            out.extend_from_slice(slice(
                &self.source,
                &within(&(text.start..object.text.start)),
            ));
            out.push(b'{');
            self.pieces.push(Fragment::Text(object.text.end..text.end));
            self.pieces.push(Fragment::Byte(b'}'));
            let members = self.members.get(object.members.clone()).unwrap_or_default();
            for (index, member) in members.iter().enumerate().rev() {
                self.pieces.push(Fragment::Text(member.clone()));
                if index > 0 {
                    self.pieces.push(Fragment::Byte(b','));
                }
            }
        }
    }

    /// Gives back what an unusually large value made it allocate.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        self.objects.shrink_to(bytes / size_of::<Object>());
        self.members.shrink_to(bytes / size_of::<Range<usize>>());
        self.source.shrink_to(bytes);
        self.pieces.shrink_to(bytes / size_of::<Fragment>());
    }
}

pub(crate) fn slice<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

/// The order of an object's keys in JavaScript once they were inserted in byte order.
pub(crate) fn order(a: &[u8], b: &[u8]) -> Ordering {
    match (array_index(a), array_index(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// The number, if the key is the canonical text of 0 to 2³² − 2.
pub(crate) fn array_index(key: &[u8]) -> Option<u32> {
    let canonical = matches!(key, [b'0'] | [b'1'..=b'9', ..]) && key.len() <= 10;
    if !canonical || !key.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let index = key
        .iter()
        .fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    u32::try_from(index).ok().filter(|&index| index < u32::MAX)
}
