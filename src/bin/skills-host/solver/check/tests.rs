//! Worlds by hand, and by chance.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use skills_daemon::installed::Package;
use skills_daemon::requirements::{Owner, Party, Requirement, Sources};
use uv_normalize::ExtraName;
use uv_pep440::VersionSpecifiers;
use uv_pep508::MarkerEnvironmentBuilder;

use super::*;

/// Python 3.11.7 on Linux.
fn markers() -> MarkerEnvironment {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: "3.11.7",
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "6.1",
        platform_system: "Linux",
        platform_version: "1",
        python_full_version: "3.11.7",
        python_version: "3.11",
        sys_platform: "linux",
    })
    .unwrap()
}

/// Reads `name version`, then `requirement` of each further line; `extra=X`, `python>=3.8` and `url=…` are its
/// other metadata.
fn package(text: &str) -> Package {
    let mut words = text.lines().map(str::trim);
    let (name, version) = words.next().unwrap().split_once(' ').unwrap();
    let mut package = Package {
        name: PackageName::from_str(name).unwrap(),
        version: Version::from_str(version).unwrap(),
        requires: Vec::new(),
        extras: Vec::new(),
        requires_python: None,
        url: None,
        dist_info: PathBuf::new(),
    };
    for line in words {
        if let Some(extra) = line.strip_prefix("extra=") {
            package.extras.push(ExtraName::from_str(extra).unwrap());
        } else if let Some(url) = line.strip_prefix("url=") {
            package.url = Some(url.to_owned());
        } else if let Some(python) = line.strip_prefix("python") {
            package.requires_python = Some(VersionSpecifiers::from_str(python).unwrap());
        } else {
            package.requires.push(line.to_owned());
        }
    }
    package
}

fn installed(packages: &[&str]) -> Installed {
    let packages = packages.iter().map(|text| package(text));
    Installed {
        site_packages: PathBuf::new(),
        packages: packages.map(|package| (package.name.clone(), package)).collect(),
        broken: Vec::new(),
    }
}

/// Reads `name: requirement; requirement`, the requirements separated by two blanks.
fn party(text: &str) -> Party {
    let (name, requirements) = text.split_once(':').unwrap();
    let mut party = Party {
        owner: Owner::Plugin { name: name.to_owned(), path: PathBuf::from(name) },
        requirements: Vec::new(),
        requires_python: None,
    };
    for text in requirements.split("  ").map(str::trim).filter(|text| !text.is_empty()) {
        if let Some(python) = text.strip_prefix("python") {
            party.requires_python = Some(VersionSpecifiers::from_str(python).unwrap());
            continue;
        }
        let package = requirement::parse(text, name).unwrap().name;
        party.requirements.push(Requirement {
            text: text.to_owned(),
            package,
            field: String::new(),
        });
    }
    party
}

fn wanted(parties: &[&str], constraints: &[&str]) -> Wanted {
    let constraints = constraints.iter().map(ToString::to_string).collect();
    Wanted {
        parties: parties.iter().map(|text| party(text)).collect(),
        sources: Sources { constraints, ..Sources::default() },
    }
}

/// Returns `ok: PACKAGES`, or a line for each requirement that is not satisfied.
fn verdict(installed: &Installed, wanted: &Wanted) -> Vec<String> {
    match check(wanted, installed, &markers()).unwrap() {
        Verdict::Satisfied { needed } => {
            let needed: Vec<&str> = needed.iter().map(PackageName::as_ref).collect();
            vec![format!("ok: {}", needed.join(" "))]
        }
        Verdict::Unsatisfied(missing) => missing
            .iter()
            .map(|it| format!("{}: {}: {}", it.owner, it.chain.join(" > "), it.instead))
            .collect(),
    }
}

#[track_caller]
fn assert_verdict(packages: &[&str], parties: &[&str], constraints: &[&str], expected: &[&str]) {
    let found = verdict(&installed(packages), &wanted(parties, constraints));
    assert_eq!(found, expected, "{packages:?} for {parties:?} within {constraints:?}");
}

const FASTAPI: &str =
    "fastapi 0.115.2\nstarlette>=0.37.2,<0.42\nuvicorn>=0.12; extra == 'standard'\nextra=standard";

