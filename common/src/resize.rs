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

#[cfg(test)]
mod tests {
    use super::Resize;
    use crate::network::Input;

    fn input(resize: &str) -> serde_json::Result<Input> {
        let shape = r#""channels": 1, "height": 2, "width": 3, "mean": [0.5], "std": [0.25]"#;
        serde_json::from_str(&format!("{{{shape}{resize}}}"))
    }

    #[test]
    fn the_key_is_written_unless_it_says_what_its_absence_says() {
        let written = |input: &Input| serde_json::to_string(input).unwrap();
        let without = input("").unwrap();
        assert_eq!(without.resize, Resize::Stretch);
        assert_eq!(without, input(r#", "resize": "stretch""#).unwrap());
        assert!(!written(&without).contains("resize"));
        for rule in [Resize::Letterbox, Resize::Crop] {
            let read = input(&format!(", \"resize\": \"{rule}\"")).unwrap();
            assert_eq!((read.resize, read.target().resize), (rule, rule));
            assert!(written(&read).ends_with(&format!(",\"resize\":\"{rule}\"}}")));
        }
        for wrong in [r#""squash""#, "1", "null", r#""Crop""#] {
            assert!(input(&format!(", \"resize\": {wrong}")).is_err(), "{wrong}");
        }
    }
}
