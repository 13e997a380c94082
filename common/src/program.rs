//! The program that made a file: its version, and the commit that it was built from.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A build of a program. It stands beside times and hosts, never in what must be reproducible.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Version of the project.
    pub version: String,
    /// Commit in hexadecimal, with `-changed` behind it if the files were changed since; `unknown`
    /// for a program that was built without make or outside of git.
    pub commit: String,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, commit {}", self.version, self.commit)
    }
}
