//! Small JSON files of [`Paths::state`](crate::paths::Paths::state) that only the daemon writes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads `file`, and also returns why it cannot be used; the default where it is missing or unusable.
pub(super) fn read<T: DeserializeOwned + Default>(file: &Path) -> (T, Option<String>) {
    let unusable = |error: &dyn std::fmt::Display| {
        (T::default(), Some(format!("{} is made anew: {error}", file.display())))
    };
    match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (T::default(), None),
        Err(error) => unusable(&error),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => (value, None),
            Err(error) => unusable(&error),
        },
    }
}

/// Writes `file` atomically, readable by the user only.
pub(super) fn write<T: Serialize>(file: &Path, value: &T) -> io::Result<()> {
    let staged = file.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut open = OpenOptions::new();
        let mut out = open.write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
        out.write_all(&serde_json::to_vec(value)?)?;
        out.sync_data()?;
        fs::rename(&staged, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&staged);
    }
    written
}
