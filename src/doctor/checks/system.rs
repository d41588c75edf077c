//! The machine: proxies, certificates, clock, limits.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::facts::{Certificates, Clock, Descriptors, Inotify};
use super::super::redact;
use super::super::{Check, Group};

const GROUP: Group = Group::System;

/// Schemes of proxies that `uv`, curl and Python have in common.
const PROXY_SCHEMES: [&str; 5] = ["http", "https", "socks4", "socks5", "socks5h"];
/// The variable that lists hosts without a proxy.
const NO_PROXY: &str = "no_proxy";
/// The least limit of open files; connections, plugins and logs need more at times.
const DESCRIPTORS_MIN: u64 = 1024;
/// The least limit of watched directories: those of plugins, of packages, and of the user's editor.
const WATCHES_MIN: u64 = 8192;
/// How much of a limit may be used before a warning, in percent.
const USED_MAX: u64 = 90;
/// How far a clock may be off.
const DRIFT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A time before which this program did not exist: 2025-01-01.
const BEGIN: Duration = Duration::from_secs(1_735_689_600);

/// Checks the proxies of the environment; `None` without any.
pub fn proxies(variables: &[(String, String)]) -> Option<Check> {
    const NAME: &str = "proxies";
    let (lists, proxies): (Vec<_>, Vec<_>) =
        variables.iter().partition(|(name, _)| name.eq_ignore_ascii_case(NO_PROXY));
    if proxies.is_empty() {
        return None;
    }
    let shown = |(name, value): &(String, String)| format!("{name} is {}", redact::url(value));
    for variable in &proxies {
        if let Some(fault) = proxy_fault(&variable.1) {
            let evidence = format!("{}, which is no proxy: {fault}", shown(variable));
            return Some(
                Check::failed(GROUP, NAME, evidence)
                    .remedy("Correct it where it is set, or remove it:")
                    .command(format!("unset {}", variable.0)),
            );
        }
    }
    let differs = |(name, value): &&&(String, String)| {
        let same = |(other, _): &&&(String, String)| other.eq_ignore_ascii_case(name);
        proxies.iter().filter(same).any(|(_, other)| other != value)
    };
    let evidence = proxies.iter().copied().map(shown).collect::<Vec<_>>().join(", ");
    if let Some((name, _)) = proxies.iter().find(differs) {
        let evidence = format!("{evidence}: {name} is set twice, with two values");
        return Some(
            Check::warning(GROUP, NAME, evidence)
                .remedy("Programs differ in which one they use: set both to the same value."),
        );
    }
    if !lists.iter().any(|(_, list)| covers_loopback(list)) {
        let evidence = format!("{evidence}, and NO_PROXY does not have localhost");
        return Some(
            Check::warning(GROUP, NAME, evidence)
                .remedy("Programs that call the daemon over HTTP may ask the proxy; in your shell's start-up file:")
                .command("export NO_PROXY=\"localhost,127.0.0.1,::1${NO_PROXY:+,$NO_PROXY}\""),
        );
    }
    Some(Check::ok(GROUP, NAME, evidence))
}

/// Returns what is wrong with the value of a proxy's variable.
fn proxy_fault(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    if !PROXY_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Some(format!("`{scheme}` is none of {}", PROXY_SCHEMES.join(", ")));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host_and_port.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match host_and_port.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
        return Some("it has no host".to_owned());
    }
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (!is_port).then(|| format!("`{}` is no port", port.unwrap_or_default()))
}

