//! File systems of other machines: SQLite's locks and its shared memory do not hold there.

use std::path::Path;

use crate::error::Result;
#[cfg(target_os = "linux")]
use crate::error::fail;

/// The name of a file system that is reached over a network, or through a program of somebody's (FUSE), by the number
/// that `statfs` gives (linux/magic.h). Not 9P, which is how some sandboxes show a local disk: where it has no shared
/// memory, SQLite says so.
#[cfg(target_os = "linux")]
fn remote(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 => "SMB",
        0xFF53_4D42 => "CIFS",
        0x6573_5546 => "FUSE",
        0x00C3_6400 => "Ceph",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x0BD0_0BD0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        0x786F_4256 => "VirtualBox shared folders",
        0x1983_0326 => "BeeGFS",
        0x4750_4653 => "GPFS",
        0x7375_7245 => "Coda",
        _ => return None,
    })
}

/// `UNSUPPORTED` for a folder on such a file system.
#[cfg(target_os = "linux")]
pub(super) fn check(folder: &Path) -> Result<()> {
    if let Ok(found) = rustix::fs::statfs(folder)
        && let Some(name) = remote(found.f_type as u32)
    {
        return Err(fail!(
            Unsupported,
            "{} is on {name}: locks of several machines are not to be relied on there, and a store would lose writes. \
             Put it on a local disk; if only one machine ever opens it, allowNetworkFilesystem says so",
            folder.display()
        )
        .with("filesystem", name));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_known_by_their_numbers() {
        let table = [
            (0x6969, Some("NFS")),
            (0x517B, Some("SMB")),
            (0xFE53_4D42, Some("SMB")),
            (0xFF53_4D42, Some("CIFS")),
            (0x6573_5546, Some("FUSE")),
            (0x00C3_6400, Some("Ceph")),
            // ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, 9p
            (0xEF53, None),
            (0x5846_5342, None),
            (0x9123_683E, None),
            (0x0102_1994, None),
            (0x794C_7630, None),
            (0x2FC1_2FC1, None),
            (0xF2F5_2010, None),
            (0x0102_1997, None),
        ];
        for (kind, name) in table {
            assert_eq!(remote(kind), name, "{kind:#x}");
        }
    }

    #[test]
    fn a_folder_here_is_local() {
        check(tempfile::tempdir().unwrap().path()).unwrap();
        // What cannot be looked at is somebody else's to refuse.
        check(Path::new("/no/such/folder")).unwrap();
    }
}
