//! Names of training, validation and test sets in the names of folders, files and arrays.

use common::dataset::ImportedSplit;

/// Extensions of pictures, in lower case.
const PICTURES: &[&str] =
    &["png", "jpg", "jpeg", "jpe", "jfif", "gif", "webp", "bmp", "ppm", "pgm", "pbm", "pnm"];

/// Returns the set of a name such as `train` or `Validation`.
pub(crate) fn set_of(name: &str) -> Option<ImportedSplit> {
    match name.to_lowercase().as_str() {
        "train" | "training" | "trn" => Some(ImportedSplit::Train),
        "val" | "valid" | "validation" | "dev" => Some(ImportedSplit::Validation),
        "test" | "testing" | "tst" | "t10k" => Some(ImportedSplit::Test),
        _ => None,
    }
}

/// Returns the set of a name of several words, such as `train_labels`.
pub(crate) fn set_in(name: &str) -> Option<ImportedSplit> {
    words(name).find_map(|word| set_of(&word))
}

/// Returns the words of a name in lower case.
pub(crate) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase)
}

/// Returns whether a file's name is that of a picture.
pub(crate) fn is_picture(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| PICTURES.contains(&extension.as_str()))
}
