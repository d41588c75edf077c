//! Indexes by hand: a directory of wheels, written by the interpreter that they are resolved for.

use std::path::{Path, PathBuf};
use std::process::Command;

use skills_daemon::requirements::{Party, Requirement as Wants, Sources};

use super::*;

/// Writes a package for each line of its argument: `NAME VERSION [TAG] : REQUIREMENT; …`. The tag `sdist` makes a
/// source whose build would leave a trace; `pythonX` among the requirements is what it wants of Python.
const WRITE: &str = r#"
import io, pathlib, sys, tarfile, zipfile
for line in sys.argv[2].splitlines():
    head, _, needs = line.partition(":")
    name, version, tag = (head.split() + ["py3-none-any"])[:3]
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    for need in filter(None, (need.strip() for need in needs.split(" & "))):
        key = "Requires-Python: " + need[6:] if need.startswith("python") else "Requires-Dist: " + need
        lines.append(key)
    lines += ["Provides-Extra: more", ""]
    metadata = "\n".join(lines)
    directory = pathlib.Path(sys.argv[1])
    if tag == "sdist":
        root = f"{name}-{version}"
        trace = directory / "built"
        with tarfile.open(directory / f"{root}.tar.gz", "w:gz") as tar:
            for file, text in (("PKG-INFO", metadata.replace("2.1", "1.1")), ("setup.py", f"open({str(trace)!r}, 'w')")):
                entry = tarfile.TarInfo(f"{root}/{file}")
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
    else:
        with zipfile.ZipFile(directory / f"{name}-{version}-{tag}.whl", "w") as wheel:
            info = f"{name}-{version}.dist-info"
            wheel.writestr(f"{info}/METADATA", metadata)
            wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            wheel.writestr(f"{info}/RECORD", "")
"#;

struct World {
    home: tempfile::TempDir,
    python: PathBuf,
}

