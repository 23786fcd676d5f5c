//! A destination's TLS keys.

use kenwell::connection::{Secret, Settings, Url};

use super::certificate;
use super::section::{Found, Section};
use super::value::{self, Wrong};

/// The TLS keys as read; `None` where a key is not given.
pub(super) struct Tls {
    skip_verify: Option<Found<bool>>,
    ca_certificate: Option<Found<Option<String>>>,
    client_certificate: Option<Found<Option<String>>>,
    client_key: Option<Found<Option<Secret>>>,
    server_name: Option<Found<Option<String>>>,
}

/// Reads all of them but `secure`.
pub(super) fn read(section: &mut Section<'_>) -> Tls {
    let reading = section.reading;
    Tls {
        skip_verify: section.read("skip_verify", value::flag),
        ca_certificate: section.read("ca_certificate", |input| {
            certificate::text_or_path("ca_certificate", reading, input)
        }),
        client_certificate: section.read("client_certificate", |input| {
            certificate::text_or_path("client_certificate", reading, input)
        }),
        client_key: section.read("client_key", |input| {
            certificate::key("client_key", reading, input)
        }),
        server_name: section.read("server_name", |input| {
            let name = value::text(input)?.trim().to_owned();
            Ok(Some(name).filter(|name| !name.is_empty()))
        }),
    }
}

impl Tls {
    /// Complains about keys that do nothing.
    pub(super) fn check(&self, section: &Section<'_>, secure: bool) {
        let skips = self.skip_verify.as_ref().filter(|found| found.value);
        let certificate = self
            .ca_certificate
            .as_ref()
            .filter(|found| found.value.is_some());
        if !secure {
            without(section, skips);
            without(section, certificate);
            without(
                section,
                self.client_certificate
                    .as_ref()
                    .filter(|found| found.value.is_some()),
            );
            without(
                section,
                self.client_key
                    .as_ref()
                    .filter(|found| found.value.is_some()),
            );
            without(
                section,
                self.server_name
                    .as_ref()
                    .filter(|found| found.value.is_some()),
            );
        } else if let (Some(_), Some(found)) = (skips, certificate) {
            let wrong = Wrong::new(
                "skip_verify = true makes the certificate unused",
                "remove skip_verify so that the server is verified against this certificate",
            );
            section
                .reading
                .warning(found.place.clone(), &found.key, wrong);
        }
    }

    /// Puts them into the settings, with what the URL says where they say nothing.
    pub(super) fn apply(self, settings: &mut Settings, url: Option<&Url>) {
        settings.skip_verify = match self.skip_verify {
            Some(found) => found.value,
            None => url.is_some_and(|url| url.skip_verify),
        };
        settings.ca_certificate = self.ca_certificate.and_then(|found| found.value);
        settings.client_certificate = self.client_certificate.and_then(|found| found.value);
        settings.client_key = self.client_key.and_then(|found| found.value);
        settings.server_name = match self.server_name {
            Some(found) => found.value,
            None => url.and_then(|url| url.server_name.clone()),
        };
    }
}

fn without<T>(section: &Section<'_>, found: Option<&Found<T>>) {
    if let Some(found) = found {
        let wrong = Wrong::new(
            "it has no effect while secure is false: the connection would be in plain text",
            "set secure = true for TLS, or remove this line",
        );
        section
            .reading
            .error(found.place.clone(), &found.key, wrong);
    }
}
