//! The reader: a position in the bytes, and one method for each thing that can come next.

use crate::{Number, Text, plain_run::plain_run};

/// Where and why the bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {offset}: {expected} expected")]
pub struct SyntaxError {
    /// Bytes from the start of the input to the offending one.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

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
    pub fn kind(&mut self) -> Result<Kind, SyntaxError> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n' | b'N' | b'I') => Ok(Kind::Null),
            Some(b'-') if self.input.get(self.at + 1) == Some(&b'I') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(self.error("a value")),
        }
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
    pub fn next_key(&mut self) -> Result<Option<Text<'a>>, SyntaxError> {
        if !self.next_member(b'}', "a comma or the object's end")? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.error("a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.error("a colon"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Whether another element of the array comes next; `false` when the array ended.
    pub fn next_element(&mut self) -> Result<bool, SyntaxError> {
        self.next_member(b']', "a comma or the array's end")
    }

    /// Consumes a string.
    pub fn string(&mut self) -> Result<Text<'a>, SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a string"));
        }
        self.at += 1;
        let start = self.at;
        let mut plain = true;
        loop {
            self.at += plain_run(self.rest());
            match self.input.get(self.at) {
                Some(b'"') => {
                    let raw = self.input.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Text::new(raw, plain));
                }
                Some(b'\\') => {
                    plain = false;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("no control character in a string")),
                None => return Err(self.error("a closing quote")),
            }
        }
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
        let word: &[u8] = match self.peek() {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            Some(b'N') => b"NaN",
            Some(b'I') => b"Infinity",
            _ => b"-Infinity",
        };
        if !self.rest().starts_with(word) {
            return Err(self.error("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Succeeds when nothing but white space is left.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Skips white space and gives the byte that follows.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.input.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
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
        SyntaxError {
            offset: self.at,
            expected,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), SyntaxError> {
        if self.peek() != Some(bracket) {
            return Err(self.error(expected));
        }
        self.at += 1;
        self.after_bracket = true;
        Ok(())
    }

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

    /// Consumes one escape, which must be well formed.
    fn escape(&mut self) -> Result<(), SyntaxError> {
        match self.input.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.input.get(self.at + 2..self.at + 6).unwrap_or_default();
                if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.error("four hexadecimal digits"));
                }
                self.at += 6;
            }
            _ => return Err(self.error("an escape")),
        }
        Ok(())
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
