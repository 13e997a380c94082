//! A study of how well short trainings rank networks.
//!
//! Each training has a folder `<genome>-<length>-s<seed>` of its own. A study that is run again,
//! after an interruption or with more genomes, seeds or lengths, keeps finished trainings.

use super::rank_correlation::{correlation, partial_correlation};
use super::{figure, sample};
use crate::evaluate::task::{Outcome, Task};
use crate::evaluate::trainer::Trainer;
use crate::search::feasibility::Feasibility;
use anyhow::{Result, ensure};
use common::dataset::{Dataset, Images};
use common::diagnostics;
use common::files::hash::sha256_hex;
use common::files::{atomic, json};
use common::network::counts::Counts;
use common::profile::{Profile, TrainingSettings};
use common::search::fidelity::{Fidelity, Length, ShortFidelity, StudiedGenome};
use common::search::genome::Genome;
use common::seed;
use process::lock::lock;
use process::progress::Progress;
use std::path::Path;

/// The parameters of a study.
#[derive(Debug)]
pub struct Study<'a> {
    /// Profile with space, template and training.
    pub profile: &'a Profile,
    /// Description of the data set.
    pub dataset: &'a Dataset,
    /// The training images.
    pub images: &'a Images,
    /// Number of genomes.
    pub genomes: usize,
    /// Seeds of the trainings; the first one is also the seed of the sample.
    pub seeds: Vec<u64>,
    /// Lengths of the short trainings. A number of images above that of the data set means all.
    pub short: Vec<Length>,
    /// Runs the trainings.
    pub trainer: &'a Trainer,
}

/// A training of the study.
struct Cell {
    /// Indices of length, genome and seed.
    length: usize,
    genome: usize,
    seed: usize,
    task: Task,
}

/// Accuracies by length, genome and seed; the first length is that of the training in full.
type Scores = Vec<Vec<Vec<f64>>>;

