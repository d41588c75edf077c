//! Profiles: several daemons of one user, each with places of its own.
//!
//! A profile is chosen by `SKILLS_DAEMON_PROFILE`, which `--profile` sets, and which a daemon passes on to what its
//! plugins start.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Environment, PROFILE};

/// The name of the daemon without a profile.
pub const DEFAULT: &str = "default";
/// The directory of profiles, in the runtime directory and in the configuration.
pub const PROFILES: &str = "profiles";
/// The longest name, in bytes.
const NAME_MAX: usize = 31;

/// The name of a profile that is not the default one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile(String);

impl Profile {
    /// Returns the profile that the environment chooses; `None` for the default one.
    ///
    /// # Errors
    /// It is no name of a profile.
    pub fn of(env: &Environment) -> Result<Option<Profile>, String> {
        let chosen = env.get(PROFILE).filter(|name| *name != DEFAULT);
        chosen.map(Profile::from_str).transpose()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Returns its directory below `base`.
    pub fn below(&self, base: &Path) -> PathBuf {
        base.join(PROFILES).join(&self.0)
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Profile, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = name.len() <= NAME_MAX
            && name.starts_with(plain)
            && name.chars().all(|c| plain(c) || c == '-');
        if !is_name {
            return Err(format!(
                "`{name}` cannot be a profile's name: 1 to {NAME_MAX} of a-z, 0-9, `-`, not `-` first"
            ));
        }
        if name == DEFAULT {
            return Err(format!("`{DEFAULT}` is the daemon without a profile"));
        }
        Ok(Profile(name.to_owned()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["a", "0", "office-2", &"x".repeat(31)] {
            assert!(name.parse::<Profile>().is_ok(), "{name}");
        }
        for name in ["", "-a", "A", "a_b", "a/b", "..", "a b", "default", &"x".repeat(32)] {
            assert!(name.parse::<Profile>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_default_one_is_no_profile() {
        let of = |name| Profile::of(&Environment::default().with(PROFILE, name));
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("default"), Ok(None));
        assert_eq!(of("office").unwrap().unwrap().name(), "office");
        assert!(of("../x").is_err());
    }
}
