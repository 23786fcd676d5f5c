//! Parts of a list: what is looked for, in which order, and how many at a time.

use std::cmp::Ordering;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::private::error::ApiError;

/// The most entries that can be asked for at once. Without a limit all come: the file, which is bounded, has no more.
pub(super) const MAX_LIMIT: usize = 1_000;

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    /// The smallest first.
    #[default]
    Ascending,
    /// The largest first.
    Descending,
}

impl Direction {
    /// The order of two entries whose ascending order is given.
    pub(super) fn of(self, ascending: Ordering) -> Ordering {
        match self {
            Self::Ascending => ascending,
            Self::Descending => ascending.reverse(),
        }
    }
}

/// What is looked for: a text that stands in one of an entry's, in any case.
pub(super) struct Search(String);

impl Search {
    pub(super) fn new(text: Option<String>) -> Self {
        Self(text.unwrap_or_default().trim().to_lowercase())
    }

    pub(super) fn finds(&self, texts: &[&str]) -> bool {
        let mut texts = texts.iter();
        self.0.is_empty() || texts.any(|text| text.to_lowercase().contains(&self.0))
    }
}

/// The entries from `offset` on, at most `limit`.
///
/// # Errors
/// A limit that is none.
pub(super) fn part<T>(
    entries: Vec<T>,
    offset: Option<usize>,
    limit: Option<usize>,
) -> Result<Vec<T>, ApiError> {
    let limit = limit.map_or(Ok(usize::MAX), |limit| match limit {
        1..=MAX_LIMIT => Ok(limit),
        _ => Err(ApiError::bad_request(format!(
            "limit is {limit}: write a number from 1 to {MAX_LIMIT}, or leave it out"
        ))
        .about("limit")),
    })?;
    let entries = entries.into_iter().skip(offset.unwrap_or(0)).take(limit);
    Ok(entries.collect())
}

/// Two texts in any case, as people sort names.
pub(super) fn by_name(one: &str, other: &str) -> Ordering {
    one.to_lowercase().cmp(&other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_any_case_and_nothing_finds_all() {
        let finds = |text: &str| Search::new(Some(text.to_owned())).finds(&["Web Site", "shop"]);
        assert!(finds("web") && finds(" SHOP ") && finds("") && !finds("app"));
        assert!(Search::new(None).finds(&[]));
    }

    #[test]
    fn a_part_is_bounded() {
        let part = |offset, limit| part(vec![1, 2, 3], offset, limit);
        assert_eq!(part(None, None).unwrap(), [1, 2, 3]);
        assert_eq!(part(Some(1), Some(1)).unwrap(), [2]);
        assert_eq!(part(Some(9), None).unwrap(), [0; 0]);
        assert!(part(None, Some(0)).is_err() && part(None, Some(MAX_LIMIT + 1)).is_err());
    }
}
