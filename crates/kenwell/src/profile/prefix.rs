//! What stands before `user:` in a key: nothing, a text, or a place in the event to take it from.

use std::borrow::Cow;

use kenwell_json::{Kind, Reader, SyntaxError};

use super::{Ignored, js};

/// The configured prefix of a destination's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix {
    rule: Rule,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    None,
    Text(String),
    /// `path` starts below the event; `None` is a path to something that no event has.
    Template {
        path: Option<Vec<String>>,
        default: Option<String>,
    },
}

/// What a prefix comes to for one event.
#[derive(Debug, Default)]
pub(super) struct ResolvedPrefix<'a> {
    /// The prefix, trimmed and not blank.
    pub(super) text: Option<Cow<'a, str>>,
    /// Where in the event the text was taken from: that value counts as removed.
    pub(super) taken_at: Option<usize>,
    /// The value taken is the event's own `type`.
    pub(super) took_type: bool,
}

impl Prefix {
    /// Reads a configured prefix.
    ///
    /// It is trimmed as JavaScript trims; a blank one is none. The form `{{ message.path || default }}`
    /// (also `event.path`) takes the string at that path out of each event and uses it, or the
    /// default when there is nothing; the taken field is not written. The sender chooses it, so it may have
    /// no colon and no control character and not be `user`: such an event is ignored. Anything that only resembles
    /// that form is a plain text.
    pub fn parse(text: &str) -> Self {
        let rule = template(text).unwrap_or_else(|| match js::trim(text) {
            "" => Rule::None,
            text => Rule::Text(text.to_owned()),
        });
        Self { rule }
    }

    /// The prefix where no event says otherwise: the text itself, or a template's default.
    pub fn fixed(&self) -> Option<&str> {
        match &self.rule {
            Rule::None => None,
            Rule::Text(text) => Some(text),
            Rule::Template { default, .. } => default.as_deref(),
        }
    }

    /// Whether an event can say what the prefix is.
    pub fn varies(&self) -> bool {
        matches!(self.rule, Rule::Template { path: Some(_), .. })
    }

    pub(super) fn resolve<'a>(&'a self, event: &'a [u8]) -> Result<ResolvedPrefix<'a>, Ignored> {
        let Rule::Template {
            path: Some(path), ..
        } = &self.rule
        else {
            return Ok(ResolvedPrefix {
                text: self.fixed().map(Cow::Borrowed),
                ..ResolvedPrefix::default()
            });
        };
        match value_at(event, path)? {
            TemplateValue::Text(text, at) => {
                let taken = !text.is_empty();
                let trimmed = js::trim(&text);
                if !trimmed.is_empty() && !may_be_taken(trimmed) {
                    return Err(Ignored::PrefixNotAllowed);
                }
                Ok(ResolvedPrefix {
                    text: (!trimmed.is_empty()).then(|| Cow::Owned(trimmed.to_owned())),
                    taken_at: taken.then_some(at),
                    took_type: taken
                        && path.len() == 1
                        && path.first().is_some_and(|name| name == "type"),
                })
            }
            TemplateValue::Nothing => Ok(ResolvedPrefix {
                text: self.fixed().map(Cow::Borrowed),
                ..ResolvedPrefix::default()
            }),
            TemplateValue::Other => Err(Ignored::PrefixNotText),
        }
    }
}

/// Whether an event may make this its prefix. A colon would let its sender choose more than the first part
/// of a key, and `user` the keys that have no prefix; control characters have no place in a name.
pub(super) fn may_be_taken(value: &str) -> bool {
    let is_named = !value.is_empty() && value != "user" && js::trim(value) == value;
    is_named && !value.contains(|c: char| c == ':' || c.is_control())
}

