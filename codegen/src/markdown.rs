//! Names from files as text in Markdown. They can have any characters, and stay names.

use std::fmt::Write;

/// Number of classes that are listed.
const LISTED: usize = 10;
/// Number of characters of a name that are shown.
const SHOWN: usize = 60;

/// Returns the first classes as a numbered list, with a line on the others, which stand in
/// `elsewhere`.
pub(crate) fn class_list(classes: &[String], elsewhere: &str) -> String {
    let mut list = String::new();
    for (index, class) in classes.iter().take(LISTED).enumerate() {
        let _ = writeln!(list, "{index}. {}", code(&json_string(class)));
    }
    if classes.len() > LISTED {
        let _ = writeln!(list, "\nand {} more, in {elsewhere}.", classes.len() - LISTED);
    }
    list
}

/// Returns a text as code in a line of Markdown. A fence of more backticks than the text has in a
/// row ends only behind it.
pub(crate) fn code(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space on either side is not shown, and keeps backticks of the text apart from the fence.
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns a name as a string of JSON, on one line and without invisible characters. Of a long one
/// it is the beginning.
pub(crate) fn json_string(name: &str) -> String {
    let mut shown: String = name.chars().take(SHOWN).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    let quoted = shown.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", printable(&quoted))
}

/// Returns a text whose control characters and invisible characters are written as in JSON.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for c in text.chars() {
        let is_plain = matches!(c, '\\' | '"' | '\'') || c.escape_debug().count() == 1;
        if is_plain {
            printable.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(printable, "\\u{unit:04x}");
            }
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        for (name, shown) in [
            ("cat", "`\"cat\"`"),
            ("\"); }", "`\"\\\"); }\"`"),
            ("a`b", "`` \"a`b\" ``"),
            ("``", "``` \"``\" ```"),
            ("\n# title\u{202e}", "`\"\\u000a# title\\u202e\"`"),
            ("日本 <b>|", "`\"日本 <b>|\"`"),
            ("", "`\"\"`"),
            ("\\", "`\"\\\\\"`"),
            ("\u{e0041}", "`\"\\udb40\\udc41\"`"),
        ] {
            assert_eq!(code(&json_string(name)), shown);
            let read: String = serde_json::from_str(&json_string(name)).unwrap();
            assert_eq!(read, name);
        }
        assert_eq!(json_string(&"x".repeat(61)), format!("\"{}…\"", "x".repeat(60)));
    }

    #[test]
    fn many_classes_are_counted() {
        let classes: Vec<String> = (0..12).map(|class| format!("c{class}")).collect();
        let list = class_list(&classes, "a file");
        assert!(list.starts_with("0. `\"c0\"`\n1. `\"c1\"`\n"), "{list}");
        assert!(list.ends_with("9. `\"c9\"`\n\nand 2 more, in a file.\n"), "{list}");
        assert_eq!(class_list(&classes[..2], ""), "0. `\"c0\"`\n1. `\"c1\"`\n");
    }
}
