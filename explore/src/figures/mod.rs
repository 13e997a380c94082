//! The figures of a search, drawn anew while it runs.

mod activations;
mod cost;
mod front;
mod progress;

use crate::search::state::SearchState;
use anyhow::Result;
use common::files::atomic;
use common::search::config::SearchConfig;
use std::path::Path;

/// Draws the figures of a running search each time the number of its iterations has grown by a
/// tenth, so that all drawings together take about ten times as long as the last one.
#[derive(Debug)]
pub struct Drawings<'a> {
    folder: &'a Path,
    config: &'a SearchConfig,
    /// The iterations that the figures show.
    shown: usize,
}

impl<'a> Drawings<'a> {
    /// Returns the drawings of a search that has not begun, in its folder.
    pub fn new(folder: &'a Path, config: &'a SearchConfig) -> Drawings<'a> {
        Drawings { folder, config, shown: 0 }
    }

    /// Draws the figures after an iteration if they are due, and returns whether they were.
    /// `recorded` evaluations are still to be replayed from the log; until then nothing is due.
    ///
    /// # Errors
    /// Fails if a figure cannot be drawn or written.
    pub fn after_iteration(&mut self, search: &SearchState, recorded: usize) -> Result<bool> {
        let due = self.shown + (self.shown / 10).max(1);
        if recorded > 0 || search.archive.iterations < due {
            return Ok(false);
        }
        self.at_end(search)?;
        Ok(true)
    }

    /// Draws the figures if the last iteration is not in them yet.
    ///
    /// # Errors
    /// Fails if a figure cannot be drawn or written.
    pub fn at_end(&mut self, search: &SearchState) -> Result<()> {
        if self.shown < search.archive.iterations {
            write_all(self.folder, search, self.config)?;
            self.shown = search.archive.iterations;
        }
        Ok(())
    }
}

/// Writes `front.svg` (every evaluation and the archive's front), `progress.svg` (hypervolume and
/// Score by iteration, Fig. 3 of the paper), `activations.svg` (the activations of the populations,
/// Fig. 4) and, if networks were measured, `cost.svg` (latency and energy on each board by
/// parameters, Fig. 1b).
///
/// # Errors
/// Fails if a figure cannot be drawn or written.
fn write_all(folder: &Path, search: &SearchState, config: &SearchConfig) -> Result<()> {
    let iterations = config.search.iterations;
    let write = |name: &str, svg: String| atomic::write(&folder.join(name), svg.as_bytes());
    write("front.svg", front::draw(search, iterations)?)?;
    write("progress.svg", progress::draw(search, config)?)?;
    write("activations.svg", activations::draw(search, iterations)?)?;
    match cost::draw(search, config)? {
        Some(svg) => write("cost.svg", svg),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    /// The iterations after which a search of 700 is drawn, of which the first ones are replayed.
    fn drawn(replayed: usize) -> Vec<usize> {
        let config = config(4, 1);
        let mut search = search(&config, |_| Ok(0.5));
        let dir = tempfile::tempdir().unwrap();
        let mut drawings = Drawings::new(dir.path(), &config);
        let mut drawn = Vec::new();
        for iteration in 1..=700 {
            search.archive.iterations = iteration;
            let path = dir.path().join("front.svg");
            let said =
                drawings.after_iteration(&search, replayed.saturating_sub(iteration)).unwrap();
            assert_eq!(std::fs::remove_file(path).is_ok(), said);
            if said {
                drawn.push(iteration);
            }
        }
        for last in [drawn.last() != Some(&700), false] {
            drawings.at_end(&search).unwrap();
            assert_eq!(std::fs::remove_file(dir.path().join("front.svg")).is_ok(), last);
        }
        drawn
    }

    #[test]
    fn a_long_search_is_drawn_seldom_and_its_end_always() {
        let drawn = drawn(0);
        assert_eq!(drawn[..10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert!(
            drawn.len() < 65
                && drawn.windows(2).all(|pair| pair[1] <= pair[0] + (pair[0] / 10).max(1)),
            "{drawn:?}"
        );
    }

    #[test]
    fn what_is_replayed_is_drawn_once() {
        assert_eq!(drawn(700), [700]);
        assert_eq!(drawn(680), [680]);
    }
}
