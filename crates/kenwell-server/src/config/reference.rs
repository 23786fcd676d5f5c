//! The reference in docs/configuration.md has every key, as the tables have it.

use std::fmt::Write;
use std::path::Path;

use super::keys::{Key, LISTS, SECTIONS, TOP};

/// Set it to have the tables of the guide written anew.
const UPDATE: &str = "KENWELL_UPDATE_DOCS";

fn rows(keys: &[Key]) -> String {
    let mut rows = "| key | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for key in keys {
        let default = key.default.map(|default| format!("`{default}`"));
        let default = default.unwrap_or_else(|| key.otherwise.to_owned());
        writeln!(rows, "| `{}` | {default} | {} |", key.name, key.sentence).unwrap();
    }
    rows
}

/// The guide with this table below this heading.
fn with_table(guide: &str, heading: &str, keys: &[Key]) -> String {
    let (before, rest) = guide.split_once(&format!("\n### {heading}\n\n")).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
    format!("{before}\n### {heading}\n\n{}\n{after}", rows(keys))
}

#[test]
fn the_tables_of_the_guide_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let mut wanted = with_table(&guide, "Top", TOP);
    for (name, keys) in SECTIONS {
        wanted = with_table(&wanted, &format!("`[{name}]`"), keys);
    }
    for (name, keys) in LISTS {
        wanted = with_table(&wanted, &format!("`[[{name}]]`"), keys);
    }
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let guide = std::fs::read_to_string(&path).unwrap();
    assert!(
        guide == wanted,
        "docs/configuration.md is not what the tables of keys say; write it anew with \
         {UPDATE}=1 cargo nextest run -p kenwell-server the_tables_of_the_guide"
    );
}
