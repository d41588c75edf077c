//! The resolver alone: how long a check takes, and verdicts for `tests/bench/solver.py`.
//!
//! ```text
//! cargo bench --bench solver                    # the check of 5, 50 and 200 plugins
//! cargo bench --bench solver -- site SITE_PACKAGES # each look at a directory of installed packages
//! cargo bench --bench solver -- verdicts PYTHON CACHE < SETS
//! ```
//!
//! `verdicts` reads one set a line, a JSON array of requirements, each taken as a plugin of its own, and answers each
//! with one line of JSON: `{"verdict": "solvable" | "conflict" | "impossible" | "failed", "text": …}`.

#![expect(clippy::print_stdout, reason = "it is the program's output")]
#![expect(clippy::unwrap_used, reason = "a bench reports by panicking")]

#[path = "../../src/bin/skills-host"]
mod host {
    #[expect(
        dead_code,
        unused_imports,
        reason = "a part of it is measured, and none of its tests run"
    )]
    pub(crate) mod solver;
}

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use host::solver::UvSolver;
use serde_json::json;
use skills_daemon::environment::{self, Environment};
use skills_daemon::failure::Failure;
use skills_daemon::installed::{Depth, Installed, Package, damaged, fingerprint};
use skills_daemon::requirements::{Owner, Party, Requirement, Sources, Wanted};
use skills_daemon::solver::{Explanation, Need, Solver, Verdict, World};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_pep508::{MarkerEnvironment, MarkerEnvironmentBuilder};

/// The allocator of the host.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = environment::arguments()
        .filter_map(|argument| argument.into_string().ok())
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.get(1).map(String::as_str) {
        Some("verdicts") => verdicts(&arguments[2], &arguments[3]),
        Some("site") => site(Path::new(&arguments[2])),
        _ => timings(),
    }
}

/// Prints the median time of a check, satisfied and not.
fn timings() {
    let solver = UvSolver::new(Environment::default());
    let markers = markers();
    for plugins in [5, 50, 200] {
        let installed = installed();
        let wanted = wanted(plugins);
        let mut less = installed.clone();
        less.packages.remove(&name("package-119"));
        for (what, world) in [("satisfied", &installed), ("one package missing", &less)] {
            let packages = world.packages.len();
            measure(&format!("{plugins} plugins, {packages} packages, {what}"), || {
                let verdict = solver.check(&wanted, world, &markers).unwrap();
                assert_eq!(matches!(verdict, Verdict::Satisfied { .. }), what == "satisfied");
            });
        }
    }
}

/// Prints the median time of each look that a start takes at `site_packages`.
fn site(site_packages: &Path) {
    let packages = Installed::read(site_packages).unwrap().packages.len();
    measure(&format!("{packages} packages, fingerprint"), || {
        fingerprint(site_packages).unwrap();
    });
    measure(&format!("{packages} packages, sizes of all files"), || {
        assert_eq!(damaged(site_packages, Depth::Size).unwrap(), []);
    });
    measure(&format!("{packages} packages, metadata"), || {
        Installed::read(site_packages).unwrap();
    });
}

/// Prints the median of 200 times of `work`.
fn measure(what: &str, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{what}: median {:.2} ms, 95 % below {:.2} ms",
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 95 / 100].as_secs_f64() * 1e3,
    );
}

/// 120 packages, each with the metadata of a usual one: requirements for itself, and many for extras.
fn installed() -> Installed {
    let package = |number: usize| {
        let mut requires: Vec<String> = (1..=3)
            .map(|step| number + step * 7)
            .filter(|other| *other < 120)
            .map(|other| format!("package-{other}>=1.0,<3"))
            .collect();
        requires.push("colorama>=0.4; sys_platform == 'win32'".to_owned());
        requires.extend((0..15).map(|tool| format!("tool-{tool}>=1; extra == 'dev'")));
        Package {
            name: name(&format!("package-{number}")),
            version: Version::from_str("1.4.2").unwrap(),
            requires,
            extras: Vec::new(),
            requires_python: Some(">=3.8".parse().unwrap()),
            url: None,
            dist_info: PathBuf::new(),
        }
    };
    let packages = (0..120).map(package);
    Installed {
        site_packages: PathBuf::new(),
        packages: packages.map(|package| (package.name.clone(), package)).collect(),
        broken: Vec::new(),
    }
}

fn wanted(plugins: usize) -> Wanted {
    let party = |number: usize| {
        let needs = (0..4).map(|step| format!("package-{}>=1.2", (number * 11 + step * 29) % 120));
        party(number, needs.collect())
    };
    Wanted { parties: (0..plugins).map(party).collect(), sources: Sources::default() }
}

fn party(number: usize, requirements: Vec<String>) -> Party {
    let requirement = |text: String| {
        let parsed: uv_pep508::Requirement = text.parse().unwrap();
        Requirement { text, package: parsed.name, field: String::new() }
    };
    let name = format!("plugin-{number}");
    Party {
        owner: Owner::Plugin { path: PathBuf::from(&name), name },
        requirements: requirements.into_iter().map(requirement).collect(),
        requires_python: None,
    }
}

fn name(text: &str) -> PackageName {
    PackageName::from_str(text).unwrap()
}

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

/// Prints a verdict for each set of requirements on stdin.
fn verdicts(python: &str, cache: &str) {
    let solver = UvSolver::new(Environment::of_process());
    let world = World { python: PathBuf::from(python), cache: PathBuf::from(cache) };
    for line in io::stdin().lock().lines() {
        let set: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
        let parties = set.into_iter().enumerate();
        let parties = parties.map(|(number, text)| party(number, vec![text])).collect();
        let wanted = Wanted { parties, sources: Sources::default() };
        let start = Instant::now();
        let explanation = futures_executor::block_on(solver.explain(wanted, world.clone()));
        let mut answer = answer(explanation);
        answer.insert("seconds", json!(start.elapsed().as_secs_f64()));
        println!("{}", json!(answer));
    }
}

fn answer(explanation: Result<Explanation, Failure>) -> BTreeMap<&'static str, serde_json::Value> {
    let (verdict, text) = match explanation {
        Ok(Explanation::Solvable) => ("solvable", String::new()),
        Ok(Explanation::Conflict(conflict)) => {
            let needs: Vec<String> = conflict.needs.iter().map(need).collect();
            ("conflict", needs.join("; "))
        }
        Ok(Explanation::Impossible { owner, chain, reason }) => {
            ("impossible", format!("{}: {reason}", need(&Need { owner, chain })))
        }
        Err(failure) => ("failed", failure.to_string()),
    };
    BTreeMap::from([("verdict", json!(verdict)), ("text", json!(text))])
}

fn need(need: &Need) -> String {
    format!("{} needs {}", need.owner, need.chain.join(", which needs "))
}
