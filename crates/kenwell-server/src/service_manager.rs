//! What systemd is told of the server (`Type=notify`): one datagram to the socket that it names, or nothing without one.

use std::{
    env, io,
    os::unix::net::{SocketAddr, UnixDatagram},
    path::Path,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// The environment variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";
/// The one that says after how many microseconds of silence the process counts as standing still.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Events are accepted, by the configuration as it was read last; `status` says more.
    Ready {
        /// In a line, for `systemctl status`.
        status: &'static str,
    },
    /// The configuration is read again; [`Notice::Ready`] follows.
    Reloading,
    /// No more requests are taken.
    Stopping,
    /// The process does not stand still.
    Alive,
}

impl Notice {
    fn text(self) -> String {
        match self {
            Self::Ready { status } => format!("READY=1\nSTATUS={status}"),
            Self::Reloading => {
                // When the reload began, so that an older READY is not taken for its end.
                let now = clock_gettime(ClockId::Monotonic);
                let now = Duration::try_from(now).unwrap_or_default();
                format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros())
            }
            Self::Stopping => "STOPPING=1\nSTATUS=stopping in order".to_owned(),
            Self::Alive => "WATCHDOG=1".to_owned(),
        }
    }
}

/// Tells systemd, if it started us and wants to know.
pub(crate) fn tell(notice: Notice) {
    let Some(name) = env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
        return;
    };
    if let Err(error) = send(Path::new(&name), &notice.text()) {
        tracing::warn!(%error, ?notice, "systemd cannot be told over {SOCKET}");
    }
}

fn send(name: &Path, text: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // It reads at once; one that does not is no reason to stand still.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(text.as_bytes(), &address(name)?)?;
    Ok(())
}

/// A path, or on Linux a name without a file, which begins with `@`.
fn address(name: &Path) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::os::{linux::net::SocketAddrExt, unix::ffi::OsStrExt};
        if let Some(abstract_name) = name.as_os_str().as_bytes().strip_prefix(b"@") {
            return SocketAddr::from_abstract_name(abstract_name);
        }
    }
    SocketAddr::from_pathname(name)
}

/// Tells, until `stop`, twice in the time after which silence counts as standing still, and then that we stop. Without a
/// watchdog only the latter.
pub(crate) async fn stay_in_touch(stop: CancellationToken) {
    let limit = env::var(WATCHDOG).ok().and_then(|text| text.parse().ok());
    let alive = async {
        let Some(limit) = limit.map(Duration::from_micros).filter(|it| !it.is_zero()) else {
            return std::future::pending().await;
        };
        let mut ticks = interval(limit / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            tell(Notice::Alive);
        }
    };
    stop.run_until_cancelled(alive).await;
    tell(Notice::Stopping);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_goes_to_a_path_and_to_a_name_without_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let ready = Notice::Ready { status: "fine" };
        send(&path, &ready.text()).unwrap();
        let mut text = [0; 256];
        let length = listener.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"READY=1\nSTATUS=fine");
        #[cfg(target_os = "linux")]
        {
            let name = format!("@kenwell-test-{}", std::process::id());
            let listener = UnixDatagram::bind_addr(&address(Path::new(&name)).unwrap()).unwrap();
            send(Path::new(&name), &Notice::Reloading.text()).unwrap();
            let length = listener.recv(&mut text).unwrap();
            assert!(text[..length].starts_with(b"RELOADING=1\nMONOTONIC_USEC="));
        }
        assert!(send(&directory.path().join("nobody"), "x").is_err());
    }
}
