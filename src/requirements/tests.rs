//! Requirements that are read, those that are refused, and the files of seniority and calls.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use super::called::Called;
use super::seniority::KEPT;
use super::*;

fn ground(folder: &Path) -> Ground {
    Ground { folder: folder.to_owned(), allowed: Vec::new() }
}

fn text(text: &str) -> String {
    Requirement::parse(text, "f", &ground(Path::new("/"))).unwrap().text
}

fn error(text: &str) -> String {
    let error = Requirement::parse(text, "f", &ground(Path::new("/"))).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

fn plugin(name: &str, requirements: &[&str]) -> Party {
    let parse = |text: &&str| Requirement::parse(text, "f", &ground(Path::new("/"))).unwrap();
    Party {
        owner: Owner::Plugin { name: name.into(), path: format!("/plugins/{name}").into() },
        requirements: requirements.iter().map(parse).collect(),
        requires_python: None,
    }
}

#[test]
fn spellings_of_one_requirement_are_one() {
    for (typed, canonical) in [
        ("httpx", "httpx"),
        ("  Requests_OAuthlib  ", "requests-oauthlib"),
        ("zope.Interface", "zope-interface"),
        ("zope-_.interface", "zope-interface"),
        ("httpx >= 0.25 , <1", "httpx>=0.25,<1"),
        ("httpx (>=0.25)", "httpx>=0.25"),
        ("a[B_c, d] ~= 1.0", "a[b-c,d]~=1.0"),
        ("a; python_version<'3.8'", "a ; python_full_version < '3.8'"),
        ("a ; sys_platform == \"linux\"", "a ; sys_platform == 'linux'"),
        ("a@https://h/a.whl", "a @ https://h/a.whl"),
        (
            "a [x] @ git+https://h/r@main#subdirectory=s ; sys_platform == 'linux'",
            "a[x] @ git+https://h/r@main#subdirectory=s ; sys_platform == 'linux'",
        ),
        ("a @ https://user:secret@h/a.whl", "a @ https://user:secret@h/a.whl"),
    ] {
        assert_eq!(text(typed), canonical, "{typed}");
        assert_eq!(text(canonical), canonical);
    }
    // An extra of a package may want the package itself with another extra.
    assert_eq!(text("a[all]"), "a[all]");
    let secret = Requirement::parse("a @ https://u:secret@h/a.whl", "f", &ground(Path::new("/")));
    assert_eq!(secret.unwrap().shown(), "a @ https://u:****@h/a.whl");
}

#[test]
fn what_is_no_requirement_is_refused_in_one_line() {
    let index = "packages come from the index that the user's settings name (`[dependencies]` in config.toml)";
    for (typed, message) in [
        ("", "`` is not a requirement: empty field is not allowed for PEP508".to_owned()),
        ("httpx >> 1", "`httpx >> 1` is not a requirement: no such comparison operator \">>\", must be one of ~= == != <= >= < > === (at `>> 1`)".to_owned()),
        ("--index-url https://h/simple", format!("`--index-url` is an option, not a requirement: {index}")),
        ("--index-url=https://h/simple", format!("`--index-url` is an option, not a requirement: {index}")),
        ("httpx --extra-index-url https://h", format!("`--extra-index-url` is an option, not a requirement: {index}")),
        ("-e .", "`-e` is an option, not a requirement: write `NAME @ file:PATH`".to_owned()),
        ("-r requirements.txt", "`-r` is an option, not a requirement: list the requirements of that file here".to_owned()),
        ("--pre", "`--pre` is an option, not a requirement: remove it".to_owned()),
        ("a @ https://h/a.whl --hash=sha256:0", "`--hash` is an option, not a requirement: remove it".to_owned()),
        ("httpx\n--pre", "\"httpx\\n--pre\" has a line break or another control character in it".to_owned()),
        ("a @ https://h/${HOME}/a.whl", "`a @ https://h/${HOME}/a.whl` is not a requirement: variables in a URL are not expanded; write it out".to_owned()),
        ("a @ ../lib", "`a @ ../lib` is not a requirement: a path is written as a URL: `file:../lib`".to_owned()),
        ("a @ https://h/a b.whl", "`a @ https://h/a b.whl` is not a requirement: a space in a URL is written `%20`".to_owned()),
    ] {
        assert_eq!(error(typed), message, "{typed}");
    }
    for (typed, part) in [
        ("./lib", "must be preceded by a package name"),
        ("https://h/a.whl", "must be preceded by a package name"),
        ("a.whl", "must be preceded by a package name"),
        ("a[b", "missing closing bracket"),
        ("a ; os_nam == 'x'", "os_nam"),
        ("a @ https://", "empty host"),
        ("é", "alphanumeric character"),
    ] {
        assert!(error(typed).contains(part), "{}", error(typed));
    }
    assert!(error(&"a".repeat(5000)).starts_with("a requirement of 5000 bytes is too long"));
    let deep = format!("a ; {}os_name == 'x'{}", "(".repeat(40), ")".repeat(40));
    assert!(error(&deep).ends_with("parentheses are nested deeper than 32"));
    let long = error(&format!("{} >> 1", "b".repeat(200)));
    assert!(long.starts_with("`…bbb") && long.len() < 200, "{long}");
}

#[test]
fn a_file_url_counts_from_the_folder_and_stays_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let folder = root.join("plugin");
    for made in ["plugin/my lib", "plugin/lib", "outside", "shared/x"] {
        fs::create_dir_all(root.join(made)).unwrap();
    }
    symlink(root.join("outside"), folder.join("link")).unwrap();
    symlink(folder.join("lib"), folder.join("inner")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    let parse = |ground: &Ground, url: &str| {
        Requirement::parse(&format!("lib @ {url}"), "dependencies[0]", ground)
    };
    let (own, base) = (ground(&folder), format!("lib @ file://{}", folder.display()));
    for (url, end) in [
        ("file:lib", "/lib"),
        ("file:./lib", "/lib"),
        ("file://./lib", "/lib"),
        ("file:lib/../lib#subdirectory=s", "/lib#subdirectory=s"),
        ("file:my%20lib", "/my%20lib"),
        ("FILE:inner", "/lib"),
        ("file:.", ""),
        ("file:lib ; os_name == 'posix'", "/lib ; os_name == 'posix'"),
        (&format!("file://{}/lib", folder.display()), "/lib"),
        (&format!("file://localhost{}/lib", folder.display()), "/lib"),
    ] {
        assert_eq!(parse(&own, url).unwrap().text, format!("{base}{end}"), "{url}");
    }
    assert_eq!(parse(&own, "file:my%20lib").unwrap().path().unwrap(), folder.join("my lib"));
    for url in
        ["file:../outside", "file:link", "file:lib/../../outside", "file:/", "git+file:link@v1"]
    {
        let error = parse(&own, url).unwrap_err().to_string();
        let outside = format!("is outside of {}: move it there", folder.display());
        assert!(error.contains(&outside), "{url}: {error}");
    }
    let error = parse(&own, "file:../outside").unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`lib @ file:../outside`: {0}/outside is outside of {0}/plugin: move it there, or add its directory to \
             `paths` in `[dependencies]` of config.toml",
            root.display()
        )
    );
    for url in ["file:gone", "file:loop", "file:%00", "file:"] {
        let found = parse(&own, url);
        assert!(url == "file:" || found.unwrap_err().to_string().contains("cannot find"), "{url}");
    }
    // What the user allows is allowed, and no more.
    let allowed = Ground { allowed: vec![root.join("shared"), root.join("gone")], ..own };
    let inside = parse(&allowed, "file:../shared/x").unwrap();
    assert_eq!(inside.text, format!("lib @ file://{}/shared/x", root.display()));
    assert!(parse(&allowed, "file:link").is_err());
}

