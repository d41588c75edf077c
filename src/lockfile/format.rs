//! The file format: what is read of `pylock.toml`, and what is added to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Locked, Origin};

/// The header of the table of this program, which is last in the file.
const TABLE: &str = "[tool.skills-daemon]";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    lock_version: String,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Tool {
    #[serde(default)]
    skills_daemon: Option<Origin>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    sdist: Option<Artifact>,
    #[serde(default)]
    wheels: Vec<Artifact>,
    archive: Option<Artifact>,
    directory: Option<Directory>,
    vcs: Option<Vcs>,
}

#[derive(Deserialize)]
struct Artifact {
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Directory {
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Vcs {
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
    path: Option<String>,
    commit_id: String,
}

/// Reads packages and origin.
pub(super) fn parse(text: &str) -> Result<(BTreeMap<String, Locked>, Origin), String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
    if !file.lock_version.starts_with("1.") {
        return Err(format!("lock-version {} is not 1.x", file.lock_version));
    }
    let mut packages = BTreeMap::new();
    for package in file.packages {
        let name = package.name.clone();
        if packages.insert(name.clone(), Locked::from(package)).is_some() {
            return Err(format!("{name} is there twice: the lock is for several environments"));
        }
    }
    Ok((packages, file.tool.skills_daemon.unwrap_or_default()))
}

impl From<Package> for Locked {
    fn from(package: Package) -> Locked {
        let Package { version, sdist, wheels, archive, directory, vcs, .. } = package;
        let place = |artifact: &Artifact| artifact.url.clone().or_else(|| artifact.path.clone());
        let url = archive
            .as_ref()
            .and_then(place)
            .or_else(|| directory.map(|directory| directory.path))
            .or_else(|| {
                let Vcs { kind, url, path, commit_id } = vcs?;
                Some(format!("{kind}+{}@{commit_id}", url.or(path).unwrap_or_default()))
            });
        let files: Vec<&Artifact> = sdist.iter().chain(&wheels).chain(&archive).collect();
        let hashes: BTreeSet<String> = files
            .iter()
            .flat_map(|file| &file.hashes)
            .map(|(algorithm, hash)| format!("{algorithm}:{hash}"))
            .collect();
        let smallest = wheels.iter().filter_map(|wheel| wheel.size).min();
        let size = smallest.or_else(|| sdist.iter().chain(&archive).find_map(|file| file.size));
        Locked { version, url, hashes, size }
    }
}

/// Returns `text` with the table of `origin` in place of any that it has.
pub(super) fn with_origin(text: &str, origin: &Origin) -> String {
    let own = text.find(&format!("\n{TABLE}\n")).unwrap_or(text.len());
    let tool = Tool { skills_daemon: Some(origin.clone()) };
    let table = toml::to_string(&BTreeMap::from([("tool", tool)]))
        .expect("strings and lists of strings have a form in TOML");
    format!("{}\n\n{table}", text[..own].trim_end())
}

/// Returns the text of a lock that names versions only.
pub(super) fn of_versions(packages: &BTreeMap<String, Locked>) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"skills-daemon\"\n".to_owned();
    for (name, locked) in packages {
        let version = locked.version.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ =
            write!(text, "\n[[packages]]\n{}\n{}\n", pair("name", name), pair("version", version));
    }
    text
}

/// Returns a digest of names, versions, places and hashes, in hexadecimal.
pub(super) fn digest(packages: &BTreeMap<String, Locked>) -> String {
    let mut hasher = Sha256::new();
    for (name, Locked { version, url, hashes, size: _ }) in packages {
        let fields = [Some(name), version.as_ref(), url.as_ref()];
        for field in fields.into_iter().chain(hashes.iter().map(Some)) {
            hasher.update(field.map_or("", String::as_str));
            hasher.update([0]);
        }
        hasher.update([1]);
    }
    let mut text = String::new();
    for byte in hasher.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn pair(key: &str, value: &str) -> String {
    format!("{key} = {}", toml::Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::Lock;
    use super::*;

    const LOCK: &str = r#"lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11.7"

[[packages]]
name = "idna"
version = "3.9"
sdist = { url = "https://h/idna-3.9.tar.gz", upload-time = 2024-09-14T02:58:29Z, size = 191636, hashes = { sha256 = "e5" } }
wheels = [{ url = "https://h/idna-3.9-py3-none-any.whl", size = 7000, hashes = { sha256 = "6d" } }]

[[packages]]
name = "local"
directory = { path = "plugins/local" }

[[packages]]
name = "repository"
vcs = { type = "git", url = "https://h/r", requested-revision = "v1", commit-id = "c0" }

[[packages]]
name = "wheel"
version = "1"
archive = { url = "https://h/wheel-1-py3-none-any.whl", hashes = { sha256 = "ab" } }
"#;

    fn origin() -> Origin {
        let wanted = BTreeMap::from([
            ("skills-daemon".to_owned(), vec!["rich>=13".to_owned()]),
            ("a \"b\"".to_owned(), vec!["x; python_version < '4'".to_owned(), "y".to_owned()]),
        ]);
        Origin {
            daemon: "2.0.0".into(),
            python: "3.11.7".into(),
            platform: "linux x86_64".into(),
            wanted,
        }
    }

    #[test]
    fn the_packages_of_all_kinds_are_read() {
        let lock = Lock::parse(LOCK.to_owned()).unwrap();
        let idna = &lock.packages["idna"];
        assert_eq!((idna.version.as_deref(), idna.url.as_deref()), (Some("3.9"), None));
        assert_eq!(Vec::from_iter(&idna.hashes), ["sha256:6d", "sha256:e5"]);
        assert_eq!(idna.size, Some(7000));
        assert_eq!(lock.packages["local"].url.as_deref(), Some("plugins/local"));
        assert_eq!(lock.packages["repository"].url.as_deref(), Some("git+https://h/r@c0"));
        assert_eq!(
            lock.packages["wheel"].url.as_deref(),
            Some("https://h/wheel-1-py3-none-any.whl")
        );
        assert_eq!(lock.size(), 7000);
        assert_eq!(lock.origin, Origin::default());
    }

    #[test]
    fn the_origin_is_replaced_and_changes_nothing_else() {
        let plain = Lock::parse(LOCK.to_owned()).unwrap();
        let lock = plain.clone().with_origin(Origin::default()).with_origin(origin());
        assert_eq!(lock.text.matches(TABLE).count(), 1);
        assert!(lock.text.starts_with(LOCK.trim_end()));
        let read = Lock::parse(lock.text.clone()).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.origin, origin());
        assert_eq!(read.digest(), plain.digest());
    }

    #[test]
    fn the_digest_is_that_of_what_is_installed() {
        let digest = |text: &str| Lock::parse(text.to_owned()).unwrap().digest();
        assert_eq!(digest(LOCK), digest(&LOCK.replace("7000", "7001")));
        for (old, new) in
            [("3.9\"", "3.8\""), ("\"6d\"", "\"6e\""), ("plugins/local", "p"), ("c0", "c1")]
        {
            assert_ne!(digest(LOCK), digest(&LOCK.replacen(old, new, 1)), "{old}");
        }
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let twice = format!("{LOCK}\n[[packages]]\nname = \"idna\"\nversion = \"3.8\"\n");
        for (text, reason) in [
            ("", "lock-version"),
            ("lock-version = \"2.0\"", "lock-version 2.0 is not 1.x"),
            ("[[packages", "TOML parse error"),
            (&twice, "idna is there twice"),
        ] {
            let error = Lock::parse(text.to_owned()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
