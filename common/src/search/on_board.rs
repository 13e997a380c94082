//! Names and values that say of which board they are: `latency_s@host`, `0.0005@host`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A name or a value and, behind an `@`, the board that it is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnBoard<T> {
    /// The name, or the value.
    pub what: T,
    /// Name of the board; `None` if none is named.
    pub board: Option<String>,
}

impl<T> OnBoard<T> {
    /// Says something of no board, or of the only one.
    pub const fn of(what: T) -> OnBoard<T> {
        OnBoard { what, board: None }
    }
}

impl<T: fmt::Display> fmt::Display for OnBoard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.board {
            Some(board) => write!(f, "{}@{board}", self.what),
            None => write!(f, "{}", self.what),
        }
    }
}

impl<T: FromStr<Err: fmt::Display>> FromStr for OnBoard<T> {
    type Err = String;

    /// Fails if the part before the `@` cannot be read, or if no name follows it.
    fn from_str(text: &str) -> Result<OnBoard<T>, String> {
        let (what, board) = match text.split_once('@') {
            Some((what, board)) => (what, Some(board)),
            None => (text, None),
        };
        if board == Some("") {
            return Err(format!("{text}: the name of a board is missing after the @"));
        }
        let what = what.parse().map_err(|error: T::Err| error.to_string())?;
        Ok(OnBoard { what, board: board.map(String::from) })
    }
}

impl<T: fmt::Display> Serialize for OnBoard<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for OnBoard<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OnBoard<T>, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_first_at_sign() {
        let parse = |text: &str| text.parse::<OnBoard<f64>>();
        assert_eq!(parse("0.5").unwrap(), OnBoard::of(0.5));
        let host = OnBoard { what: 5e-4, board: Some("host".to_string()) };
        assert_eq!(parse("5e-4@host").unwrap(), host);
        assert_eq!(host.to_string(), "0.0005@host");
        assert_eq!(parse("0.5@").unwrap_err(), "0.5@: the name of a board is missing after the @");
        assert_eq!(parse("fast@host").unwrap_err(), "invalid float literal");
        // No board has such a name, so it is refused as unknown.
        assert_eq!(parse("1@a@b").unwrap().board.as_deref(), Some("a@b"));
    }
}
