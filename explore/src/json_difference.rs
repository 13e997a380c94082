//! The first difference between two JSON values, for error messages.

use serde_json::Value;

/// Returns a key whose values differ, and both values: the first such key that is not a hash, since
/// a hash says less than any other value. `key` is the key of the two values themselves.
pub(crate) fn difference(
    key: &str,
    earlier: &Value,
    now: &Value,
) -> Option<(String, Value, Value)> {
    let mut all = differences(key, earlier, now);
    all.sort_by_key(|(key, ..)| key.ends_with("sha256"));
    all.into_iter().next()
}

fn differences(key: &str, earlier: &Value, now: &Value) -> Vec<(String, Value, Value)> {
    if let (Value::Object(earlier), Value::Object(now)) = (earlier, now) {
        // Both values come from the same type. Where one leaves out a key, it has another one
        // instead, as `val` instead of `validation`.
        let below =
            |name: &str| if key.is_empty() { name.to_string() } else { format!("{key}.{name}") };
        return earlier
            .iter()
            .flat_map(|(name, value)| {
                differences(&below(name), value, now.get(name).unwrap_or(&Value::Null))
            })
            .collect();
    }
    if earlier == now { Vec::new() } else { vec![(key.to_string(), earlier.clone(), now.clone())] }
}
