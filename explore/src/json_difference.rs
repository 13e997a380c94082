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
        // Both values come from the same type, but each may leave out keys.
        let below =
            |name: &str| if key.is_empty() { name.to_string() } else { format!("{key}.{name}") };
        let added = now.keys().filter(|name| !earlier.contains_key(*name));
        return earlier
            .keys()
            .chain(added)
            .flat_map(|name| {
                let of = |value: &serde_json::Map<String, Value>| {
                    value.get(name).cloned().unwrap_or_default()
                };
                differences(&below(name), &of(earlier), &of(now))
            })
            .collect();
    }
    if earlier == now { Vec::new() } else { vec![(key.to_string(), earlier.clone(), now.clone())] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_that_one_side_leaves_out_differ() {
        let (short, long) = (json!({"a": 1}), json!({"a": 1, "b": {"c": 2}}));
        let none = Value::Null;
        let added = ("b".to_string(), none.clone(), json!({"c": 2}));
        assert_eq!(difference("", &short, &long), Some(added));
        assert_eq!(difference("", &long, &short), Some(("b".into(), json!({"c": 2}), none)));
        assert_eq!(difference("", &long, &long), None);
        let other = json!({"a": 1, "b": {"c": 2, "d": 3}});
        let below = ("x.b.d".to_string(), Value::Null, json!(3));
        assert_eq!(difference("x", &long, &other), Some(below));
    }
}
