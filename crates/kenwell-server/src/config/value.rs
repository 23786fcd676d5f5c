//! From a TOML value or a variable's text to a typed value, or to what is wrong with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeInteger, DeValue};

/// What was given for a setting.
pub(super) enum Input<'a> {
    /// In the file.
    Toml(&'a DeValue<'a>),
    /// In an environment variable.
    Variable(&'a str),
}

/// What is wrong with a value, and the fix.
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) fix: String,
}

/// The bounds of a wait for Redis.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(50);
const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);

impl Wrong {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl Input<'_> {
    /// The value's text, if it is text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Variable(text) => Some(text),
        }
    }

    fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Toml(value) => value.as_integer().and_then(integer_of),
            Self::Variable(text) => text.trim().parse().ok(),
        }
    }

    /// A complaint about the type; it never shows the value, which may be a secret.
    pub(super) fn not_a(&self, wanted: &str, example: &str) -> Wrong {
        let found = match self {
            Self::Toml(value) => with_article(value.type_str()),
            Self::Variable(_) => "other text",
        };
        Wrong::new(
            format!("expected {wanted}, found {found}"),
            format!("write it like {example}"),
        )
    }
}

/// TOML's word for a type, in a sentence.
pub(super) fn with_article(kind: &str) -> &'static str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "float" => "a number with a fraction",
        "boolean" => "true or false",
        "datetime" => "a date",
        "array" => "a list",
        _ => "a table",
    }
}

fn integer_of(integer: &DeInteger<'_>) -> Option<i128> {
    let digits = integer.as_str().replace('_', "");
    i128::from_str_radix(&digits, integer.radix()).ok()
}

/// Any text.
pub(super) fn text(input: &Input<'_>) -> Result<String, Wrong> {
    match input.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Err(input.not_a("text", "\"text\"")),
    }
}

/// Text with something in it.
pub(super) fn filled_text(input: &Input<'_>) -> Result<String, Wrong> {
    let text = text(input)?;
    if text.trim().is_empty() {
        return Err(Wrong::new(
            "it is empty",
            "give it a value, or remove the line",
        ));
    }
    Ok(text)
}

/// `true` or `false`.
pub(super) fn flag(input: &Input<'_>) -> Result<bool, Wrong> {
    let flag = match input {
        Input::Toml(value) => value.as_bool(),
        Input::Variable(text) => text.trim().parse().ok(),
    };
    flag.ok_or_else(|| input.not_a("true or false", "true, without quotes"))
}

/// A whole number within bounds.
pub(super) fn number<N>(input: &Input<'_>, bounds: &RangeInclusive<N>) -> Result<N, Wrong>
where
    N: Copy + TryFrom<i128> + PartialOrd + std::fmt::Display,
{
    let (least, most) = (bounds.start(), bounds.end());
    let Some(found) = input.as_integer() else {
        return Err(input.not_a("a whole number", &format!("{least}, without quotes")));
    };
    match N::try_from(found) {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => Err(Wrong::new(
            format!("{found} is out of range"),
            format!("use a number from {least} to {most}"),
        )),
    }
}

/// One of a closed set of words.
pub(super) fn choice<T: Copy>(input: &Input<'_>, choices: &[(&str, T)]) -> Result<T, Wrong> {
    let listed = choices
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(" or ");
    let Some(text) = input.as_text() else {
        return Err(input.not_a(&listed, &listed));
    };
    choices
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| Wrong::new(format!("unknown value \"{text}\""), format!("use {listed}")))
}

/// An IP address with a port, to listen on.
pub(super) fn listen(input: &Input<'_>) -> Result<SocketAddr, Wrong> {
    let wrong = || input.not_a("an address as text", "\"127.0.0.1:8080\"");
    let text = input.as_text().ok_or_else(wrong)?;
    text.parse().map_err(|_| {
        let fix = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("use an IP address, such as \"127.0.0.1:{port}\""),
            Some(("" | "*", port)) => format!("to listen on every address, use \"0.0.0.0:{port}\""),
            _ => {
                "use an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"".into()
            }
        };
        Wrong::new(format!("\"{text}\" is not an address to listen on"), fix)
    })
}

/// A list of texts; in a variable, separated by commas.
pub(super) fn text_list(input: &Input<'_>) -> Result<Vec<String>, Wrong> {
    const EXAMPLE: &str = "[\"profiles\"]";
    match input {
        Input::Variable(text) => Ok(text
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()),
        Input::Toml(value) => {
            let wrong = || input.not_a("a list of ids", EXAMPLE);
            let items = value.as_array().ok_or_else(wrong)?;
            items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| {
                    Wrong::new(
                        "the list holds something that is not text",
                        format!("write it like {EXAMPLE}"),
                    )
                })
        }
    }
}

