//! Whether a text names anybody: what counts as blank for the gateway.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Characters that Unicode counts as letters, marks or symbols although they show nothing.
/// RudderStack's gateway strips them before it asks whether an id is empty.
const INVISIBLE: [char; 13] = [
    '\u{034f}',  // combining grapheme joiner
    '\u{115f}',  // Hangul choseong filler
    '\u{1160}',  // Hangul jungseong filler
    '\u{17b4}',  // Khmer vowel inherent aq
    '\u{17b5}',  // Khmer vowel inherent aa
    '\u{180e}',  // Mongolian vowel separator
    '\u{2800}',  // Braille pattern blank
    '\u{3164}',  // Hangul filler
    '\u{ffa0}',  // halfwidth Hangul filler
    '\u{1d159}', // musical symbol null notehead
    '\u{180b}',  // Mongolian free variation selector one
    '\u{180c}',  // Mongolian free variation selector two
    '\u{180d}',  // Mongolian free variation selector three
];

/// Whether `id` is empty once invisible and unprintable characters and white space are taken away.
///
/// This decides about acceptance alone: the id itself is kept as it was sent.
pub fn is_blank(id: &str) -> bool {
    !id.chars().any(is_visible)
}

fn is_visible(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_graphic();
    }
    let printable = !matches!(
        character.general_category_group(),
        GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other
    );
    printable && !INVISIBLE.contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_what_shows_nothing() {
        for blank in [
            "",
            "   ",
            "\t\n",
            "\0",
            "\u{200b}",
            "\u{feff}",
            "\u{a0}",
            "\u{3000}",
            "\u{3164}",
            "\u{ad}\u{2060}",
            "\u{e000}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for id in ["u1", " u ", "é", "😀", "\u{fffd}", "\u{200b}x", "0", "-"] {
            assert!(!is_blank(id), "{id:?}");
        }
    }
}
