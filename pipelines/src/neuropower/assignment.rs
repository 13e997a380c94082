//! Words of the form VARIABLE=value, which make takes.

use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};

/// Returns whether a word gives a value, which may be empty, to a variable of make.
pub(super) fn is_assignment(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    let Some(end) = bytes.iter().position(|byte| *byte == b'=') else { return false };
    let name = &bytes[..end];
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// Returns a parser of arguments that takes such words only, which need not be UTF-8.
pub(super) fn parser() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|word| {
        if is_assignment(&word) {
            Ok(word)
        } else {
            Err("it is not of the form VARIABLE=value, such as RUN=runs/digits-smoke")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_upper_case() {
        for word in ["RUN=runs/x", "MAX_LATENCY=1e-4", "STRICT=", "A1=b=c", "DATASET=/a b"] {
            assert!(is_assignment(word.as_ref()), "{word}");
        }
        for word in ["run", "--board=host", "=x", "run=x", "R-N=x", "1A=x", "A:=x", "RUN"] {
            assert!(!is_assignment(word.as_ref()), "{word}");
        }
    }
}
