//! Writing the archive: a compressed tar file, for the user alone, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::Part;
use crate::failure::{Failure, Kind};
use crate::paths::unwritable;

/// The directory of all parts.
const DIRECTORY: &str = "skills-daemon-report";
/// The permissions of the archive.
const MODE: u32 = 0o600;

/// Writes the archive to a new file.
///
/// # Errors
/// The file exists, or cannot be written; then there is none.
pub fn write(file: &Path, parts: &[Part]) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(MODE).open(file);
    let opened = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Kind::Usage, format!("{} exists already", file.display()))
                .hint("Give the name of a new file: none is replaced.")
        }
        _ => unwritable(file, &error),
    })?;
    packed(opened, parts).map_err(|error| {
        // A part of it is of no use.
        let _ = fs::remove_file(file);
        unwritable(file, &error)
    })
}

fn packed(file: File, parts: &[Part]) -> io::Result<()> {
    let mut archive = Builder::new(GzEncoder::new(file, Compression::default()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for Part { name, text } in parts {
        let mut header = Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(MODE);
        header.set_mtime(now.as_secs());
        archive.append_data(&mut header, format!("{DIRECTORY}/{name}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_archive_has_all_parts_and_replaces_none() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("report.tar.gz");
        let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
        let parts = [part("a.txt", "one"), part("logs/b.log", "two\n")];
        write(&file, &parts).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, MODE);
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(&file).unwrap()));
        let read = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (name, text)
        });
        assert_eq!(
            read.collect::<Vec<_>>(),
            [
                ("skills-daemon-report/a.txt".into(), "one".into()),
                ("skills-daemon-report/logs/b.log".into(), "two\n".into())
            ]
        );
        let failure = write(&file, &parts).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(write(&root.path().join("x/y"), &parts).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_written_whole_is_not_left() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let parts = [Part { name: "a".into(), text: "x".repeat(100_000) }];
        let error = packed(full, &parts).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
