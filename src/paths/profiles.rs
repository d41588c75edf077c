//! The profiles of the user: those that have files.

use std::fs;
use std::path::Path;

use super::Paths;
use crate::environment::Environment;
use crate::environment::profile::{PROFILES, Profile};
use crate::failure::{Failure, Kind};
use crate::nearest::nearest;

/// Returns the names of the profiles that have files, in order, without the default one.
pub fn all(env: &Environment) -> Result<Vec<Profile>, Failure> {
    let paths = Paths::resolve(env)?;
    let names = |own: &Path| {
        let directory = match &paths.profile {
            Some(_) => own.parent().map(Path::to_owned).unwrap_or_default(),
            None => own.join(PROFILES),
        };
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse::<Profile>().ok())
    };
    let mut found: Vec<Profile> = names(&paths.runtime).chain(names(&paths.config)).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Checks that the profile of `paths` has files: a misspelled name is not to become a new one.
///
/// # Errors
/// It has none.
pub fn check_exists(paths: &Paths, env: &Environment) -> Result<(), Failure> {
    let Some(profile) = &paths.profile else { return Ok(()) };
    if paths.runtime.is_dir() || paths.config.is_dir() {
        return Ok(());
    }
    let known = all(env)?;
    let hint = match nearest(profile.name(), known.iter().map(Profile::name)) {
        Some(near) => format!("Did you mean '{near}'?"),
        None => format!("`skills-daemon --profile {profile} start` creates it."),
    };
    Err(Failure::new(Kind::NotFound, format!("Unknown profile: {profile}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    fn paths(root: &Path, chosen: &str) -> Result<Paths, Failure> {
        let env = Environment::default()
            .with("HOME", &root.to_string_lossy())
            .with(environment::RUNTIME_DIR, &root.join("r").to_string_lossy())
            .with(environment::PROFILE, chosen);
        Paths::resolve(&env)
    }

    #[test]
    fn a_profile_has_places_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("r/config")).unwrap();
        let own = paths(root.path(), "office").unwrap();
        assert_eq!(own.runtime, root.path().join("r/profiles/office"));
        assert_eq!(own.config, root.path().join("r/config/profiles/office"));
        assert_eq!(own.profile.as_ref().map(Profile::name), Some("office"));
        for default in ["", "default"] {
            let paths = paths(root.path(), default).unwrap();
            assert_eq!((paths.runtime, paths.profile), (root.path().join("r"), None));
        }
    }

    #[test]
    fn what_a_plugin_starts_has_the_same_places() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("r/config")).unwrap();
        let own = paths(root.path(), "office").unwrap();
        let env = Environment::default()
            .with("HOME", &root.path().to_string_lossy())
            .with(environment::RUNTIME_DIR, &own.runtime.to_string_lossy())
            .with(environment::PROFILE, "office");
        let again = Paths::resolve(&env).unwrap();
        assert_eq!((again.runtime, again.config), (own.runtime, own.config));
    }

    #[test]
    fn a_misspelled_profile_is_not_created() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("r/profiles/office")).unwrap();
        let env = Environment::default()
            .with("HOME", &root.path().to_string_lossy())
            .with(environment::RUNTIME_DIR, &root.path().join("r").to_string_lossy());
        let known = paths(root.path(), "office").unwrap();
        assert!(check_exists(&known, &env).is_ok());
        let failure = check_exists(&paths(root.path(), "ofice").unwrap(), &env).unwrap_err();
        assert_eq!(failure.hint.as_deref(), Some("Did you mean 'office'?"));
        let office = ["office".parse::<Profile>().unwrap()];
        assert_eq!(all(&env).unwrap(), office);
        assert_eq!(all(&env.with(environment::PROFILE, "office")).unwrap(), office);
    }
}
