//! The daemon's TCP address and the token by which it knows the user's own programs there.
//!
//! For a caller in a sandbox that forbids Unix sockets and allows this port. Other users of the machine reach the port,
//! too, but cannot read the file. The token is new with each daemon, so that one that was sent to another program on
//! the port of a daemon that has ended is worth nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;
use serde::{Deserialize, Serialize};

use crate::paths::Paths;

/// Length of the random part of a token, in bytes.
const RANDOM: usize = 32;
/// The longest file, in bytes.
const SIZE_MAX: u64 = 4096;

/// Where a daemon listens on TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// Its first address.
    pub address: SocketAddr,
    /// What a request of the user's own programs has as `Authorization: Bearer`.
    pub token: String,
}

impl Tcp {
    /// Reads what the daemon has written; `None` if there is nothing that can be read.
    pub fn read(paths: &Paths) -> Option<Tcp> {
        let mut text = String::new();
        let mut options = OpenOptions::new();
        let file = options.read(true).custom_flags(libc::O_NOFOLLOW).open(paths.tcp()).ok()?;
        file.take(SIZE_MAX).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes the file for a daemon at `address`, for this user alone; with the token of `old`, the daemon that is
    /// replaced, whose requests are still on the way.
    ///
    /// # Errors
    /// There is no source of random numbers, or the file cannot be written.
    pub fn write(paths: &Paths, address: SocketAddr, old: Option<Tcp>) -> io::Result<Tcp> {
        let token = match old {
            Some(old) => old.token,
            None => new_token()?,
        };
        let tcp = Tcp { address, token };
        let path = paths.tcp();
        let staged = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW);
        options.open(&staged)?.write_all(&serde_json::to_vec(&tcp)?)?;
        std::fs::rename(staged, path)?;
        Ok(tcp)
    }
}

fn new_token() -> io::Result<String> {
    let mut random = [0; RANDOM];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::environment::{self, Environment};

    #[test]
    fn a_token_is_new_for_each_daemon_and_for_the_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = (environment::RUNTIME_DIR.to_owned(), directory.path().display().to_string());
        let env: Environment = [runtime].into_iter().collect();
        let paths = Paths::resolve(&env).unwrap();
        paths.create().unwrap();
        assert_eq!(Tcp::read(&paths), None);
        let address = SocketAddr::from(([127, 0, 0, 1], 9100));
        let first = Tcp::write(&paths, address, None).unwrap();
        assert_eq!(Tcp::read(&paths), Some(first.clone()));
        assert_eq!(first.token.len(), 2 * RANDOM);
        let mode = std::fs::metadata(paths.tcp()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Tcp::write(&paths, address, None).unwrap();
        assert_ne!(first.token, second.token);
        let third = Tcp::write(&paths, address, Tcp::read(&paths)).unwrap();
        assert_eq!(second, third);
    }
}
