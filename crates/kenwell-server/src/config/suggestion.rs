//! The nearest valid name to a mistyped one.

/// The candidate that a person most likely meant, if any is near enough.
pub(crate) fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let bound = (typed.chars().count() / 3).max(1);
    let typed = normal(typed);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&typed, &normal(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Spelling without case and separators: `writeKey` and `write-key` mean `write_key`.
fn normal(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typos_and_other_spellings_but_not_strangers() {
        let keys = ["write_key", "name", "destinations"];
        assert_eq!(nearest("writeKey", keys), Some("write_key"));
        assert_eq!(nearest("wriet_key", keys), Some("write_key"));
        assert_eq!(nearest("destination", keys), Some("destinations"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("x", ["id"]), None);
    }
}
