//! Variables: those that win over the file, and those that others set.

use super::*;

#[test]
fn variables_win_over_the_file() {
    let text = ROUTE.replace("\"web\"", "\"web-site\"");
    let variables = [
        ("KENWELL_DATA_DIR", "/elsewhere"),
        ("KENWELL_WORKSPACE_ID", "w2"),
        ("KENWELL_GATEWAY_LISTEN", "0.0.0.0:80"),
        ("KENWELL_PRIVATE_LISTEN", "127.0.0.1:81"),
        ("KENWELL_JOURNAL_MAX_BYTES", "2 GiB"),
        ("KENWELL_JOURNAL_RETAIN", "90"),
        ("KENWELL_SOURCES_WEB_SITE_WRITE_KEY", "file:key"),
        ("KENWELL_SOURCES_WEB_SITE_DESTINATIONS", "profiles, "),
        (
            "KENWELL_DESTINATIONS_PROFILES_PASSWORD",
            "env:KENWELL_MY_OWN_NAME",
        ),
        ("KENWELL_MY_OWN_NAME", "p2"),
        ("KENWELL_DESTINATIONS_PROFILES_DATABASE", "2"),
        ("KENWELL_DESTINATIONS_PROFILES_SECURE", "true"),
        ("KENWELL_CONFIG", "of the command line"),
        ("KENWELL_JOVO_REDIS", "of the command line too"),
    ];
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("key"), "k2").unwrap();
    let Loaded { config, warnings } = load_in(directory.path(), &text, &variables).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config.data_dir, Path::new("/elsewhere"));
    assert_eq!(config.workspace_id, "w2");
    assert_eq!(config.gateway.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.private.listen.to_string(), "127.0.0.1:81");
    assert_eq!(config.journal.max_bytes, 2 << 30);
    assert_eq!(config.journal.retain, Duration::from_secs(90));
    assert_eq!(config.sources[0].write_key.expose(), "k2");
    assert_eq!(config.sources[0].destinations, ["profiles"]);
    let connection = &config.destinations[0].connection;
    assert_eq!(connection.password.as_ref().unwrap().expose(), "p2");
    assert_eq!(connection.database, 2);
    assert!(connection.secure);
}

#[test]
fn what_kubernetes_sets_for_services_is_no_warning_and_a_typing_error_is_one() {
    let mut variables: Vec<(String, String)> = Vec::new();
    for (service, address) in [("KENWELL", "10.96.0.7"), ("KENWELL_GATEWAY", "10.96.0.8")] {
        let mut set = |name: &str, value: &str| {
            variables.push((format!("{service}_{name}"), value.to_owned()));
        };
        set("SERVICE_HOST", address);
        set("SERVICE_PORT", "8080");
        set("PORT", &format!("tcp://{address}:8080"));
        for port in ["8080", "8081", "4000"] {
            set(&format!("SERVICE_PORT_HTTP_{port}"), port);
            set(
                &format!("PORT_{port}_TCP"),
                &format!("tcp://{address}:{port}"),
            );
            set(&format!("PORT_{port}_TCP_PROTO"), "tcp");
            set(&format!("PORT_{port}_TCP_PORT"), port);
            set(&format!("PORT_{port}_TCP_ADDR"), address);
        }
    }
    assert!(variables.len() > 30);
    variables.push(("KENWELL_GATEWAY_LISTN".to_owned(), "127.0.0.1:1".to_owned()));
    let environment: Environment = variables.into_iter().collect();
    let loaded = Config::parse("kenwell.toml".as_ref(), ROUTE, &environment).unwrap();
    let [warning] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings);
    };
    assert!(
        warning
            .to_string()
            .contains("did you mean KENWELL_GATEWAY_LISTEN")
    );
}
