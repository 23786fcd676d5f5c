//! A destination's `url`, and whether it agrees with the keys beside it.

use kenwell::Error;
use kenwell::connection::{Secret, Url};

use super::secret;
use super::section::{Found, Reading, Section};
use super::value::{Input, Wrong};

/// Reads `url`: the text, or a reference to a variable or file, since it may hold a password. With the
/// reference, if it is one.
pub(super) fn read(section: &mut Section<'_>) -> (Option<Found<Url>>, Option<String>) {
    let reading = section.reading;
    let mut reference = None;
    let url = section.read("url", |input| {
        let resolved = secret::secret(reading, input)?;
        let literal = resolved.is_literal();
        reference.clone_from(&resolved.reference);
        let url: Url = resolved.text().parse().map_err(wrong)?;
        if literal && url.password.is_some() {
            reading.holds_password.set(true);
        }
        Ok(url)
    });
    (url, reference)
}

/// What stands in `address`.
pub(super) enum Given {
    /// `host:port`, once or several times.
    Hosts(Vec<String>),
    /// All about the server, as Azure's portal shows it.
    ConnectionString(Url),
}

/// What `address` says when somebody pasted a connection string (`host:6380,password=…,ssl=True`) into it.
pub(super) fn connection_string(
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Option<Url>, Wrong> {
    let text = input.as_text().unwrap_or_default().trim();
    if !text.contains('=') || text.contains("://") || text.starts_with("unix:") {
        return Ok(None);
    }
    let url: Url = text.parse().map_err(|error| {
        let what = wrong(error).what;
        Wrong::new(
            what,
            "write host:port, and user and password as keys of their own",
        )
    })?;
    if matches!(input, Input::Toml(_)) && url.password.is_some() {
        reading.holds_password.set(true);
    }
    Ok(Some(url))
}

/// The URL and the hosts of the two keys. A connection string takes the place of a URL.
pub(super) fn apart(
    section: &Section<'_>,
    url: Option<Found<Url>>,
    address: Option<Found<Given>>,
) -> (Option<Found<Url>>, Option<Found<Vec<String>>>) {
    let Some(Found { value, place, key }) = address else {
        return (url, None);
    };
    match value {
        Given::Hosts(value) => (url, Some(Found { value, place, key })),
        Given::ConnectionString(value) if url.is_none() => {
            (Some(Found { value, place, key }), None)
        }
        Given::ConnectionString(_) => {
            let wrong = Wrong::new(
                "it is a connection string, and there is a url beside it",
                "keep one of them",
            );
            section.reading.error(place, &key, wrong);
            (url, None)
        }
    }
}

fn wrong(error: Error) -> Wrong {
    let what = match error {
        Error::Settings { problem, .. } => problem,
        other => other.to_string(),
    };
    Wrong::new(
        what,
        "write redis://user:password@host:6379/0, rediss://… for TLS, or unix:///path?db=0",
    )
}

/// What url and key say together. It is an error when they say different things; no value is shown,
/// since one of them may be a secret.
pub(super) fn agreed<T: PartialEq + Clone>(
    section: &Section<'_>,
    url: Option<&Found<Url>>,
    what: &str,
    of_url: impl FnOnce(&Url) -> Option<T>,
    field: Option<Found<T>>,
) -> Option<T> {
    let said = url.and_then(|url| of_url(&url.value));
    let Some(field) = field else { return said };
    if said.is_some_and(|said| said != field.value) {
        let name = field.key.rsplit('.').next().unwrap_or_default();
        let wrong = Wrong::new(
            format!("{name} and url name different {what}"),
            format!("remove the line {name}, or make url say the same"),
        );
        section
            .reading
            .error(field.place.clone(), &field.key, wrong);
    }
    Some(field.value)
}

/// What url and key say together; a file that says the same as the url now may say something else
/// later, so it is the file that counts.
pub(super) fn agreed_on_secret(
    section: &Section<'_>,
    url: Option<&Found<Url>>,
    what: &str,
    field: Option<Found<Secret>>,
    of_url: impl FnOnce(&Url) -> Option<Secret>,
) -> Option<Secret> {
    let given = field.as_ref().map(|field| field.value.clone());
    let same = |said: &Secret| given.filter(|given| given.expose() == said.expose());
    let said = |url: &Url| of_url(url).map(|said| same(&said).unwrap_or(said));
    agreed(section, url, what, said, field)
}

/// The same for TLS, which a URL asks for by its first letters.
pub(super) fn agreed_on_tls(
    section: &Section<'_>,
    url: Option<&Found<Url>>,
    field: Option<Found<bool>>,
) -> bool {
    // A URL of Sentinels cannot ask for TLS; the key alone decides.
    let said = url
        .filter(|url| url.value.sentinel_master.is_none())
        .map(|url| url.value.secure);
    let Some(field) = field else {
        return said.unwrap_or(false);
    };
    if said.is_some_and(|said| said != field.value) {
        let wrong = if field.value {
            Wrong::new(
                "secure = true asks for TLS, and url does not",
                "start url with rediss:// for TLS, or remove the line secure",
            )
        } else {
            Wrong::new(
                "secure = false asks for plain text, and url (rediss://) for TLS",
                "start url with redis:// for plain text, or remove the line secure",
            )
        };
        section
            .reading
            .error(field.place.clone(), &field.key, wrong);
    }
    field.value
}
