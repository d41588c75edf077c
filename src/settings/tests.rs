//! Settings out of defaults, file and environment.

use super::*;

fn resolve(toml: &str, vars: &[(&str, &str)]) -> Result<Settings, Failure> {
    let env = vars.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    Settings::resolve(toml.parse().unwrap(), Path::new("/c/config.toml"), &env)
}

#[test]
fn environment_wins_over_file_wins_over_default() {
    let settings = resolve("port = 1\ntimeout = 7", &[("SKILLS_DAEMON_PORT", "2")]).unwrap();
    assert_eq!(settings.port.value, Port(2));
    assert_eq!(settings.port.source, Source::Environment("SKILLS_DAEMON_PORT"));
    assert_eq!(settings.idle_timeout.value, Seconds(7));
    assert_eq!(settings.idle_timeout.source, Source::File);
    assert_eq!(settings.shutdown_timeout.value, Seconds(10));
    assert_eq!(settings.shutdown_timeout.source, Source::Default);
}

#[test]
fn a_bad_value_names_place_value_and_remedy() {
    let failure = resolve("port = \"http\"", &[]).unwrap_err();
    assert_eq!(
        failure.error,
        "/c/config.toml: `port` is `http`, which is not a port number from 0 to 65535"
    );
    let failure = resolve("", &[("SKILLS_DAEMON_HOST", "box.lan")]).unwrap_err();
    assert!(failure.error.ends_with("or an address of this machine"), "{failure}");
}

#[test]
fn an_address_beyond_loopback_comes_in_addition_and_never_without_the_token() {
    for (host, expected) in [
        ("localhost", "127.0.0.1, ::1"),
        ("::", "127.0.0.1, ::1"),
        ("[::1]", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0, ::1"),
        ("192.0.2.1", "127.0.0.1, ::1, 192.0.2.1"),
        ("2001:db8::1", "127.0.0.1, ::1, 2001:db8::1"),
    ] {
        let settings = resolve("", &[("SKILLS_DAEMON_HOST", host)]).unwrap();
        assert_eq!(settings.host.value.to_string(), expected);
        let beyond = settings.host.value.beyond_loopback().is_some();
        let refused = resolve("tcp_token = false", &[("SKILLS_DAEMON_HOST", host)]);
        assert_eq!(refused.is_err(), beyond, "{host}");
    }
    for host in ["224.0.0.1", "255.255.255.255", "1.2.3", "192.0.2.1:80", "fe80::1%eth0"] {
        let resolved = resolve("", &[("SKILLS_DAEMON_HOST", host)]);
        assert!(resolved.is_err(), "{host}");
    }
    let failure = resolve("host = '192.0.2.1'\ntcp_token = false", &[]).unwrap_err();
    assert_eq!(
        failure.error,
        "`tcp_token` is false, and `host` is 192.0.2.1, which other machines can reach (set by config.toml)"
    );
}

#[test]
fn a_switch_is_a_boolean_or_a_word() {
    assert_eq!(resolve("", &[]).unwrap().wrappers.value, Switch(true));
    assert_eq!(resolve("wrappers = false", &[]).unwrap().wrappers.value, Switch(false));
    let set = |value| resolve("wrappers = false", &[("SKILLS_DAEMON_WRAPPERS", value)]);
    assert_eq!(set("1").unwrap().wrappers.value, Switch(true));
    assert!(set("maybe").unwrap_err().error.ends_with("which is not true or false"));
}

#[test]
fn unknown_keys_are_kept_for_a_warning() {
    let unknown = resolve("prot = 1\nspeed = 2", &[]).unwrap().unknown;
    let texts: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "unknown setting `prot` in config.toml (did you mean `port`?)",
            "unknown setting `speed` in config.toml"
        ]
    );
}

#[test]
fn plugins_are_split_and_expanded() {
    let vars = [("HOME", "/h"), ("SKILLS_DAEMON_PLUGINS", "~/a: /b ::")];
    let settings = resolve("", &vars).unwrap();
    assert_eq!(settings.plugins, [PathBuf::from("/h/a"), PathBuf::from("/b")]);
}
