//! The page's Content-Security-Policy: nothing is loaded, and only the page's own script and style
//! take effect.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Returns the policy of a page with one script and one style.
pub(super) fn of(script: &str, style: &str) -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(script),
        hash(style)
    )
}

/// Returns the source expression that allows the element with exactly this text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf "alert('Hello, world.');" | openssl dgst -sha256 -binary | openssl base64`
    #[test]
    fn the_hash_is_that_of_openssl() {
        let expected = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(hash("alert('Hello, world.');"), expected);
        assert!(of("alert('Hello, world.');", "").contains(&format!("script-src {expected};")));
    }
}
