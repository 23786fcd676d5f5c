//! `kenwell dev`.

use kenwell::connection::Secret;

use super::exit::Failure;
use super::own_name::own_name;
use super::{output, signals};
use crate::config::Problems;
use crate::dev::{self, DevOptions, DevStarted};
use crate::listener::local_address;
use crate::private::{ONE_TIME_TOKEN_LIFETIME, SIGN_IN_LINK_PATH};

/// Runs the server and its Redis until a signal.
pub(super) async fn dev(options: DevOptions) -> Result<(), Failure> {
    let shutdown = signals::shutdown()?;
    let ended = dev::run(options, announce, shutdown).await;
    ended.map_err(|error| match error.downcast::<Problems>() {
        Ok(problems) => problems.into(),
        Err(error) => Failure::Failed(error),
    })
}

fn announce(started: &DevStarted) {
    // That stdout is closed is no reason to stop serving.
    if output::line(welcome(started, &own_name())).is_err() {
        tracing::debug!("stdout is closed");
    }
}

/// The lines a person needs, and what to do with them: `typed` is what starts this program.
fn welcome(started: &DevStarted, typed: &str) -> String {
    let write_key = started.write_key.expose();
    let url = format!(
        "{}://{}",
        started.gateway_scheme,
        local_address(started.gateway)
    );
    let console = format!(
        "{}://{}",
        started.private_scheme,
        local_address(started.private)
    );
    let admin_key = started.admin_key.as_ref().map_or(
        "shown when it was made; `kenwell admin-key reset` makes a new one",
        Secret::expose,
    );
    let DevStarted {
        redis_command,
        config_file,
        data_dir,
        ..
    } = started;
    let (config_file, data_dir) = (config_file.display(), data_dir.display());
    let open = started
        .sign_in_token
        .as_ref()
        .map_or_else(String::new, |token| {
            let minutes = ONE_TIME_TOKEN_LIFETIME.as_secs() / 60;
            format!(
                "Open        {console}{SIGN_IN_LINK_PATH}?token={}\n            \
             signs in once, within {minutes} minutes, and waits for your first event\n\n",
                token.expose()
            )
        });
    format!(
        "\n\
         {open}\
         Data plane  {url}\n\
         Write key   {write_key}\n\
         Console     {console}\n\
         Admin key   {admin_key}\n\
         Redis       {redis_command}\n\
         Files       {data_dir}\n\
         \n\
         Try it:\n  \
         {typed} identify ada name=Ada plan.tier=pro --write-key {write_key} --url {url}\n  \
         {typed} profile get ada --config {config_file}\n\
         \n\
         Ctrl-C stops everything that this command has started.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_name_what_clients_need() {
        let started = started("http");
        insta::assert_snapshot!(welcome(&started, "kenwell"));
        let lines = welcome(&started, "npx kenwell");
        for line in [
            "\n  npx kenwell identify ada",
            "\n  npx kenwell profile get ada",
        ] {
            assert!(lines.contains(line), "{lines}");
        }
    }

    #[test]
    fn links_of_listeners_with_certificates_are_https() {
        let lines = welcome(&started("https"), "kenwell");
        assert!(!lines.contains("http://"), "{lines}");
        assert!(
            lines.contains("https://127.0.0.1:8081/sign-in?token=TOKEN"),
            "{lines}"
        );
    }

    fn started(scheme: &'static str) -> DevStarted {
        DevStarted {
            gateway_scheme: scheme,
            private_scheme: scheme,
            gateway: "0.0.0.0:8080".parse().unwrap(),
            write_key: Secret::new("KEY"),
            private: "127.0.0.1:8081".parse().unwrap(),
            admin_key: Some(Secret::new("kwa_KEY")),
            sign_in_token: Some(Secret::new("TOKEN")),
            redis_command: "redis-cli -p 6400".into(),
            data_dir: "data".into(),
            config_file: "data/kenwell.toml".into(),
        }
    }
}
