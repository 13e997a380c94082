//! Lists of files and labels as text: commas, semicolons or tabs, with or without a first line of
//! names.

use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

/// Names of the column of files, in lower case.
const FILE_NAMES: &[&str] = &[
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "image",
    "image_path",
    "image_name",
    "image_id",
    "img",
    "img_path",
    "picture",
    "photo",
    "id",
];
/// Names of the column of labels, in lower case.
const LABEL_NAMES: &[&str] = &[
    "label",
    "labels",
    "class",
    "classes",
    "class_name",
    "category",
    "target",
    "species",
    "breed",
    "y",
];

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEntry {
    /// Number of the line, from 1.
    pub line: u64,
    /// The file, with `/` between folders.
    pub file: String,
    /// The label.
    pub label: String,
}

/// Reads a list. The columns are those that a first line names, such as `file` and `label`, or the
/// only two.
///
/// # Errors
/// Fails if a line lacks a column or is not valid, or if the columns are not known.
pub fn read_label_list(text: &str) -> Result<Vec<LabelEntry>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (separator, text, skipped) = separator(text);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut columns = None;
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record.context("the list is not valid")?;
        let line = record.position().map_or(0, |start| line_of(text, start)) + skipped;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let (file, label) = match columns {
            Some(columns) => columns,
            None => {
                let (found, is_names) = columns_of(&record)?;
                columns = Some(found);
                if is_names {
                    continue;
                }
                found
            }
        };
        let cell = |column: usize, what: &str| match record.get(column) {
            Some(cell) if !cell.is_empty() => Ok(cell.to_string()),
            _ => bail!("line {line} has no {what}"),
        };
        let (file, label) = (cell(file, "file")?.replace('\\', "/"), cell(label, "label")?);
        entries.push(LabelEntry { line, file, label });
    }
    ensure!(!entries.is_empty(), "the list is empty");
    Ok(entries)
}

/// Returns the number of the line of a record, before which there may be empty lines.
fn line_of(text: &str, start: &csv::Position) -> u64 {
    let before = text.as_bytes().get(start.byte() as usize..).unwrap_or_default();
    let empty = before.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    start.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

/// Returns the separator, the text after a line such as `sep=;`, which spreadsheets write, and the
/// number of lines before it.
fn separator(text: &str) -> (u8, &str, u64) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Some([separator]) = first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        return (*separator, rest, 1);
    }
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| line.bytes().filter(|byte| *byte == separator).count();
    // The last of equal ones is returned.
    let separator = [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator));
    (separator.unwrap_or(b','), text, 0)
}

/// Returns the columns of files and labels, and whether the first line names them.
fn columns_of(first: &StringRecord) -> Result<((usize, usize), bool)> {
    let find = |names: &[&str]| {
        first.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()))
    };
    match (find(FILE_NAMES), find(LABEL_NAMES), first.len()) {
        (Some(file), Some(label), _) => Ok(((file, label), true)),
        (Some(file), None, 2) => Ok(((file, 1 - file), true)),
        (None, Some(label), 2) => Ok(((1 - label, label), true)),
        (_, _, 2) => Ok(((0, 1), false)),
        (_, _, columns) => bail!(
            "the list has {columns} columns, and no first line that says which ones are `file` and `label`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let entries = read_label_list(text).unwrap_or_else(|error| panic!("{text:?}: {error:#}"));
        entries.into_iter().map(|entry| (entry.file, entry.label)).collect()
    }

    #[test]
    fn lists_of_all_kinds_say_the_same() {
        for text in [
            "a b.png,oak\nx/2.png,birch\n",
            "file,label\na b.png,oak\nx/2.png,birch",
            "\u{feff}file;label\r\na b.png;oak\r\nx\\2.png;birch\r\n",
            "label\tfilename\noak\ta b.png\nbirch\tx/2.png\n\n",
            "\"a b.png\",\"oak\" \n\n\"x/2.png\" , birch\n",
            "sep=;\r\nfile;label\r\na b.png;oak\r\nx/2.png;birch\r\n",
            "id,width,class\na b.png,3,oak\nx/2.png,4,birch\n",
            "Datei,label\na b.png,oak\nx/2.png,birch\n",
        ] {
            let expected = [("a b.png", "oak"), ("x/2.png", "birch")];
            assert_eq!(pairs(text), expected.map(|(a, b)| (a.into(), b.into())), "{text:?}");
        }
        assert_eq!(pairs("1.png,\"a;\"\"b\"\", c\"\n"), [("1.png".into(), "a;\"b\", c".into())]);
        assert_eq!(read_label_list("a,b\n\nc,d\n").unwrap()[1].line, 3);
    }

    #[test]
    fn lines_without_a_column_are_named() {
        for (text, named) in [
            ("a.png,oak\nb.png\n", "line 2 has no label"),
            ("a.png,oak\n,birch\n", "line 2 has no file"),
            ("a.png,oak,3\n", "3 columns"),
            ("a.png\n", "1 columns"),
            ("file,label\n", "is empty"),
            ("", "is empty"),
        ] {
            let error = read_label_list(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_texts_do_not_panic(text in "[a,;\t\"\r\n=sep ]{0,60}") {
            let _ = read_label_list(&text);
        }
    }
}
