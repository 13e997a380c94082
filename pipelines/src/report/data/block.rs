//! The numbers as text that is safe inside a `script` element.

use super::run::RunData;
use std::fmt::Write;

/// Returns the run's numbers as JSON in which nothing can end the element or begin another one: the
/// characters that HTML or older JavaScript understand are written as escapes.
pub(crate) fn block(data: &RunData) -> String {
    // A value of numbers, texts, lists and maps by text always has a JSON form.
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
