//! JSON files with a schema, read strictly and written atomically.
//!
//! Every file has the key `"schema": "neuropower/<kind>/1"`. Unknown keys are errors that name the
//! key and its place.

use crate::files::{atomic, reading};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Maximum size of a document in bytes. The largest documents, of long searches, have some MiB.
const MAX_BYTES: u64 = 256 << 20;

/// A type with a file format of its own.
pub trait Document: Serialize + DeserializeOwned {
    /// The `<kind>` in the file's `"schema": "neuropower/<kind>/1"`.
    const KIND: &'static str;

    /// Checks everything that the types alone do not guarantee; called after every read.
    ///
    /// # Errors
    /// Fails with the key of a value that is not allowed.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Returns the schema of a document type.
pub fn schema<T: Document>() -> String {
    format!("neuropower/{}/1", T::KIND)
}

/// Reads and checks a document.
///
/// # Errors
/// Fails if the file cannot be read or is not valid; the error names the file and the place in it.
pub fn read<T: Document>(path: &Path) -> Result<T> {
    parse(&read_text(path)?).with_context(|| path.display().to_string())
}

/// Reads a text file from any editor. A byte order mark at the beginning is removed.
///
/// # Errors
/// Fails if the file cannot be read, has over 256 MiB, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = reading::read(path, MAX_BYTES)?;
    text_of(bytes).with_context(|| path.display().to_string())
}

fn text_of(bytes: Vec<u8>) -> Result<String> {
    // JSON begins with an ASCII character, so a zero beside it means UTF-16 without a byte order
    // mark.
    let utf_16 = matches!(bytes[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]);
    ensure!(!utf_16, "the text is UTF-16, but UTF-8 is needed: save it as UTF-8");
    let text = String::from_utf8(bytes).context("the text is not UTF-8: save it as UTF-8")?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

/// Parses and checks a document.
///
/// # Errors
/// Fails if the text is not valid; the error names the place in it.
pub fn parse<T: Document>(text: &str) -> Result<T> {
    let mut value: Value = serde_json::from_str(text).context("not valid JSON")?;
    let object = value.as_object_mut().ok_or_else(|| anyhow!("not a JSON object"))?;
    let expected = schema::<T>();
    match object.remove("schema") {
        Some(Value::String(found)) if found == expected => {}
        Some(found) => bail!("the schema is {found}, but this needs \"{expected}\""),
        None => bail!("the key \"schema\" is missing; this needs \"{expected}\""),
    }
    let document: T = serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().to_string();
        let message = error.into_inner();
        if place == "." { anyhow!("{message}") } else { anyhow!("at {place}: {message}") }
    })?;
    document.check()?;
    Ok(document)
}

#[derive(Serialize)]
struct WithSchema<'a, T> {
    schema: String,
    #[serde(flatten)]
    document: &'a T,
}

/// Returns the text of a document as in files: indented, with the schema first and a newline at the
/// end.
///
/// # Errors
/// Fails if the document cannot be written as JSON.
pub fn to_text<T: Document>(document: &T) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&WithSchema { schema: schema::<T>(), document })?;
    text.push('\n');
    Ok(text)
}

/// Returns a document on one line without a newline, as in `.jsonl` files and on stdout.
///
/// # Errors
/// Fails if the document cannot be written as JSON.
pub fn to_line<T: Document>(document: &T) -> Result<String> {
    Ok(serde_json::to_string(&WithSchema { schema: schema::<T>(), document })?)
}

/// Reads a `.jsonl` file, which grows by one line and document at a time. Text after the last
/// newline is left out: its write was interrupted.
///
/// # Errors
/// Fails if the file cannot be read or a line is not valid; the error names the file and the line.
pub fn read_lines<T: Document>(path: &Path) -> Result<Vec<T>> {
    let bytes = reading::read(path, MAX_BYTES)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
    let text = std::str::from_utf8(whole)
        .with_context(|| format!("{}: not UTF-8 text", path.display()))?;
    let parse_line = |(index, line)| {
        parse(line).with_context(|| format!("{}: line {}", path.display(), index + 1))
    };
    text.lines().enumerate().map(parse_line).collect()
}

/// Writes a `.jsonl` file atomically and opens it for appending, so that new lines do not follow an
/// incomplete one.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn rewrite_lines<T: Document>(path: &Path, documents: &[T]) -> Result<File> {
    let lines: Vec<String> =
        documents.iter().map(|document| Ok(to_line(document)? + "\n")).collect::<Result<_>>()?;
    atomic::write(path, lines.concat().as_bytes())?;
    OpenOptions::new()
        .append(true)
        .open(path)
        .with_context(|| format!("{}: cannot open the file", path.display()))
}