/// Reads `{{ path || default }}`, or nothing when the text has another form.
fn template(text: &str) -> Option<Rule> {
    let inner = js::trim(text).strip_prefix("{{")?.strip_suffix("}}")?;
    let (path, default) = inner.split_once("||")?;
    if default.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return None;
    }
    let names: Vec<_> = js::trim(path).split('.').collect();
    if !names.iter().all(|name| is_name(name)) {
        return None;
    }
    let path = match names.split_first() {
        Some((&("message" | "event"), rest)) => {
            Some(rest.iter().map(|&name| name.to_owned()).collect())
        }
        _ => None,
    };
    let default = default.replace('"', "");
    let default = js::trim(&default);
    Some(Rule::Template {
        path,
        default: (!default.is_empty()).then(|| default.to_owned()),
    })
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

enum TemplateValue<'a> {
    Nothing,
    Text(Cow<'a, str>, usize),
    Other,
}

/// Follows a path of object keys; of a key that occurs twice the last one counts.
fn value_at<'a>(event: &'a [u8], path: &[String]) -> Result<TemplateValue<'a>, SyntaxError> {
    let mut reader = Reader::new(event);
    for name in path {
        if reader.kind()? != Kind::Object {
            return Ok(TemplateValue::Nothing);
        }
        reader.enter_object()?;
        let mut found = None;
        while let Some(key) = reader.next_key()? {
            reader.kind()?;
            if key.eq_str(name) {
                found = Some(reader.clone());
            }
            reader.skip()?;
        }
        match found {
            Some(value) => reader = value,
            None => return Ok(TemplateValue::Nothing),
        }
    }
    Ok(match reader.kind()? {
        Kind::Null => TemplateValue::Nothing,
        Kind::String => {
            let at = reader.position();
            TemplateValue::Text(reader.string()?.decode(), at)
        }
        _ => TemplateValue::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(prefix: &str, event: &str) -> Result<Option<String>, Ignored> {
        let prefix = Prefix::parse(prefix);
        let resolved = prefix.resolve(event.as_bytes())?;
        Ok(resolved.text.map(Cow::into_owned))
    }

    #[test]
    fn trims_and_knows_blank() {
        assert_eq!(Prefix::parse("\u{feff} a: \n").fixed(), Some("a:"));
        assert_eq!(Prefix::parse("\u{3000} ").fixed(), None);
        assert_eq!(Prefix::parse("\u{200b}").fixed(), Some("\u{200b}"));
    }

    #[test]
    fn templates_take_a_text_or_their_default() {
        let event = r#"{"traits":{"t":"x"},"n":7,"e":"","s":" p ","z":null,"c":"a:b","u":" user ","l":"a\nb","w":"Müller & Söhne [eu]","traits":{"t":"acme"}}"#;
        for (prefix, expected) in [
            ("{{ message.traits.t || \"d\" }}", Ok(Some("acme"))),
            (" {{event.traits.t||d}} ", Ok(Some("acme"))),
            ("{{ message.traits.none || \"d e\" }}", Ok(Some("d e"))),
            ("{{ message.z || d }}", Ok(Some("d"))),
            ("{{ message.z || \"\" }}", Ok(None)),
            ("{{ message.e || d }}", Ok(None)),
            ("{{ message.s || d }}", Ok(Some("p"))),
            ("{{ message.n || d }}", Err(Ignored::PrefixNotText)),
            ("{{ message.c || d }}", Err(Ignored::PrefixNotAllowed)),
            ("{{ message.u || d }}", Err(Ignored::PrefixNotAllowed)),
            ("{{ message.l || d }}", Err(Ignored::PrefixNotAllowed)),
            ("{{ message.w || d }}", Ok(Some("Müller & Söhne [eu]"))),
            ("{{ message.none || a:user }}", Ok(Some("a:user"))),
            ("{{ message.traits || d }}", Err(Ignored::PrefixNotText)),
            ("{{ other.t || d }}", Ok(Some("d"))),
            ("{{ message.a-b || d }}", Ok(Some("{{ message.a-b || d }}"))),
            ("x{{ message.e || d }}", Ok(Some("x{{ message.e || d }}"))),
            ("{{ message.e }}", Ok(Some("{{ message.e }}"))),
        ] {
            assert_eq!(
                text(prefix, event),
                expected.map(|text| text.map(str::to_owned)),
                "{prefix}"
            );
        }
    }
}
