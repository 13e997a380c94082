//! The folder of a search, from which an interrupted search is resumed.
//!
//! A search is a function of `search.json` and the outcomes of its trainings. `--resume` therefore
//! runs it again from the start and takes the outcomes that `evaluations.jsonl` has. No iteration
//! depends on the number of iterations, so with another number the same search goes on, or ends
//! earlier.

use super::winners;
use crate::evaluate::candidate::Candidate;
use crate::json_difference::difference;
use anyhow::{Context, Result, bail, ensure};
use common::files::{atomic, json};
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use process::lock::lock;
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a run does with a search that its folder contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Leaves it alone.
    Never,
    /// Resumes it if its configuration is the same.
    AsBegun,
    /// Resumes it to the configured number of iterations, whatever number it was begun with, if its
    /// configuration is the same otherwise.
    ToIterations,
}

/// The folder of a search, locked, with what an earlier run of the search left in it.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    /// Evaluations of the earlier run that this one has not reached yet.
    recorded: VecDeque<Evaluation>,
    log: File,
    /// Held until this is dropped.
    _lock: File,
}

impl Checkpoint {
    /// Locks the folder and starts a search in it, or resumes the search that it contains.
    ///
    /// # Errors
    /// Fails if another run has locked the folder, or if it contains a search that `resume` does not
    /// allow to resume, or one with evaluations of more iterations than configured.
    pub fn open(folder: &Path, config: &SearchConfig, resume: Resume) -> Result<Checkpoint> {
        atomic::create_dir_all(folder)?;
        let lock = lock(folder)?;
        sweep(folder)?;
        let config_path = folder.join("search.json");
        let log_path = folder.join("evaluations.jsonl");
        if config_path.exists() {
            ensure!(
                resume != Resume::Never,
                "{} holds a search already: go on with --resume, or choose another folder",
                folder.display()
            );
            let earlier: SearchConfig = json::read(&config_path)?;
            let mut continued = earlier.clone();
            if resume == Resume::ToIterations {
                continued.search.iterations = config.search.iterations;
            }
            check_same(&continued, config).with_context(|| config_path.display().to_string())?;
            if continued != earlier {
                change_iterations(folder, &continued)?;
            }
        } else {
            let orphan = log_path.exists();
            ensure!(
                !orphan,
                "{} is there without its search.json: choose another folder",
                log_path.display()
            );
            json::write(&config_path, config)?;
        }
        let recorded = recorded(folder)?;
        // Rewritten, so that nothing is appended to an incomplete line.
        let log = json::rewrite_lines(&log_path, &recorded)?;
        Ok(Checkpoint { folder: folder.to_path_buf(), recorded: recorded.into(), log, _lock: lock })
    }

    /// Returns the number of evaluations of the earlier run that are not taken yet.
    pub fn recorded(&self) -> usize {
        self.recorded.len()
    }

    /// Takes the recorded evaluations of a population: of all candidates, or of the first ones if
    /// the earlier run did not finish the population.
    ///
    /// # Errors
    /// Fails if the log belongs to another search.
    pub fn take(&mut self, population: &[Candidate]) -> Result<Vec<Evaluation>> {
        let count = population.len().min(self.recorded.len());
        let evaluations: Vec<Evaluation> = self.recorded.drain(..count).collect();
        for (candidate, evaluation) in population.iter().zip(&evaluations) {
            let outcome =
                evaluation.accuracy.ok_or_else(|| evaluation.failure.clone().unwrap_or_default());
            let same = Evaluation {
                stopped_after: evaluation.stopped_after,
                rungs: evaluation.rungs.clone(),
                ..candidate.evaluated(outcome)
            };
            ensure!(
                same == *evaluation,
                "{}: {} is genome {}, but this search evaluates {} there; the file belongs to \
                 another search or to another version of the program: choose another folder",
                self.folder.join("evaluations.jsonl").display(),
                evaluation.id,
                evaluation.genome,
                candidate.genome
            );
        }
        Ok(evaluations)
    }

