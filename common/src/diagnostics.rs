//! Messages of a program besides its result.

use std::io::Write;

/// Writes a warning to stderr, for something that is unusual but does not end the program.
pub fn warn(text: &str) {
    // A warning that cannot be written is dropped.
    let _ = writeln!(std::io::stderr(), "warning: {}", text.replace('\n', " "));
}