#[test]
fn versions() {
    let case = |version: &str, wanted: &str, expected: &str| {
        assert_verdict(&[&format!("a {version}")], &[&format!("p: {wanted}")], &[], &[expected]);
    };
    case("1.0", "a", "ok: a");
    case("1.0", "a>=1", "ok: a");
    case("1.0", "a==1", "ok: a");
    case("1.0", "a~=1.0", "ok: a");
    case("1.0", "a<1", "p: a<1: a 1.0 is installed");
    case("1.0", "a!=1.*", "p: a!=1.*: a 1.0 is installed");
    // One that is installed counts, pre-release or not.
    case("2.0rc1", "a>=1", "ok: a");
    case("2.0rc1", "a>=1,<2", "p: a>=1,<2: a 2.0rc1 is installed");
    case("2.0.dev3", "a", "ok: a");
    case("1.0.post1", "a>1.0", "p: a>1.0: a 1.0.post1 is installed");
    case("1.0+cpu", "a==1.0", "ok: a");
    case("1.0+cpu", "a==1.0+cu118", "p: a==1.0+cu118: a 1.0+cpu is installed");
    case("1!1.0", "a>=2", "ok: a");
    case("1.0", "A_x>=1", "p: a-x>=1: it is not installed");
}

#[test]
fn names_differ_in_case_and_separators() {
    assert_verdict(
        &["ruamel-yaml 0.18\nSome.Other_Thing>=1", "some-other-thing 1"],
        &["p: Ruamel.YAML>=0.17"],
        &[],
        &["ok: ruamel-yaml some-other-thing"],
    );
}

#[test]
fn what_no_requirement_leads_to_is_not_needed() {
    assert_verdict(&["a 1", "b 1", "c 1"], &["p: a", "q: b"], &[], &["ok: a b"]);
    assert_verdict(&["a 1"], &[], &[], &["ok: "]);
}

#[test]
fn requirements_of_requirements() {
    assert_verdict(
        &[FASTAPI, "starlette 0.41.3\nanyio>=3.4", "anyio 4.6"],
        &["p: fastapi>=0.115"],
        &[],
        &["ok: anyio fastapi starlette"],
    );
    assert_verdict(
        &[FASTAPI, "starlette 0.45.2\nanyio>=3.4"],
        &["a: fastapi>=0.115", "b: starlette", "c: fastapi  anyio<4"],
        &[],
        &[
            "a: fastapi>=0.115 > starlette>=0.37.2,<0.42: starlette 0.45.2 is installed",
            "a: fastapi>=0.115 > starlette>=0.37.2,<0.42 > anyio>=3.4: it is not installed",
            "b: starlette > anyio>=3.4: it is not installed",
            "c: anyio<4: it is not installed",
            "c: fastapi > starlette>=0.37.2,<0.42: starlette 0.45.2 is installed",
            "c: fastapi > starlette>=0.37.2,<0.42 > anyio>=3.4: it is not installed",
        ],
    );
}

#[test]
fn extras() {
    let world = [FASTAPI, "starlette 0.41"];
    assert_verdict(&world, &["p: fastapi"], &[], &["ok: fastapi starlette"]);
    assert_verdict(
        &world,
        &["p: fastapi[standard]"],
        &[],
        &["p: fastapi[standard] > uvicorn>=0.12: it is not installed"],
    );
    assert_verdict(
        &[FASTAPI, "starlette 0.41", "uvicorn 0.30"],
        &["p: fastapi[Standard]"],
        &[],
        &["ok: fastapi starlette uvicorn"],
    );
    // One that the package does not have asks for nothing.
    assert_verdict(&["a 1"], &["p: a[none]"], &[], &["ok: a"]);
}

#[test]
fn extras_in_a_circle_end() {
    let world = [
        "a 1\na[x,y]; extra == 'all'\nb[more]; extra == 'x'\nc; extra == 'y'\nextra=all\nextra=x\nextra=y",
        "b 1\na[all]; extra == 'more'\nextra=more",
    ];
    assert_verdict(&world, &["p: a[all]"], &[], &["p: a[all] > a[x,y] > c: it is not installed"]);
    let complete = [world[0], world[1], "c 1\na[all]>=1"];
    assert_verdict(&complete, &["p: a[all]"], &[], &["ok: a b c"]);
}

