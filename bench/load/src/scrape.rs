//! Kenwell's `/metrics`: how many events are written, and how many wait.

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest page read.
const MAX_PAGE: u64 = 1024 * 1024;

/// What matters of one page, all destinations together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// Events written to Redis since Kenwell started.
    pub(crate) written: u64,
    /// Events without an outcome yet.
    pub(crate) queued: u64,
}

impl Counts {
    /// Asks for the page at `url` (plain http) with the admin key.
    pub(crate) async fn read(url: &str, admin_key: &str) -> anyhow::Result<Self> {
        let page = page(url, admin_key)
            .await
            .with_context(|| format!("cannot read {url}"))?;
        let total = |name| total(&page, name).with_context(|| format!("{url} has no {name}"));
        Ok(Self {
            written: total("kenwell_destination_written_total")?,
            queued: total("kenwell_destination_queued")?,
        })
    }
}

async fn page(url: &str, admin_key: &str) -> anyhow::Result<String> {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .context("not http://host:port/path")?;
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {admin_key}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    stream.take(MAX_PAGE).read_to_string(&mut page).await?;
    anyhow::ensure!(
        page.starts_with("HTTP/1.1 200 "),
        "the answer began with {:?}",
        page.lines().next().unwrap_or_default()
    );
    Ok(page)
}

/// The sum of all series of this name; nothing when there are none.
fn total(page: &str, name: &str) -> Option<u64> {
    let series = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' '])
            .then(|| rest.rsplit(' ').next()?.parse::<u64>().ok())?
    };
    page.lines()
        .filter_map(series)
        .reduce(|sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_and_names_are_whole() {
        let page = "# TYPE a counter\na{d=\"x y\"} 3\na{d=\"z\"} 4\na_b 9\nc 1\n";
        assert_eq!(
            (total(page, "a"), total(page, "c"), total(page, "b")),
            (Some(7), Some(1), None)
        );
    }
}
