//! The reader: a position in the bytes, and one method for each thing that can come next.

use crate::{
    Number, SyntaxError, Text,
    string_end::{plain_end, plain_string_end, string_end},
};

/// What follows a member of an object.
pub(crate) const OBJECT_GOES_ON: &str = "a comma or the object's end";
/// What follows an element of an array.
pub(crate) const ARRAY_GOES_ON: &str = "a comma or the array's end";

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number; not the tokens `NaN` and `Infinity`, which count as [`Kind::Null`].
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`, `NaN`, `Infinity` or `-Infinity`.
    Null,
}

/// Reads one JSON value from a byte slice, forwards only.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    /// Just behind an opening bracket, where no comma may stand.
    after_bracket: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            after_bracket: false,
        }
    }

    /// Bytes consumed so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Skips white space and tells what comes next, without consuming it.
    #[inline]
    pub fn kind(&mut self) -> Result<Kind, SyntaxError> {
        let byte = self.input.get(self.at).copied();
        match byte.and_then(usual_kind) {
            Some(kind) => Ok(kind),
            None => self.any_kind(),
        }
    }

    /// The same where there may be white space.
    #[inline(never)]
    fn any_kind(&mut self) -> Result<Kind, SyntaxError> {
        self.peek();
        kind_at(self.input, self.at).ok_or_else(|| self.error("a value"))
    }

    /// Consumes `{`. Then call [`next_key`](Self::next_key) until it gives `None`.
    pub fn enter_object(&mut self) -> Result<(), SyntaxError> {
        self.open(b'{', "an object")
    }

    /// Consumes `[`. Then call [`next_element`](Self::next_element) until it gives `false`.
    pub fn enter_array(&mut self) -> Result<(), SyntaxError> {
        self.open(b'[', "an array")
    }

    /// The next key of the object, colon consumed, with its value coming next; `None` when the
    /// object ended.
    #[expect(
        clippy::inline_always,
        reason = "what it gives is large, and mostly taken apart at once"
    )]
    #[inline(always)]
    pub fn next_key(&mut self) -> Result<Option<Text<'a>>, SyntaxError> {
        let first = usize::from(!self.after_bracket);
        // The usual key first, since it needs the fewest questions.
        if (self.after_bracket || self.input.get(self.at) == Some(&b','))
            && let Some(key) = self.usual_key(self.at + first)
        {
            self.after_bracket = false;
            return Ok(Some(key));
        }
        self.any_member()
    }

    #[inline(never)]
    fn any_member(&mut self) -> Result<Option<Text<'a>>, SyntaxError> {
        if !self.next_member(b'}', OBJECT_GOES_ON)? {
            return Ok(None);
        }
        match self.usual_key(self.at) {
            Some(key) => Ok(Some(key)),
            None => self.any_key().map(Some),
        }
    }

    /// Consumes the key at `at` and its colon, if it has no escapes and no white space around it; anything else it
    /// leaves where it is.
    #[inline]
    fn usual_key(&mut self, at: usize) -> Option<Text<'a>> {
        if self.input.get(at) != Some(&b'"') {
            return None;
        }
        let start = at + 1;
        let end = plain_string_end(self.input, start)?;
        if self.input.get(end.quote + 1) != Some(&b':') {
            return None;
        }
        self.at = end.quote + 2;
        Some(Text::plain(self.input, start, end))
    }

    #[inline(never)]
    fn any_key(&mut self) -> Result<Text<'a>, SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a key"));
        }
        self.at += 1;
        let key = self.string_after_quote()?;
        if self.peek() != Some(b':') {
            return Err(self.error("a colon"));
        }
        self.at += 1;
        Ok(key)
    }

    /// Whether another element of the array comes next; `false` when the array ended.
    #[inline]
    pub fn next_element(&mut self) -> Result<bool, SyntaxError> {
        self.next_member(b']', ARRAY_GOES_ON)
    }

    /// Consumes the string that comes next, if that is one without escapes; otherwise consumes nothing and says so.
    #[inline]
    pub fn pass_plain_string(&mut self) -> bool {
        if self.input.get(self.at) != Some(&b'"') {
            return false;
        }
        let end = plain_end(self.input, self.at + 1);
        self.at = end.map_or(self.at, |quote| quote + 1);
        end.is_some()
    }

    /// Consumes a string.
    #[expect(
        clippy::inline_always,
        reason = "what it gives is large, and mostly taken apart at once"
    )]
    #[inline(always)]
    pub fn string(&mut self) -> Result<Text<'a>, SyntaxError> {
        let start = self.at + 1;
        if self.input.get(self.at) == Some(&b'"')
            && let Some(end) = plain_string_end(self.input, start)
        {
            self.at = end.quote + 1;
            return Ok(Text::plain(self.input, start, end));
        }
        self.any_string()
    }

    /// The same where there may be white space, or escapes.
    #[inline(never)]
    fn any_string(&mut self) -> Result<Text<'a>, SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a string"));
        }
        self.at += 1;
        self.string_after_quote()
    }

    /// Consumes what follows the opening quote of a string.
    fn string_after_quote(&mut self) -> Result<Text<'a>, SyntaxError> {
        let start = self.at;
        match plain_string_end(self.input, start) {
            Some(end) => {
                self.at = end.quote + 1;
                Ok(Text::plain(self.input, start, end))
            }
            None => self.any_string_after_quote(),
        }
    }

    #[inline(never)]
    fn any_string_after_quote(&mut self) -> Result<Text<'a>, SyntaxError> {
        let start = self.at;
        let (end, plain) = string_end(self.input, start)?;
        self.at = end + 1;
        Ok(Text::new(self.input, start, end, plain))
    }

    /// Consumes a number.
    pub fn number(&mut self) -> Result<Number<'a>, SyntaxError> {
        self.peek();
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') && self.digits() == 0 {
            return Err(self.error("a digit"));
        }
        if self.eat(b'.') && self.digits() == 0 {
            return Err(self.error("a digit"));
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return Err(self.error("a digit"));
            }
        }
        Ok(Number::new(
            self.input.get(start..self.at).unwrap_or_default(),
        ))
    }

    /// Consumes `true`, `false`, `null`, `NaN`, `Infinity` or `-Infinity`.
    pub fn literal(&mut self) -> Result<(), SyntaxError> {
        let length = match self.peek() {
            Some(b't') => self.length_of(b"true"),
            Some(b'f') => self.length_of(b"false"),
            Some(b'n') => self.length_of(b"null"),
            Some(b'N') => self.length_of(b"NaN"),
            Some(b'I') => self.length_of(b"Infinity"),
            _ => self.length_of(b"-Infinity"),
        };
        self.at += length.ok_or_else(|| self.error("a value"))?;
        Ok(())
    }

    /// The length of a word, if it comes next.
    #[inline]
    fn length_of<const LENGTH: usize>(&self, word: &[u8; LENGTH]) -> Option<usize> {
        (self.rest().first_chunk() == Some(word)).then_some(LENGTH)
    }

    /// Succeeds when nothing but white space is left.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Skips white space and gives the byte that follows.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let (at, byte) = next_byte(self.input, self.at);
        self.at = at;
        byte
    }

    /// All of the input, what was consumed and what was not.
    #[inline]
    pub fn input(&self) -> &'a [u8] {
        self.input
    }

    /// Goes on at `at`.
    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Consumes `byte` if it comes next, without skipping white space.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.input.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// The bytes consumed since [`position`](Self::position) was `start`.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.input.get(start..self.at).unwrap_or_default()
    }

    fn error(&self, expected: &'static str) -> SyntaxError {
        SyntaxError::new(self.at, expected)
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), SyntaxError> {
        if self.peek() != Some(bracket) {
            return Err(self.error(expected));
        }
        self.at += 1;
        self.after_bracket = true;
        Ok(())
    }

    #[inline]
    fn next_member(&mut self, close: u8, expected: &'static str) -> Result<bool, SyntaxError> {
        let after_bracket = std::mem::take(&mut self.after_bracket);
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !after_bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if after_bracket => Ok(true),
            _ => Err(self.error(expected)),
        }
    }

    fn digits(&mut self) -> usize {
        let count = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        count
    }
}

/// The first byte from `at` on that is no white space, and where it is.
#[inline]
pub(crate) fn next_byte(input: &[u8], at: usize) -> (usize, Option<u8>) {
    match input.get(at) {
        // One comparison decides for nearly all bytes.
        Some(&byte) if byte > b' ' => (at, Some(byte)),
        _ => behind_space(input, at),
    }
}

/// The same where there is white space, or nothing.
#[inline(never)]
fn behind_space(input: &[u8], at: usize) -> (usize, Option<u8>) {
    let rest = input.get(at..).unwrap_or_default();
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let at = at + rest.iter().take_while(is_space).count();
    (at, input.get(at).copied())
}

/// What kind of value begins with a byte, where that is all there is to know.
#[inline]
fn usual_kind(byte: u8) -> Option<Kind> {
    match byte {
        b'"' => Some(Kind::String),
        b'{' => Some(Kind::Object),
        b'[' => Some(Kind::Array),
        b't' => Some(Kind::True),
        b'f' => Some(Kind::False),
        b'n' => Some(Kind::Null),
        b'0'..=b'9' => Some(Kind::Number),
        _ => None,
    }
}

/// What kind of value begins at `at`.
pub(crate) fn kind_at(input: &[u8], at: usize) -> Option<Kind> {
    Some(match input.get(at)? {
        b'"' => Kind::String,
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b't' => Kind::True,
        b'f' => Kind::False,
        b'n' | b'N' | b'I' => Kind::Null,
        b'-' if input.get(at + 1) == Some(&b'I') => Kind::Null,
        b'-' | b'0'..=b'9' => Kind::Number,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_nested_values() {
        let mut reader = Reader::new(b" { \"a\" : [ 1 , {} , [ ] ] , \"b\" : NaN } ");
        reader.enter_object().unwrap();
        assert!(reader.next_key().unwrap().unwrap().eq_str("a"));
        reader.enter_array().unwrap();
        assert!(reader.next_element().unwrap());
        assert_eq!(reader.number().unwrap().raw(), b"1");
        assert!(reader.next_element().unwrap());
        reader.enter_object().unwrap();
        assert!(reader.next_key().unwrap().is_none());
        assert!(reader.next_element().unwrap());
        assert_eq!(reader.skip().unwrap().raw, b"[ ]");
        assert!(!reader.next_element().unwrap());
        assert!(reader.next_key().unwrap().unwrap().eq_str("b"));
        assert_eq!(reader.kind(), Ok(Kind::Null));
        reader.literal().unwrap();
        assert!(reader.next_key().unwrap().is_none());
        reader.end().unwrap();
    }

    #[test]
    fn names_the_place_of_the_error() {
        let mut reader = Reader::new(b"{\"a\":1 \"b\":2}");
        reader.enter_object().unwrap();
        reader.next_key().unwrap();
        reader.number().unwrap();
        let error = reader.next_key().unwrap_err();
        assert_eq!(
            error.to_string(),
            "not JSON at byte 7: a comma or the object's end expected"
        );
    }

    #[test]
    fn tells_minus_infinity_from_numbers() {
        assert_eq!(Reader::new(b"-Infinity").kind(), Ok(Kind::Null));
        assert_eq!(Reader::new(b"-1").kind(), Ok(Kind::Number));
        assert!(Reader::new(b"-Infinite").literal().is_err());
    }
}