/// Writes a document atomically.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write<T: Document>(path: &Path, document: &T) -> Result<()> {
    atomic::write(path, to_text(document)?.as_bytes())
}

/// Reads a document; returns the default if `path` is `None`.
///
/// # Errors
/// Fails like [`read`].
pub fn read_or_default<T: Document + Default>(path: Option<&Path>) -> Result<T> {
    path.map_or_else(|| Ok(T::default()), read)
}

/// A value, or the reason why it is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known<T> {
    /// The value; `null` if it is not known.
    pub value: Option<T>,
    /// Reason why the value is not known; `null` if it is known.
    pub reason: Option<String>,
}

impl<T> Known<T> {
    /// Returns a known value.
    pub fn of(value: T) -> Self {
        Known { value: Some(value), reason: None }
    }

    /// Returns an unknown value with the reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Known { value: None, reason: Some(reason.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: f64,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        y: u8,
    }

    impl Document for Point {
        const KIND: &'static str = "point";
    }

    fn error_of(text: &str) -> String {
        format!("{:#}", parse::<Point>(text).unwrap_err())
    }

    #[test]
    fn round_trip_puts_the_schema_first() {
        let text = to_text(&Point { x: 0.1, inner: vec![Inner { y: 2 }] }).unwrap();
        assert!(text.starts_with("{\n  \"schema\": \"neuropower/point/1\""));
        assert_eq!(parse::<Point>(&text).unwrap().x, 0.1);
    }

    #[test]
    fn a_byte_order_mark_is_removed_and_utf_16_refused() {
        let text = to_text(&Point { x: 0.5, inner: vec![] }).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("point.json");
        std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
        assert_eq!(read::<Point>(&path).unwrap().x, 0.5);
        let wide = |mark: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("{mark}{text}").encode_utf16().flat_map(order).collect()
        };
        for mark in ["\u{feff}", ""] {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                std::fs::write(&path, wide(mark, order)).unwrap();
                let error = format!("{:#}", read::<Point>(&path).unwrap_err());
                assert!(error.contains("point.json: the text is UTF-16"), "{error}");
            }
        }
        std::fs::write(&path, b"{\"x\": \"\xe9\"}").unwrap();
        assert!(format!("{:#}", read::<Point>(&path).unwrap_err()).contains("not UTF-8"));
        std::fs::write(&path, b"").unwrap();
        assert!(format!("{:#}", read::<Point>(&path).unwrap_err()).contains("not valid JSON"));
    }

    #[test]
    fn errors_name_the_place_and_the_reason() {
        assert!(error_of("{\"schema\": \"neuropower/po").contains("line 1"));
        assert!(error_of("[]").contains("not a JSON object"));
        assert!(error_of("{\"x\": 1, \"inner\": []}").contains("\"schema\" is missing"));
        assert!(
            error_of("{\"schema\": \"neuropower/genome/1\"}")
                .contains("needs \"neuropower/point/1\"")
        );
        let unknown = error_of(
            "{\"schema\": \"neuropower/point/1\", \"x\": 1, \"inner\": [{\"y\": 1, \"z\": 2}]}",
        );
        assert!(unknown.contains("inner[0]") && unknown.contains("`z`"), "{unknown}");
    }

    #[test]
    fn an_incomplete_last_line_is_left_out_and_other_damage_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("points.jsonl");
        let line = |x| to_line(&Point { x, inner: vec![] }).unwrap();
        let whole = format!("{}\n{}\n", line(1.0), line(2.0));
        for torn in ["", "{\"schema", "\u{e9}"] {
            let mut bytes = format!("{whole}{torn}").into_bytes();
            bytes.truncate(bytes.len() - usize::from(torn == "\u{e9}"));
            std::fs::write(&path, bytes).unwrap();
            let read: Vec<f64> = read_lines::<Point>(&path).unwrap().iter().map(|p| p.x).collect();
            assert_eq!(read, [1.0, 2.0]);
        }
        std::fs::write(&path, format!("{}\n{{\"schema\n{}\n", line(1.0), line(2.0))).unwrap();
        let error = format!("{:#}", read_lines::<Point>(&path).unwrap_err());
        assert!(error.contains("points.jsonl: line 2: not valid JSON"), "{error}");
        std::fs::write(&path, b"").unwrap();
        assert!(read_lines::<Point>(&path).unwrap().is_empty());
    }
}
