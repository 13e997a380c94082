//! Progress on stderr.

use std::io::Write;

/// Writes a line to stderr.
pub(super) fn note(line: &str) {
    // Nothing is left to do if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}", line.replace('\n', " "));
}
