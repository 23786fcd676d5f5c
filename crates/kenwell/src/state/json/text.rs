//! Strings as `JSON.stringify` writes them, lone surrogates included.

use std::borrow::Cow;
use std::fmt::Write;

use kenwell_json::Text;

/// Appends a string in quotes.
pub(super) fn push_quoted(text: Text<'_>, out: &mut String) {
    out.push('"');
    if text.is_plain() {
        out.push_str(&text.decode());
    } else {
        push_escaped(text.raw(), out);
    }
    out.push('"');
}

fn push_escaped(raw: &[u8], out: &mut String) {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(&String::from_utf8_lossy(before));
        rest = push_escape(escape, out);
    }
    out.push_str(&String::from_utf8_lossy(rest));
}

/// Writes the value of the escape that `input` starts with, and gives what follows it.
fn push_escape<'a>(input: &'a [u8], out: &mut String) -> &'a [u8] {
    let after = |count: usize| input.get(count..).unwrap_or_default();
    let Some(unit) = code_unit(input) else {
        // Short escapes are canonical as they are; only `\/` need not be one.
        match input.get(1) {
            Some(b'/') => out.push('/'),
            Some(&byte) => out.extend(['\\', char::from(byte)]),
            None => {}
        }
        return after(2);
    };
    let low = code_unit(after(6)).filter(|low| (0xdc00..0xe000).contains(low));
    match (unit, low) {
        (0xd800..0xdc00, Some(low)) => {
            let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            out.extend(char::from_u32(point));
            return after(12);
        }
        // Writing to a string cannot fail.
        (0xd800..0xe000, _) => write!(out, "\\u{unit:04x}").unwrap_or_default(),
        _ => char::from_u32(unit)
            .into_iter()
            .for_each(|it| push_character(it, out)),
    }
    after(6)
}

fn push_character(character: char, out: &mut String) {
    let short = match character {
        '"' | '\\' => character,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\0'..' ' => {
            // Writing to a string cannot fail.
            write!(out, "\\u{:04x}", u32::from(character)).unwrap_or_default();
            return;
        }
        _ => {
            out.push(character);
            return;
        }
    };
    out.extend(['\\', short]);
}

/// The UTF-16 code unit that the escape at the start of `input` names, if a `\uXXXX` stands there.
fn code_unit(input: &[u8]) -> Option<u32> {
    let digits = input.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit * 16 + char::from(digit).to_digit(16)?)
    })
}

/// Canonical text with U+FFFD for each lone surrogate: they are all that it escapes as `\ud…`.
pub(super) fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        // An escape is two ASCII characters, or six when it names a code unit.
        let (escape, after) = escape.split_at(if escape.starts_with("\\ud") { 6 } else { 2 });
        out.push_str(if escape.len() == 6 {
            "\u{fffd}"
        } else {
            escape
        });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}
