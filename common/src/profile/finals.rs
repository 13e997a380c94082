//! Section `final` of a profile.

use crate::files::ranges::within;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The section `final` of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinalSettings {
    /// Number of individuals that are fully trained, pruned and measured.
    pub winners: usize,
    /// Which members of the front these are. Left out of files if `spread`.
    #[serde(skip_serializing_if = "Selection::is_default")]
    pub selection: Selection,
}

/// An order of the front, whose first members become the winners. Accuracies are those on the
/// validation images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The most accurate, then the smallest whose accuracy is at most one percentage point lower,
    /// then the one in the middle between these two by the logarithm of parameters, and so on: the
    /// one between them that is farthest from those before it.
    #[default]
    Spread,
    /// By accuracy, the highest first.
    Accurate,
    /// By the distance from the straight line between the smallest and the most accurate, the knee
    /// of the front first: error and logarithm of parameters are scaled to 0..1 over the front.
    Knee,
    /// By NID, accuracy per parameter (paper, equation 1), the highest first.
    Nid,
}

impl Selection {
    fn is_default(&self) -> bool {
        *self == Selection::default()
    }
}

impl Default for FinalSettings {
    fn default() -> Self {
        FinalSettings { winners: 3, selection: Selection::default() }
    }
}

impl FinalSettings {
    pub(crate) fn check(&self) -> Result<()> {
        within("final.winners", self.winners, &(1..=100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_without_a_selection_spread_the_winners() {
        let parse = |text: &str| serde_json::from_str::<FinalSettings>(text).unwrap();
        assert_eq!(parse("{}"), FinalSettings { winners: 3, selection: Selection::Spread });
        let knee = parse(r#"{"winners": 1, "selection": "knee"}"#);
        assert_eq!(knee, FinalSettings { winners: 1, selection: Selection::Knee });
        assert_eq!(serde_json::to_string(&FinalSettings::default()).unwrap(), r#"{"winners":3}"#);
    }
}
