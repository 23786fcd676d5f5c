//! Certificates and keys as PEM text, as the settings and the files that they name have it now.

use super::pem;
use crate::Error;
use crate::connection::pem::read_file;
use crate::connection::{Secret, Settings};

/// The PEM texts; `None` where a setting is not given. The key is among them, so there is no `Debug`.
#[derive(PartialEq, Eq)]
pub(super) struct PemTexts {
    /// `ca_certificate`.
    pub(super) authorities: Option<String>,
    /// `client_certificate`.
    pub(super) certificate: Option<String>,
    /// `client_key`.
    pub(super) key: Option<String>,
}

impl PemTexts {
    pub(super) fn read(settings: &Settings) -> Result<Self, Error> {
        let read = |setting, given: &Option<String>| match pem::non_blank(given.as_deref()) {
            Some(given) => pem::text(setting, given).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            authorities: read("ca_certificate", &settings.ca_certificate)?,
            certificate: read("client_certificate", &settings.client_certificate)?,
            key: key(settings.client_key.as_ref())?,
        })
    }

    /// The texts of certificates, each with its setting.
    pub(super) fn by_setting(self) -> impl Iterator<Item = (&'static str, String)> {
        let texts = [
            ("ca_certificate", self.authorities),
            ("client_certificate", self.certificate),
        ];
        let given = |(setting, text): (_, Option<String>)| Some((setting, text?));
        texts.into_iter().filter_map(given)
    }
}

fn key(given: Option<&Secret>) -> Result<Option<String>, Error> {
    const SETTING: &str = "client_key";
    let Some(secret) = given else {
        return Ok(None);
    };
    let text = match (secret.path(), pem::non_blank(Some(secret.expose()))) {
        // What a file holds is the key itself, never another path.
        (Some(path), _) => read_file(SETTING, path)?,
        (None, Some(given)) => pem::text(SETTING, given)?,
        (None, None) => return Ok(None),
    };
    Ok(pem::non_blank(Some(&text)).is_some().then_some(text))
}
