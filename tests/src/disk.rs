//! A disk that can be filled.

use std::path::Path;
use std::process::Command;

/// A small file system of its own, gone with this.
pub struct Disk(tempfile::TempDir);

impl Disk {
    /// One of so many megabytes; `None`, and said so: mounting is not permitted here.
    pub fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("SKIPPED: a full disk is not tried, because mounting a tmpfs is not permitted here");
        }
        mounted.then(|| Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg(self.0.path()).status();
    }
}
