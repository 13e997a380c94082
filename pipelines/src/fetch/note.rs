//! Progress on stderr.

use common::diagnostics;

/// Writes a line to stderr.
pub(super) fn note(line: &str) {
    diagnostics::say(&printable(line));
}

/// Returns a text without control characters. Names of files and classes may have any.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}
