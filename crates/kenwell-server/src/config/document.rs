//! The text of the file, and from byte offsets to lines and columns.

use std::ops::Range;
use std::path::Path;

use super::problem::Place;

/// A configuration file's name and text.
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// The place of a byte range's start.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |last| last.chars().count())
            + 1;
        Place::Line(self.path.to_path_buf(), line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let document = Document {
            path: Path::new("k.toml"),
            text: "a = 1\nä = 2\n",
        };
        let at = |start: usize| document.place(&(start..start));
        assert_eq!(at(0), Place::Line("k.toml".into(), 1, 1));
        assert_eq!(at(9), Place::Line("k.toml".into(), 2, 3));
    }
}
