//! From requirements to a lock.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use uv_normalize::PackageName;
use uv_pep508::{Requirement, VerbatimUrl};

use super::Uv;
use super::call::Call;
use super::error::UvError;
use super::step::{Progress, Step};
use crate::requirements::Sources;

/// The name of the project that has all requirements; no package of an index is called so.
const PROJECT: &str = "skills-daemon-requirements";

/// What a lock is made of.
#[derive(Clone, Copy, Debug)]
pub struct Resolution<'a> {
    /// The base interpreter, for which versions are chosen.
    pub python: &'a Path,
    /// All requirements, in the form of PEP 508.
    pub requirements: &'a [String],
    /// Where packages come from.
    pub sources: &'a Sources,
    /// The text of a lock whose versions are kept where they fit.
    pub preferences: Option<&'a str>,
    /// The packages whose versions are not kept.
    pub upgrade: &'a Upgrade,
    /// True if source distributions may be built to read their metadata.
    pub builds: bool,
}

/// The packages whose newest versions are chosen, though another is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// None: only what is required changes.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Packages(BTreeSet<PackageName>),
}

impl Uv {
    /// Chooses versions of all requirements together; returns the text of the lock.
    ///
    /// Source distributions without static metadata are built to read it. Nothing is installed.
    ///
    /// # Errors
    /// [`UvError::NoSolution`] if there is none, which without a network may be for that reason.
    pub fn compile(&self, of: &Resolution, progress: Progress) -> Result<String, UvError> {
        progress(Step::Resolving { requirements: of.requirements.len() });
        let input = Input::create(&self.environment.directory)?;
        let project = input.write("pyproject.toml", &project(of.requirements))?;
        let lock = Staged::create(&self.environment.locks, of.preferences)?;
        let mut call = self.call(progress, &["pip", "compile", "--quiet", "--no-header"])?;
        call.option("python", of.python)
            .option("format", "pylock.toml")
            .option("output-file", &lock.path);
        if !of.sources.constraints.is_empty() {
            let constraints = input.write("constraints.txt", &constraints(of.sources)?)?;
            call.option("constraints", constraints);
        }
        match of.upgrade {
            Upgrade::None => {}
            Upgrade::All => {
                call.args(&["--upgrade"]);
            }
            Upgrade::Packages(names) => {
                for name in names {
                    call.option("upgrade-package", name.as_str());
                }
            }
        }
        if !of.builds {
            call.args(&["--no-build"]);
        }
        add_sources(&mut call, of.sources);
        call.args(&["--".as_ref(), project.as_os_str()]);
        let (status, output) = self.run(call, progress)?;
        match status.code() {
            Some(0) => lock.read(),
            // uv's documented status for requirements without a solution.
            Some(1) => Err(UvError::NoSolution { wanted: of.requirements.join(", "), output }),
            _ => Err(UvError::Failed {
                action: format!("resolving {}", of.requirements.join(", ")),
                output,
            }),
        }
    }
}

/// Adds the options that say where packages come from.
pub(super) fn add_sources(call: &mut Call, sources: &Sources) {
    if let Some(index) = &sources.index {
        call.option("default-index", index);
    }
    for index in &sources.extra_indexes {
        call.option("index", index);
    }
    if sources.offline {
        call.args(&["--offline"]);
    }
}

/// Returns a `pyproject.toml` with the requirements: a format in which none of them can be an option.
fn project(requirements: &[String]) -> String {
    let mut text = format!("[project]\nname = \"{PROJECT}\"\nversion = \"0\"\ndependencies = [\n");
    for requirement in requirements {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {},", toml::Value::String(requirement.clone()));
    }
    text.push_str("]\n");
    text
}

/// Returns the constraints, a line each; their format has options, so each must be a requirement.
fn constraints(sources: &Sources) -> Result<String, UvError> {
    let mut text = String::new();
    for constraint in &sources.constraints {
        let constraint = Requirement::<VerbatimUrl>::from_str(constraint).map_err(|error| {
            let reason = error.message.to_string();
            UvError::Constraint { text: constraint.clone(), reason }
        })?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{constraint}");
    }
    Ok(text)
}

/// A directory of input files, removed when it is dropped.
struct Input(PathBuf);

impl Input {
    fn create(calls: &Path) -> Result<Input, UvError> {
        let directory = calls.join(format!("resolve-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(|error| unwritten(&directory, error))?;
        Ok(Input(directory))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, UvError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| unwritten(&path, error))?;
        Ok(path)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // A leftover is overwritten by the next process with the same id.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A lock for one call, removed when it is dropped.
pub(super) struct Staged {
    pub(super) path: PathBuf,
}

impl Staged {
    /// Creates a file with `text`; without any, only its path.
    pub(super) fn create(directory: &Path, text: Option<&str>) -> Result<Staged, UvError> {
        let mut name = OsString::from("pylock.");
        name.push(format!("{}.toml", std::process::id()));
        let staged = Staged { path: directory.join(name) };
        match text {
            Some(text) => fs::write(&staged.path, text),
            None => match fs::remove_file(&staged.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
        .map_err(|error| unwritten(&staged.path, error))?;
        Ok(staged)
    }

    fn read(&self) -> Result<String, UvError> {
        fs::read_to_string(&self.path).map_err(|error| unwritten(&self.path, error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone after a failure.
        let _ = fs::remove_file(&self.path);
    }
}

fn unwritten(path: &Path, source: io::Error) -> UvError {
    UvError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_requirement_can_be_an_option_or_a_second_one() {
        let hostile = ["--index-url http://evil/", "a\nb", "c\"]\n[tool.uv]\nx = [\""];
        let text = project(&hostile.map(str::to_owned));
        let table: toml::Table = toml::from_str(&text).unwrap();
        let read = table["project"]["dependencies"].as_array().unwrap();
        assert_eq!(read.iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>(), hostile);
        assert!(!table.contains_key("tool"));
    }

    #[test]
    fn constraints_are_requirements_only() {
        let of = |text: &str| {
            constraints(&Sources { constraints: vec![text.into()], ..Sources::default() })
        };
        assert_eq!(of("Rich < 14").unwrap(), "rich<14\n");
        for hostile in ["--index-url http://evil/", "-r /etc/passwd", "a\n-e .", ""] {
            let error = of(hostile).unwrap_err().to_string();
            assert!(error.starts_with("invalid constraint"), "{error}");
        }
    }
}
