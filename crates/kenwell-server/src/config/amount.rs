//! Sizes such as `8 GiB` and lengths of time such as `1h 30m`.

use std::time::Duration;

use super::input::{Input, ValueError};

/// A number of bytes, at least so many: a whole number, or text.
pub(super) fn size(input: &Input<'_>, least: u64) -> Result<u64, ValueError> {
    let example = "\"8 GiB\", \"500 MB\" or 1048576 (bytes)";
    let bytes = amount(input, "a size", example, |bytes| bytes, size_of)?;
    if bytes < least {
        let what = format!("{bytes} bytes is too small");
        let fix = format!("use at least \"{} MiB\"", least >> 20);
        return Err(ValueError::new(what, fix));
    }
    Ok(bytes)
}

/// A length of time between these milliseconds: a whole number of seconds, or text.
pub(super) fn duration(input: &Input<'_>, least: u64, most: u64) -> Result<Duration, ValueError> {
    let example = "\"24h\", \"30s\", \"1h 30m\" or 30 (seconds)";
    let from_seconds = Duration::from_secs;
    let wanted = amount(
        input,
        "a length of time",
        example,
        from_seconds,
        duration_of,
    )?;
    let milliseconds = wanted.as_millis();
    if milliseconds >= u128::from(least) && (most == u64::MAX || milliseconds <= u128::from(most)) {
        return Ok(wanted);
    }
    Err(if most == u64::MAX {
        ValueError::new("it must be longer than zero", "write it like \"30s\"")
    } else {
        let (least, most) = (in_largest_unit(least), in_largest_unit(most));
        let what = format!("it must be from {least} to {most}");
        ValueError::new(what, "write it like \"5s\" or \"500ms\"")
    })
}

fn amount<T>(
    input: &Input<'_>,
    wanted: &str,
    example: &str,
    of_integer: impl FnOnce(u64) -> T,
    of_text: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ValueError> {
    let fix = format!("write it like {example}");
    if let Some(integer) = input.as_integer() {
        let amount = u64::try_from(integer).map(of_integer);
        return amount.map_err(|_| ValueError::new(format!("{integer} is out of range"), fix));
    }
    let text = input.as_text();
    let text = text.ok_or_else(|| input.not_a(wanted, example))?;
    of_text(text)
        .ok_or_else(|| ValueError::new(format!("\"{}\" is not {wanted}", text.trim()), fix))
}

fn size_of(text: &str) -> Option<u64> {
    let (digits, unit) = split_unit(text.trim());
    let factor = match unit.to_ascii_lowercase().as_str() {
        "b" | "" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    product(digits, factor)
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
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(product(digits, milliseconds)?)?;
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

fn product(digits: &str, factor: u64) -> Option<u64> {
    let number: u64 = digits.replace('_', "").parse().ok()?;
    number.checked_mul(factor)
}

/// As the file would have it, in one unit: `90s`, `30m`, `7d`.
pub(crate) fn duration_text(duration: Duration) -> String {
    in_largest_unit(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// The same of so many milliseconds.
pub(super) fn in_largest_unit(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    let mut units = units.into_iter();
    let unit = units.find(|(unit, _)| milliseconds.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "ms"));
    format!("{}{name}", milliseconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        let size = |text| size(&Input::Variable(text), 0).ok();
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

    #[test]
    fn durations_are_shown_in_their_largest_unit() {
        for text in ["1ms", "1500ms", "90s", "30m", "36h", "3650d", "0s"] {
            let duration = duration_of(text).unwrap();
            assert_eq!(duration_text(duration), text);
        }
    }
}
