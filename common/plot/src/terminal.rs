//! The terminal in which a table is read.

use rustix::termios::tcgetwinsize;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// The width of terminals that do not tell theirs.
const USUAL: usize = 80;

/// Returns the width in characters of the terminal that a stream leads to; `None` if it leads to a
/// file or a pipe, whose lines have any length.
pub fn terminal_width(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    stream.is_terminal().then(|| match tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        Ok(_) | Err(_) => USUAL,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_width() {
        assert_eq!(terminal_width(&std::fs::File::open("Cargo.toml").unwrap()), None);
    }
}
