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
fn azures_connection_string_is_understood_as_address_and_as_url() {
    let of = |lines: &str, variables: &[(&str, &str)]| {
        let text = ROUTE.replace("address = \"127.0.0.1:6379\"", lines);
        let loaded = load(&text, variables).unwrap();
        assert_eq!(loaded.warnings, [], "{lines}");
        loaded.config.destinations[0].connection.clone()
    };
    let by_keys = of(
        "address = \"me.redis.cache.windows.net:6380\"\npassword = \"a+b/c=\"\nsecure = true",
        &[],
    );
    let azure = "me.redis.cache.windows.net:6380,password=a+b/c=,ssl=True,abortConnect=False";
    for key in ["address", "url"] {
        assert_eq!(of(&format!("{key} = \"{azure}\""), &[]), by_keys, "{key}");
        let variable = format!("KENWELL_DESTINATIONS_PROFILES_{}", key.to_uppercase());
        assert_eq!(of("", &[(&variable, azure)]), by_keys, "{key}");
    }
    // Keys beside it say what it leaves open.
    let more = of(&format!("address = \"{azure}\"\nusername = \"u\""), &[]);
    assert_eq!(more.username.as_deref(), Some("u"));
    let hosts = "a:1,b:2,password=p,ssl=False";
    let cluster = of(&format!("address = \"{hosts}\"\ncluster_mode = true"), &[]);
    assert_eq!(cluster.address, "a:1,b:2");
    let sentinels = of("address = \"a:1,password=p,ssl=True,serviceName=m\"", &[]);
    assert_eq!(sentinels.sentinel_master.as_deref(), Some("m"));
    assert!(sentinels.secure);
    let both = format!("address = \"{azure}\"\nurl = \"redis://h\"");
    let both = ROUTE.replace("address = \"127.0.0.1:6379\"", &both);
    let problems = load(&both, &[]).unwrap_err().to_string();
    assert!(problems.contains("keep one of them"), "{problems}");
}

#[test]
fn what_is_pasted_as_an_address_is_never_shown() {
    for paste in [
        "host:6379:SECRET",
        ":SECRET@host",
        ":SECRET@host:6379",
        "SECRET@host:6379",
        "user:SECRET@host:6379",
        "redis://:SECRET@host:6379",
        "redis-cli -u redis://:SECRET@host:6379",
        "redis-cli -h host -p 6379 -a SECRET",
        "--tls -h host -p 6379 -a SECRET",
        "host:6380,password=SECRET,ssl=maybe",
        "host:6380,password=SECRET,pass=SECRET",
        "host:6380:SECRET,ssl=True",
        "host:6380,SECRET,ssl=True",
        "password=SECRET,host:6380",
        "host:6379 SECRET",
        "host SECRET:6379",
        "host:6379/SECRET",
        "SECRET",
        "[SECRET]:6379",
        "unix:SECRET",
    ] {
        for key in ["address", "url"] {
            let line = format!("{key} = \"{paste}\"");
            let text = ROUTE.replace("address = \"127.0.0.1:6379\"", &line);
            // As a URL the fifth from above is right.
            if key == "url" && paste.starts_with("redis://") {
                continue;
            }
            let problems = load(&text, &[]).expect_err(&line).to_string();
            assert!(!problems.contains("SECRET"), "{line}: {problems}");
            assert!(problems.contains("fix: "), "{line}: {problems}");
        }
    }
}

#[test]
fn what_other_clients_call_it_leads_to_the_setting() {
    let of = |url: &str| {
        let text = ROUTE.replace("address = \"127.0.0.1:6379\"", &format!("url = \"{url}\""));
        load(&text, &[]).unwrap().config.destinations[0]
            .connection
            .clone()
    };
    assert!(of("rediss://:p@h:1?ssl_cert_reqs=none").skip_verify);
    assert!(!of("rediss://:p@h:1?ssl_cert_reqs=required").skip_verify);
    assert!(of("valkeys://:p@h:1").secure);
    assert_eq!(of("valkey://h/3").database, 3);
}

#[test]
fn a_secret_from_the_environment_loses_its_last_line_end() {
    for end in ["", "\n", "\r\n", "\r"] {
        let value = format!("p@ss{end}");
        for (line, name) in [
            ("password = \"env:REDIS_PASSWORD\"", "REDIS_PASSWORD"),
            ("", "KENWELL_DESTINATIONS_PROFILES_PASSWORD"),
        ] {
            let config = load(&with_destination_lines(line), &[(name, &value)]).unwrap();
            let connection = &config.config.destinations[0].connection;
            let password = connection.password.as_ref().unwrap();
            assert_eq!(password.expose(), "p@ss", "{name} {end:?}");
        }
    }
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