impl Study<'_> {
    /// Runs all trainings that are not finished in `folder`, and writes `fidelity.json` and
    /// `fidelity.svg` to it.
    ///
    /// # Errors
    /// Fails if there are fewer than two genomes, if another run has locked the folder, if
    /// [`Trainer::train`] does, or if a file cannot be written.
    pub fn run(&self, folder: &Path) -> Result<Fidelity> {
        let input = self.dataset.input();
        let Profile { space, template, search, .. } = self.profile;
        let feasibility = Feasibility {
            template,
            search,
            input: &input,
            classes: &self.dataset.classes,
            planners: &[],
        };
        let mut rng = seed::stream(self.seeds[0], "fidelity/sample");
        let mut sample = sample::latin_hypercube(
            space,
            |genome| feasibility.count(genome),
            self.genomes,
            &mut rng,
        );
        ensure!(
            sample.len() >= 2,
            "the space holds {} network(s) for these images; ranks need 2",
            sample.len()
        );
        sample.sort_by_key(|(_, counts)| (counts.parameters, counts.macs));
        let lengths = self.lengths();
        for (index, Length { epochs, images }) in lengths.iter().enumerate() {
            let twice = lengths[..index].contains(&lengths[index]);
            ensure!(
                !twice,
                "{epochs} epochs of {images} images are given twice, or are the training in full"
            );
        }
        atomic::create_dir_all(folder)?;
        let _lock = lock(folder)?;
        atomic::sweep(folder)?;
        let scores = self.scores(&sample, &lengths, folder)?;
        let fidelity = self.summarize(&sample, &lengths, scores);
        json::write(&folder.join("fidelity.json"), &fidelity)?;
        atomic::write(&folder.join("fidelity.svg"), figure::draw(&fidelity)?.as_bytes())?;
        Ok(fidelity)
    }

    /// Returns the lengths: that of the training in full first, then the short ones.
    fn lengths(&self) -> Vec<Length> {
        let all = self.images.len();
        let training = &self.profile.training;
        let full = Length { epochs: training.epochs, images: training.subset.unwrap_or(all) };
        let lengths = [&[full], self.short.as_slice()].concat();
        lengths.iter().map(|length| Length { images: length.images.min(all), ..*length }).collect()
    }

    /// Runs the trainings that an earlier run has not finished, and returns all accuracies.
    fn scores(
        &self,
        sample: &[(Genome, Counts)],
        lengths: &[Length],
        folder: &Path,
    ) -> Result<Scores> {
        let cells = self.cells(sample, lengths);
        cells.iter().try_for_each(|cell| atomic::sweep(&folder.join(&cell.task.folder)))?;
        let mut scores = vec![vec![vec![0.0; self.seeds.len()]; sample.len()]; lengths.len()];
        let mut set = |cell: &Cell, outcome: Outcome| {
            scores[cell.length][cell.genome][cell.seed] = outcome.unwrap_or(0.0);
        };
        let mut waiting = Vec::new();
        for cell in &cells {
            match self.trainer.earlier_outcome(&cell.task) {
                Some(outcome) => set(cell, outcome),
                None => waiting.push(cell),
            }
        }
        if waiting.len() < cells.len() {
            diagnostics::say(&format!(
                "{} of {} trainings were made by an earlier run",
                cells.len() - waiting.len(),
                cells.len()
            ));
        }
        let tasks: Vec<Task> = waiting.iter().map(|cell| cell.task.clone()).collect();
        let work = |cell: &Cell| sample[cell.genome].1.macs * lengths[cell.length].passes() as u64;
        let progress = Progress::new(waiting.iter().map(|cell| work(cell)).sum());
        let (mut number, mut failed) = (0, 0);
        self.trainer.train(&tasks, |outcomes| {
            for (index, outcome) in outcomes {
                let cell = waiting[index];
                number += 1;
                progress.advance(work(cell));
                let (all, folder) = (tasks.len(), &cell.task.folder);
                progress.tell(&format!("{number}/{all} {folder}: {}", outcome_text(&outcome)));
                failed += usize::from(outcome.is_err());
                set(cell, outcome);
            }
            Ok(())
        })?;
        ensure!(
            failed < tasks.len() || tasks.is_empty(),
            "all {failed} trainings failed; {}",
            tasks.first().map_or(String::new(), |task| self.trainer.log_end(task))
        );
        Ok(scores)
    }

    /// Returns all trainings, the longest and largest first, so that no long one ends last.
    fn cells(&self, sample: &[(Genome, Counts)], lengths: &[Length]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (length, Length { epochs, images }) in lengths.iter().enumerate() {
            for (index, (genome, _)) in sample.iter().enumerate().rev() {
                let name = self.name(genome);
                for (position, seed) in self.seeds.iter().enumerate() {
                    let folder = format!("{name}-{epochs}x{images}-s{seed}");
                    let task = Task {
                        folder,
                        genome: *genome,
                        seed: *seed,
                        epochs: *epochs,
                        stop_after: None,
                        subset: Some(*images),
                    };
                    cells.push(Cell { length, genome: index, seed: position, task });
                }
            }
        }
        cells
    }

    /// Returns a name for a genome: a hash of the genome and of everything else that its trainings
    /// depend on except length and seed, so that a folder is never taken for another training.
    fn name(&self, genome: &Genome) -> String {
        let Profile { template, training, .. } = self.profile;
        let training = TrainingSettings { epochs: 0, subset: None, ..training.clone() };
        let text = format!("{genome} {template:?} {training:?} {}", self.images.sha256);
        sha256_hex(text.as_bytes())[..12].to_string()
    }

    /// Computes costs, rank correlations and regrets.
    fn summarize(
        &self,
        sample: &[(Genome, Counts)],
        lengths: &[Length],
        mut short: Scores,
    ) -> Fidelity {
        let full = short.remove(0);
        let genomes: Vec<StudiedGenome> = sample
            .iter()
            .enumerate()
            .map(|(index, (genome, counts))| StudiedGenome {
                genome: *genome,
                parameters: counts.parameters,
                macs: counts.macs,
                full: full[index].clone(),
                short: short.iter().map(|scores| scores[index].clone()).collect(),
            })
            .collect();
        let seeds_correlation = between_seeds(&full, self.seeds.len());
        let full: Vec<f64> = genomes.iter().map(StudiedGenome::mean_full).collect();
        let parameters: Vec<f64> = genomes.iter().map(|genome| genome.parameters as f64).collect();
        let summary = |(scores, length): (&Vec<Vec<f64>>, &Length)| {
            let by_seed: Vec<Vec<f64>> =
                (0..self.seeds.len()).map(|seed| of_seed(scores, seed)).collect();
            ShortFidelity {
                length: *length,
                cost: length.passes() as f64 / lengths[0].passes() as f64,
                correlation: by_seed.iter().map(|scores| correlation(scores, &full)).collect(),
                partial_correlation: by_seed
                    .iter()
                    .map(|s| partial_correlation(s, &full, &parameters))
                    .collect(),
                regret: by_seed.iter().map(|scores| regret(scores, &full)).collect(),
            }
        };
        Fidelity {
            dataset: self.dataset.name.clone(),
            data_sha256: self.images.sha256.clone(),
            template: self.profile.template.clone(),
            training: self.profile.training.clone(),
            seeds: self.seeds.clone(),
            full: lengths[0],
            parameters_correlation: correlation(&parameters, &full),
            seeds_correlation,
            short: short.iter().zip(&lengths[1..]).map(summary).collect(),
            genomes,
        }
    }
}

fn outcome_text(outcome: &Outcome) -> String {
    outcome.as_ref().map_or_else(
        |failure| format!("failed: {failure}"),
        |accuracy| format!("accuracy {accuracy:.4}"),
    )
}

/// Returns the scores of all genomes with one seed.
fn of_seed(scores: &[Vec<f64>], seed: usize) -> Vec<f64> {
    scores.iter().map(|of_genome| of_genome[seed]).collect()
}

/// Returns the mean rank correlation between two seeds; `None` for a single seed.
fn between_seeds(scores: &[Vec<f64>], seeds: usize) -> Option<f64> {
    let pairs = (0..seeds).flat_map(|second| (0..second).map(move |first| (first, second)));
    let correlations: Vec<f64> = pairs
        .map(|(first, second)| correlation(&of_seed(scores, first), &of_seed(scores, second)))
        .collect();
    (!correlations.is_empty()).then(|| correlations.iter().sum::<f64>() / correlations.len() as f64)
}

/// Returns the difference between the largest value of `full` and its value at the index of the
/// largest of `scores` (the first index, if there are several).
fn regret(scores: &[f64], full: &[f64]) -> f64 {
    let chosen = (0..scores.len())
        .reduce(|best, next| if scores[next] > scores[best] { next } else { best });
    full.iter().copied().fold(0.0, f64::max) - chosen.map_or(0.0, |chosen| full[chosen])
}
