//! What depends on neither home nor runtime directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};

use super::inotify::{self, Inotify};
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::lifecycle::launch;
use crate::wrappers;

/// Variables with the proxy of a kind of URL; each may be in small letters, too.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/// The hosts that are reached without one.
const NO_PROXY: &str = "NO_PROXY";
/// Variables with a file of certificates: of OpenSSL and `uv`, of requests, of curl, of pip, of Node.
const CERTIFICATE_FILES: [&str; 5] =
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"];
/// The variable with a directory of certificates.
const CERTIFICATE_DIRECTORY: &str = "SSL_CERT_DIR";
/// What a file of certificates has in it.
const CERTIFICATE: &[u8] = b"-----BEGIN";
/// How much of such a file is searched for one, in bytes.
const CERTIFICATE_WITHIN: u64 = 1 << 20;

/// What needs no places.
#[derive(Debug)]
pub struct Machine {
    /// The host executable.
    pub host: Result<PathBuf, Failure>,
    /// This executable.
    pub own: Option<PathBuf>,
    /// The first `skills-client` on PATH.
    pub client_on_path: Option<PathBuf>,
    /// The first `skills-daemon` on PATH.
    pub control_on_path: Option<PathBuf>,
    /// The variables of proxies, by name.
    pub proxies: Vec<(String, String)>,
    /// The variables of certificates that are set.
    pub certificates: Vec<Certificates>,
    /// The limits of open files.
    pub descriptors: Descriptors,
    /// The limits of watched directories, where the system shows them.
    pub inotify: Option<Inotify>,
}

/// A variable that names certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub path: PathBuf,
    /// Why they cannot be used.
    pub fault: Option<String>,
}

/// The limits of open files, of a process that this one starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptors {
    /// The limit that the daemon may raise for itself.
    pub soft: Option<u64>,
    /// The limit up to which it may.
    pub hard: Option<u64>,
}

impl Machine {
    pub(super) fn collect(env: &Environment) -> Machine {
        let limits = getrlimit(Resource::RLIMIT_NOFILE).ok();
        Machine {
            host: launch::host_executable(),
            own: environment::own_executable().ok(),
            client_on_path: env.program(wrappers::CLIENT),
            control_on_path: env.program("skills-daemon"),
            proxies: proxies(env),
            certificates: certificates(env),
            descriptors: Descriptors {
                soft: limits.map(|(soft, _)| soft),
                hard: limits.map(|(_, hard)| hard),
            },
            inotify: inotify::collect(),
        }
    }
}

fn proxies(env: &Environment) -> Vec<(String, String)> {
    let names = PROXIES.into_iter().chain([NO_PROXY]);
    let names = names.flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
    names.filter_map(|name| env.get(&name).map(|value| (name.clone(), value.to_owned()))).collect()
}

fn certificates(env: &Environment) -> Vec<Certificates> {
    let mut found = Vec::new();
    for name in CERTIFICATE_FILES {
        if let Some(path) = env.get(name).map(PathBuf::from) {
            let fault = file_fault(&path);
            found.push(Certificates { name, path, fault });
        }
    }
    // A list, as PATH is one.
    for path in env.get(CERTIFICATE_DIRECTORY).into_iter().flat_map(|it| it.split(':')) {
        let path = PathBuf::from(path);
        let fault = fs::read_dir(&path).err().map(|error| error.to_string());
        found.push(Certificates { name: CERTIFICATE_DIRECTORY, path, fault });
    }
    found
}

/// Returns why a file of certificates cannot be used.
fn file_fault(path: &Path) -> Option<String> {
    let read = || -> io::Result<Option<String>> {
        // A directory is allowed by some programs; opening a pipe would wait.
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Ok(None);
        }
        if !metadata.is_file() {
            return Ok(Some("it is no file".to_owned()));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(CERTIFICATE_WITHIN).read_to_end(&mut bytes)?;
        let has_one = memchr::memmem::find(&bytes, CERTIFICATE).is_some();
        Ok((!has_one).then(|| "it has no certificate".to_owned()))
    };
    read().unwrap_or_else(|error| Some(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_cannot_be_used_have_a_reason() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        assert_eq!(file_fault(&file("a", "x\n-----BEGIN CERTIFICATE-----\n")), None);
        assert_eq!(file_fault(&file("b", "x")).as_deref(), Some("it has no certificate"));
        assert!(file_fault(&root.path().join("c")).unwrap().contains("No such file"));
        assert_eq!(file_fault(root.path()), None);
        let path = format!("{}:/nonexistent", root.path().display());
        let found = certificates(&Environment::default().with("SSL_CERT_DIR", &path));
        assert_eq!(found.iter().map(|it| it.fault.is_some()).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn proxies_are_found_in_both_ways_of_writing() {
        let env = Environment::default().with("https_proxy", "p").with("NO_PROXY", "x");
        let names = proxies(&env).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names, ["https_proxy", "NO_PROXY"]);
    }
}
