//! A string as it was written between its quotes. It is decoded on demand, which never fails.

use std::borrow::Cow;

use crate::string_end::PlainEnd;

/// U+FFFD in UTF-8, which replaces anything that is not Unicode.
const REPLACEMENT: &str = "\u{fffd}";

/// A JSON string, borrowed as written between its quotes; its escapes are known to be well formed.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The string, and what stands behind it in the input.
    from: &'a [u8],
    length: usize,
    form: Form,
    has_dot: bool,
}

/// How a string is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Without escapes, and all of it is ASCII.
    Ascii,
    /// Without escapes. It may be ASCII, and it may be no UTF-8.
    Plain,
    /// With escapes.
    Escaped,
}

impl<'a> Text<'a> {
    /// The string between `start` and `end`, of which is known whether it holds no escape.
    pub(crate) fn new(input: &'a [u8], start: usize, end: usize, plain: bool) -> Self {
        let form = if plain { Form::Plain } else { Form::Escaped };
        let from = input.get(start..).unwrap_or_default();
        let length = end - start;
        let raw = from.get(..length).unwrap_or_default();
        Self {
            from,
            length,
            form,
            has_dot: raw.contains(&b'.') || !plain,
        }
    }

    /// The string that begins at `start`, behind its opening quote, and ends like this.
    #[inline]
    pub(crate) fn plain(input: &'a [u8], start: usize, end: PlainEnd) -> Self {
        let form = if end.is_ascii {
            Form::Ascii
        } else {
            Form::Plain
        };
        Self {
            from: input.get(start..).unwrap_or_default(),
            length: end.quote - start,
            form,
            has_dot: end.has_dot,
        }
    }

    /// The bytes between the quotes, as written.
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        self.from.get(..self.length).unwrap_or_default()
    }

    /// How many bytes of the input there are from its first byte on: where it is in there, without a reference to it.
    #[inline]
    pub fn bytes_to_end(&self) -> usize {
        self.from.len()
    }

    /// Whether it holds no escape, so that [`raw`](Self::raw) is its value up to invalid UTF-8.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.form != Form::Escaped
    }

    /// Whether there may be a dot in the value: known of a string without escapes, and true of all others.
    #[inline]
    pub fn may_have_dot(&self) -> bool {
        self.has_dot
    }

    /// The value, if it is what stands between the quotes, which then is UTF-8.
    #[inline]
    pub fn verbatim(&self) -> Option<&'a [u8]> {
        let raw = self.raw();
        let is_value = match self.form {
            Form::Ascii => true,
            Form::Plain => std::str::from_utf8(raw).is_ok(),
            Form::Escaped => false,
        };
        is_value.then_some(raw)
    }

    /// Appends what stands between the quotes.
    #[inline]
    pub fn copy_raw_into(&self, out: &mut Vec<u8>) {
        /// Copied in one step, whatever the length: most strings are not longer, and nothing needs to be called.
        const SHORT: usize = 16;
        match self.from.first_chunk::<SHORT>() {
            Some(block) if self.length <= SHORT => {
                let end = out.len() + self.length;
                out.extend_from_slice(block);
                out.truncate(end);
            }
            _ => out.extend_from_slice(self.raw()),
        }
    }

    /// The value: escapes resolved, lone surrogates and invalid UTF-8 replaced by U+FFFD.
    pub fn decode(&self) -> Cow<'a, str> {
        if self.is_plain() {
            // Checks many bytes at once, which looking for what is to be replaced does not.
            return match std::str::from_utf8(self.raw()) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(self.raw()),
            };
        }
        let mut out = Vec::with_capacity(self.length);
        self.decode_into(&mut out);
        // What `decode_into` writes is always UTF-8, so this copies nothing.
        Cow::Owned(
            String::from_utf8(out)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        )
    }

    /// Appends the value to `out`, as [`decode`](Self::decode) gives it.
    #[inline]
    pub fn decode_into(&self, out: &mut Vec<u8>) {
        match self.form {
            Form::Ascii => self.copy_raw_into(out),
            Form::Plain => push_lossy(self.raw(), out),
            Form::Escaped => push_escaped(self.raw(), out),
        }
    }

    /// Whether the value is `expected`.
    #[inline]
    pub fn eq_str(&self, expected: &str) -> bool {
        if self.is_plain() {
            self.raw() == expected.as_bytes()
        } else {
            self.decode() == expected
        }
    }
}

