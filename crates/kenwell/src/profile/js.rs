//! How JavaScript sees values: trimming, truthiness, and the text of numbers.
//!
//! The layout in Redis was first written by JavaScript, so its rules decide what keys and values
//! look like. The rules are those of ECMAScript.

use kenwell_json::{Kind, Number, Reader, Skipped};

use super::Ignored;

/// What `String.prototype.trim` removes. Rust's own white space differs: it has U+0085 and lacks
/// U+FEFF.
pub(super) fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

/// `text.trim()`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Where a number's text is going to stand: JavaScript writes minus zero differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberContext {
    /// A field of its own, or the user id: minus zero is `-0`.
    Field,
    /// Inside JSON text, or in a "Profiles" key: minus zero is `0`.
    Json,
}

/// Appends the text of a number.
///
/// Integers keep the digits they were written with, however large; everything else is written as
/// ECMAScript's `Number::toString` does.
pub(super) fn push_number(
    number: Number<'_>,
    context: NumberContext,
    out: &mut Vec<u8>,
) -> Result<(), Ignored> {
    if number.is_integer() {
        if number.overflows() {
            return Err(Ignored::NumberOutOfRange);
        }
        let minus_zero = context == NumberContext::Json && number.raw() == b"-0";
        out.extend_from_slice(if minus_zero { b"0" } else { number.raw() });
        return Ok(());
    }
    if is_shortest(number.raw()) {
        out.extend_from_slice(number.raw());
        return Ok(());
    }
    let value = number.to_f64();
    if !value.is_finite() {
        return Err(Ignored::NumberOutOfRange);
    }
    if context == NumberContext::Field && value == 0.0 && value.is_sign_negative() {
        out.extend_from_slice(b"-0");
    } else {
        let mut buffer = ryu_js::Buffer::new();
        out.extend_from_slice(buffer.format_finite(value).as_bytes());
    }
    Ok(())
}

/// Whether a fraction is written as JavaScript would write it.
///
/// No two decimals of at most 15 digits are the same double, so the shortest text of the double is the one that stands
/// there, if it has no zero at its end. JavaScript writes fractions without an exponent down to 0.000001.
fn is_shortest(raw: &[u8]) -> bool {
    const DIGITS: usize = 15;
    const ZEROS: &[u8] = b"0.000000";
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    let is_plain = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    digits.len() <= DIGITS + 1
        && digits.iter().all(is_plain)
        && digits.last() != Some(&b'0')
        && !digits.starts_with(ZEROS)
}

/// `Boolean(value)`.
pub(super) fn is_truthy(value: Skipped<'_>) -> bool {
    match value.kind {
        Kind::Object | Kind::Array | Kind::True => true,
        Kind::False | Kind::Null => false,
        Kind::String => value.raw != b"\"\"",
        Kind::Number => Reader::new(value.raw)
            .number()
            .is_ok_and(|number| number.to_f64() != 0.0),
    }
}

/// `String(value)`: arrays are joined with commas, a null in them is nothing, and an object is
/// `[object Object]` whatever it holds.
pub(super) fn push_string(value: Skipped<'_>, out: &mut Vec<u8>) -> Result<(), Ignored> {
    let mut reader = Reader::new(value.raw);
    let mut open: usize = 0;
    let mut first = true;
    loop {
        match reader.kind()? {
            Kind::Array => {
                reader.enter_array()?;
                open += 1;
                first = true;
            }
            Kind::Object => {
                reader.skip()?;
                out.extend_from_slice(b"[object Object]");
            }
            Kind::String => reader.string()?.decode_into(out),
            Kind::Number => push_number(reader.number()?, NumberContext::Json, out)?,
            kind @ (Kind::True | Kind::False | Kind::Null) => {
                reader.literal()?;
                out.extend_from_slice(match kind {
                    Kind::True => b"true",
                    Kind::False => b"false",
                    _ if open > 0 => b"",
                    _ => b"null",
                });
            }
        }
        loop {
            if open == 0 {
                return Ok(());
            }
            if reader.next_element()? {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                break;
            }
            open -= 1;
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, context: NumberContext) -> String {
        let mut out = Vec::new();
        push_number(
            Reader::new(text.as_bytes()).number().unwrap(),
            context,
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (written, text) in [
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
            ("2.4e-324", "0"),
            ("-0.0", "-0"),
            ("-0", "-0"),
            ("9007199254740993", "9007199254740993"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            assert_eq!(number(written, NumberContext::Field), text, "{written}");
        }
        assert_eq!(number("-0", NumberContext::Json), "0");
        assert_eq!(number("-0.0", NumberContext::Json), "0");
        let mut out = Vec::new();
        for beyond in ["1e400", "-1.8e308", &"9".repeat(310)] {
            let number = Reader::new(beyond.as_bytes()).number().unwrap();
            assert_eq!(
                push_number(number, NumberContext::Field, &mut out),
                Err(Ignored::NumberOutOfRange)
            );
        }
    }

    #[test]
    fn what_counts_as_shortest_is_what_javascript_writes() {
        let mut shortest = 0;
        for zeros in [
            "", "0.", "0.0", "0.00000", "0.000000", "-0.", "7.", "-1234.",
        ] {
            for digits in 0..30_000_u64 {
                let end = digits * 2_654_435_761
                    % [10_000, 100_000_000_000_000][usize::from(digits % 2 == 0)];
                let text = if zeros.is_empty() {
                    format!("{digits}.{end}")
                } else {
                    format!("{zeros}{end}")
                };
                let mut buffer = ryu_js::Buffer::new();
                let value: f64 = text.parse().unwrap();
                if is_shortest(text.as_bytes()) {
                    shortest += 1;
                    assert_eq!(buffer.format_finite(value), text);
                }
                let written = buffer.format_finite(value).to_owned();
                if value != 0.0 {
                    assert_eq!(number(&text, NumberContext::Field), written, "{text}");
                }
            }
        }
        assert!(shortest > 100_000, "{shortest}");
    }

    #[test]
    fn strings_of_any_value() {
        for (json, text) in [
            ("\"a\\u0041\"", "aA"),
            (
                "[1,[2,\"x\"],null,true,{\"a\":1}]",
                "1,2,x,,true,[object Object]",
            ),
            ("[[],1]", ",1"),
            ("[null]", ""),
            ("[]", ""),
            ("{}", "[object Object]"),
            ("-0", "0"),
            ("1.50", "1.5"),
        ] {
            let mut out = Vec::new();
            push_string(Reader::new(json.as_bytes()).skip().unwrap(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn truth() {
        for (json, truth) in [
            ("\"\"", false),
            ("\"0\"", true),
            ("0", false),
            ("-0.0", false),
            ("1e-400", false),
            ("0.1", true),
            ("null", false),
            ("NaN", false),
            ("true", true),
            ("false", false),
            ("[]", true),
            ("{}", true),
        ] {
            assert_eq!(
                is_truthy(Reader::new(json.as_bytes()).skip().unwrap()),
                truth,
                "{json}"
            );
        }
    }

    #[test]
    fn trims_what_javascript_trims() {
        assert_eq!(trim("\u{feff}\u{a0}\u{3000} x \t\r\n\u{2028}"), "x");
        for kept in ["\u{200b}", "\u{180e}", "\u{85}", "\0", "\u{1f}"] {
            assert_eq!(trim(kept), kept);
        }
    }
}
