//! Texts as C has them.

use std::fmt::Write;

/// Returns the names as the initializer of an array of strings in C, in a macro of some lines.
pub(super) fn initializer(names: &[String]) -> String {
    let strings: Vec<String> = names.iter().map(|name| string_literal(name)).collect();
    format!("{{ \\\n    {} \\\n}}", strings.join(", \\\n    "))
}

/// Returns a text as a string literal of C. Bytes outside of plain ASCII are written in octal, which
/// ends after three digits; a question mark might begin a trigraph.
fn string_literal(text: &str) -> String {
    let mut literal = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => literal.extend(['\\', char::from(byte)]),
            b' '..=b'~' => literal.push(char::from(byte)),
            _ => {
                let _ = write!(literal, "\\{byte:03o}");
            }
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::{initializer, string_literal};

    #[test]
    fn a_name_stays_inside_its_quotes() {
        assert_eq!(string_literal("a\"]\\\n1"), r#""a\"]\\\0121""#);
        assert_eq!(string_literal("??/ é */"), r#""\?\?/ \303\251 */""#);
    }

    #[test]
    fn a_macro_goes_on_over_lines() {
        let names = ["cat", "dog"].map(str::to_string);
        assert_eq!(initializer(&names), "{ \\\n    \"cat\", \\\n    \"dog\" \\\n}");
    }
}
