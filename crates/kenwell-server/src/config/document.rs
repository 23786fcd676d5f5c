//! The text of the file, and from byte offsets to lines and columns.

use std::ops::Range;
use std::path::Path;

use super::problem::Place;

/// Characters are counted from the beginning of one of these, so that a place in the longest line is found
/// as quickly as in the shortest.
const BLOCK: usize = 256;

/// A configuration file's name and text.
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    text: &'a str,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    /// How many characters begin before each block.
    characters: Vec<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        let counts = text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
            let begins = *before;
            *before += beginnings(block);
            Some(begins)
        });
        Self {
            path,
            text,
            lines: lines.collect(),
            characters: counts.collect(),
        }
    }

    /// The place of a byte range's start.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let at = span.start.min(self.text.len());
        let line = self.lines.partition_point(|begin| *begin <= at);
        let begin = line.checked_sub(1).and_then(|line| self.lines.get(line));
        let column = self.before(at) - self.before(begin.copied().unwrap_or(0)) + 1;
        Place::Line(self.path.to_path_buf(), line, column)
    }

    /// How many characters begin before a byte.
    fn before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..at);
        // A text that ends where a block does has no count for the next one.
        self.characters.get(block).map_or_else(
            || beginnings(self.text.as_bytes()),
            |before| before + rest.map_or(0, beginnings),
        )
    }
}

/// How many characters begin in these bytes of a text.
fn beginnings(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let document = Document::new(Path::new("k.toml"), "a = 1\nä = 2\n");
        let at = |start: usize| document.place(&(start..start));
        assert_eq!(at(0), Place::Line("k.toml".into(), 1, 1));
        assert_eq!(at(9), Place::Line("k.toml".into(), 2, 3));
        assert_eq!(at(13), Place::Line("k.toml".into(), 3, 1), "the end");
        assert_eq!(at(99), at(13));
    }

    #[test]
    fn places_far_out_are_counted_the_same() {
        for text in [
            "é".repeat(400),
            "\n\u{1f600}x".repeat(300),
            "a".repeat(512),
            String::new(),
        ] {
            let document = Document::new(Path::new("k.toml"), &text);
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let before = &text[..at];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
                assert_eq!(
                    document.place(&(at..at)),
                    Place::Line("k.toml".into(), line, column)
                );
            }
        }
    }
}
