//! Which directories `file:` requirements may name.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use thiserror::Error;
use uv_pep508::VerbatimUrl;

/// The directories whose contents a party may install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Its own: that of its manifest, from which relative paths count.
    pub folder: PathBuf,
    /// Those that the user allows all parties: `paths` in `[dependencies]` of `config.toml`.
    pub allowed: Vec<PathBuf>,
}

/// Why a path cannot be used.
#[derive(Debug, Error)]
pub enum GroundError {
    /// It is missing, or cannot be looked at.
    #[error("cannot find {}: {source}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It leads out of the ground.
    #[error(
        "{} is outside of {}: move it there, or add its directory to `paths` in `[dependencies]` of config.toml",
        path.display(),
        folder.display()
    )]
    Outside {
        /// The path, links resolved.
        path: PathBuf,
        /// The party's own folder.
        folder: PathBuf,
    },
}

impl Ground {
    /// The ground of a plugin whose metadata is in the file `manifest`.
    pub fn of(manifest: &Path, allowed: &[PathBuf]) -> Ground {
        let folder = manifest.parent().unwrap_or(Path::new("/"));
        Ground { folder: folder.to_owned(), allowed: allowed.to_owned() }
    }

    /// True for a URL of this machine's files.
    pub(super) fn is_local(url: &str) -> bool {
        split(url).is_some()
    }

    /// Returns the absolute `file:` URL that `url` stands for, links resolved.
    ///
    /// # Errors
    /// Nothing is there, or it lies out of bounds.
    pub(super) fn locate(&self, url: &str) -> Result<String, GroundError> {
        let (transport, _, suffix) = split(url).unwrap_or(("", url, ""));
        let real = real(&self.folder.join(path_of(url).unwrap_or_default()))?;
        let folder = self::real(&self.folder)?;
        let is_allowed = |allowed: &PathBuf| {
            fs::canonicalize(allowed).is_ok_and(|allowed| real.starts_with(allowed))
        };
        if !real.starts_with(&folder) && !self.allowed.iter().any(is_allowed) {
            return Err(GroundError::Outside { path: real, folder });
        }
        let missing = |error| GroundError::Missing {
            path: real.clone(),
            source: io::Error::new(io::ErrorKind::InvalidInput, error),
        };
        let url = VerbatimUrl::from_absolute_path(&real).map_err(missing)?;
        Ok(format!("{transport}{}{suffix}", url.raw().displayable_with_credentials()))
    }
}

fn real(path: &Path) -> Result<PathBuf, GroundError> {
    fs::canonicalize(path).map_err(|source| GroundError::Missing { path: path.to_owned(), source })
}

/// Returns the path of an absolute URL of local files.
pub(super) fn path_of(url: &str) -> Option<PathBuf> {
    let (_, path, _) = split(url)?;
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    Some(PathBuf::from(OsStr::from_bytes(&decoded)))
}

/// Splits a URL of local files: what precedes `file:`, the path, and what follows it (`@REVISION`, `#FRAGMENT`).
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, path) = url.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let transport = scheme.strip_suffix("file")?;
    if !transport.is_empty() && !transport.ends_with('+') {
        return None;
    }
    let transport = &url[..transport.len()];
    let path = match path.strip_prefix("//localhost").filter(|path| path.starts_with('/')) {
        Some(path) => path,
        None => path.strip_prefix("//").unwrap_or(path),
    };
    let end = path.find('#').unwrap_or(path.len());
    let name = path[..end].rfind('/').map_or(0, |at| at + 1);
    let end = match path[name..end].find('@') {
        Some(revision) if !transport.is_empty() => name + revision,
        _ => end,
    };
    Some((transport, &path[..end], &path[end..]))
}
