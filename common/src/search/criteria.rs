//! Criteria that end a search (paper, section 4.1), on one board or on several.

use crate::search::limit::Limit;
use crate::search::on_board::OnBoard;
use crate::search::requirements::Requirements;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The criteria that end a search. In files, those of a board of several are keys such as
/// `max_latency_s@host`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Keys", into = "Keys")]
pub struct Criteria {
    /// Those that name no board: on the accuracy, and on the only board.
    pub general: Requirements,
    /// Those on each of several boards, by its name. Each limits something.
    pub on_boards: BTreeMap<String, Requirements>,
}

/// The keys of criteria in files.
#[derive(Clone, Serialize, Deserialize)]
struct Keys {
    min_accuracy: Option<f64>,
    max_latency_s: Option<f64>,
    max_energy_j: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_power_w: Option<f64>,
    #[serde(flatten)]
    on_boards: BTreeMap<OnBoard<Limit>, f64>,
}

impl Criteria {
    /// Returns whether there are any.
    pub fn any(&self) -> bool {
        self.general.any() || !self.on_boards.is_empty()
    }

    /// Returns these criteria, and those of `others` on what these leave open.
    pub fn or(&self, others: &Criteria) -> Criteria {
        let mut both = others.clone();
        both.general = self.general.or(&others.general);
        for (board, requirements) in &self.on_boards {
            let others = both.on_boards.entry(board.clone()).or_default();
            *others = requirements.or(others);
        }
        both
    }

    /// Returns what is required on a board; `None` names the only one.
    pub fn on(&self, board: Option<&str>) -> Requirements {
        board.map_or(self.general, |board| self.on_boards.get(board).copied().unwrap_or_default())
    }

    /// Returns each limit on what is measured, with its board.
    pub fn limits(&self) -> impl Iterator<Item = (OnBoard<Limit>, f64)> + '_ {
        let boards = self.on_boards.iter().map(|(board, required)| (Some(board), required));
        let all = std::iter::once((None, &self.general)).chain(boards);
        all.flat_map(|(board, required)| {
            Limit::ALL.into_iter().filter_map(move |limit| {
                Some((OnBoard { what: limit, board: board.cloned() }, limit.of(required)?))
            })
        })
    }

    /// Adds a limit, and replaces an earlier one on the same quantity of the same board.
    pub fn set(&mut self, limit: OnBoard<Limit>, most: f64) {
        let required = match limit.board {
            Some(board) => self.on_boards.entry(board).or_default(),
            None => &mut self.general,
        };
        *limit.what.of_mut(required) = Some(most);
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// Fails if a limit is not a positive, finite number, or if the accuracy is not in 0..1.
    pub fn check(&self) -> Result<()> {
        self.general.check()?;
        let of_board = |(board, required): (&String, &Requirements)| {
            required.check().with_context(|| format!("on the board {board}"))
        };
        self.on_boards.iter().try_for_each(of_board)
    }
}

impl From<Keys> for Criteria {
    fn from(keys: Keys) -> Criteria {
        let Keys { min_accuracy, max_latency_s, max_energy_j, max_power_w, on_boards } = keys;
        let general = Requirements { min_accuracy, max_latency_s, max_energy_j, max_power_w };
        let mut criteria = Criteria { general, on_boards: BTreeMap::new() };
        on_boards.into_iter().for_each(|(limit, most)| criteria.set(limit, most));
        criteria
    }
}

impl From<Criteria> for Keys {
    fn from(criteria: Criteria) -> Keys {
        let Requirements { min_accuracy, max_latency_s, max_energy_j, max_power_w } =
            criteria.general;
        let on_boards = criteria.limits().filter(|(limit, _)| limit.board.is_some()).collect();
        Keys { min_accuracy, max_latency_s, max_energy_j, max_power_w, on_boards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"min_accuracy":0.9,"max_latency_s":null,"max_energy_j":null}"#;
    const TWO: &str = r#"{"min_accuracy":0.9,"max_latency_s":null,"max_energy_j":null,"max_latency_s@a":0.5,"max_latency_s@b":0.25,"max_power_w@a":2.0}"#;

    fn parse(text: &str) -> Criteria {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn files_are_read_as_they_are_written() {
        for text in [ONE, TWO] {
            assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
        }
        let two = parse(TWO);
        assert_eq!(two.on(Some("a")).max_power_w, Some(2.0));
        assert_eq!(two.on(Some("b")).max_latency_s, Some(0.25));
        assert_eq!((two.on(None).min_accuracy, two.on(None).max_latency_s), (Some(0.9), None));
        assert!(!two.on(Some("c")).any() && two.any() && two.limits().count() == 3);
    }

    #[test]
    fn unknown_keys_and_limits_out_of_range_are_refused() {
        for key in ["max_latency", "max_latency@a", "min_accuracy@a", "max_arena_bytes@a"] {
            let error = serde_json::from_str::<Criteria>(&format!(r#"{{"{key}": 1}}"#));
            let error = error.unwrap_err().to_string();
            let name = key.split('@').next().unwrap();
            assert!(error.contains(&format!("unknown field `{name}`")), "{error}");
        }
        let error = format!("{:#}", parse(r#"{"max_energy_j@pi": 0}"#).check().unwrap_err());
        assert!(error.starts_with("on the board pi: max_energy_j: "), "{error}");
    }

    #[test]
    fn each_limit_takes_precedence_alone() {
        let mut options = parse(r#"{"max_latency_s@a": 1}"#);
        options.set(OnBoard { what: Limit::EnergyJ, board: Some("c".into()) }, 3.0);
        let both = options.or(&parse(TWO));
        let mut expected = parse(TWO);
        expected.on_boards.get_mut("a").unwrap().max_latency_s = Some(1.0);
        expected.set(OnBoard { what: Limit::EnergyJ, board: Some("c".into()) }, 3.0);
        assert_eq!(both, expected);
    }
}
