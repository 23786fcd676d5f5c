//! `kenwell dev`.

use super::exit::Failure;
use super::{output, signals};
use crate::config::Problems;
use crate::dev::{self, DevOptions, DevStarted};
use crate::listener::local_address;

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
    if output::line(welcome(started)).is_err() {
        tracing::debug!("stdout is closed");
    }
}

/// The lines a person needs, and what to do with them.
fn welcome(started: &DevStarted) -> String {
    let write_key = started.write_key.expose();
    let url = format!("http://{}", local_address(started.gateway));
    let console = local_address(started.private);
    let admin_key = started.admin_key.as_ref().map_or(
        "shown when it was made; `kenwell admin-key reset` makes a new one",
        kenwell::connection::Secret::expose,
    );
    let DevStarted {
        redis_port,
        config_file,
        ..
    } = started;
    let config_file = config_file.display();
    format!(
        "\n\
         Data plane  {url}\n\
         Write key   {write_key}\n\
         Console     http://{console}\n\
         Admin key   {admin_key}\n\
         Redis       redis-cli -p {redis_port}\n\
         \n\
         Try it:\n  \
         kenwell identify ada name=Ada plan.tier=pro --write-key {write_key} --url {url}\n  \
         kenwell profile get ada --config {config_file}\n\
         \n\
         Ctrl-C stops the server and its Redis.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_name_what_clients_need() {
        let started = DevStarted {
            gateway: "0.0.0.0:8080".parse().unwrap(),
            write_key: kenwell::connection::Secret::new("KEY"),
            private: "127.0.0.1:8081".parse().unwrap(),
            admin_key: Some(kenwell::connection::Secret::new("kwa_KEY")),
            redis_port: 6400,
            config_file: "data/kenwell.toml".into(),
        };
        insta::assert_snapshot!(welcome(&started));
    }
}
