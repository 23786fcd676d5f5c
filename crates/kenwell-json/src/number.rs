//! A number as it was written: its digits stay exact until the caller asks for a double.

/// A JSON number, borrowed as written.
///
/// Its text is ASCII and follows the grammar of RFC 8259 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    raw: &'a [u8],
}

/// No shorter number without an exponent can leave the range of a double, whose largest value has
/// 309 digits.
const LONGEST_SAFE: usize = 308;

impl<'a> Number<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The number's text, as written.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether it was written without fraction and exponent, so that its text is its exact value.
    pub fn is_integer(&self) -> bool {
        !self
            .raw
            .iter()
            .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
    }

    /// The nearest double, correctly rounded; infinite when it [overflows](Self::overflows).
    pub fn to_f64(&self) -> f64 {
        // The grammar was checked, so neither step can fail.
        std::str::from_utf8(self.raw)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(f64::NAN)
    }

    /// Whether the nearest double is infinite, as with `1e400`.
    pub fn overflows(&self) -> bool {
        let may_overflow = self.raw.len() > LONGEST_SAFE
            || self.raw.iter().any(|byte| matches!(byte, b'e' | b'E'));
        may_overflow && self.to_f64().is_infinite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_leaves_the_range_of_a_double() {
        for fits in [
            "0",
            "-0",
            "1e308",
            "1.7976931348623157e308",
            "1e-400",
            "12345678901234567890",
        ] {
            assert!(!Number::new(fits.as_bytes()).overflows(), "{fits}");
        }
        let long = format!("1{}", "0".repeat(309));
        for beyond in ["1e309", "-1e309", "1.8e308", "1E400", &long] {
            assert!(Number::new(beyond.as_bytes()).overflows(), "{beyond}");
        }
        let fraction = format!("0.{}", "1".repeat(1000));
        assert!(!Number::new(fraction.as_bytes()).overflows());
    }

    #[test]
    fn tells_integers_by_their_spelling() {
        assert!(Number::new(b"-12").is_integer());
        assert!(!Number::new(b"1.0").is_integer());
        assert!(!Number::new(b"1e2").is_integer());
    }
}
