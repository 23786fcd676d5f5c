//! How a destination's Redis is said: as a URL, and with certificates.

use super::{PEM, ROUTE, load, report_texts, with_destination_lines};

#[test]
fn a_url_says_the_same_as_the_keys() {
    let of = |lines: &str, variables: &[(&str, &str)]| {
        let text = ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
        let loaded = load(&text, variables).unwrap();
        assert_eq!(loaded.warnings, [], "{lines}");
        loaded.config.destinations[0].connection.clone()
    };
    let by_keys = of(
        "address = \"localhost:6379\"\nusername = \"u\"\npassword = \"p@\"\ndatabase = 5\nsecure = true\nskip_verify = true\nserver_name = \"h\"",
        &[],
    );
    let rest = "skip_verify = true\nserver_name = \"h\"";
    let url = "rediss://u:p%40@localhost/5";
    assert_eq!(of(&format!("url = \"{url}\"\n{rest}"), &[]), by_keys);
    assert_eq!(
        of(
            &format!("url = \"env:REDIS_URL\"\n{rest}"),
            &[("REDIS_URL", url)]
        ),
        by_keys
    );
    let variable = [("KENWELL_DESTINATIONS_PROFILES_URL", url)];
    assert_eq!(of(rest, &variable), by_keys);
    // What a URL leaves open, keys can say; saying the same twice is no contradiction.
    let open = format!(
        "url = \"rediss://u@localhost\"\naddress = \"localhost:6379\"\npassword = \"p@\"\ndatabase = 5\nsecure = true\n{rest}"
    );
    assert_eq!(of(&open, &[]), by_keys);
    let socket = of("url = \"unix:///run/redis.sock?db=3\"", &[]);
    assert_eq!(
        (socket.address.as_str(), socket.database),
        ("unix:/run/redis.sock", 3)
    );
}

#[test]
fn bad_urls() {
    let of = |lines: &str| ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
    let cases: Vec<String> = [
        "url = \"\"",
        "url = 6379",
        "url = \"SECRET\"",
        "url = \"http://:SECRET@h\"",
        "url = \"redis://:SECRET@h:port\"",
        "url = \"redis://:SECRET@h/five\"",
        "url = \"redis://:SECRET%@h\"",
        "url = \"redis://:SECRET/x@h\"",
        "url = \"redis://:SECRET@a,b\"",
        "url = \"redis-sentinel://:SECRET@a,b\"",
        "url = \"redis-sentinel://:SECRET@a,b/one\"\nsentinel_master = \"two\"",
        "url = \"unix://redis.sock\"",
        "url = \"env:NOT_THERE\"",
        "url = \"redis://u:SECRET@h/1\"\naddress = \"other:6379\"\nusername = \"v\"\npassword = \"SECRET2\"\ndatabase = 2\nsecure = true",
        "url = \"rediss://h\"\nsecure = false",
        "url = \"redis://h\"\nca_certificate = \"kenwell.toml\"\nclient_key = \"SECRET\"\nserver_name = \"x\"",
        "url = \"redis://u@h\"",
    ]
    .into_iter()
    .map(of)
    .collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    insta::assert_snapshot!(report_texts(&cases));
}

#[test]
fn bad_certificates() {
    let with = |line: &str| with_destination_lines(&format!("secure = true\n{line}"));
    let pem = |name: &str, text: &str| with(&format!("{name} = '''\n{text}'''"));
    let cases = [
        pem("ca_certificate", EXPIRED),
        pem("ca_certificate", LEAF),
        pem(
            "ca_certificate",
            "-----BEGIN PRIVATE KEY-----\nSECRET==\n-----END PRIVATE KEY-----\n",
        ),
        pem("client_certificate", PEM),
        with("client_key = \"SECRET\""),
        pem(
            "client_key",
            "-----BEGIN PRIVATE KEY-----\nSECRET==\n-----END PRIVATE KEY-----\n",
        ),
        format!(
            "{}\n{}",
            pem("client_certificate", PEM),
            "client_key = '-----BEGIN ENCRYPTED PRIVATE KEY-----SECRET'"
        ),
        with("server_name = \"no name\""),
        ROUTE.replace(
            "127.0.0.1:6379",
            "unix:/run/redis.sock\"\nsecure = true\nskip_verify = true #",
        ),
    ];
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    insta::assert_snapshot!(report_texts(&cases));
}

