//! The blocks of a PEM text, wherever its markers stand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What stands between two markers.
pub(super) struct Block<'a> {
    /// What the markers say it is, such as `CERTIFICATE`.
    pub(super) label: &'a str,
    body: &'a str,
}

/// All blocks, in order, or what is wrong with the text and what to do.
pub(super) fn all(text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let block = after.split_once(DASHES).and_then(|(label, after)| {
            let end = format!("{END}{label}{DASHES}");
            let (body, after) = after.split_once(end.as_str())?;
            (!body.contains(BEGIN)).then_some((Block { label, body }, after))
        });
        let Some((block, after)) = block else {
            return Err(format!(
                "its PEM is cut off: block {} has no -----END …----- that fits its -----BEGIN …-----; copy all of it",
                blocks.len() + 1
            ));
        };
        blocks.push(block);
        rest = after;
    }
    Ok(blocks)
}

impl Block<'_> {
    /// The bytes.
    pub(super) fn der(&self, setting: &'static str) -> Result<Vec<u8>, Error> {
        STANDARD.decode(self.base64()).map_err(|_| {
            Error::wrong_setting(
                setting,
                format!(
                    "not PEM: what stands below -----BEGIN {}----- is damaged; copy it again",
                    self.label
                ),
            )
        })
    }

    /// The same block as strict readers want it.
    pub(super) fn canonical(&self, setting: &'static str) -> Result<String, Error> {
        let base64 = STANDARD.encode(self.der(setting)?);
        let Self { label, .. } = self;
        Ok(format!(
            "{BEGIN}{label}{DASHES}\n{base64}\n{END}{label}{DASHES}\n"
        ))
    }

    pub(super) fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }

    /// Whether it needs a pass phrase.
    pub(super) fn is_encrypted(&self) -> bool {
        self.label.starts_with("ENCRYPTED") || self.body.contains("4,ENCRYPTED")
    }

    /// The body without headers such as `Proc-Type: …`, white space, and line breaks that are spelt `\n`.
    fn base64(&self) -> String {
        let body = self.body.replace("\\r", "").replace("\\n", "\n");
        let lines = body.lines().filter(|line| !line.contains(':'));
        lines
            .flat_map(|line| {
                line.chars()
                    .filter(|c| !c.is_whitespace() && *c != '\u{feff}')
            })
            .collect()
    }
}