#[test]
fn markers_that_do_not_hold_ask_for_nothing() {
    assert_verdict(
        &[
            "a 1\nwinreg; sys_platform == 'win32'\ntomli; python_version < '3.11'\nb; python_version >= '3.11'",
            "b 1",
        ],
        &["p: a  colorama; sys_platform == 'win32'", "q: colorama; sys_platform == 'linux'"],
        &[],
        &["q: colorama: it is not installed"],
    );
}

#[test]
fn urls() {
    let wheel = "https://example.org/a-1-py3-none-any.whl";
    let from = |url: &str| format!("a 1\nurl={url}");
    for (origin, url, fits) in [
        (wheel, wheel, true),
        (wheel, "https://user:secret@example.org/a-1-py3-none-any.whl", true),
        (wheel, "https://example.org/a-1-py3-none-any.whl#sha256=abc", true),
        (wheel, "https://example.org/other/a-1-py3-none-any.whl", false),
        ("file:///plugins/jira/lib", "file:///plugins/jira/lib", true),
        ("file:///plugins/jira/lib", "file:///plugins/jira/lib/", true),
        ("file:///plugins/jira/lib", "file:///plugins/notes/lib", false),
        ("git+https://github.com/o/a.git@v1", "git+https://github.com/O/a@v1", true),
        ("git+https://github.com/o/a@v1", "git+https://github.com/o/a@v2", false),
        (
            "git+https://github.com/o/a@v1#subdirectory=x",
            "git+https://github.com/o/a@v1#subdirectory=y",
            false,
        ),
    ] {
        let found =
            verdict(&installed(&[&from(origin)]), &wanted(&[&format!("p: a @ {url}")], &[]));
        assert_eq!(found[0].starts_with("ok"), fits, "{origin} for {url}: {found:?}");
    }
    assert_verdict(&[&from(wheel)], &["p: a>=1"], &[], &["ok: a"]);
    assert_verdict(
        &["a 1"],
        &[&format!("p: a @ {wheel}")],
        &[],
        &[&format!("p: a @ {wheel}: a 1 is installed from an index")],
    );
    // A package's own requirement may name a URL too.
    assert_verdict(&[&format!("b 1\na @ {wheel}"), &from(wheel)], &["p: b"], &[], &["ok: a b"]);
}

#[test]
fn constraints() {
    let world = [FASTAPI, "starlette 0.41.3"];
    assert_verdict(&world, &["p: fastapi"], &["starlette<1"], &["ok: fastapi starlette"]);
    assert_verdict(
        &world,
        &["p: fastapi", "q:"],
        &["starlette<0.41"],
        &[
            "p: fastapi > starlette>=0.37.2,<0.42 > starlette<0.41 (constraint): starlette 0.41.3 is installed",
        ],
    );
    // They want no package, and count only where their marker holds.
    assert_verdict(&world, &["p: fastapi"], &["other>=1"], &["ok: fastapi starlette"]);
    assert_verdict(
        &world,
        &["p: fastapi"],
        &["starlette<0.1; sys_platform == 'win32'"],
        &["ok: fastapi starlette"],
    );
}

#[test]
fn versions_of_python() {
    let world = ["a 1\npython>=3.12", "b 1\npython>=3.8,<3.11"];
    assert_verdict(&world, &["p: a"], &[], &["p: a > Python>=3.12: Python 3.11.7 runs"]);
    // As for `uv`, an upper bound of a package does not count; that of a plugin does.
    assert_verdict(&world, &["p: b"], &[], &["ok: b"]);
    assert_verdict(
        &world,
        &["p: python>=3.8,<3.11  b", "q: b"],
        &[],
        &["p: Python>=3.8,<3.11: Python 3.11.7 runs"],
    );
    assert_verdict(&world, &["p: python>=3.11  b"], &[], &["ok: b"]);
}

#[test]
fn unreadable_metadata_is_passed_over() {
    assert_verdict(&["a 1\n!!!\nb (>=1)\nc>=1.9.*", "b 1", "c 2"], &["p: a"], &[], &["ok: a b c"]);
}