/// An authority whose time is over.
const EXPIRED: &str = "-----BEGIN CERTIFICATE-----
MIIBTzCB9qADAgECAhREQ2S8GMCGjuYTxS7+HjzuYEx2kjAKBggqhkjOPQQDAjAO
MQwwCgYDVQQDDANvbGQwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAO
MQwwCgYDVQQDDANvbGQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT0Z5YuSAJk
7oITijqZhb6zh5EtLqHi3J4SIdCrv1B6BAnOKNblYbd233WGTooyh3DfkU9cY+Vh
9XDQ+MmZEuQeozIwMDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBTeeT6kPa2j
d0+AN9750iKdlr0w/DAKBggqhkjOPQQDAgNIADBFAiA4MI5KF4m1/WTSYRP1g9jA
qCTMfL0K5hpC1zgwgzmrUgIhAJ5dZ9hNXDfwyY/PHFhk/TSbgbVD+G/IA+CUQSWH
2PlD
-----END CERTIFICATE-----
";

/// The certificate of a server, valid for decades.
const LEAF: &str = "-----BEGIN CERTIFICATE-----
MIIBWzCCAQKgAwIBAgIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0y
NjExMjIxMzQ0NDVaGA8yMDgxMDgyNTEzNDQ0NVowETEPMA0GA1UEAwwGc2VydmVy
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELIxTiEfX8NJme+1LckiLLe8x9wNJ
Kl3s/YIOUp/3KULQvGMvs6A753Um0oEq/WJGyfuB6uJbuWVomHwf+KuFR6NNMEsw
CQYDVR0TBAIwADAdBgNVHQ4EFgQUSzX3ZcbRH/FKLszI/2F5sMVrV3gwHwYDVR0j
BBgwFoAU3nk+pD2to3dPgDfe+dIinZa9MPwwCgYIKoZIzj0EAwIDRwAwRAIgEJii
ccAov1lChEmd8AYVoWrkr2ztmrUiNGgVlucmSuUCIGJJKKthJDA1UX4BBkUqf90I
IS6BfEsgavoh12k6xStr
-----END CERTIFICATE-----
";

#[test]
fn a_url_names_sentinels_and_their_master() {
    let lines = "url = \"redis-sentinel://:p@a,b/mymaster/2\"\nsecure = true";
    let text = ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
    let config = load(&text, &[]).unwrap().config;
    let connection = &config.destinations[0].connection;
    assert_eq!(connection.address, "a:26379,b:26379");
    assert_eq!(connection.sentinel_master.as_deref(), Some("mymaster"));
    assert_eq!(connection.database, 2);
    assert!(connection.secure);
}

#[test]
fn an_address_map_says_where_announced_addresses_lead() {
    let load = |lines: &str, variables: &[(&str, &str)]| {
        let lines = format!("address = \"h:1\"\n{lines}");
        load(
            &ROUTE.replace("address = \"127.0.0.1:6379\"", &lines),
            variables,
        )
    };
    let expected = [
        ("10.0.0.5:6379", "127.0.0.1:7001"),
        ("redis-2", "localhost"),
    ];
    let expected = expected.map(|(from, to)| (from.to_owned(), to.to_owned()));
    let table = "address_map = { \"10.0.0.5:6379\" = \"127.0.0.1:7001\", redis-2 = \"localhost\" }";
    let variable = (
        "KENWELL_DESTINATIONS_PROFILES_ADDRESS_MAP",
        "10.0.0.5:6379=127.0.0.1:7001, redis-2 = localhost",
    );
    for (lines, variables) in [
        (format!("cluster_mode = true\n{table}"), &[] as &[_]),
        (format!("sentinel_master = \"m\"\n{table}"), &[]),
        ("cluster_mode = true".to_owned(), &[variable]),
    ] {
        let config = load(&lines, variables).unwrap().config;
        let map = &config.destinations[0].connection.address_map;
        assert_eq!(*map, expected.clone().into(), "{lines}");
    }
    assert!(load("address_map = {}", &[]).is_ok());
    for (lines, says) in [
        (table, "no effect without cluster_mode"),
        (
            "cluster_mode = true\naddress_map = { h = \"h:1\" }",
            "both have a port",
        ),
        (
            "cluster_mode = true\naddress_map = { h = \"\" }",
            "is no address",
        ),
        (
            "cluster_mode = true\naddress_map = [\"h\"]",
            "a table of texts",
        ),
        (
            "cluster_mode = true\naddress_map = { h = 1 }",
            "a table of texts",
        ),
    ] {
        let problems = load(lines, &[]).unwrap_err().to_string();
        assert!(
            problems.contains("destinations.profiles.address_map") && problems.contains(says),
            "{problems}"
        );
    }
}
