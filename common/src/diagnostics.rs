//! Messages of a program besides its result.

use std::io::Write;

/// Writes a line to stderr, for something that took time.
pub fn say(text: &str) {
    // A message that cannot be written is dropped.
    let _ = writeln!(std::io::stderr(), "{}", text.replace('\n', " "));
}

/// Writes a warning to stderr, for something that is unusual but does not end the program.
pub fn warn(text: &str) {
    // A warning that cannot be written is dropped.
    let _ = writeln!(std::io::stderr(), "warning: {}", text.replace('\n', " "));
}
