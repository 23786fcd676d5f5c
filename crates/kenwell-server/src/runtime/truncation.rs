//! Whether a file says less than before, and whether that looks like an accident: a file cut short, or one
//! that somebody is just writing.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// Whether `now` says less than `before`: a source, a destination, a key or an entry of a list is missing.
/// So does a text whose last line has no end, since more may be to come. Both texts are valid.
pub(super) fn says_less(before: &str, now: &str) -> bool {
    let unfinished = !now.is_empty() && !now.ends_with('\n');
    (unfinished && before != now) || !paths(before).is_subset(&paths(now))
}

/// Whether `now` is the beginning of `before`, cut where nobody would end it: within a line, or within a block
/// that others follow. A text that ends where the next table begins may be meant, and so may one without the
/// last lines of the last block.
pub(super) fn is_truncated(before: &str, now: &str) -> bool {
    let Some(missing) = before.strip_prefix(now) else {
        return false;
    };
    let at_an_end = now.is_empty() || now.ends_with('\n') || missing.starts_with(['\n', '\r']);
    let mut lines = missing.lines();
    if !at_an_end {
        // The rest of a line: of one that means something, or of a comment.
        let broken = now.rsplit('\n').next().unwrap_or_default();
        let rest = lines.next().unwrap_or_default();
        let comment = broken.trim_start().starts_with('#');
        if !comment && !says_nothing(rest) {
            return true;
        }
        // A comment that was cut cannot be meant, if anything stood below it.
        if comment && lines.clone().any(|line| !says_nothing(line)) {
            return true;
        }
    }
    let begins_a_table = |line: &str| line.trim_start().starts_with('[');
    let next = lines.find(|line| !says_nothing(line));
    next.is_some_and(|line| !begins_a_table(line)) && lines.any(begins_a_table)
}

fn says_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// What a text says, without the values: the path of each key, tables of a list by their id, and the
/// entries of lists of texts.
fn paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    if let Ok(table) = text.parse::<Table>() {
        add_table("", &table, &mut paths);
    }
    paths
}

fn add_table(path: &str, table: &Table, paths: &mut BTreeSet<String>) {
    for (key, value) in table {
        add(&format!("{path}.{key}"), value, paths);
    }
}

fn add(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    paths.insert(path.to_owned());
    match value {
        Value::Table(table) => add_table(path, table, paths),
        Value::Array(entries) => {
            for entry in entries {
                let id = match entry {
                    Value::Table(table) => table.get("id").and_then(Value::as_str),
                    entry => entry.as_str(),
                };
                add(&format!("{path}[{}]", id.unwrap_or_default()), entry, paths);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "data_dir = \"data\"\n\
        # who sends\n\
        [[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\", \"two\"]\n\
        \n# where to\n\
        [[destinations]]\nid = \"one\"\naddress = \"127.0.0.1:6379\"\nprefix = \"app\"\ndatabase = 12\n\
        \n\
        [[destinations]]\nid = \"two\"\naddress = \"127.0.0.1:6380\"\nenabled = false # for now\n\
        # the end\n";

    #[test]
    fn a_text_cut_anywhere_but_before_a_table_is_truncated() {
        // Where somebody may have meant to end the file.
        let marked = FILE
            .replace("data\"\n# who sends\n", "data\"¦\n¦# who sends¦\n¦")
            .replace("\"two\"]\n\n# where to\n", "\"two\"]¦\n¦\n¦# where to¦\n¦")
            .replace("database = 12\n\n", "database = 12¦\n¦\n¦")
            .replace("false # for now", "false¦ ¦# for now¦");
        let mut ends = BTreeSet::new();
        let mut bytes = 0;
        for part in marked.split('¦') {
            bytes += part.len();
            ends.insert(bytes);
        }
        // Lines of the last block, and comments below it.
        let last = FILE.rfind("\nid = \"two\"").unwrap();
        let comments = FILE.find("# the end").unwrap();
        for end in 0..=FILE.len() {
            let (cut, missing) = FILE.split_at(end);
            let at_an_end = cut.ends_with('\n') || missing.starts_with('\n');
            let meant = ends.contains(&end) || (end >= last && at_an_end) || end >= comments;
            assert_eq!(is_truncated(FILE, cut), !meant, "{cut:?}");
        }
        assert!(!is_truncated(FILE, &FILE.replace("web", "app")));
    }

    #[test]
    fn whatever_is_missing_says_less() {
        assert!(!says_less(FILE, FILE));
        assert!(!says_less(FILE, &FILE.replace("\"WK\"", "\"NEW\"")));
        assert!(!says_less(FILE, &format!("{FILE}paused = true\n")));
        assert!(!says_less("", FILE));
        for (what, instead) in [
            (", \"two\"]", "]"),
            ("enabled = false # for now\n", ""),
            ("id = \"two\"", "id = \"three\""),
            ("id = \"web\"", "id = \"app\""),
            ("data_dir = \"data\"\n", ""),
        ] {
            assert!(says_less(FILE, &FILE.replace(what, instead)), "{what}");
        }
        assert!(says_less(FILE, ""));
        // The number may have another digit.
        let longer = format!("{FILE}[delivery]\nlanes = 1");
        assert!(says_less(FILE, &longer));
    }
}
