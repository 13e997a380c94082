//! Which board of a search is meant by `latency_s`, `max_latency_s@host` and the like.

use anyhow::{Result, bail};
use common::board::Board;
use common::profile::SearchSettings;
use common::search::criteria::Criteria;
use common::search::objective::{Dependence, Objective};
use common::search::on_board::OnBoard;
use std::fmt::Display;

/// Gives each objective and limit of a search its board, as in the files of a search: none if the
/// search has a single board, and none for memory if all boards have the same platform.
///
/// # Errors
/// Fails if a board is not one of the search, if it is open which one is meant, or if two objectives
/// or limits turn out to be the same.
pub(crate) fn resolve(search: &mut SearchSettings, boards: &[Board]) -> Result<()> {
    let names = Names { boards };
    search.objectives = names.objectives(&search.objectives)?;
    names.resolve_memory(search)?;
    search.criteria = names.criteria(&search.criteria)?;
    Ok(())
}

/// Sets the limits and criteria of options, which take precedence over those of a profile. Both are
/// resolved.
pub(crate) fn take_precedence(options: SearchSettings, profile: &mut SearchSettings) {
    profile.max_arena_bytes = options.max_arena_bytes.or(profile.max_arena_bytes);
    profile.max_flash_bytes = options.max_flash_bytes.or(profile.max_flash_bytes);
    profile.memory_limits.extend(options.memory_limits);
    profile.criteria = options.criteria.or(&profile.criteria);
}

/// Returns whether the memory of a network's crates is the same on all boards.
pub(crate) fn share_memory<'a>(boards: impl IntoIterator<Item = &'a Board>) -> bool {
    let mut platforms = boards.into_iter().map(|board| board.platform);
    let first = platforms.next();
    platforms.all(|platform| Some(platform) == first)
}

/// The boards of a search, sorted by name.
struct Names<'a> {
    boards: &'a [Board],
}

