//! Templates: text with markers such as `__NAME__`.

/// Replaces each marker of a template by its value, in one pass: markers in a value stay.
///
/// # Panics
/// Panics if a marker has no value; the templates are part of this program, and its tests fill
/// all of them.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("__");
    let mut filled = parts.next().unwrap_or_default().to_string();
    while let (Some(marker), Some(text)) = (parts.next(), parts.next()) {
        let value = values.iter().find(|(name, _)| *name == marker);
        filled.push_str(value.unwrap_or_else(|| panic!("the marker __{marker}__ has no value")).1);
        filled.push_str(text);
    }
    filled
}

/// Replaces markers as [`fill`] does, by values that are owned.
pub(crate) fn fill_all(template: &str, values: &[(&str, String)]) -> String {
    let values: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(template, &values)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_not_templates() {
        let values = [("A", "__B__"), ("B", "b")];
        assert_eq!(fill("__A__, __B__ and __A__.", &values), "__B__, b and __B__.");
    }

    #[test]
    #[should_panic(expected = "__C__")]
    fn unknown_markers_are_found() {
        fill("x __C__", &[("A", "a")]);
    }
}
