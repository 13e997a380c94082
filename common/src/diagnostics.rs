//! What a program says besides its result.

use std::io::Write;

/// Writes a warning to stderr: something that is odd but does not end the program.
pub fn warn(text: &str) {
    // Nothing is left to do if stderr is closed.
    let _ = writeln!(std::io::stderr(), "warning: {}", text.replace('\n', " "));
}
