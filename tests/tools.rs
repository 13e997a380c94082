//! Tools that some tests need and a machine may lack. Test targets of several crates include this
//! file by its path.

#![allow(dead_code, reason = "each test target uses some of it")]

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

/// Returns the path of a program, or `None` where it is missing, having recorded that the tests of
/// `subject` are skipped.
pub(crate) fn tool(program: &str, subject: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(program, subject);
    }
    found
}

/// Records that the tests of `subject` are skipped because a tool is missing: in the file that the
/// variable `SKIPPED_TESTS` names, as below `make test`, or else on stderr.
pub(crate) fn skip(tool: &str, subject: &str) {
    let record = format!("{tool} ({subject})\n");
    if let Some(file) = env::var_os("SKIPPED_TESTS") {
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(record.as_bytes()).unwrap();
    } else {
        // Unlike what `eprint!` prints, this is shown even if the test passes.
        let _ = io::stderr().write_all(format!("skipped for want of {record}").as_bytes());
    }
}

/// Searches the folders of PATH, and those of servers, which a user's PATH may lack.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
