//! A data set's description for tests.

use super::description::{DataFile, Dataset, Format, Normalisation, Validation};

/// Returns a data set of two classes, without hashes, with the same files as training and test set.
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
        resize: Default::default(),
        classes: classes.map(str::to_string).to_vec(),
        normalisation: Normalisation { mean: vec![0.5; 3], std: vec![0.5; 3] },
        validation: Validation { fraction: 0.2, seed: 0, by_class: true },
        train: files.clone(),
        test: files,
        sources: vec![],
    }
}