    /// Empties the log.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn restart(&mut self) -> Result<()> {
        self.recorded.clear();
        self.log = json::rewrite_lines::<Evaluation>(&self.folder.join("evaluations.jsonl"), &[])?;
        Ok(())
    }

    /// Appends evaluations to the log, and waits once until all of them are on the disk. After a
    /// power cut the first ones of them may be there, whole, and a part of the next.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn append(&mut self, evaluations: &[Evaluation]) -> Result<()> {
        if evaluations.is_empty() {
            return Ok(());
        }
        let lines = evaluations.iter().map(|evaluation| Ok(json::to_line(evaluation)? + "\n"));
        let lines = lines.collect::<Result<String>>()?;
        let written = self.log.write_all(lines.as_bytes()).and_then(|()| self.log.sync_data());
        written.with_context(|| {
            format!("{}: cannot write", self.folder.join("evaluations.jsonl").display())
        })
    }
}

/// Reads the log of an earlier run, if there is one.
fn recorded(folder: &Path) -> Result<Vec<Evaluation>> {
    let log = folder.join("evaluations.jsonl");
    if log.exists() { json::read_lines(&log) } else { Ok(Vec::new()) }
}

/// Writes the configuration of a search that has now another number of iterations. It is unfinished
/// from then on, so it has no winners.
fn change_iterations(folder: &Path, config: &SearchConfig) -> Result<()> {
    let iterations = config.search.iterations;
    let begun = recorded(folder)?.last().map_or(0, |evaluation| evaluation.iteration + 1);
    ensure!(
        iterations >= begun,
        "{} has evaluations of {begun} iterations already, so it cannot end after {iterations}: ask \
         for --iterations {begun} or more, or choose another folder for a new search",
        folder.join("evaluations.jsonl").display()
    );
    winners::remove(folder)?;
    json::write(&folder.join("search.json"), config)
}

/// Removes incomplete files that a killed run has left in the folder of a search.
fn sweep(folder: &Path) -> Result<()> {
    atomic::sweep(folder)?;
    ["measuring", "measurements", "trial"]
        .iter()
        .try_for_each(|part| atomic::sweep(&folder.join(part)))?;
    atomic::sweep_with_folders(&folder.join("individuals"))
}

