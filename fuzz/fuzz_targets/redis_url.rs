//! Any text as the URL of a Redis: settings or an error, and the password shows in neither.
#![no_main]

use kenwell::connection::Settings;
use libfuzzer_sys::fuzz_target;

const PASSWORD: &str = "pAssw0rdThatMustNotShow";

fuzz_target!(|text: &str| {
    let said = match Settings::from_url(text) {
        Ok(settings) => match settings.validate() {
            Ok(()) => format!("{settings:?}"),
            Err(error) => format!("{settings:?} {error} {error:?}"),
        },
        Err(error) => format!("{error} {error:?}"),
    };
    drop(said);
    // The same with a password of ours in it, where there is room for one.
    if let Some((scheme, rest)) = text.split_once("://") {
        let with_password = format!("{scheme}://u:{PASSWORD}@{rest}");
        let said = match Settings::from_url(&with_password) {
            Ok(settings) => format!("{settings:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!said.contains(PASSWORD), "{said}");
    }
});