/// True if a list of hosts without a proxy has this machine.
fn covers_loopback(list: &str) -> bool {
    let entries = list.split([',', ' ']).map(str::trim);
    let is_loopback = |entry: &str| {
        entry == "*"
            || entry.eq_ignore_ascii_case("localhost")
            || entry.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    entries.into_iter().any(is_loopback)
}

/// Checks that the certificates that variables name can be used.
pub fn certificates(found: &[Certificates]) -> Option<Check> {
    const NAME: &str = "certificates";
    if found.is_empty() {
        return None;
    }
    let faults = found.iter().filter_map(|it| Some((it, it.fault.as_ref()?)));
    let faults: Vec<_> = faults.collect();
    let Some((first, _)) = faults.first() else {
        let shown = found.iter().map(|it| format!("{} is {}", it.name, it.path.display()));
        return Some(Check::ok(GROUP, NAME, shown.collect::<Vec<_>>().join(", ")));
    };
    let shown =
        faults.iter().map(|(it, fault)| format!("{} is {}: {fault}", it.name, it.path.display()));
    Some(
        Check::failed(GROUP, NAME, shown.collect::<Vec<_>>().join("; "))
            .remedy("Programs that trust it cannot connect by TLS. Correct it where it is set, or remove it:")
            .command(format!("unset {}", first.name)),
    )
}

/// Checks the clock: TLS needs the right day, and changed files are found by their times.
pub fn clock(clock: &Clock) -> Check {
    const NAME: &str = "clock";
    const REMEDY: &str =
        "Set the clock: certificates are refused, and changed files may not be noticed.";
    let days = |time: SystemTime| {
        time.duration_since(clock.now).unwrap_or_default().as_secs() / (24 * 3600)
    };
    let set = || match cfg!(target_os = "macos") {
        true => "sudo sntp -sS time.apple.com",
        false => "sudo timedatectl set-ntp true",
    };
    let is_ahead = |time: SystemTime| time > clock.now + DRIFT_MAX;
    if clock.now < UNIX_EPOCH + BEGIN {
        let evidence = "it is before 2025, when this program did not exist".to_owned();
        return Check::failed(GROUP, NAME, evidence).remedy(REMEDY).command(set());
    }
    if let Some(installed) = clock.installed.filter(|installed| is_ahead(*installed)) {
        let evidence = format!("{} days behind the file of this program", days(installed));
        return Check::warning(GROUP, NAME, evidence).remedy(REMEDY).command(set());
    }
    if let Some((path, time)) = clock.youngest.as_ref().filter(|(_, time)| is_ahead(*time)) {
        let evidence = format!("{} days behind the time of {}", days(*time), path.display());
        return Check::warning(GROUP, NAME, evidence).remedy(REMEDY).command(set());
    }
    Check::ok(GROUP, NAME, "no file of the daemon is from the future")
}

/// Checks the limit of open files, which the daemon raises for itself as far as it may.
pub fn descriptors(limits: &Descriptors) -> Check {
    const NAME: &str = "open files";
    let shown = |limit: Option<u64>| match limit {
        Some(u64::MAX) => "any number".to_owned(),
        Some(limit) => limit.to_string(),
        None => "not known".to_owned(),
    };
    let evidence = format!("limit {}, may be raised to {}", shown(limits.soft), shown(limits.hard));
    match limits.hard {
        Some(hard) if hard < DESCRIPTORS_MIN => Check::warning(GROUP, NAME, evidence)
            .remedy("The daemon serves fewer connections. Raise the hard limit, then restart the daemon:")
            .command(format!("ulimit -Hn {DESCRIPTORS_MIN} && skills-daemon restart")),
        _ => Check::ok(GROUP, NAME, evidence),
    }
}

/// Checks the limits of watched directories; `None` where there are none.
pub fn inotify(inotify: Option<&Inotify>) -> Option<Check> {
    const NAME: &str = "watched directories";
    let Inotify { watches_max, watches, instances_max, instances } = inotify?;
    let evidence =
        format!("{watches} of {watches_max} are used, by {instances} of {instances_max} programs");
    let is_full = |used: u64, most: u64| used.saturating_mul(100) >= most.saturating_mul(USED_MAX);
    let warning = |name: &str, value: u64| {
        Check::warning(GROUP, NAME, evidence.clone())
            .remedy("Where no more can be watched, changes take effect a few seconds later. Raise the limit:")
            .command(format!("sudo sysctl fs.inotify.{name}={value}"))
    };
    Some(if *watches_max < WATCHES_MIN || is_full(*watches, *watches_max) {
        warning("max_user_watches", (watches_max * 2).max(524_288))
    } else if is_full(*instances, *instances_max) {
        warning("max_user_instances", (instances_max * 2).max(1024))
    } else {
        Check::ok(GROUP, NAME, evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn variables(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn values_that_are_no_proxies_are_found() {
        for (value, is_fine) in [
            ("http://proxy:3128", true),
            ("proxy:3128", true),
            ("proxy", true),
            ("socks5h://u:p@[::1]:1080/", true),
            ("http://", false),
            ("ftp://proxy", false),
            ("http://proxy:port", false),
            ("http://proxy:99999", false),
            ("'http://proxy'", false),
        ] {
            assert_eq!(proxy_fault(value).is_none(), is_fine, "{value}: {:?}", proxy_fault(value));
        }
    }

    #[test]
    fn proxies_are_shown_without_their_password() {
        assert_eq!(proxies(&[]), None);
        assert_eq!(proxies(&variables(&[("NO_PROXY", "x")])), None);
        let with = |more: &[(&str, &str)]| {
            let mut list = vec![("HTTPS_PROXY", "http://ada:hidden@proxy:3128")];
            list.extend(more);
            proxies(&variables(&list)).unwrap()
        };
        let check = with(&[]);
        assert_eq!(check.verdict, Verdict::Warning);
        assert!(check.evidence.contains("@proxy:3128, and NO_PROXY does not have localhost"));
        assert!(!check.evidence.contains("hidden"), "{}", check.evidence);
        assert_eq!(with(&[("no_proxy", ".corp, 127.0.0.1")]).verdict, Verdict::Ok);
        let twice = with(&[("https_proxy", "http://other"), ("no_proxy", "*")]);
        assert!(twice.evidence.ends_with("is set twice, with two values"), "{}", twice.evidence);
        let broken = with(&[("http_proxy", "http://x:hidden@:y")]);
        assert_eq!(broken.verdict, Verdict::Failed);
        assert!(!broken.evidence.contains("hidden"), "{}", broken.evidence);
        assert_eq!(broken.command.as_deref(), Some("unset http_proxy"));
    }

    #[test]
    fn certificates_that_cannot_be_read_are_named() {
        assert_eq!(certificates(&[]), None);
        let of = |fault: Option<&str>| Certificates {
            name: "SSL_CERT_FILE",
            path: "/c".into(),
            fault: fault.map(str::to_owned),
        };
        assert_eq!(certificates(&[of(None)]).unwrap().verdict, Verdict::Ok);
        let check = certificates(&[of(None), of(Some("no"))]).unwrap();
        assert_eq!(check.evidence, "SSL_CERT_FILE is /c: no");
        assert_eq!(check.command.as_deref(), Some("unset SSL_CERT_FILE"));
    }

    #[test]
    fn a_clock_behind_its_files_is_wrong() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_756_200);
        let later = now + Duration::from_secs(3 * 24 * 3600);
        let judge = |now, installed, youngest: Option<SystemTime>| {
            let youngest = youngest.map(|time| ("/r/log".into(), time));
            clock(&Clock { now, installed, youngest })
        };
        assert_eq!(judge(now, Some(now), Some(now)).verdict, Verdict::Ok);
        assert_eq!(
            judge(now, Some(later), None).evidence,
            "3 days behind the file of this program"
        );
        assert_eq!(judge(now, None, Some(later)).evidence, "3 days behind the time of /r/log");
        assert_eq!(judge(UNIX_EPOCH, None, None).verdict, Verdict::Failed);
    }

    #[test]
    fn limits_that_are_too_low_or_used_up() {
        let limits = |hard| descriptors(&Descriptors { soft: Some(256), hard: Some(hard) }).verdict;
        assert_eq!(limits(u64::MAX), Verdict::Ok);
        assert_eq!(limits(512), Verdict::Warning);
        let judge = |watches_max, watches, instances| {
            let limits = Inotify { watches_max, watches, instances_max: 128, instances };
            inotify(Some(&limits)).unwrap()
        };
        assert_eq!(judge(65_536, 100, 3).verdict, Verdict::Ok);
        assert!(judge(65_536, 65_000, 3).command.unwrap().contains("max_user_watches=524288"));
        assert!(judge(65_536, 10, 127).command.unwrap().contains("max_user_instances=1024"));
        assert_eq!(judge(4096, 10, 1).verdict, Verdict::Warning);
        assert_eq!(inotify(None), None);
    }
}
