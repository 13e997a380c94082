//! Words for a POSIX shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Returns a text as one word of a shell, whatever bytes it has.
pub(super) fn quoted(text: &OsStr) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_a_word_back_as_it_was() {
        for text in ["", "a b", "a b'$(touch x)", "''", "\\", "a\nb\"`id`*", "é"] {
            let mut script = b"printf %s ".to_vec();
            script.extend(quoted(OsStr::new(text)));
            let output = Command::new("sh").arg("-c").arg(OsStr::from_bytes(&script)).output();
            assert_eq!(output.unwrap().stdout, text.as_bytes(), "{text:?}");
        }
    }
}
