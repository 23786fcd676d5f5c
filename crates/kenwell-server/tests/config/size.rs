//! Files with thousands of entries, and files that are too large.

use super::*;

/// A file of that many sources, each with a destination of its own.
fn large(count: usize, separator: &str) -> String {
    let mut text = String::from("sources = [");
    for number in 0..count {
        write!(
            text,
            "{{ id = \"s{number}\", write_key = \"k{number}\", destinations = [\"d{number}\"] }},{separator}"
        )
        .unwrap();
    }
    text.push_str("]\ndestinations = [");
    for number in 0..count {
        write!(
            text,
            "{{ id = \"d{number}\", address = \"127.0.0.1:6379\", database = {number} }},{separator}"
        )
        .unwrap();
    }
    text.push_str("]\n");
    text
}

#[test]
fn a_file_of_thousands_is_checked_in_time_that_grows_with_its_length() {
    // Looking through the whole file for each value would take minutes.
    for separator in ["", "\n"] {
        let text = large(8_000, separator);
        let begun = Instant::now();
        let loaded = load(&text, &[]).unwrap();
        assert_eq!(
            (loaded.config.sources.len(), loaded.warnings),
            (8_000, vec![])
        );
        // Every source names a destination that is not there.
        let broken = text.replace("[\"d", "[\"e");
        let problems = load(&broken, &[]).unwrap_err();
        assert_eq!(problems.errors.len(), 8_000);
        let taken = begun.elapsed();
        assert!(taken < Duration::from_mins(1), "{taken:?}");
    }
}

#[test]
fn a_file_that_is_too_large_is_told_everywhere() {
    let comment = format!("{ROUTE}# {}\n", "x".repeat(4 << 20));
    let said = load(&comment, &[]).unwrap_err().to_string();
    assert!(said.contains("more than 4194304 bytes"), "{said}");
    assert!(said.contains("take out sources"), "{said}");
    let path = Path::new("kenwell.toml");
    let parsed = Config::parse(path, &comment, &Environment::default()).unwrap_err();
    assert!(parsed.to_string().contains("more than 4194304 bytes"));
}
