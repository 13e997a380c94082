//! Images in a list: a CSV file with the columns `file` and `label`, and the folder that the files'
//! paths are relative to.

use super::checks::check_inside;
use super::description::{DataFile, Dataset};
use super::files::read_file;
use super::images::Raw;
use super::photos::{Photo, PhotoFolder};
use anyhow::{Context, Result, bail, ensure};
use csv::{ReaderBuilder, StringRecord};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

const HEADER: [&str; 2] = ["file", "label"];

/// Returns the usable images of a list, in its order, and a list of problems: a line for each row
/// with a path that is listed twice or leads out of the folder, or with a label that is not a
/// class, and for each file that is missing or not a usable image.
///
/// # Errors
/// Fails if the list cannot be read or has other columns, or if there is no folder.
pub(super) fn read(
    dataset: &Dataset,
    root: &Path,
    files: &[DataFile],
) -> Result<(Raw, Vec<String>)> {
    let [list, folder] = files else { bail!("image-list needs a list and a folder") };
    let rows = rows(read_file(root, list, |_| Ok(None))?)
        .with_context(|| root.join(&list.path).display().to_string())?;
    let set = PhotoFolder::new(dataset, root, folder, &format!("{}+{}", list.path, folder.path));
    ensure!(
        set.cached_instead().is_some() || set.path().is_dir(),
        "{}: there is no such folder; `make data` places it",
        set.path().display()
    );
    let (mut photos, mut problems, mut lines) = (Vec::new(), Vec::new(), HashMap::new());
    for (line, row) in &rows {
        match photo(dataset, row, *line, &mut lines) {
            Ok(photo) => photos.push(photo),
            Err(error) => {
                let list = root.join(&list.path);
                problems.push(format!("{}: line {line}: {error:#}", list.display()));
            }
        }
    }
    Ok(set.read(&photos, problems))
}

/// Returns the rows of a CSV file below its header, each with its line.
fn rows(bytes: Vec<u8>) -> Result<Vec<(u64, StringRecord)>> {
    let text = String::from_utf8(bytes).ok().context("the text is not UTF-8: save it as UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // A row of another length is a problem of that row alone.
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row?;
        rows.push((row.position().map_or(0, csv::Position::line), row));
    }
    let header = rows.first().is_some_and(|(_, row)| *row == HEADER[..]);
    ensure!(header, "the first line must be `{}`, the names of the columns", HEADER.join(","));
    rows.remove(0);
    Ok(rows)
}

