//! A description for tests.

use super::description::{DataFile, Dataset, Format, Normalisation, Validation};

/// A data set with two classes, without hashes, whose training and test set are the same files.
pub(super) fn description(
    format: Format,
    side: usize,
    classes: [&str; 2],
    files: Vec<DataFile>,
) -> Dataset {
    Dataset {
        name: "made-to-order".into(),
        about: String::new(),
        format,
        channels: 3,
        height: side,
        width: side,
        classes: classes.map(str::to_string).to_vec(),
        normalisation: Normalisation { mean: vec![0.5; 3], std: vec![0.5; 3] },
        validation: Validation { fraction: 0.2, seed: 0, by_class: true },
        train: files.clone(),
        test: files,
        sources: vec![],
    }
}