/// Texts by name: a table, or in a variable pairs such as `a=b, c=d`.
pub(super) fn text_map(
    input: &Input<'_>,
    example: &str,
) -> Result<BTreeMap<String, String>, Wrong> {
    let wrong = || input.not_a("a table of texts", example);
    match input {
        Input::Variable(text) => {
            let pairs = text
                .split(',')
                .map(str::trim)
                .filter(|pair| !pair.is_empty());
            let split = |pair: &str| {
                let (name, value) = pair.split_once('=')?;
                Some((name.trim().to_owned(), value.trim().to_owned()))
            };
            let fix = "write it like name=value, name=value";
            pairs
                .map(split)
                .collect::<Option<_>>()
                .ok_or_else(|| Wrong::new("it holds something that is no pair", fix))
        }
        Input::Toml(value) => {
            let table = value.as_table().ok_or_else(wrong)?;
            let pairs = table.iter().map(|(name, value)| {
                let value = value.get_ref().as_str()?.to_owned();
                Some((name.get_ref().to_string(), value))
            });
            pairs.collect::<Option<_>>().ok_or_else(wrong)
        }
    }
}

/// A number of bytes: an integer, or text such as `8 GiB`.
pub(super) fn size(input: &Input<'_>) -> Result<u64, Wrong> {
    const EXAMPLE: &str = "\"8 GiB\", \"500 MB\" or 1048576 (bytes)";
    let wrong = || input.not_a("a size", EXAMPLE);
    if let Some(bytes) = input.as_integer() {
        return u64::try_from(bytes).map_err(|_| out_of_range(bytes, EXAMPLE));
    }
    let text = input.as_text().ok_or_else(wrong)?.trim();
    let (digits, unit) = split_unit(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" | "" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(bad_amount(text, "a size", EXAMPLE)),
    };
    amount(digits, factor).ok_or_else(|| bad_amount(text, "a size", EXAMPLE))
}

/// A length of time: an integer of seconds, or text such as `24h` or `1h 30m`.
pub(super) fn duration(input: &Input<'_>) -> Result<Duration, Wrong> {
    const EXAMPLE: &str = "\"24h\", \"30s\", \"1h 30m\" or 30 (seconds)";
    let wrong = || input.not_a("a length of time", EXAMPLE);
    if let Some(seconds) = input.as_integer() {
        return u64::try_from(seconds)
            .map(Duration::from_secs)
            .map_err(|_| out_of_range(seconds, EXAMPLE));
    }
    let text = input.as_text().ok_or_else(wrong)?;
    duration_of(text).ok_or_else(|| bad_amount(text, "a length of time", EXAMPLE))
}

/// How long to wait for Redis.
pub(super) fn timeout(input: &Input<'_>) -> Result<Duration, Wrong> {
    const FIX: &str = "write it like \"5s\" or \"500ms\"";
    let wanted = duration(input)?;
    if wanted < SHORTEST_TIMEOUT || wanted > LONGEST_TIMEOUT {
        return Err(Wrong::new("it must be from 50ms to 10m", FIX));
    }
    Ok(wanted)
}

/// A length of time such as `1h 30m`.
pub(crate) fn duration_of(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (digits, tail) = split_unit(rest);
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(amount(digits, milliseconds)?)?;
        rest = next.trim_start();
    }
    Some(Duration::from_millis(total))
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim_start())
}

fn amount(digits: &str, factor: u64) -> Option<u64> {
    digits
        .replace('_', "")
        .parse::<u64>()
        .ok()?
        .checked_mul(factor)
}

fn out_of_range(found: i128, example: &str) -> Wrong {
    Wrong::new(
        format!("{found} is out of range"),
        format!("write it like {example}"),
    )
}

fn bad_amount(text: &str, wanted: &str, example: &str) -> Wrong {
    Wrong::new(
        format!("\"{text}\" is not {wanted}"),
        format!("write it like {example}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        let size = |text| size(&Input::Variable(text)).ok();
        assert_eq!(size("8 GiB"), Some(8 << 30));
        assert_eq!(size("1KB"), Some(1000));
        assert_eq!(size("1_048_576"), Some(1 << 20));
        assert_eq!(size("4096"), Some(4096));
        assert_eq!(size("1.5 GiB"), None);
        assert_eq!(size("-1"), None);
        assert_eq!(size("GiB"), None);
        assert_eq!(size("99999999999 TiB"), None);
    }

    #[test]
    fn durations_may_have_several_parts() {
        assert_eq!(duration_of("1h 30m"), Some(Duration::from_mins(90)));
        assert_eq!(duration_of("7d"), Some(Duration::from_hours(7 * 24)));
        assert_eq!(duration_of("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration_of("5 fortnights"), None);
        assert_eq!(duration_of(""), None);
        assert_eq!(duration_of("-5s"), None);
    }
}
