//! Skipping a value: the whole grammar is checked, in a loop, at any depth.

use crate::{
    Kind, Reader, SyntaxError,
    reader::{ARRAY_GOES_ON, OBJECT_GOES_ON, next_byte},
    string_end::{plain_end, string_end},
};

/// A value that was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped<'a> {
    /// Its bytes, without surrounding white space.
    pub raw: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// The deepest nesting of objects and arrays in it: 0 for a scalar, 1 for `{}`.
    pub depth: usize,
    /// Whether a number somewhere in it leaves the range of a double.
    pub overflows: bool,
}

impl<'a> Reader<'a> {
    /// Consumes any value and returns what it was.
    pub fn skip(&mut self) -> Result<Skipped<'a>, SyntaxError> {
        let kind = self.kind()?;
        let start = self.position();
        let mut nesting = Nesting::default();
        let mut overflows = false;
        // The place is a local variable, which stays in a register.
        let (input, mut at) = (self.input(), start);
        loop {
            let (here, byte) = next_byte(input, at);
            match byte {
                Some(b'"') => at = behind_string(input, here + 1)?,
                Some(b'{') => {
                    nesting.push(Bracket::Object);
                    let (next, byte) = next_byte(input, here + 1);
                    match byte {
                        Some(b'}') => at = next,
                        Some(_) => {
                            at = behind_key(input, next)?;
                            continue;
                        }
                        None => return Err(SyntaxError::new(next, OBJECT_GOES_ON)),
                    }
                }
                Some(b'[') => {
                    nesting.push(Bracket::Array);
                    let (next, byte) = next_byte(input, here + 1);
                    at = next;
                    match byte {
                        Some(b']') => {}
                        Some(_) => continue,
                        None => return Err(SyntaxError::new(next, ARRAY_GOES_ON)),
                    }
                }
                _ => {
                    self.go_to(here);
                    if self.kind()? == Kind::Number {
                        overflows |= self.number()?.overflows();
                    } else {
                        self.literal()?;
                    }
                    at = self.position();
                }
            }
            match ascend(input, at, &mut nesting)? {
                Place::Value(next) => at = next,
                Place::End(end) => {
                    self.go_to(end);
                    return Ok(Skipped {
                        raw: self.since(start),
                        kind,
                        depth: nesting.deepest,
                        overflows,
                    });
                }
            }
        }
    }
}

/// What comes next, and where.
enum Place {
    /// Another value.
    Value(usize),
    /// Nothing: the value that is skipped ended.
    End(usize),
}

/// To call behind a value, or behind the opening bracket of an empty one: closes what ends here, up to the next value.
#[inline]
fn ascend(input: &[u8], mut at: usize, nesting: &mut Nesting) -> Result<Place, SyntaxError> {
    loop {
        let (close, expected) = match nesting.top() {
            None => return Ok(Place::End(at)),
            Some(Bracket::Object) => (b'}', OBJECT_GOES_ON),
            Some(Bracket::Array) => (b']', ARRAY_GOES_ON),
        };
        let (here, byte) = next_byte(input, at);
        match byte {
            Some(b',') if close == b'}' => {
                let (key, _) = next_byte(input, here + 1);
                return behind_key(input, key).map(Place::Value);
            }
            Some(b',') => return Ok(Place::Value(here + 1)),
            Some(byte) if byte == close => {
                at = here + 1;
                nesting.pop();
            }
            _ => return Err(SyntaxError::new(here, expected)),
        }
    }
}

/// The place behind the key at `at` and its colon.
#[inline]
fn behind_key(input: &[u8], at: usize) -> Result<usize, SyntaxError> {
    match behind_usual_key(input, at) {
        Some(behind) => Ok(behind),
        None => behind_any_key(input, at),
    }
}

/// The same for a key without escapes and white space behind it. A place alone is returned in registers.
#[inline]
fn behind_usual_key(input: &[u8], at: usize) -> Option<usize> {
    if input.get(at) != Some(&b'"') {
        return None;
    }
    let colon = plain_end(input, at + 1)? + 1;
    (input.get(colon) == Some(&b':')).then_some(colon + 1)
}

#[inline(never)]
fn behind_any_key(input: &[u8], at: usize) -> Result<usize, SyntaxError> {
    if input.get(at) != Some(&b'"') {
        return Err(SyntaxError::new(at, "a key"));
    }
    let (colon, byte) = next_byte(input, behind_string(input, at + 1)?);
    if byte != Some(b':') {
        return Err(SyntaxError::new(colon, "a colon"));
    }
    Ok(colon + 1)
}

/// The place behind the string that begins at `at`, behind its opening quote.
#[inline]
fn behind_string(input: &[u8], at: usize) -> Result<usize, SyntaxError> {
    match plain_end(input, at) {
        Some(end) => Ok(end + 1),
        None => string_end(input, at).map(|(end, _)| end + 1),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Object,
    Array,
}

/// The open brackets, one bit each: the first 64 levels need no allocation, and a body of nothing but
/// brackets takes an eighth of its size.
#[derive(Default)]
struct Nesting {
    top: u64,
    spilled: Vec<u64>,
    depth: usize,
    deepest: usize,
}

impl Nesting {
    fn push(&mut self, bracket: Bracket) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.spill();
        }
        self.top = (self.top << 1) | u64::from(bracket == Bracket::Object);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        self.spilled.push(self.top);
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.top >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.top = self.spilled.pop().unwrap_or_default();
        }
    }

    fn top(&self) -> Option<Bracket> {
        match (self.depth, self.top & 1) {
            (0, _) => None,
            (_, 1) => Some(Bracket::Object),
            _ => Some(Bracket::Array),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(json: &[u8]) -> bool {
        let mut reader = Reader::new(json);
        reader.skip().is_ok() && reader.end().is_ok()
    }

    #[test]
    fn accepts_the_grammar_and_nothing_else() {
        for good in [
            "{}",
            "[]",
            " [1, -0.5e+3 ,\"x\",true,false,null]",
            "{\"a\":{\"b\":[{}]}}",
            "0",
            "\"\\u0041\"",
            "NaN",
            "[-Infinity]",
        ] {
            assert!(valid(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "{",
            "[",
            "]",
            "{]",
            "[}",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "[1 2]",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "-",
            "tru",
            "nul",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a",
            "\"\n\"",
            "[,1]",
            "{,}",
            "1 1",
            "\u{feff}{}",
            "'a'",
            "nan",
            "[1],",
        ] {
            assert!(!valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn measures_depth_far_beyond_any_stack() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 1_000_000] {
            let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(Reader::new(json.as_bytes()).skip().unwrap().depth, depth);
        }
        let mixed = format!("{}1{}", "[{\"k\":".repeat(100), "}]".repeat(100));
        assert_eq!(Reader::new(mixed.as_bytes()).skip().unwrap().depth, 200);
        assert!(!valid(
            format!("{}1{}", "[{\"k\":".repeat(100), "]}".repeat(100)).as_bytes()
        ));
    }

    #[test]
    fn reports_overflow_kind_and_bytes() {
        let skipped = Reader::new(b" [1,{\"x\":1e999}] ").skip().unwrap();
        assert!(skipped.overflows);
        assert_eq!(
            (skipped.kind, skipped.raw),
            (Kind::Array, &b"[1,{\"x\":1e999}]"[..])
        );
        assert!(!Reader::new(b"[1e3]").skip().unwrap().overflows);
    }
}