impl Names<'_> {
    fn objectives(&self, written: &[Objective]) -> Result<Vec<Objective>> {
        let mut objectives: Vec<Objective> = vec![];
        for objective in written {
            let (what, example) = (objective.what, format!("{}@NAME", objective.what));
            let board = self.board_of(objective, what.dependence(), &example)?;
            let resolved = OnBoard { what, board };
            if let Some(same) = objectives.iter().position(|earlier| *earlier == resolved) {
                bail!(
                    "the objectives {} and {objective} are the same here: leave one of them out",
                    written[same]
                );
            }
            objectives.push(resolved);
        }
        Ok(objectives)
    }

    fn resolve_memory(&self, search: &mut SearchSettings) -> Result<()> {
        let written = search.all_memory_limits();
        (search.max_arena_bytes, search.max_flash_bytes) = (None, None);
        search.memory_limits.clear();
        for (limit, most) in written {
            let board = self.board_of(&limit, Dependence::Platform, &example(limit.what, 'N'))?;
            let resolved = OnBoard { what: limit.what, board };
            if search.set_memory_limit(resolved, most).is_some() {
                bail!("{limit} and another limit of it are the same here: leave one of them out");
            }
        }
        Ok(())
    }

    fn criteria(&self, written: &Criteria) -> Result<Criteria> {
        let mut criteria = Criteria::default();
        criteria.general.min_accuracy = written.general.min_accuracy;
        for (limit, most) in written.limits() {
            let board = self.board_of(&limit, Dependence::Board, &example(limit.what, 'X'))?;
            let resolved = OnBoard { what: limit.what, board };
            if criteria.limits().any(|(earlier, _)| earlier == resolved) {
                bail!("{limit} and another limit of it are the same here: leave one of them out");
            }
            criteria.set(resolved, most);
        }
        Ok(criteria)
    }

    /// Returns the board of something that was written with or without one; `None` if it is that of
    /// the whole search. `example` says how it is written with a board.
    fn board_of<T: Display>(
        &self,
        written: &OnBoard<T>,
        dependence: Dependence,
        example: &str,
    ) -> Result<Option<String>> {
        if let Some(name) = &written.board {
            self.check_known(&written.to_string(), name)?;
        }
        let is_shared = match dependence {
            Dependence::None => true,
            Dependence::Platform => share_memory(self.boards),
            Dependence::Board => self.boards.len() <= 1,
        };
        match &written.board {
            _ if is_shared => Ok(None),
            Some(name) => Ok(Some(name.clone())),
            None => bail!(
                "{written} differs between the boards of the search: say with {example} of which, \
                 where NAME is one of {}",
                self.list()
            ),
        }
    }

    fn check_known(&self, written: &str, name: &str) -> Result<()> {
        match self.boards {
            [] => bail!("{written}: the search has no board: name it with --board {name}"),
            boards if boards.iter().any(|board| board.name == name) => Ok(()),
            _ => bail!("{written}: the search has no board {name}, only {}", self.list()),
        }
    }

    fn list(&self) -> String {
        self.boards.iter().map(|board| board.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Returns how the limit of a board is written.
fn example(limit: impl Display, value: char) -> String {
    let option = limit.to_string().replace('_', "-");
    format!("--{option} {value}@NAME (in a profile {limit}@NAME)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::board::Platform;
    use common::board::catalog;
    use std::path::Path;

    fn board(name: &str, platform: Platform) -> Board {
        let host = catalog::find("host", Path::new("")).unwrap();
        Board { name: name.into(), platform, ..host }
    }

    /// Resolves a profile's section `search`, and returns it as JSON or the error.
    fn resolved(search: &str, boards: &[(&str, Platform)]) -> Result<SearchSettings, String> {
        let mut search: SearchSettings = serde_json::from_str(search).unwrap();
        let boards: Vec<Board> = boards.iter().map(|(name, of)| board(name, *of)).collect();
        resolve(&mut search, &boards).map_err(|error| error.to_string())?;
        Ok(search)
    }

    const ONE: [(&str, Platform); 1] = [("a", Platform::X86_64)];
    const SAME: [(&str, Platform); 2] = [("a", Platform::X86_64), ("b", Platform::X86_64)];
    const DIFFERENT: [(&str, Platform); 2] = [("a", Platform::X86_64), ("b", Platform::CortexM)];

    #[test]
    fn the_only_board_needs_no_name() {
        let bare = r#"{"objectives": ["error", "latency_s", "arena_bytes"], "max_flash_bytes": 9,
            "criteria": {"min_accuracy": 0.5, "max_energy_j": 1}}"#;
        let named = r#"{"objectives": ["error", "latency_s@a", "arena_bytes@a"],
            "max_flash_bytes@a": 9, "criteria": {"min_accuracy": 0.5, "max_energy_j@a": 1}}"#;
        let as_written = serde_json::from_str(bare).unwrap();
        assert_eq!(resolved(bare, &ONE), Ok(as_written));
        assert_eq!(resolved(named, &ONE), resolved(bare, &ONE));
        assert_eq!(resolved(bare, &[]), resolved(bare, &ONE));
    }

    #[test]
    fn several_boards_need_names_where_they_differ() {
        let named = r#"{"objectives": ["error", "params", "latency_s@a", "latency_s@b"],
            "criteria": {"max_power_w@b": 2}}"#;
        for boards in [SAME, DIFFERENT] {
            assert_eq!(resolved(named, &boards), Ok(serde_json::from_str(named).unwrap()));
        }
        let memory = r#"{"objectives": ["error", "flash_bytes"], "max_arena_bytes": 9}"#;
        let of_b = r#"{"objectives": ["error", "flash_bytes@b"], "max_arena_bytes@b": 9}"#;
        assert_eq!(resolved(memory, &SAME), Ok(serde_json::from_str(memory).unwrap()));
        assert_eq!(resolved(of_b, &SAME), resolved(memory, &SAME));
        assert_eq!(resolved(of_b, &DIFFERENT), Ok(serde_json::from_str(of_b).unwrap()));
        for (search, boards, error) in [
            (
                r#"{"objectives": ["error", "latency_s"]}"#,
                SAME,
                "latency_s differs between the boards of the search: say with latency_s@NAME of \
                 which, where NAME is one of a, b",
            ),
            (
                r#"{"criteria": {"max_energy_j": 1}}"#,
                SAME,
                "max_energy_j differs between the boards of the search: say with --max-energy-j \
                 X@NAME (in a profile max_energy_j@NAME) of which, where NAME is one of a, b",
            ),
            (
                memory,
                DIFFERENT,
                "flash_bytes differs between the boards of the search: say with flash_bytes@NAME \
                 of which, where NAME is one of a, b",
            ),
            (
                r#"{"max_arena_bytes": 9}"#,
                DIFFERENT,
                "max_arena_bytes differs between the boards of the search: say with \
                 --max-arena-bytes N@NAME (in a profile max_arena_bytes@NAME) of which, where NAME is one of a, b",
            ),
        ] {
            assert_eq!(resolved(search, &boards).unwrap_err(), error);
        }
    }

    #[test]
    fn unknown_boards_and_what_is_there_twice_are_refused() {
        for (search, boards, error) in [
            (
                r#"{"objectives": ["error", "latency_s@c"]}"#,
                &SAME[..],
                "latency_s@c: the search has no board c, only a, b",
            ),
            (
                r#"{"criteria": {"max_latency_s@a": 1}}"#,
                &[],
                "max_latency_s@a: the search has no board: name it with --board a",
            ),
            (
                r#"{"objectives": ["error", "latency_s", "latency_s@a"]}"#,
                &ONE,
                "the objectives latency_s and latency_s@a are the same here: leave one of them out",
            ),
            (
                r#"{"objectives": ["error", "arena_bytes@a", "arena_bytes@b"]}"#,
                &SAME,
                "the objectives arena_bytes@a and arena_bytes@b are the same here: leave one of \
                 them out",
            ),
            (
                r#"{"max_arena_bytes": 1, "max_arena_bytes@a": 2}"#,
                &ONE,
                "max_arena_bytes@a and another limit of it are the same here: leave one of them \
                 out",
            ),
            (
                r#"{"criteria": {"max_power_w": 1, "max_power_w@a": 2}}"#,
                &ONE,
                "max_power_w@a and another limit of it are the same here: leave one of them out",
            ),
        ] {
            assert_eq!(resolved(search, boards).unwrap_err(), error);
        }
    }

    #[test]
    fn an_option_takes_precedence_over_the_same_key_under_any_name() {
        let of = |text: &str| resolved(text, &ONE).unwrap();
        let mut profile = of(r#"{"max_arena_bytes": 1, "max_flash_bytes": 2,
            "criteria": {"max_latency_s": 3}}"#);
        let options = of(r#"{"max_arena_bytes@a": 4, "criteria": {"max_latency_s@a": 5}}"#);
        take_precedence(options, &mut profile);
        assert_eq!((profile.max_arena_bytes, profile.max_flash_bytes), (Some(4), Some(2)));
        assert_eq!(profile.criteria.general.max_latency_s, Some(5.0));
    }
}
