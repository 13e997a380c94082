//! Counts and faults of a data set, and of a folder as an import would read it.

use super::copy::Copy;
use super::decode::Earlier;
use super::describe::{record, reduced};
use super::faults;
use super::images::{self, Images};
use super::layout;
use super::read_arrays::{LabelledSet, LabelledSets};
use super::reading::{Reading, read};
use super::report::warnings;
use super::settings::Settings;
use anyhow::{Context, Result};
use common::dataset::{
    Census, Choice, ClassCensus, Dataset, Fault, FaultKind, ImportedSplit, MAX_EXAMPLES,
    UsableImages, Validation,
};
use common::foreign::{ImageArray, Labels};
use std::path::Path;

/// Returns the counts and faults of a folder as an import would read it.
///
/// # Errors
/// Fails if there are no images with classes, or if a signal is received.
pub(crate) fn census_of_folder(folder: &Path) -> Result<Census> {
    let found = layout::find(folder)?;
    let reading = read(&found, &Settings::default(), &Earlier::default())
        .with_context(|| folder.display().to_string())?;
    let name = reduced(&found.place.file_stem().unwrap_or_default().to_string_lossy());
    let record = record(&name, &found, &reading);
    let class = |class: &common::dataset::ImportedClass| {
        let drawn = match record.validation {
            Choice::Found => 0,
            Choice::Drawn { fraction, .. } => drawn(class.train, fraction),
        };
        ClassCensus {
            class: class.class.clone(),
            train: class.train - drawn,
            validation: class.validation + drawn,
            test: class.test,
        }
    };
    let Reading { faults, left_out, .. } = reading;
    let (stopping, unusual): (Vec<Fault>, Vec<Fault>) =
        faults.iter().cloned().partition(|fault| fault.stops);
    Ok(Census {
        dataset: name,
        classes: record.classes.iter().map(class).collect(),
        mean: if record.classes.is_empty() { Vec::new() } else { record.mean },
        std: if record.classes.is_empty() { Vec::new() } else { record.std },
        warnings: warnings(&unusual),
        problems: warnings(&stopping),
        layout: Some(found.layout),
        faults,
        left_out,
        system_files: found.system_files,
    })
}

/// Returns the number of images of a class that are drawn for validation, as
/// `Validation::by_class` does.
fn drawn(count: usize, fraction: f64) -> usize {
    let share = (count as f64 * fraction).round() as usize;
    share.max(1).min(count.saturating_sub(1))
}

/// Returns the counts and faults of a data set with a `dataset.json`; of the copy of a folder also
/// what the import left out.
///
/// # Errors
/// Fails if the description is not valid, or if a signal is received.
pub(crate) fn census_of_data_set(folder: &Path) -> Result<Census> {
    let (mut census, usable) = Census::take_with_images(folder)?;
    let dataset = Dataset::describe(folder)?;
    let validation = match dataset.validation {
        Some(Validation { fraction, seed, .. }) => Choice::Drawn { fraction, seed },
        None => Choice::Found,
    };
    let found = images_of(&dataset, usable)?;
    census.faults = faults::find(&found, &[], &[], validation)?;
    // These say what `problems` and `warnings` do.
    census.faults.retain(|fault| !fault.stops);
    if let Ok(Some(copy)) = Copy::read(folder)
        && let Some(record) = copy.record
    {
        let of_files = |fault: &Fault| !census.faults.iter().any(|other| other.kind == fault.kind);
        let more: Vec<Fault> = record.faults.iter().filter(|f| of_files(f)).cloned().collect();
        census.faults.extend(more);
        census.left_out = record.left_out;
        census.system_files = record.system_files;
        census.layout = Some(record.layout);
    }
    let said = |fault: &&Fault| fault.kind != FaultKind::MissingFromSplit;
    let unusual: Vec<Fault> = census.faults.iter().filter(said).cloned().collect();
    census.warnings.extend(warnings(&unusual));
    if !census.problems.is_empty() {
        census.faults.insert(0, unusable(&census.problems));
    }
    Ok(census)
}

fn unusable(problems: &[String]) -> Fault {
    let count = problems.len();
    let text = match count {
        1 => "1 problem keeps the data set from being used".into(),
        _ => format!("{count} problems keep the data set from being used"),
    };
    let examples = problems.iter().take(MAX_EXAMPLES).cloned().collect();
    Fault { kind: FaultKind::Unusable, count, text, examples, stops: true }
}

fn images_of(dataset: &Dataset, usable: UsableImages) -> Result<Images> {
    let set = |split, name: &str, images: common::dataset::Images| LabelledSet {
        split,
        name: name.into(),
        images: ImageArray {
            channels: images.shape.channels,
            height: images.shape.height,
            width: images.shape.width,
            pixels: images.pixels,
        },
        labels: Labels::Numbers(images.labels.into_iter().map(i64::from).collect()),
    };
    let sets = vec![
        set(ImportedSplit::Train, "training", usable.training),
        set(ImportedSplit::Validation, "validation", usable.validation),
        set(ImportedSplit::Test, "test", usable.test),
    ];
    let names = Some(dataset.classes.clone());
    images::of_arrays(&LabelledSets { sets, names, description: None }, None, None)
}
