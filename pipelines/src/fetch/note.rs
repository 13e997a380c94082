//! Progress on stderr.

use std::io::Write;

/// Writes a line to stderr.
pub(super) fn note(line: &str) {
    // Nothing is left to do if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}", printable(line));
}

/// Returns a text without control characters. Names of files and classes may have any.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}