/// Returns the photo of a row. `lines` has the line of each path so far.
fn photo(
    dataset: &Dataset,
    row: &StringRecord,
    line: u64,
    lines: &mut HashMap<PathBuf, u64>,
) -> Result<Photo> {
    let (2, Some(file), Some(class)) = (row.len(), row.get(0), row.get(1)) else {
        bail!(
            "a line has a file and a label, but this one has {} values; put double quotes around a value with commas",
            row.len()
        );
    };
    check_inside("path", file)?;
    let path: PathBuf =
        Path::new(file).components().filter(|part| *part != Component::CurDir).collect();
    ensure!(!path.as_os_str().is_empty(), "the path {file:?} is not that of a file");
    let label = dataset.classes.iter().position(|name| name == class).with_context(|| {
        format!("the label {class:?} is not one of the classes in dataset.json")
    })?;
    let label = u16::try_from(label).context("too many classes")?;
    if let Some(earlier) = lines.insert(path.clone(), line) {
        bail!("the file {file:?} is already in line {earlier}");
    }
    Ok(Photo { path, label })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_support::{description, file, write_image};
    use crate::dataset::{Format, Images, Split};
    use crate::files::json;
    use std::fs;

    const TRAIN: &str = "file,label\na/1.png,cat\n\"a/2,x.png\",dog\n./b/3.png,cat\n";

    /// Makes a data set whose validation and test sets use other lists of the same folder.
    fn fixture(train: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, value) in [("a/1", 10), ("a/2,x", 20), ("b/3", 30), ("b/4", 40), ("b/5", 50)] {
            write_image(&dir.path().join(format!("images/{name}.png")), 4, [value, 0, 0]);
        }
        let lists = [
            ("train.csv", train),
            ("val.csv", "file,label\nb/4.png,cat\nb/5.png,dog\n"),
            ("test.csv", "file,label\nb/5.png,dog\nb/4.png,cat\na/1.png,cat\n"),
        ];
        for (name, text) in lists {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let set = |list: &str| vec![file(list), file("images")];
        let mut dataset = description(Format::ImageList, 4, ["cat", "dog"], set("train.csv"));
        (dataset.validation, dataset.val, dataset.test) = (None, set("val.csv"), set("test.csv"));
        json::write(&dir.path().join("dataset.json"), &dataset).unwrap();
        dir
    }

    fn reds(images: &Images) -> Vec<u8> {
        (0..images.len()).map(|i| images.image(i)[0]).collect()
    }

    fn problems(train: &str) -> String {
        let dir = fixture(train);
        format!("{:#}", Dataset::load(dir.path(), Split::Train).unwrap_err())
    }

    #[test]
    fn a_list_names_files_and_classes() {
        let dir = fixture(TRAIN);
        let test = Dataset::load(dir.path(), Split::Test).unwrap();
        assert_eq!((reds(&test), test.labels.as_slice()), (vec![50, 40, 10], &[1, 0, 0][..]));
        let mut train = Dataset::load(dir.path(), Split::Train).unwrap();
        let mut pairs: Vec<_> = reds(&train).into_iter().zip(train.labels.drain(..)).collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [(10, 0), (20, 1), (30, 0)]);
        assert_eq!(Dataset::load(dir.path(), Split::Validation).unwrap().len(), 2);
    }

    #[test]
    fn neither_the_order_of_rows_nor_the_form_of_the_text_matters() {
        let load = |text: &str| {
            let dir = fixture(text);
            Dataset::load(dir.path(), Split::TrainAndValidation).unwrap()
        };
        let expected = load(TRAIN);
        for text in [
            "file,label\nb/3.png,cat\n\"a/2,x.png\",dog\na/1.png,cat\n",
            &format!("\u{feff}{}", TRAIN.replace('\n', "\r\n")),
            "\"file\",\"label\"\n\na/.//1.png,\"cat\"\n\"a/2,x.png\",dog\nb/3.png,cat",
        ] {
            assert_eq!(load(text), expected, "{text}");
        }
    }

    #[test]
    fn all_problems_of_a_list_are_named_at_once() {
        let said = problems(
            "file,label\na/1.png,wolf\nb/9.png,cat\n./b/3.png,cat\nb/3.png,dog\n../a/1.png,cat\n\
             /etc/passwd,cat\na/1.png\na/2,x.png,dog\n.,cat\na,cat\n",
        );
        for part in [
            "train.csv: line 2: the label \"wolf\" is not one of the classes",
            "images/b/9.png: there is no such file",
            "train.csv: line 5: the file \"b/3.png\" is already in line 4",
            "train.csv: line 6: the path \"../a/1.png\" leaves the data set's folder",
            "train.csv: line 7: the path \"/etc/passwd\" leaves the data set's folder",
            "train.csv: line 8: a line has a file and a label, but this one has 1 values",
            "train.csv: line 9: a line has a file and a label, but this one has 3 values",
            "train.csv: line 10: the path \".\" is not that of a file",
            "images/a: not a plain file",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn other_files_are_no_lists() {
        for (text, part) in [
            ("a/1.png,cat\n", "the first line must be `file,label`"),
            ("file;label\na/1.png;cat\n", "the first line must be `file,label`"),
            ("", "the first line must be `file,label`"),
            ("file,label\n", "it has no images"),
        ] {
            let said = problems(text);
            assert!(said.contains(part), "{said}");
        }
        let dir = fixture(TRAIN);
        fs::write(dir.path().join("train.csv"), b"file,label\n\xff.png,cat\n").unwrap();
        let said = format!("{:#}", Dataset::load(dir.path(), Split::Train).unwrap_err());
        assert!(said.contains("train.csv: the text is not UTF-8"), "{said}");
    }

    /// Both sets have files of one folder, and each keeps its own pixels.
    #[test]
    fn without_the_folder_the_cached_pixels_are_used() {
        let dir = fixture(TRAIN);
        let load =
            || [Split::TrainAndValidation, Split::Test].map(|s| Dataset::load(dir.path(), s));
        let before = load().map(Result::unwrap);
        fs::rename(dir.path().join("images"), dir.path().join("away")).unwrap();
        assert_eq!(load().map(Result::unwrap), before);
        fs::write(dir.path().join("train.csv"), TRAIN.replace("b/3", "b/4")).unwrap();
        let [train, test] = load();
        let said = format!("{:#}", train.unwrap_err());
        assert!(said.contains("images/b/4.png: there is no such file"), "{said}");
        assert!(test.is_ok());
        fs::remove_dir_all(dir.path().join(".scaled")).unwrap();
        let said = format!("{:#}", load()[1].as_ref().unwrap_err());
        assert!(said.contains("images: there is no such folder; `make data` places it"), "{said}");
    }
}
