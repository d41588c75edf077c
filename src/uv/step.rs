//! The progress of a change.

use std::fmt;

/// A callback for the steps of a change.
pub type Progress<'a> = &'a (dyn Fn(Step) + Sync);

/// A step that begins, or a line of output of the one that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `uv` is missing and fetched with pip.
    Fetching,
    /// Versions are chosen.
    Resolving {
        /// The number of requirements.
        requirements: usize,
    },
    /// A new environment is created.
    Creating {
        /// `X.Y.Z` of its interpreter.
        python: String,
    },
    /// Packages are fetched, built and linked.
    Installing {
        /// All packages of the environment, name and version.
        packages: Vec<(String, String)>,
        /// Their size as far as it is known; what is in the cache is not fetched.
        bytes: u64,
    },
    /// The installed files are compared with what their packages list.
    Verifying {
        /// The number of packages.
        packages: usize,
    },
    /// What is damaged is installed again.
    Repairing {
        /// Names of packages.
        packages: Vec<String>,
    },
    /// Anything else: a decision, or a line of uv's output.
    Note(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Fetching => f.write_str("no uv on PATH: installing it with pip"),
            Step::Resolving { requirements } => {
                write!(f, "resolving {requirements} requirements")
            }
            Step::Creating { python } => {
                write!(f, "creating a virtual environment with Python {python}")
            }
            Step::Installing { packages, bytes } if *bytes == 0 => {
                write!(f, "installing {} packages", packages.len())
            }
            Step::Installing { packages, bytes } => {
                write!(f, "installing {} packages ({})", packages.len(), shown(*bytes))
            }
            Step::Verifying { packages } => write!(f, "verifying {packages} packages"),
            Step::Repairing { packages } => {
                write!(f, "reinstalling damaged packages: {}", packages.join(", "))
            }
            Step::Note(text) => f.write_str(text),
        }
    }
}

/// Returns a size in a unit that suits it.
pub(super) fn shown(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_that_suits_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1025, "2 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (5_000_000, "4.7 MiB"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }
}
