//! What was given for a key, and what is wrong with it.

use toml::de::{DeInteger, DeValue};

/// What was given for a key.
pub(super) enum Input<'a> {
    /// In the file.
    Toml(&'a DeValue<'a>),
    /// In an environment variable.
    Variable(&'a str),
}

/// What is wrong with a value, and the fix.
pub(super) struct ValueError {
    pub(super) what: String,
    pub(super) fix: String,
}

impl ValueError {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// What the Redis library says; its sentences have the fix behind a semicolon.
    pub(super) fn of_library(error: kenwell::Error, otherwise: &str) -> Self {
        let (what, fix) = error.into_problem_and_cure();
        Self::new(what, fix.unwrap_or_else(|| otherwise.to_owned()))
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

    /// The value's number, if it is a whole number.
    pub(super) fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Toml(value) => value.as_integer().and_then(integer_of),
            Self::Variable(text) => text.trim().parse().ok(),
        }
    }

    /// A complaint about the type; it never shows the value, which may be a secret.
    pub(super) fn not_a(&self, wanted: &str, example: &str) -> ValueError {
        let found = match self {
            Self::Toml(value) => with_article(value.type_str()),
            Self::Variable(_) => "other text",
        };
        ValueError::new(
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
