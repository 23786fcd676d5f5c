//! What is said of one key.

use serde::Serialize;
use utoipa::ToSchema;

/// One key of a table of `kenwell.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something else about a key"
)]
pub struct Key {
    /// As it is written in the file, in the API and, in capitals, in environment variables.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What holds when the file does not say, as it would be written there; `None` when it must say, or when
    /// nothing holds.
    pub default: Option<&'static str>,
    /// What holds when the file does not say and there is no default, in the reference's words.
    pub otherwise: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// A value that fits, as it would be written in the file, for hints; may be empty.
    pub example: &'static str,
    /// Whether an environment variable may give it, and not only the file.
    pub variable: bool,
    /// Whether a change takes effect at the next start only.
    pub restart: bool,
    /// What people call it: the label of its field.
    pub label: &'static str,
    /// What it means, in Markdown: the reference's sentence.
    pub sentence: &'static str,
    /// Where it stands in a form; `None` when it is not in one.
    pub group: Option<Group>,
    /// What stands below the label of its field, in plain text; may be empty.
    pub hint: &'static str,
    /// With which other settings it belongs.
    pub needs: Needs,
    /// Whether it can be changed over the API, and not in the file only.
    pub editable: bool,
    /// Which stored secrets go to somebody else when it changes.
    pub moves: Moves,
}

/// What a value is, and its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a source or destination is known by: 1 to 64 of `a-z`, `0-9` and `-`.
    Id,
    /// Text, which may be shown.
    Text,
    /// A name that may be a reference (`env:NAME`, `file:PATH`), which is shown in its place.
    Name,
    /// A secret or a reference to one; it is never shown.
    Secret,
    /// All about a Redis in one line, or a reference to it; it is never shown.
    RedisUrl,
    /// A certificate: PEM text or a path.
    Certificate,
    /// A private key: PEM text, a path or a reference; it is never shown.
    PrivateKey,
    /// `true` or `false`.
    Flag,
    /// A whole number between these, both included.
    Number(i64, i64),
    /// Bytes, at least so many.
    Size(u64),
    /// A length of time between these milliseconds, both included.
    Duration(u64, u64),
    /// A URL that begins with `http://` or `https://`.
    HttpUrl,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// IP address and port to listen on.
    Listen,
    /// `host:port`, one or several.
    Addresses,
    /// Texts.
    List,
    /// Texts by name.
    Map,
    /// A path.
    Path,
}

/// A part of a form; the parts are in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Which Redis it is.
    Server,
    /// Who we are there.
    SignIn,
    /// Which keys are written.
    Keys,
    /// How profiles are kept.
    Profiles,
    /// TLS.
    Encryption,
    /// The certificate that we show.
    ClientCertificate,
    /// How long is waited.
    Timeouts,
}

/// With which other settings a key belongs; without them it is not in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// It always belongs.
    Nothing,
    /// `sentinel_master`.
    Sentinels,
    /// A cluster or Sentinels, which name other servers.
    SeveralServers,
    /// `secure`.
    Tls,
}

/// Which stored secrets go to somebody else when a key changes. They must be given again then, so that nobody
/// has them sent to a server that they were not meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    /// All of them: it decides who is at the other end. The safe choice, and the one for a key of which nothing
    /// else is said.
    AllSecrets,
    /// The secret with this name, and no other.
    Secret(&'static str),
    /// None: whoever got the secrets before gets them now.
    NoSecret,
}

impl Key {
    /// An optional key without a default, in no form, that takes effect at once, can be changed over the API and
    /// decides who gets the secrets.
    pub(super) const fn new(name: &'static str, kind: Kind, sentence: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            otherwise: "none",
            required: false,
            example: "",
            variable: true,
            restart: false,
            label: name,
            sentence,
            group: None,
            hint: "",
            needs: Needs::Nothing,
            editable: true,
            moves: Moves::AllSecrets,
        }
    }

    pub(super) const fn default(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    pub(super) const fn otherwise(self, otherwise: &'static str) -> Self {
        Self { otherwise, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self {
            required: true,
            otherwise: "required",
            ..self
        }
    }

    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// No environment variable may give it.
    pub(super) const fn no_variable(self) -> Self {
        Self {
            variable: false,
            ..self
        }
    }

    pub(super) const fn restart(self) -> Self {
        Self {
            restart: true,
            ..self
        }
    }

    pub(super) const fn field(self, group: Group, label: &'static str) -> Self {
        Self {
            group: Some(group),
            label,
            ..self
        }
    }

    pub(super) const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    pub(super) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// It is changed in the file only.
    pub(super) const fn file_only(self) -> Self {
        Self {
            editable: false,
            ..self
        }
    }

    pub(super) const fn moves(self, moves: Moves) -> Self {
        Self { moves, ..self }
    }

    /// Whether its value is never shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::RedisUrl | Kind::PrivateKey)
    }

    /// The sentence as plain text: links are only their words.
    pub(crate) fn plain_sentence(&self) -> String {
        without_links(self.sentence)
    }
}

/// Markdown as plain text: links are only their words.
pub(crate) fn without_links(markdown: &str) -> String {
    let mut plain = String::new();
    let mut rest = markdown;
    while let Some((before, (words, after))) = next_link(rest) {
        plain.push_str(before);
        plain.push_str(words);
        rest = after;
    }
    plain + rest
}

/// What stands before the first `[words](target)`, the words, and what stands behind it.
fn next_link(text: &str) -> Option<(&str, (&str, &str))> {
    let (start, link) = text.split_once("](")?;
    let (before, words) = start.rsplit_once('[')?;
    let (_, after) = link.split_once(')')?;
    Some((before, (words, after)))
}

/// Defines a table, and a constant for each of its keys: a mistyped name does not compile, and the compiler
/// tells of a key that nothing reads.
macro_rules! keys {
    ($(#[$doc:meta])* $table:ident: $($name:ident = $key:expr;)*) => {
        $(pub(crate) const $name: &Key = &$key;)*

        $(#[$doc])*
        pub(crate) const $table: &[Key] = &[$($key),*];
    };
}
pub(super) use keys;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_only_their_words_in_plain_text() {
        let key = Key::new("k", Kind::Text, "a [b c](d.md#e), `[x]:1` and [f](#g)");
        assert_eq!(key.plain_sentence(), "a b c, `[x]:1` and f");
    }
}