#[test]
fn what_comes_from_elsewhere_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("plugin/lib")).unwrap();
    let ground = Ground { folder: root.join("plugin"), allowed: vec![root.clone()] };
    let texts = [
        "httpx>=0.25",
        "b[x] @ git+https://u:secret@h/b ; os_name == 'posix'",
        "c @ file:..",
        "d @ file:lib",
    ];
    let parse = |(index, text): (usize, &&str)| {
        Requirement::parse(text, format!("dependencies[{index}]"), &ground).unwrap()
    };
    let requirements = texts.iter().enumerate().map(parse).collect();
    let party = Party { requirements, ..plugin("p", &[]) };
    assert_eq!(
        party.remarks(&ground.folder),
        [
            "`dependencies[1]` installs b[x] from git+https://u:****@h/b, not from the package index".to_owned(),
            format!(
                "`dependencies[2]` installs c from {}, outside of the plugin's folder",
                root.display()
            ),
        ]
    );
}

#[test]
fn no_text_makes_the_parser_panic() {
    let pieces = [
        "a",
        "A.b",
        "-",
        "--",
        "@",
        "file:",
        "https://",
        "[",
        "]",
        ",",
        "(",
        ")",
        ";",
        " ",
        "#",
        "\t",
        "\u{0}",
        "é",
        "日本",
        "\u{202e}",
        ">=",
        "===",
        "~=",
        "1.0",
        "99999999999999999999",
        "*",
        "'",
        "\"",
        "python_version",
        "extra",
        " and ",
        " or ",
        "not in",
        "in",
        "${HOME}",
        "%00",
        "%",
        "../",
        "\\",
        ":",
        "?",
        "git+",
        "[::1",
        "@@",
        "!",
        "1!1",
        "+x",
        ".post",
        "localhost",
        "//",
        "os_name == 'x'",
    ];
    // A linear congruential generator: the same texts in each run.
    let mut seed = 1u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let ground = ground(Path::new("/"));
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let text: String = (0..=next(9)).map(|_| pieces[next(pieces.len())]).collect();
        let _ = Requirement::check(&text);
        match Requirement::parse(&text, "f", &ground) {
            Ok(requirement) => {
                let _ = (requirement.shown(), requirement.url(), requirement.path());
                read += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{text:?}: {error}");
                refused += 1;
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn the_fingerprint_is_that_of_all_that_counts() {
    let wanted = |parties, sources| Wanted::new(parties, sources, &Seniority::default());
    let one = wanted(vec![plugin("a", &["httpx>=1"])], Sources::default());
    let same = wanted(vec![plugin("a", &["httpx >= 1"])], Sources::default());
    assert_eq!(one.fingerprint("3.11.7"), same.fingerprint("3.11.7"));
    assert_eq!(one.parties[0].owner, Owner::Daemon);
    assert_eq!(one.parties[0].requirements.len(), CORE.len());
    let offline = Sources { offline: true, ..Sources::default() };
    for other in [
        wanted(vec![plugin("a", &["httpx>=2"])], Sources::default()),
        wanted(vec![plugin("b", &["httpx>=1"])], Sources::default()),
        wanted(vec![plugin("a", &["httpx>=1"]), plugin("b", &[])], Sources::default()),
        wanted(vec![plugin("a", &["httpx>=1"])], offline),
    ] {
        assert_ne!(one.fingerprint("3.11.7"), other.fingerprint("3.11.7"));
    }
    assert_ne!(one.fingerprint("3.11.7"), one.fingerprint("3.12.1"));
    let owners = same.owners(&"httpx".parse().unwrap());
    assert_eq!(owners.into_iter().map(ToString::to_string).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn the_fingerprint_sees_a_changed_project_at_a_path() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lib")).unwrap();
    let requirement = Requirement::parse("lib @ file:lib", "f", &ground(dir.path())).unwrap();
    let party = Party { requirements: vec![requirement], ..plugin("a", &[]) };
    let wanted = Wanted::new(vec![party], Sources::default(), &Seniority::default());
    let before = wanted.fingerprint("3.11.7");
    fs::write(dir.path().join("lib/pyproject.toml"), "[project]").unwrap();
    assert_ne!(wanted.fingerprint("3.11.7"), before);
}

#[test]
fn a_plugin_keeps_its_rank_over_those_that_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seniority.json");
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let [a, b, c] = ["/plugins/a", "/plugins/b", "/plugins/c"].map(Path::new);
    let order = |seniority: &Seniority| {
        let mut parties: Vec<Party> = ["z", "a", "b", "c"].map(|name| plugin(name, &[])).into();
        seniority.sort(&mut parties);
        parties.iter().map(|party| party.owner.to_string()).collect::<String>()
    };
    let (mut seniority, warning) = Seniority::read(&file);
    assert_eq!(warning, None);
    assert!(seniority.note(&[c, b], at(100)));
    assert!(!seniority.note(&[b, c], at(101)));
    seniority.write(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Found first, but later.
    let (mut seniority, _) = Seniority::read(&file);
    assert!(seniority.note(&[a, b, c], at(200)));
    assert_eq!(order(&seniority), "cbaz");
    assert_eq!((seniority.came(c), seniority.came(a)), (Some(at(100)), Some(at(200))));
    // Gone and back within the limit, and beyond it.
    assert!(seniority.note(&[a, b], at(300)));
    assert!(!seniority.note(&[a, b], at(400)));
    assert!(seniority.note(&[a, b, c], at(300) + KEPT));
    assert_eq!(order(&seniority), "cbaz");
    assert!(seniority.note(&[a, b], at(500) + KEPT));
    assert!(seniority.note(&[a, b, c], at(501) + 2 * KEPT));
    assert_eq!(order(&seniority), "bacz");
    // The clock may go backwards.
    assert!(!seniority.note(&[a, b, c], at(0)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_unusable_file_is_made_anew_with_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seniority.json");
    for text in ["", "{", "[]", "{\"plugins\": [{\"path\": 5}]}"] {
        fs::write(&file, text).unwrap();
        let (mut seniority, warning) = Seniority::read(&file);
        assert_eq!(seniority, Seniority::default());
        assert!(warning.unwrap().contains("seniority.json is made anew: "), "{text}");
        assert!(seniority.note(&[Path::new("/p")], SystemTime::now()));
        seniority.write(&file).unwrap();
        assert_eq!(Seniority::read(&file), (seniority, None));
    }
}

#[test]
fn requirements_of_a_bundled_plugin_count_once_it_was_called() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("called.json");
    let (mut called, _) = Called::read(&file);
    assert!(!called.counts("dates", true) && called.counts("dates", false));
    assert!(called.note("dates") && !called.note("dates"));
    called.write(&file).unwrap();
    let (called, warning) = Called::read(&file);
    assert!(called.counts("dates", true) && !called.counts("text", true) && warning.is_none());
}