impl World {
    fn new(packages: &str) -> World {
        let home = tempfile::tempdir().unwrap();
        let python = Environment::of_process().program("python3").unwrap();
        let packages: Vec<&str> =
            packages.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
        let written = Command::new(&python)
            .args(["-I", "-c", WRITE])
            .arg(home.path())
            .arg(packages.join("\n"))
            .status();
        assert!(written.unwrap().success());
        World { home, python }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Returns the explanation of parties `NAME: REQUIREMENT; …`, by seniority, as one line.
    fn explain(&self, parties: &[&str], constraints: &[&str]) -> String {
        let wanted = Wanted {
            parties: parties.iter().map(|text| party(text)).collect(),
            sources: Sources {
                constraints: constraints.iter().map(ToString::to_string).collect(),
                ..Sources::default()
            },
        };
        let env: Environment = [
            ("UV_NO_INDEX", "1"),
            ("UV_NO_CONFIG", "1"),
            ("UV_FIND_LINKS", self.path().to_str().unwrap()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let world = skills_daemon::solver::World {
            python: self.python.clone(),
            cache: self.path().join("cache"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let explanation = runtime.block_on(explain(&wanted, &world, &env)).unwrap();
        assert!(!self.path().join("built").exists(), "code of a package ran");
        text(&explanation)
    }

    #[track_caller]
    fn assert(&self, parties: &[&str], expected: &str) {
        assert_eq!(self.explain(parties, &[]), expected, "{parties:?}");
    }
}

fn party(text: &str) -> Party {
    let (name, requirements) = text.split_once(':').unwrap();
    let texts = requirements.split(" & ").map(str::trim).filter(|text| !text.is_empty());
    let (python, texts): (Vec<&str>, Vec<&str>) =
        texts.partition(|text| text.starts_with("python"));
    let wants = |text: &&str| Wants {
        text: (*text).to_owned(),
        package: requirement::parse(text, name).unwrap().name,
        field: String::new(),
    };
    Party {
        owner: Owner::Plugin { name: name.to_owned(), path: PathBuf::from(name) },
        requirements: texts.iter().map(wants).collect(),
        requires_python: python.first().map(|text| text["python".len()..].parse().unwrap()),
    }
}

fn text(explanation: &Explanation) -> String {
    match explanation {
        Explanation::Solvable => "solvable".to_owned(),
        Explanation::Conflict(conflict) => {
            let needs = conflict.needs.iter();
            let needs = needs.map(|it| format!("{} needs {}", it.owner, it.chain.join(" > ")));
            needs.collect::<Vec<_>>().join("; ")
        }
        Explanation::Impossible { owner, chain, reason } => {
            format!("{owner} needs {}: {reason}", chain.join(" > "))
        }
    }
}

#[test]
fn two_parties() {
    let world = World::new("httpx 0.24.1\nhttpx 0.27.0\nhttpx 0.28.1");
    world.assert(&["jira: httpx<0.25", "notes: httpx<0.28"], "solvable");
    world.assert(&[], "solvable");
    world.assert(
        &["jira: httpx<0.25", "notes: httpx>=0.27"],
        "jira needs httpx<0.25; notes needs httpx>=0.27",
    );
    // The others have nothing to do with it, nor has what else the two need.
    world.assert(
        &["a: httpx", "jira: httpx & httpx<0.25", "b: httpx>=0.1", "notes: httpx>=0.27 & httpx<1"],
        "jira needs httpx<0.25; notes needs httpx>=0.27",
    );
}

#[test]
fn three_parties_of_which_any_two_fit() {
    let world = World::new("x 1.0\nx 2.0\nx 3.0");
    for pair in [["a: x<3", "b: x!=1.0"], ["a: x<3", "c: x!=2.0"], ["b: x!=1.0", "c: x!=2.0"]] {
        world.assert(&pair, "solvable");
    }
    world.assert(
        &["a: x<3", "b: x!=1.0", "other: x", "c: x!=2.0"],
        "a needs x<3; b needs x!=1.0; c needs x!=2.0",
    );
}

#[test]
fn three_parties_with_two_contested_packages() {
    let world = World::new("x 1.0: y==1.0\nx 2.0: z==1.0\ny 1.0\ny 2.0\nz 1.0\nz 2.0");
    let explanation = world.explain(&["a: x", "b: y>=2", "c: z>=2"], &[]);
    assert_eq!(explanation, "a needs x > z==1.0; b needs y>=2; c needs z>=2");
}

#[test]
fn requirements_of_requirements() {
    let world = World::new(
        "fastapi 0.115.0: starlette>=0.37.2,<0.42\nstarlette 0.36.0\nstarlette 0.41.0: anyio>=3.4\n\
         starlette 0.45.0: anyio>=3.4\nanyio 3.7\nanyio 4.6",
    );
    world.assert(
        &["a: fastapi>=0.115", "b: starlette>=0.45"],
        "a needs fastapi>=0.115 > starlette>=0.37.2,<0.42; b needs starlette>=0.45",
    );
    world.assert(
        &["b: anyio<3", "a: fastapi"],
        "b needs anyio<3: the index has no such version of it, the newest is 4.6",
    );
}

#[test]
fn extras_and_markers() {
    let world =
        World::new("a 1.0: b<2; extra == 'more' & b<2; sys_platform == 'win32'\nb 1.0\nb 2.0");
    world.assert(&["p: a", "q: b>=2"], "solvable");
    world.assert(&["p: a[more]", "q: b>=2"], "p needs a[more] > b<2; q needs b>=2");
    world.assert(&["p: b<2; sys_platform == 'win32'", "q: b>=2"], "solvable");
}

/// The first parties that fit together stay: the last one of a conflict is the one that came too late.
#[test]
fn a_conflict_is_that_of_the_senior_parties() {
    let world = World::new("x 1\nx 2\nx 3");
    world.assert(&["a: x<2", "b: x>=2", "c: x<2"], "a needs x<2; b needs x>=2");
    world.assert(&["a: x", "c: x<2", "b: x>=2", "d: x>=3"], "c needs x<2; b needs x>=2");
}

#[test]
fn one_party_alone() {
    let world = World::new(
        "a 1.0\nnew 1.0: python>=4.0\nwindows 1.0 cp311-cp311-win_amd64\nsource 1.0 sdist\n\
         outer 1.0: inner>=1\ninner 1.0: missing>=1\ntorn 1.0: a<1.0 & a>=1\npair 1.0: a<1 & b\nb 1.0: a>=1\n\
         deep 1.0: source",
    );
    for (party, expected) in [
        ("p: missing", "p needs missing: it is not in the index"),
        ("p: a>=2", "p needs a>=2: the index has no such version of it, the newest is 1.0"),
        ("p: outer", "p needs outer > inner>=1 > missing>=1: it is not in the index"),
        (
            "p: source",
            "p needs source: no wheel of it fits, it would have to be built from its source",
        ),
        (
            "p: deep",
            "p needs deep > source: no wheel of it fits, it would have to be built from its source",
        ),
        ("p: a<2 & a>2", "p needs a>2: the index has no such version of it, the newest is 1.0"),
    ] {
        world.assert(&["first: a", party, "last: a>=1"], expected);
    }
    let platform = world.explain(&["p: windows"], &[]);
    assert!(platform.starts_with("p needs windows: no version of it fits Python 3."), "{platform}");
    let python = world.explain(&["p: python<3 & a"], &[]);
    assert!(python.starts_with("p needs Python<3"), "{python}");
    let python = world.explain(&["p: new"], &[]);
    assert!(python.starts_with("p needs new: "), "{python}");
}

#[test]
fn a_party_against_itself() {
    let world = World::new("a 1.0\na 2.0\nb 1.0: a<2");
    world.assert(&["p: a<2 & a>=2"], "p needs a<2: the same plugin needs a>=2");
    world.assert(&["p: b & a>=2"], "p needs b > a<2: the same plugin needs a>=2");
}

#[test]
fn constraints() {
    let world = World::new("a 1.0: b>=1\nb 1.0\nb 2.0");
    assert_eq!(world.explain(&["p: a"], &["b<2", "c>=1"]), "solvable");
    assert_eq!(
        world.explain(&["p: a"], &["c>=1", "b<1"]),
        "p needs a > b>=1: excluded by the constraint `b<1`"
    );
}

#[test]
fn many_parties() {
    let packages: Vec<String> =
        (0..60).map(|number| format!("x{number} 1.0\nx{number} 2.0")).collect();
    let world = World::new(&packages.join("\n"));
    let mut parties: Vec<String> =
        (0..60).map(|number| format!("p{number}: x{number} & x0<3")).collect();
    parties[10] = "p10: x30<2 & x1".to_owned();
    parties[40] = "p40: x2 & x30>=2".to_owned();
    let parties: Vec<&str> = parties.iter().map(String::as_str).collect();
    world.assert(&parties, "p10 needs x30<2; p40 needs x30>=2");
}
