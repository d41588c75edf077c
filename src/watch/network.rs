//! File systems whose changes by other machines the kernel does not report.

use std::path::Path;

/// Magic numbers of file systems that other machines, or programs, change without the kernel's knowledge.
const REMOTE: [(u32, &str); 13] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x7461_636f, "OCFS2"),
    (0x786f_4256, "VirtualBox"),
];

/// Returns the kind of the network file system that `directory` is on; `None` for a local one.
#[cfg(target_os = "linux")]
pub(super) fn kind(directory: &Path) -> Option<&'static str> {
    let stat = nix::sys::statfs::statfs(directory).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "magic numbers have 32 bits")]
    #[expect(clippy::cast_sign_loss, reason = "magic numbers are patterns of bits")]
    named(stat.filesystem_type().0 as u32)
}

/// Elsewhere the system reports what it can.
#[cfg(not(target_os = "linux"))]
pub(super) fn kind(_directory: &Path) -> Option<&'static str> {
    None
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux alone has the numbers"))]
fn named(magic: u32) -> Option<&'static str> {
    REMOTE.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_file_systems_are_known_by_their_numbers() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0xff53_4d42), Some("CIFS"));
        assert_eq!(named(0xef53), None, "ext4");
        assert_eq!(kind(Path::new("/")), None);
    }
}