#[test]
fn an_invalid_requirement_names_itself() {
    let mut wanted = wanted(&["p: a"], &[]);
    wanted.parties[0].requirements[0].text = "a>=".to_owned();
    let failure = check(&wanted, &installed(&[]), &markers()).unwrap_err();
    assert!(failure.error.starts_with("invalid requirement `a>=` of p: "), "{failure}");
}

#[test]
fn a_thousand_requirements() {
    let names: Vec<String> = (0..1000).map(|number| format!("package-{number}")).collect();
    let texts: Vec<String> = names.iter().map(|name| format!("{name} 1.{}", name.len())).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let parties: Vec<String> = (0..50)
        .map(|number| format!("p{number}: {}", names[number * 20..][..20].join("  ")))
        .collect();
    let parties: Vec<&str> = parties.iter().map(String::as_str).collect();
    let wanted = wanted(&parties, &[]);
    match check(&wanted, &installed(&texts), &markers()).unwrap() {
        Verdict::Satisfied { needed } => assert_eq!(needed.len(), 1000),
        Verdict::Unsatisfied(missing) => panic!("{missing:?}"),
    }
    let found = verdict(&installed(&texts[1..]), &wanted);
    assert_eq!(found, ["p0: package-0: it is not installed"]);
}

/// Numbers by chance, the same ones each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn requirement(&mut self) -> String {
        let name = ["a", "b", "c", "d", "e", "f"][usize::try_from(self.below(6)).unwrap()];
        let extra = ["", "", "", "[x]", "[y]", "[x,y]"][usize::try_from(self.below(6)).unwrap()];
        let versions =
            ["", "", ">=2", "<3", "!=2", ">=1,<2", "==3"][usize::try_from(self.below(7)).unwrap()];
        format!("{name}{extra}{versions}")
    }

    fn package(&mut self, name: &str) -> String {
        let mut text = format!("{name} {}", 1 + self.below(3));
        for _ in 0..self.below(3) {
            let marker = ["", "; extra == 'x'", "; extra == 'y'", "; os_name == 'nt'"];
            let marker = marker[usize::try_from(self.below(4)).unwrap()];
            text.push_str(&format!("\n{}{marker}", self.requirement()));
        }
        text + "\nextra=x\nextra=y"
    }
}

/// The resolver and the walk are two ways to the same verdict: what is not satisfied is always named, and what is
/// satisfied needs the packages that the walk meets.
#[test]
fn the_resolver_and_the_walk_agree() {
    let mut chance = Chance(7);
    let mut counts = BTreeMap::new();
    for round in 0..600 {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut texts: Vec<String> = names.iter().map(|name| chance.package(name)).collect();
        if chance.below(3) == 0 {
            texts.pop();
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parties: Vec<String> =
            (0..2).map(|number| format!("p{number}: {}", chance.requirement())).collect();
        let parties: Vec<&str> = parties.iter().map(String::as_str).collect();
        let (installed, wanted) = (installed(&texts), wanted(&parties, &[]));
        let markers = markers();
        let case = Check {
            members: parties::members(&wanted).unwrap(),
            constraints: Vec::new(),
            site: Site::new(&installed),
            markers: &markers,
            python: markers.python_full_version().only_release(),
        };
        let missing = case.missing();
        match case.solve().unwrap() {
            Ok(needed) => {
                assert_eq!(missing, [], "{round}: {texts:?} for {parties:?}");
                let met: BTreeSet<PackageName> = case
                    .members
                    .iter()
                    .flat_map(|it| {
                        let walk = Walk::new(&it.distribution.requires, &case.site, &markers);
                        walk.requirements().map(|it| it.1.name.clone()).collect::<Vec<_>>()
                    })
                    .collect();
                assert_eq!(met, needed, "{round}: {texts:?} for {parties:?}");
                *counts.entry("satisfied").or_insert(0) += 1;
            }
            Err(error) => {
                assert!(!missing.is_empty(), "{round}: {texts:?} for {parties:?}: {error}");
                *counts.entry("not").or_insert(0) += 1;
            }
        }
    }
    assert!(counts.values().all(|count| *count > 50) && counts.len() == 2, "{counts:?}");
}
