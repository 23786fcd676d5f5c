//! Skipping a value: the whole grammar is checked, in a loop, at any depth.

use crate::{Kind, Reader, SyntaxError};

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
        let mut skipped = Skipped {
            raw: &[],
            kind,
            depth: 0,
            overflows: false,
        };
        loop {
            match self.kind()? {
                Kind::Object => self.descend(&mut nesting, Bracket::Object)?,
                Kind::Array => self.descend(&mut nesting, Bracket::Array)?,
                Kind::String => drop(self.string()?),
                Kind::Number => skipped.overflows |= self.number()?.overflows(),
                Kind::True | Kind::False | Kind::Null => self.literal()?,
            }
            if !self.ascend(&mut nesting)? {
                skipped.raw = self.since(start);
                skipped.depth = nesting.deepest;
                return Ok(skipped);
            }
        }
    }

    /// Consumes an opening bracket. Whether a member or the end comes next is for
    /// [`ascend`](Self::ascend) to find out.
    fn descend(&mut self, nesting: &mut Nesting, bracket: Bracket) -> Result<(), SyntaxError> {
        match bracket {
            Bracket::Object => self.enter_object()?,
            Bracket::Array => self.enter_array()?,
        }
        nesting.push(bracket);
        Ok(())
    }

    /// To call behind a value or an opening bracket: closes what ends here, and returns whether another
    /// value comes next.
    fn ascend(&mut self, nesting: &mut Nesting) -> Result<bool, SyntaxError> {
        loop {
            let more = match nesting.top() {
                None => return Ok(false),
                Some(Bracket::Object) => self.next_key()?.is_some(),
                Some(Bracket::Array) => self.next_element()?,
            };
            if more {
                return Ok(true);
            }
            nesting.pop();
        }
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
            self.spilled.push(self.top);
        }
        self.top = (self.top << 1) | u64::from(bracket == Bracket::Object);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
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
