//! Executables, interpreter, host, `uv`.

use std::path::Path;

use crate::doctor::facts::{Installation, Machine};
use crate::doctor::{Check, Group};
use crate::failure::Failure;
use crate::interpreter::{self, Interpreter};

const GROUP: Group = Group::Programs;

/// Checks that all three programs can be found.
pub fn executables(machine: &Machine) -> Check {
    const NAME: &str = "executables";
    match (&machine.host, &machine.client_on_path) {
        (Err(failure), _) => Check::failed(GROUP, NAME, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or("Install skills-daemon again.")),
        (Ok(host), None) => {
            let directory = host.parent().unwrap_or(host).display();
            let evidence = format!("{}; but skills-client is not on PATH", host.display());
            Check::warning(GROUP, NAME, evidence)
                .remedy(format!("Add {directory} to PATH, in your shell's start-up file:"))
                .command(format!("export PATH=\"{directory}:$PATH\""))
        }
        (Ok(host), Some(client)) => {
            Check::ok(GROUP, NAME, format!("{}, {}", client.display(), host.display()))
        }
    }
}

/// Returns the warning about another installation that comes first on PATH.
pub fn other_installation(machine: &Machine) -> Option<Check> {
    let own = machine.own.as_deref()?;
    let same = |found: &Path, name: &str| {
        let own = own.with_file_name(name);
        !own.is_file() || same_file(found, &own)
    };
    let found = [
        (machine.control_on_path.as_deref(), "skills-daemon"),
        (machine.client_on_path.as_deref(), "skills-client"),
    ];
    let others: Vec<String> = found
        .into_iter()
        .filter_map(|(found, name)| found.filter(|found| !same(found, name)))
        .map(|found| found.display().to_string())
        .collect();
    let directory = own.parent().unwrap_or(own).display();
    (!others.is_empty()).then(|| {
        let others = others.join(", ");
        Check::warning(
            GROUP,
            "installations",
            format!(
                "{others} of another installation is first on PATH; this one is in {directory}"
            ),
        )
        .remedy("Remove one of them, or put the right one first, in your shell's start-up file:")
        .command(format!("export PATH=\"{directory}:$PATH\""))
    })
}

/// Checks that a Python with a suitable shared library was found.
pub fn interpreter(interpreter: &Result<Interpreter, Failure>) -> Check {
    const NAME: &str = "interpreter";
    match interpreter {
        Err(failure) => Check::failed(GROUP, NAME, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or("Build skills-daemon again.")),
        Ok(found) => {
            let library = found.library.as_deref().unwrap_or_else(|| "none".as_ref());
            let evidence = format!(
                "Python {} at {}, library {}",
                found.version,
                found.executable.display(),
                library.display()
            );
            match interpreter::BUILD_PYTHON {
                Some(built) if !same_file(&found.executable, Path::new(built)) => {
                    Check::warning(GROUP, NAME, evidence).remedy(format!(
                        "It replaces {built}, which the host was built against; nothing to do if plugins work."
                    ))
                }
                _ => Check::ok(GROUP, NAME, evidence),
            }
        }
    }
}

/// True if both are one file: `python3` and `python3.11` may be the same.
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    one == other
        || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Checks that the host starts with that library.
pub fn host(installation: &Installation) -> Check {
    const NAME: &str = "host";
    let expected = format!("{} {}", crate::lifecycle::launch::HOST, crate::VERSION);
    match &installation.host_version {
        Ok(version) if *version == expected => Check::ok(GROUP, NAME, version),
        Ok(version) => {
            let evidence = format!("{version}, but this program has version {}", crate::VERSION);
            Check::warning(GROUP, NAME, evidence)
                .remedy("Install skills-daemon again; all three executables belong together.")
        }
        Err(error) => Check::failed(GROUP, NAME, error.as_str())
            .remedy("Repair the interpreter, or build skills-daemon again."),
    }
}

/// Checks that `uv` runs.
pub fn uv(installation: &Installation) -> Check {
    const NAME: &str = "uv";
    match &installation.uv {
        None => Check::warning(GROUP, NAME, "neither on PATH nor fetched yet")
            .remedy("The daemon fetches it with pip when it starts; or install it yourself."),
        Some((path, Ok(version))) => {
            Check::ok(GROUP, NAME, format!("{version} at {}", path.display()))
        }
        Some((path, Err(error))) => {
            Check::failed(GROUP, NAME, format!("{}: {error}", path.display()))
                .remedy("Install uv again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::doctor::facts::Descriptors;
    use std::fs;

    #[test]
    fn another_installation_that_comes_first_is_named() {
        let root = tempfile::tempdir().unwrap();
        let program = |directory: &str, name: &str| {
            let path = root.path().join(directory).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let own = program("own", "skills-daemon");
        let other = program("other", "skills-daemon");
        let mut machine = Machine {
            host: Err(Failure::environment("no")),
            own: Some(own.clone()),
            client_on_path: Some(program("own", "skills-client")),
            control_on_path: Some(own),
            proxies: Vec::new(),
            certificates: Vec::new(),
            descriptors: Descriptors::default(),
            inotify: None,
        };
        assert_eq!(other_installation(&machine), None);
        assert_eq!(executables(&machine).verdict, Verdict::Failed);
        machine.control_on_path = Some(other.clone());
        let check = other_installation(&machine).unwrap();
        assert!(check.evidence.starts_with(&other.display().to_string()), "{}", check.evidence);
        assert!(check.command.unwrap().contains("/own:$PATH"));
    }
}
