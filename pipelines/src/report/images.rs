//! What the images are that a user's own folder gave, and what was left out.

use super::html::{definitions, details};
use super::table::Table;
use super::units::{count, percent};
use common::dataset::{Choice, FaultKind, ImportRecord, ImportedClass, Layout};
use maud::{Markup, html};
use std::path::Path;

/// Classes that are shown without a click.
const OPEN_CLASSES: usize = 20;

/// Returns where the images come from, how many there are, how they were scaled and split, and what
/// was left out.
pub(super) fn content(import: &ImportRecord) -> Markup {
    let classes = classes_table(import);
    html! {
        (facts(import))
        @if import.classes.len() > OPEN_CLASSES {
            (details(&format!("All {} classes", classes.len()), classes.to_markup()))
        } @else {
            (classes.to_markup())
        }
        @if !import.faults.is_empty() {
            h3 { "What is unusual" }
            (faults_table(import).to_markup())
        }
        @if !import.left_out.is_empty() {
            (details(&left_out_title(import), left_out_table(import).to_markup()))
        }
    }
}

fn left_out_title(import: &ImportRecord) -> String {
    let (listed, all) = (import.left_out.len(), left_out(import));
    if listed < all {
        format!("Files that were left out: the first {listed} of {}", count(all as u64))
    } else {
        format!("Files that were left out: {listed}")
    }
}

/// Returns a sentence on files that were left out, if there are any.
pub(super) fn left_out_warning(import: &ImportRecord) -> Option<String> {
    let number = left_out(import);
    let were = if number == 1 { "file was" } else { "files were" };
    (number > 0).then(|| {
        format!(
            "{} {were} left out of the images; the page names them under \"Images\".",
            count(number as u64)
        )
    })
}

/// Returns the number of files that were left out, without those of operating systems.
fn left_out(import: &ImportRecord) -> usize {
    let of_faults = import.faults.iter().filter(|fault| is_left_out(fault.kind));
    of_faults.map(|fault| fault.count).sum::<usize>().max(import.left_out.len())
}

/// Tells whether the files that have a fault are left out.
fn is_left_out(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Damaged
        | FaultKind::NotAPicture
        | FaultKind::Unlabelled
        | FaultKind::Outside
        | FaultKind::Unreadable => true,
        FaultKind::NoImages
        | FaultKind::OneClass
        | FaultKind::Missing
        | FaultKind::EmptyClass
        | FaultKind::MissingFromSplit
        | FaultKind::Imbalance
        | FaultKind::EqualAcrossSplits
        | FaultKind::NearlyEqualAcrossSplits
        | FaultKind::TwoLabels
        | FaultKind::SixteenBit
        | FaultKind::Small
        | FaultKind::ExtremeRatio
        | FaultKind::Unusable => false,
    }
}

fn facts(import: &ImportRecord) -> Markup {
    let channels = if import.channels == 1 { "grey" } else { "colour" };
    let scaling = import.scaling.as_ref().map_or_else(
        || "none: they had this size".into(),
        |scaling| format!("{}, filter {}", scaling.resize, scaling.filter),
    );
    let numbers =
        |values: &[f64]| values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(", ");
    definitions([
        ("folder", folder(import)),
        ("layout", Some(layout(import.layout).into())),
        ("images", Some(format!("{}x{}, {channels}", import.height, import.width))),
        ("scaling", Some(scaling)),
        ("test images", Some(choice(import.test))),
        ("validation images", Some(choice(import.validation))),
        ("mean of the training images", Some(numbers(&import.mean))),
        ("standard deviation", Some(numbers(&import.std))),
        (
            "files of operating systems, ignored",
            (import.system_files > 0).then(|| count(import.system_files as u64)),
        ),
    ])
}

/// Returns the name of the folder, without the place where a user keeps it.
fn folder(import: &ImportRecord) -> Option<String> {
    let name = Path::new(&import.folder).file_name()?;
    Some(name.to_string_lossy().into_owned())
}

fn layout(layout: Layout) -> &'static str {
    match layout {
        Layout::ClassFolders => "a folder for each class",
        Layout::LabelList => "a list of files and their classes",
        Layout::Npz => "NumPy arrays in an archive (.npz)",
        Layout::Npy => "NumPy arrays (.npy)",
        Layout::CifarPython => "CIFAR's Python version",
        Layout::CifarBinary => "CIFAR's binary version",
        Layout::Idx => "IDX, as MNIST",
        Layout::Dataset => "a data set with a dataset.json",
    }
}

fn choice(choice: Choice) -> String {
    match choice {
        Choice::Found => "those that were found as such".into(),
        Choice::Drawn { fraction, seed } => {
            format!("{} of each class's training images, drawn with seed {seed}", percent(fraction))
        }
    }
}

/// Validation images that are drawn are among the training images.
fn classes_table(import: &ImportRecord) -> Table {
    let found = import.validation == Choice::Found;
    let training = if found { "training" } else { "training and validation" };
    let validation = found.then_some(("validation", true));
    let titles = [("class", false), (training, true)].into_iter().chain(validation);
    let mut table = Table::new(titles.chain([("test", true)]));
    for ImportedClass { class, train, validation, test } in &import.classes {
        let validation = found.then_some(validation);
        let counts = [Some(train), validation, Some(test)].into_iter().flatten();
        let counts = counts.map(|n| Ok(count(*n as u64)));
        table.push([Ok(class.clone())].into_iter().chain(counts).collect());
    }
    table
}

fn faults_table(import: &ImportRecord) -> Table {
    let mut table = Table::new([("what", false), ("number", true), ("for example", false)]);
    for fault in &import.faults {
        let examples = fault.examples.join("; ");
        table.push(vec![Ok(fault.text.clone()), Ok(count(fault.count as u64)), Ok(examples)]);
    }
    table
}

fn left_out_table(import: &ImportRecord) -> Table {
    let mut table = Table::new([("file", false), ("reason", false)]);
    for file in &import.left_out {
        table.push(vec![Ok(file.file.clone()), Ok(file.reason.clone())]);
    }
    table
}
