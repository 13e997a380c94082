//! The rule by which pictures of another shape become a network's images, in files of JSON.

pub use pictures::{FILTER, Resize};

use serde::{Deserialize, Deserializer, Serializer};

/// Writes the name of a rule.
///
/// # Errors
/// Fails if the serializer fails.
pub fn serialize<S: Serializer>(resize: &Resize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(resize.name())
}

/// Reads the name of a rule.
///
/// # Errors
/// Fails if there is no rule of this name.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Resize, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Returns whether a rule is the one of files that name none.
pub fn is_default(resize: &Resize) -> bool {
    *resize == Resize::default()
}