/// Fails if the configurations differ, except for the name of the data set.
fn check_same(earlier: &SearchConfig, now: &SearchConfig) -> Result<()> {
    ensure!(
        earlier.data.is_some(),
        "an earlier version began this search and did not record what of the data decides it (the \
         key `data`), so it cannot be checked that the data are the same; choose another folder \
         for a new search"
    );
    let earlier = &SearchConfig { dataset: now.dataset.clone(), ..earlier.clone() };
    match difference("", &serde_json::to_value(earlier)?, &serde_json::to_value(now)?) {
        None => Ok(()),
        Some((key, earlier, now)) if key == "search.iterations" => bail!(
            "{key} was {earlier} when the search began, but is {now} now; say with --iterations to \
             which number it goes on, or choose another folder for a new search"
        ),
        Some((key, earlier, now)) => bail!(
            "{key} was {earlier} when the search began, but is {now} now; restore it, or choose \
             another folder for a new search"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{candidate, config};

    fn population(count_of: usize) -> Vec<Candidate> {
        let space = config(1, 1).space;
        let genomes = space.genomes().take(count_of).enumerate();
        genomes.map(|(index, genome)| candidate(0, index, genome)).collect()
    }

    fn error_of(folder: &Path, config: &SearchConfig, resume: Resume) -> String {
        format!("{:#}", Checkpoint::open(folder, config, resume).unwrap_err())
    }

    #[test]
    fn evaluations_are_read_in_order_and_an_incomplete_line_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let population = population(4);
        let evaluations: Vec<Evaluation> =
            population.iter().map(|c| c.evaluated(Ok(1.0 / 3.0))).collect();
        let mut checkpoint = Checkpoint::open(dir.path(), &config(4, 1), Resume::AsBegun).unwrap();
        assert_eq!(checkpoint.recorded(), 0);
        checkpoint.append(&evaluations[..2]).unwrap();
        checkpoint.log.write_all(b"{\"schema\": \"neuro").unwrap();
        drop(checkpoint);
        let mut checkpoint = Checkpoint::open(dir.path(), &config(4, 1), Resume::AsBegun).unwrap();
        assert_eq!(checkpoint.take(&population).unwrap(), evaluations[..2]);
        assert_eq!(checkpoint.take(&population).unwrap(), []);
        checkpoint.append(&evaluations[2..3]).unwrap();
        assert_eq!(
            json::read_lines::<Evaluation>(&dir.path().join("evaluations.jsonl")).unwrap(),
            evaluations[..3]
        );
    }

    #[test]
    fn a_log_of_another_search_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut population = population(2);
        let mut checkpoint = Checkpoint::open(dir.path(), &config(4, 1), Resume::Never).unwrap();
        checkpoint.append(&[population[0].evaluated(Err("made up".into()))]).unwrap();
        drop(checkpoint);
        population.reverse();
        let mut checkpoint = Checkpoint::open(dir.path(), &config(4, 1), Resume::AsBegun).unwrap();
        assert!(
            checkpoint
                .take(&population)
                .unwrap_err()
                .to_string()
                .contains("belongs to another search")
        );
    }

    #[test]
    fn a_folder_with_a_search_needs_resume_and_the_same_configuration() {
        let dir = tempfile::tempdir().unwrap();
        drop(Checkpoint::open(dir.path(), &config(4, 2), Resume::Never).unwrap());
        assert!(error_of(dir.path(), &config(4, 2), Resume::Never).contains("--resume"));
        let error = error_of(dir.path(), &config(4, 3), Resume::AsBegun);
        assert!(
            error.contains(
                "search.json: search.iterations was 2 when the search began, but is 3 now"
            ),
            "{error}"
        );
        let mut other = config(4, 2);
        other.training.learning_rate.sgd = 0.25;
        assert!(
            error_of(dir.path(), &other, Resume::AsBegun)
                .contains("training.learning_rate.sgd was 0.1")
        );
        drop(Checkpoint::open(dir.path(), &config(4, 2), Resume::AsBegun).unwrap());
    }

    #[test]
    fn another_number_of_iterations_changes_the_configuration_and_ends_no_later_than_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint::open(dir.path(), &config(2, 2), Resume::Never).unwrap();
        let mut last = population(1)[0].evaluated(Ok(0.5));
        last.iteration = 1;
        checkpoint.append(&[last]).unwrap();
        drop(checkpoint);
        let iterations = || {
            let config: SearchConfig = json::read(&dir.path().join("search.json")).unwrap();
            config.search.iterations
        };
        let winner = dir.path().join("winners/1/genome.json");
        for (asked, finished) in [(2, true), (5, false), (3, false), (2, false)] {
            std::fs::create_dir_all(winner.parent().unwrap()).unwrap();
            std::fs::write(&winner, "").unwrap();
            drop(Checkpoint::open(dir.path(), &config(2, asked), Resume::ToIterations).unwrap());
            assert_eq!((iterations(), winner.exists()), (asked, finished));
        }
        let error = error_of(dir.path(), &config(2, 1), Resume::ToIterations);
        assert!(
            error.contains("has evaluations of 2 iterations already, so it cannot end after 1"),
            "{error}"
        );
        let mut other = config(2, 7);
        other.seed = 9;
        let error = error_of(dir.path(), &other, Resume::ToIterations);
        assert!(error.contains("seed was 0") && iterations() == 2, "{error}");
    }

    #[test]
    fn incomplete_files_are_removed_unless_a_run_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [
            ".partial-a",
            "individuals/i00-00/.partial-b",
            "measuring/.partial-c/src/lib.rs",
            ".partial-winners/1/g",
        ];
        let paths = paths.map(|path| dir.path().join(path));
        let theirs = dir.path().join("notes/.partial-thought");
        for path in paths.iter().chain([&theirs]) {
            atomic::write(path, b"half").unwrap();
        }
        let first = Checkpoint::open(dir.path(), &config(4, 2), Resume::Never).unwrap();
        assert!(paths.iter().all(|path| !path.exists()) && theirs.exists());
        std::fs::write(&paths[0], "half").unwrap();
        error_of(dir.path(), &config(4, 2), Resume::AsBegun);
        assert!(paths[0].exists());
        drop(first);
    }

    #[test]
    fn two_runs_cannot_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = Checkpoint::open(dir.path(), &config(4, 2), Resume::Never).unwrap();
        assert!(error_of(dir.path(), &config(4, 2), Resume::AsBegun).contains("another run"));
        drop(first);
        Checkpoint::open(dir.path(), &config(4, 2), Resume::AsBegun).unwrap();
    }

    #[test]
    fn a_log_without_its_configuration_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("evaluations.jsonl"), "").unwrap();
        assert!(
            error_of(dir.path(), &config(4, 2), Resume::AsBegun)
                .contains("without its search.json")
        );
    }
}
