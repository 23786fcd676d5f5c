//! A connection string as .NET clients and Azure's portal write it: `host:6380,password=…,ssl=True`.

use super::Url;
use super::parts::{problem, with_ports};
use crate::Error;
use crate::connection::Secret;

/// Where Redis listens with TLS, and without, unless the string says otherwise.
const TLS_PORT: u16 = 6380;
const PORT: u16 = 6379;

/// The ends of host names at which TLS is spoken unless the string says otherwise.
const AZURE: [&str; 3] = [
    ".redis.cache.windows.net",
    ".redis.azure.net",
    ".redis.cache.chinacloudapi.cn",
];

/// Options that say how a .NET client works, and nothing about the server, in small letters.
const NOT_OURS: [&str; 24] = [
    "abortconnect",
    "allowadmin",
    "asynctimeout",
    "channelprefix",
    "checkcertificaterevocation",
    "clientname",
    "configchannel",
    "configcheckseconds",
    "connectretry",
    "connecttimeout",
    "heartbeatinterval",
    "heartbeatconsistencychecks",
    "highintegrity",
    "keepalive",
    "name",
    "preserveasyncorder",
    "protocol",
    "resolvedns",
    "responsetimeout",
    "setlib",
    "sslprotocols",
    "synctimeout",
    "tiebreaker",
    "version",
];

/// Whether a text is such a string, and not a list of addresses.
pub(super) fn is_one(text: &str) -> bool {
    let mut parts = text.split(',');
    let starts_with_host = parts.next().is_some_and(|first| !first.contains('='));
    starts_with_host && !text.contains("://") && parts.any(|part| part.contains('='))
}

/// Reads it. Errors show no part of it.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    let mut hosts = Vec::new();
    let mut url = Url::default();
    let mut secure = None;
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let Some((name, value)) = part.split_once('=') else {
            hosts.push(part);
            continue;
        };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "password" => url.password = (!value.is_empty()).then(|| Secret::new(value)),
            "user" => url.username = (!value.is_empty()).then(|| value.to_owned()),
            "ssl" => secure = Some(flag(value)?),
            "sslhost" => url.server_name = Some(value.to_owned()),
            "servicename" => url.sentinel_master = Some(value.to_owned()),
            "defaultdatabase" => {
                let number = value.parse().ok().filter(|number| *number >= 0);
                url.database = Some(number.ok_or_else(|| {
                    problem("defaultDatabase must be a database number, such as 5")
                })?);
            }
            other if NOT_OURS.contains(&other) => {}
            _ => {
                return Err(problem(
                    "one of its options is not known; keep the hosts, password=, user=, ssl=, sslHost=, defaultDatabase= and serviceName=, and write a password with a comma in it as the key password",
                ));
            }
        }
    }
    let at_azure = |host: &&str| {
        let name = host.split(':').next().unwrap_or_default();
        AZURE
            .iter()
            .any(|end| name.to_ascii_lowercase().ends_with(end))
    };
    url.secure = secure.unwrap_or_else(|| hosts.iter().any(at_azure));
    let port = if url.secure { TLS_PORT } else { PORT };
    url.address = with_ports(&hosts.join(","), port)?;
    Ok(url)
}

fn flag(value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(problem("ssl must be True or False")),
    }
}

#[cfg(test)]
mod tests {
    use crate::connection::{Secret, Settings};

    #[test]
    fn azures_string_says_everything() {
        let of = |text: &str| Settings::from_url(text).unwrap();
        let azure =
            of("me.redis.cache.windows.net:6380,password=a+b/c=,ssl=True,abortConnect=False");
        let mut same = Settings::new("me.redis.cache.windows.net:6380");
        same.password = Some(Secret::new("a+b/c="));
        same.secure = true;
        assert_eq!(azure, same);
        assert_eq!(of("me.redis.cache.windows.net,Password=a+b/c="), same);
        let all = of(
            " a:7 , b, user=u,password=p, SSL=no ,defaultDatabase=5,serviceName=m,sslHost=h,connectTimeout=5000",
        );
        let mut same = Settings::new("a:7,b:6379");
        same.username = Some("u".to_owned());
        same.password = Some(Secret::new("p"));
        same.database = 5;
        same.sentinel_master = Some("m".to_owned());
        same.server_name = Some("h".to_owned());
        assert_eq!(all, same);
    }

    #[test]
    fn what_is_not_understood_is_refused_without_showing_anything() {
        for text in [
            "h:6380,password=hun,ter2=hunter2",
            "h:6380,password=hunter2,ssl=maybe",
            "h:6380,password=hunter2,defaultDatabase=-1",
            "h:6380:hunter2,ssl=True",
            "hunter2@h:6380,ssl=True",
            "h:6380,hunter2,password=x y,hunter2 z",
            "hunter2=password,h:6380",
        ] {
            let error = Settings::from_url(text).unwrap_err().to_string();
            assert!(!error.contains("ter2"), "{text}: {error}");
        }
    }
}
