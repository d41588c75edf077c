//! Compiling a new generation beside the first import of its packages.
//!
//! The import waits for one module after the other on one CPU; another one compiles what comes last. Both write each
//! file of bytecode whole, and neither compiles what is there already.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::thread;

use uv_normalize::PackageName;
use uv_pep508::{Requirement, VerbatimUrl};

use super::Generation;
use crate::installed::Installed;
use crate::paths::Paths;
use crate::requirements::Party;

/// Compiles the sources that stdin lists, a line each, into the cache that the argument names; what Python needs for
/// that itself comes from its own bytecode.
const PROGRAM: &str = "\
import compileall, os, sys
sys.pycache_prefix = sys.argv[1]
daemon = os.getppid()
for line in sys.stdin.buffer:
    if os.getppid() != daemon:
        break
    compileall.compile_file(os.fsdecode(line.rstrip(b'\\n')), quiet=2)
";

/// Begins to compile the packages of `generation`, and does not wait for the end.
///
/// Nothing depends on it: a failure costs the import the time that this would have saved.
pub(super) fn begin(paths: &Paths, generation: &Generation) {
    let is_alone = thread::available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
    let installed = match Installed::read(generation.site_packages()) {
        Ok(installed) if !is_alone => installed,
        _ => return,
    };
    let mut command = Command::new(generation.python());
    // Isolated and without the environment's own start-up files: no code of a package runs.
    command.args(["-I", "-S", "-c", PROGRAM]).arg(paths.pycache());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Here, because Python changes the environment of this process once it is embedded.
    let compiled = command.spawn().and_then(|child| {
        let compiling = thread::Builder::new().name("skills-compile".to_owned());
        compiling.spawn(move || {
            if let Err(error) = feed(child, &order(&installed)) {
                tracing::debug!(%error, "bytecode was not compiled ahead");
            }
        })
    });
    if let Err(error) = compiled {
        tracing::debug!(%error, "bytecode is not compiled ahead");
    }
}

/// Sends the list of `sources` and waits for the end.
fn feed(mut child: Child, sources: &[PathBuf]) -> io::Result<()> {
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let lines: Vec<u8> =
        sources.iter().flat_map(|source| [source.as_os_str().as_bytes(), b"\n"].concat()).collect();
    let written = stdin.write_all(&lines);
    drop(stdin);
    child.wait()?;
    written
}

/// Returns the sources of all packages, those first that are imported last: the daemon imports its own packages before
/// a plugin imports others.
fn order(installed: &Installed) -> Vec<PathBuf> {
    let own = closure(installed, Party::base().requirements.into_iter().map(|it| it.package));
    let (own, others): (Vec<_>, Vec<_>) =
        installed.packages.values().partition(|package| own.contains(&package.name));
    let sources = others.into_iter().chain(own).flat_map(|package| package.sources());
    sources.map(|source| installed.site_packages.join(source)).collect()
}

/// Returns `packages` and those that they require, markers left aside.
fn closure(
    installed: &Installed,
    packages: impl Iterator<Item = PackageName>,
) -> BTreeSet<PackageName> {
    let mut open: Vec<PackageName> = packages.collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(package) = installed.packages.get(&name).filter(|_| found.insert(name)) else {
            continue;
        };
        let named = package.requires.iter().filter(|text| !text.contains("extra =="));
        let parsed = named.filter_map(|text| Requirement::<VerbatimUrl>::from_str(text).ok());
        open.extend(parsed.map(|requirement| requirement.name));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn packages_of_plugins_come_before_those_of_the_daemon() {
        let site = tempfile::tempdir().unwrap();
        for (name, requires, source) in [
            (
                "fastapi",
                "Requires-Dist: starlette\nRequires-Dist: jinja2; extra == \"all\"\n",
                "f.py",
            ),
            ("starlette", "", "s.py"),
            ("jinja2", "", "j.py"),
            ("zipp", "", "z.py"),
        ] {
            let info = site.path().join(format!("{name}-1.dist-info"));
            fs::create_dir(&info).unwrap();
            fs::write(info.join("METADATA"), format!("Name: {name}\nVersion: 1\n{requires}"))
                .unwrap();
            fs::write(info.join("RECORD"), format!("{source},,\n{name}.txt,,\n")).unwrap();
        }
        let installed = Installed::read(site.path()).unwrap();
        let names: Vec<_> = order(&installed)
            .iter()
            .map(|source| source.strip_prefix(site.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["j.py", "z.py", "f.py", "s.py"]);
    }
}
