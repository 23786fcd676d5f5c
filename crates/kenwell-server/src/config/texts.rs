//! Several texts in one value: lists, and texts by name.

use std::collections::BTreeMap;

use super::input::{Input, ValueError};

/// A list of texts; in a variable, separated by commas.
pub(super) fn list(input: &Input<'_>) -> Result<Vec<String>, ValueError> {
    let example = "[\"profiles\"]";
    match input {
        Input::Variable(text) => {
            let items = text.split(',').map(str::trim);
            let items = items.filter(|item| !item.is_empty());
            Ok(items.map(str::to_owned).collect())
        }
        Input::Toml(value) => {
            let items = value.as_array();
            let items = items.ok_or_else(|| input.not_a("a list of ids", example))?;
            let texts = items.iter().map(|item| item.get_ref().as_str());
            let texts = texts.map(|text| text.map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(|| {
                let fix = format!("write it like {example}");
                ValueError::new("the list holds something that is not text", fix)
            })
        }
    }
}

/// Texts by name: a table, or in a variable pairs such as `a=b, c=d`.
pub(super) fn map(
    input: &Input<'_>,
    example: &str,
) -> Result<BTreeMap<String, String>, ValueError> {
    let wrong = || input.not_a("a table of texts", example);
    match input {
        Input::Variable(text) => {
            let pairs = text.split(',').map(str::trim);
            let pairs = pairs.filter(|pair| !pair.is_empty());
            let split = |pair: &str| {
                let (name, value) = pair.split_once('=')?;
                Some((name.trim().to_owned(), value.trim().to_owned()))
            };
            pairs.map(split).collect::<Option<_>>().ok_or_else(|| {
                let fix = "write it like name=value, name=value";
                ValueError::new("it holds something that is no pair", fix)
            })
        }
        Input::Toml(value) => {
            let pairs = value.as_table().ok_or_else(wrong)?.iter();
            let pairs = pairs.map(|(name, value)| {
                let value = value.get_ref().as_str()?.to_owned();
                Some((name.get_ref().to_string(), value))
            });
            pairs.collect::<Option<_>>().ok_or_else(wrong)
        }
    }
}