/// Writes what was written with escapes.
fn push_escaped(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        push_lossy(before, out);
        rest = push_escape(escape, out);
    }
    push_lossy(rest, out);
}

fn push_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    if std::str::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT.as_bytes());
        }
    }
}

/// Writes the escape that `input` starts with and returns what follows it.
fn push_escape<'a>(input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let simple = match input.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return push_unicode(input, out),
        Some(&byte) => byte, // `"`, `\` and `/` stand for themselves
        None => return &[],
    };
    out.push(simple);
    input.get(2..).unwrap_or_default()
}

/// Writes a `\uXXXX` escape, together with the low surrogate that may follow a high one.
fn push_unicode<'a>(input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let after = input.get(6..).unwrap_or_default();
    let Some(unit) = code_unit(input) else {
        return after;
    };
    if (0xd800..0xdc00).contains(&unit)
        && let Some(low) = code_unit(after).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        push_char(char::from_u32(point), out);
        return after.get(6..).unwrap_or_default();
    }
    push_char(char::from_u32(unit), out);
    after
}

fn push_char(character: Option<char>, out: &mut Vec<u8>) {
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The UTF-16 code unit that the escape at the start of `input` names, if one stands there.
fn code_unit(input: &[u8]) -> Option<u32> {
    let digits = input.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit * 16 + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use crate::Reader;

    fn decoded(json: &[u8]) -> String {
        Reader::new(json).string().unwrap().decode().into_owned()
    }

    #[test]
    fn resolves_every_escape() {
        assert_eq!(
            decoded(br#""a\"\\\/\b\f\n\r\t\u0041\u00e9\u0000z""#),
            "a\"\\/\u{8}\u{c}\n\r\tA\u{e9}\0z"
        );
        assert_eq!(
            decoded(br#""\ud83d\ude00\uD83D\uDE00""#),
            "\u{1f600}\u{1f600}"
        );
    }

    #[test]
    fn a_lone_surrogate_is_one_replacement_and_swallows_nothing() {
        assert_eq!(decoded(br#""\ud800\u0041z""#), "\u{fffd}Az");
        assert_eq!(decoded(br#""\udc00\ud800""#), "\u{fffd}\u{fffd}");
        assert_eq!(decoded(br#""\ud83d\ud83d\ude00""#), "\u{fffd}\u{1f600}");
        assert_eq!(decoded(br#""\ud83d\n\ude00""#), "\u{fffd}\n\u{fffd}");
    }

    #[test]
    fn invalid_utf8_is_replaced_with_and_without_escapes() {
        assert_eq!(decoded(b"\"a\xffb\""), "a\u{fffd}b");
        assert_eq!(decoded(b"\"a\xff\\nb\xc3\""), "a\u{fffd}\nb\u{fffd}");
    }

    #[test]
    fn what_stands_there_is_copied_whatever_follows() {
        for length in 0..40 {
            for byte in ["x", "é", "."] {
                let value = byte.repeat(length);
                for after in ["", ",1", ",\"a longer one follows behind it\""] {
                    let json = format!("\"{value}\"{after}");
                    let text = Reader::new(json.as_bytes()).string().unwrap();
                    let mut out = b"before".to_vec();
                    text.copy_raw_into(&mut out);
                    assert_eq!(out, [b"before", value.as_bytes()].concat(), "{json}");
                    assert_eq!(text.verbatim(), Some(value.as_bytes()), "{json}");
                    assert_eq!(text.may_have_dot(), value.contains('.'), "{json}");
                }
            }
        }
        for json in [&b"\"a\\u002eb\""[..], b"\"\xff\""] {
            let text = Reader::new(json).string().unwrap();
            assert_eq!(text.verbatim(), None);
        }
        assert!(
            Reader::new(br#""a\u002eb""#)
                .string()
                .unwrap()
                .may_have_dot()
        );
    }

    #[test]
    fn compares_values_and_not_spellings() {
        let text = Reader::new(br#""us\u0065rId""#).string().unwrap();
        assert!(text.eq_str("userId") && !text.eq_str("userid"));
    }
}
