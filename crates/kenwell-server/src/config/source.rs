//! Reading `[[sources]]`.

use super::input::ValueError;
use super::keys::source as key;
use super::settings::Source;
use super::table_reader::TableReader;

/// A source as read, with its table, for complaints that come later.
pub(super) struct ReadSource<'a> {
    pub(super) table: TableReader<'a>,
    pub(super) source: Source,
}

/// Reads one source; `None` when something it cannot do without is wrong.
pub(super) fn read(mut table: TableReader<'_>) -> Option<ReadSource<'_>> {
    table.check(key::WRITE_KEY, |values| {
        let found = values.secret(key::WRITE_KEY);
        check_write_key(found.map_or("", |found| found.text()))
    });
    let source = Source::of(&table.values)?;
    Some(ReadSource { table, source })
}

/// A write key travels as the user name of HTTP Basic authentication.
fn check_write_key(text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new(
            "the write key is empty",
            "choose a long random text",
        ));
    }
    let unfit = |c: char| c == ':' || c.is_whitespace() || c.is_control();
    if text.chars().any(unfit) {
        return Err(ValueError::new(
            "the write key has a colon, white space or a control character in it",
            "use letters, digits and punctuation other than the colon",
        ));
    }
    Ok(())
}
