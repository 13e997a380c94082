//! A network of a run, before and after pruning: a winner of the search, or a member of its front
//! that was trained later.

use super::files::{names_in, read};
use super::variant::Variant;
use anyhow::{Result, ensure};
use common::files::json;
use common::network::Origin;
use common::prune_report::PruneReport;
use common::search::archive::{Archive, Individual};
use common::search::genome::Genome;
use common::train_report::TrainReport;
use std::path::{Path, PathBuf};

/// A network of a run, before and after pruning.
#[derive(Debug)]
pub(super) struct Winner {
    /// Name of its folder: the rank, or the individual's id such as `i03-07`.
    pub(super) name: String,
    /// Place among the winners of the search, from 1; `None` for a network that is none of them.
    pub(super) rank: Option<usize>,
    /// The genome or baseline that it was expanded from.
    pub(super) origin: Option<Origin>,
    /// The archive's member with its genome.
    pub(super) individual: Option<Individual>,
    pub(super) dense: Variant,
    pub(super) pruned: Variant,
    /// All its pruned variants, `pruned` first.
    pub(super) pruning_variants: Vec<PruningVariant>,
    /// The figures of them that `prune` drew.
    pub(super) drawings: Vec<String>,
}

/// A pruned variant of a network, by one method.
#[derive(Debug)]
pub(super) struct PruningVariant {
    /// Its folder's name.
    pub(super) name: String,
    pub(super) report: PruneReport,
    /// The training of the pruned structure from initial weights.
    pub(super) scratch: Option<TrainReport>,
}

impl Winner {
    /// Reads the folders of a network in the folder of a run.
    ///
    /// # Errors
    /// Fails if a file in them is damaged.
    pub(super) fn read(run: &Path, name: String, archive: Option<&Archive>) -> Result<Winner> {
        let network = run.join("networks").join(&name);
        let dense = Variant::read(&network.join("dense"))?;
        let pruned = Variant::read(&network.join("pruned"))?;
        let chosen: Option<Genome> =
            read(&run.join(format!("explore/winners/{name}/genome.json")))?;
        let made = dense
            .network
            .as_ref()
            .or(pruned.network.as_ref())
            .map(|network| network.origin.clone());
        let origin = made.or(chosen.map(Origin::Genome));
        let genome = origin.as_ref().and_then(Origin::genome);
        let member = |individual: &&Individual| Some(individual.evaluation.genome) == genome;
        let individual =
            archive.and_then(|archive| archive.individuals.iter().find(member)).cloned();
        let (pruning_variants, drawings) =
            (read_pruning_variants(&network)?, read_drawings(&network)?);
        let rank = rank(&name);
        Ok(Winner { name, rank, origin, individual, dense, pruned, pruning_variants, drawings })
    }

    /// Returns the label in figures: `#1`, or the name of a network without a rank.
    pub(super) fn label(&self) -> String {
        self.rank.map_or_else(|| self.name.clone(), |rank| format!("#{rank}"))
    }

    /// Returns the name in sentences: `rank 1`, or the name of a network without a rank.
    pub(super) fn called(&self) -> String {
        self.rank.map_or_else(|| self.name.clone(), |rank| format!("rank {rank}"))
    }
}

/// Returns the rank that a folder's name is, if it is one.
fn rank(name: &str) -> Option<usize> {
    name.parse::<usize>().ok().filter(|rank| rank.to_string() == name)
}

/// Returns the iteration and the index of the individual whose id a folder's name is, if it is one.
fn individual(name: &str) -> Option<(usize, usize)> {
    let (iteration, index) = name.strip_prefix('i')?.split_once('-')?;
    Some((iteration.parse().ok()?, index.parse().ok()?))
}

/// Returns the place of a network's folder in tables: ranks first, then ids; `None` for a folder of
/// something else.
pub(super) fn place(name: &str) -> Option<(bool, usize, usize)> {
    let ranked = rank(name).map(|rank| (false, rank, 0));
    ranked.or_else(|| individual(name).map(|(iteration, index)| (true, iteration, index)))
}

fn read_pruning_variants(network: &Path) -> Result<Vec<PruningVariant>> {
    let mut variants = Vec::new();
    for name in names_in(network)? {
        let folder = network.join(&name);
        if (name == "pruned" || name.starts_with("pruned-"))
            && let Some(report) = read(&folder.join("prune.json"))?
        {
            variants.push(PruningVariant {
                name,
                report,
                scratch: read(&folder.join("scratch/train.json"))?,
            });
        }
    }
    Ok(variants)
}

/// Reads the figures that `prune figures` drew of all variants, or else those of `prune run`.
fn read_drawings(network: &Path) -> Result<Vec<String>> {
    let files =
        |folder: &str| ["accuracy.svg", "widths.svg"].map(|file| network.join(folder).join(file));
    let there = ["pruning", "pruned"]
        .map(files)
        .into_iter()
        .find(|files| files.iter().all(|file| file.exists()));
    let drawing = |path: &PathBuf| {
        let svg = json::read_text(path)?;
        ensure!(
            svg.starts_with("<svg"),
            "{}: it is not a figure of `prune`; remove it",
            path.display()
        );
        Ok(svg)
    };
    there.iter().flatten().map(drawing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_before_individuals_and_other_folders_are_neither() {
        let mut names = ["i10-2", "2", "i03-07", "10", "1", "i03-10"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["1", "2", "10", "i03-07", "i03-10", "i10-2"]);
        for other in ["01", "i3", "i-7", "ix-1", "notes", "1.old", "i03-07.partial", ""] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
