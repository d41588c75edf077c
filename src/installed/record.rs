//! `RECORD`: the files of a package with their hashes and sizes, and whether they are still so.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::dist_infos;

/// How thoroughly files are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// They exist and have their sizes.
    Size,
    /// They have their hashes.
    Hash,
}

/// A package whose files are not as its `RECORD` lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The package, as its `dist-info` directory spells it.
    pub package: String,
    /// What differs: `rich/table.py is gone`; the first difference that was found.
    pub reason: String,
    /// How many of its files differ.
    pub files: usize,
}

impl Damage {
    /// Returns several as text: `rich (rich/table.py is gone), idna (…)`.
    pub fn list(damages: &[Damage]) -> String {
        let shown = damages.iter().map(|it| format!("{} ({})", it.package, it.reason));
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// One line of a `RECORD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the directory of packages, unless absolute.
    pub(super) path: String,
    sha256: Option<String>,
    size: Option<u64>,
}

/// Returns the packages in `site_packages` whose files are not as their `RECORD`s list them.
///
/// # Errors
/// The directory cannot be listed.
pub fn damaged(site_packages: &Path, depth: Depth) -> io::Result<Vec<Damage>> {
    let packages = dist_infos(site_packages)?;
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    // Each takes the next package until there is none: packages differ much in size.
    let work = || {
        while let Some(dist_info) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(damage) = damage(site_packages, dist_info, depth)
                && let Ok(mut found) = found.lock()
            {
                found.push(damage);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(packages.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by(|a, b| a.package.cmp(&b.package));
    Ok(found)
}

fn damage(site_packages: &Path, dist_info: &Path, depth: Depth) -> Option<Damage> {
    let stem = dist_info.file_stem().unwrap_or_default().to_string_lossy();
    let package = stem.split_once('-').map_or(&*stem, |(name, _)| name).to_owned();
    let record = match read(dist_info) {
        Ok(record) => record,
        Err(error) => {
            let reason = format!("cannot read its RECORD: {error}");
            return Some(Damage { package, reason, files: 1 });
        }
    };
    let mut differences = record.iter().filter_map(|entry| {
        let reason = entry.difference(site_packages, depth)?;
        Some(format!("{} {reason}", entry.path))
    });
    let reason = differences.next()?;
    Some(Damage { package, reason, files: 1 + differences.count() })
}

/// Reads the `RECORD` of a package.
pub(super) fn read(dist_info: &Path) -> io::Result<Vec<Entry>> {
    let file = fs::read(dist_info.join("RECORD"))?;
    let mut lines =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&file[..]);
    let mut record = Vec::new();
    for line in lines.records() {
        let line = line.map_err(io::Error::other)?;
        let field = |index: usize| line.get(index).filter(|field| !field.is_empty());
        if let Some(path) = field(0) {
            record.push(Entry {
                path: path.to_owned(),
                sha256: field(1).and_then(|it| it.strip_prefix("sha256=")).map(str::to_owned),
                size: field(2).and_then(|size| size.parse().ok()),
            });
        }
    }
    if record.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"));
    }
    Ok(record)
}

impl Entry {
    /// Returns how the file differs from its entry.
    fn difference(&self, site_packages: &Path, depth: Depth) -> Option<String> {
        // Bytecode is made anew where it is missing; an installer lists it without a hash.
        if self.sha256.is_none() && Path::new(&self.path).extension().is_some_and(|it| it == "pyc")
        {
            return None;
        }
        let path = site_packages.join(&self.path);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some("is gone".into()),
            Err(error) => return Some(format!("cannot be read: {error}")),
        };
        if let Some(expected) = self.size.filter(|expected| *expected != size) {
            return Some(format!("has {size} bytes instead of {expected}"));
        }
        let expected = self.sha256.as_deref().filter(|_| depth == Depth::Hash)?;
        match sha256(&path) {
            Ok(hash) if hash == expected => None,
            Ok(_) => Some("was changed".to_owned()),
            Err(error) => Some(format!("cannot be read: {error}")),
        }
    }
}

/// Returns the hash of a file in the form that a `RECORD` uses.
fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(URL_SAFE_NO_PAD.encode(hasher.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the paths of the Python sources that a package lists, relative to the directory of packages.
pub(super) fn sources(dist_info: &Path) -> Vec<PathBuf> {
    let record = read(dist_info).unwrap_or_default();
    let paths = record.into_iter().map(|entry| PathBuf::from(entry.path));
    paths.filter(|path| path.extension().is_some_and(|end| end == "py")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package `p` of the files `p/a.py` and `p/b,c.py`, as a wheel's RECORD lists them.
    fn package() -> tempfile::TempDir {
        let site = tempfile::tempdir().unwrap();
        fs::create_dir_all(site.path().join("p")).unwrap();
        fs::create_dir_all(site.path().join("p-1.dist-info")).unwrap();
        fs::write(site.path().join("p/a.py"), "x = 1\n").unwrap();
        fs::write(site.path().join("p/b,c.py"), "").unwrap();
        let record = "p/a.py,sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q,6\n\
            \"p/b,c.py\",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\
            p/__pycache__/a.cpython-311.pyc,,\np-1.dist-info/RECORD,,\n";
        fs::write(site.path().join("p-1.dist-info/RECORD"), record).unwrap();
        site
    }

    fn reasons(site: &Path, depth: Depth) -> Vec<String> {
        let damaged = damaged(site, depth).unwrap();
        damaged
            .into_iter()
            .map(|it| format!("{}: {} ({})", it.package, it.reason, it.files))
            .collect()
    }

    #[test]
    fn the_hash_is_that_of_a_record() {
        let site = package();
        let hash = sha256(&site.path().join("p/b,c.py")).unwrap();
        assert_eq!(hash, "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    }

    #[test]
    fn each_kind_of_damage_is_found_at_its_depth() {
        type Harm = fn(&Path);
        let cases: [(Harm, &[&str], &[&str]); 6] = [
            (|_| (), &[], &[]),
            (
                |site| fs::remove_dir_all(site.join("p")).unwrap(),
                &["p: p/a.py is gone (2)"],
                &["p: p/a.py is gone (2)"],
            ),
            (
                |site| fs::write(site.join("p/a.py"), "x = 22\n").unwrap(),
                &["p: p/a.py has 7 bytes instead of 6 (1)"],
                &["p: p/a.py has 7 bytes instead of 6 (1)"],
            ),
            (
                |site| fs::write(site.join("p/a.py"), "x = 2\n").unwrap(),
                &[],
                &["p: p/a.py was changed (1)"],
            ),
            (
                |site| fs::write(site.join("p-1.dist-info/RECORD"), "").unwrap(),
                &["p: cannot read its RECORD: it is empty (1)"],
                &["p: cannot read its RECORD: it is empty (1)"],
            ),
            (
                |site| fs::create_dir(site.join("q-1.dist-info")).unwrap(),
                &["q: cannot read its RECORD: No such file or directory (os error 2) (1)"],
                &["q: cannot read its RECORD: No such file or directory (os error 2) (1)"],
            ),
        ];
        for (harm, size, hash) in cases {
            let site = package();
            harm(site.path());
            assert_eq!(reasons(site.path(), Depth::Size), size);
            assert_eq!(reasons(site.path(), Depth::Hash), hash);
        }
    }

    #[test]
    fn sources_are_listed_without_bytecode() {
        let site = package();
        let sources = sources(&site.path().join("p-1.dist-info"));
        assert_eq!(sources, [PathBuf::from("p/a.py"), PathBuf::from("p/b,c.py")]);
    }
}
