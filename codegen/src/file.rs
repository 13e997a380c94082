//! The files of a generated folder.

use crate::template::fill;

/// A file: its path below the folder, and its content.
pub(crate) type File = (String, Vec<u8>);

/// Makes a file from a template.
pub(crate) fn text(path: &str, template: &str, values: &[(&str, &str)]) -> File {
    (path.to_string(), fill(template, values).into_bytes())
}

/// Returns the bytes of f32 values.
pub(crate) fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}
