//! A fake sysfs for tests, in a temporary folder.

use std::fs;
use std::path::Path;

/// A fake sysfs. Its folder is removed when this is dropped.
pub(crate) struct FakeSysfs(tempfile::TempDir);

impl FakeSysfs {
    /// Creates an empty sysfs.
    pub(crate) fn new() -> FakeSysfs {
        FakeSysfs(tempfile::tempdir().unwrap())
    }

    /// Returns the folder that replaces `/sys`.
    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// Adds a powercap zone.
    pub(crate) fn zone(&self, zone: &str, name: &str, energy_uj: u64, range_uj: Option<u64>) {
        self.write(&format!("{zone}/name"), &format!("{name}\n"));
        self.write(&format!("{zone}/energy_uj"), &format!("{energy_uj}\n"));
        if let Some(range) = range_uj {
            self.write(&format!("{zone}/max_energy_range_uj"), &format!("{range}\n"));
        }
    }

    /// Writes a file below `class/powercap`.
    pub(crate) fn write(&self, file: &str, text: &str) {
        self.write_at(&format!("class/powercap/{file}"), text);
    }

    /// Writes a file below the root.
    pub(crate) fn write_at(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a counter by a folder, which not even root can read as a file.
    pub(crate) fn make_unreadable(&self, zone: &str) {
        let path = self.root().join("class/powercap").join(zone).join("energy_uj");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
}
