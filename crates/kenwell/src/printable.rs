//! Text from outside, made fit for a log, a terminal and a page: one line that shows all that is in it.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// The most bytes of a server's words that an error repeats.
const MAX_WORDS: usize = 300;

/// Whether a character can be shown as it is. Others end a line, steer a terminal, turn the direction of
/// what stands around them, or cannot be seen.
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            // Soft hyphen, and fillers without a shape.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Direction marks, overrides and isolates.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Without width.
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
            // Ends of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // Annotations, and tags that nobody sees.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The same text with everything escaped that is not [printable](is_printable), as in `\n` and `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_printable(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    Cow::Owned(shown)
}

/// A server's words for an error: printable, and not endless.
pub(crate) fn words(text: &impl fmt::Display) -> String {
    let mut first = First(String::new());
    // Only says that there was more.
    let _cut = write!(first, "{text}");
    printable(&first.0).into_owned()
}

/// Takes as much as an error repeats, and refuses the rest.
struct First(String);

impl Write for First {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_WORDS.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let begin = text.get(..text.floor_char_boundary(room));
        self.0.push_str(begin.unwrap_or_default());
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_escaped() {
        assert_eq!(
            printable("a\x1b[2J\nb\r\t\0"),
            "a\\u{1b}[2J\\nb\\r\\t\\u{0}"
        );
        assert_eq!(printable("\u{9b}31m\u{7f}"), "\\u{9b}31m\\u{7f}");
        assert_eq!(
            printable("\u{202e}txt\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}"),
            "\\u{202e}txt\\u{2066}\\u{200b}\\u{feff}\\u{2028}\\u{e0041}"
        );
        for text in ["", "Jürgen \\ \"x\"", "日本語 🙂 ñ עברית"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn words_are_cut() {
        assert_eq!(words(&"short\n"), "short\\n");
        let long = words(&"ü".repeat(1_000_000));
        assert!(long.ends_with("ü…") && long.len() < 310, "{long}");
    }
}
