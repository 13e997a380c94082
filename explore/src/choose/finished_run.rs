//! A run whose search is finished.

use anyhow::{Context, Result, ensure};
use common::files::json;
use common::precision::{Precisions, RunPrecision};
use common::profile::Profile;
use common::search::archive::Archive;
use common::search::config::SearchConfig;
use common::search::genome::Genome;
use std::fs;
use std::path::{Path, PathBuf};

/// A run whose search is finished.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    /// Folder of the run.
    pub(crate) folder: PathBuf,
    /// Configuration of its search.
    pub(crate) search: SearchConfig,
    /// Precisions of its networks.
    pub(crate) precisions: Precisions,
    /// Winners by rank, then the other members of the front.
    pub(crate) members: Vec<Member>,
}

/// A member of the front, or a winner that is not on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// Name of its folder in `networks`: the rank of a winner, else the individual's id.
    pub(crate) name: String,
    /// Genome.
    pub(crate) genome: Genome,
}

impl FinishedRun {
    /// Reads a run.
    ///
    /// # Errors
    /// Fails if the search is not finished, or if a file is missing or damaged.
    pub(crate) fn read(folder: &Path) -> Result<FinishedRun> {
        let explore = folder.join("explore");
        let (archive, winners) = (explore.join("archive.json"), explore.join("winners"));
        ensure!(
            archive.exists() && winners.exists(),
            "{}: there is no finished search in it: finish it with `make explore`, or with \
             `explore run --resume` into its folder explore",
            folder.display()
        );
        let profile: Profile = json::read(&folder.join("profile.json"))
            .context("networks are trained and measured as the run's profile says")?;
        let last = folder.join("precision.json");
        let precisions = match last.exists() {
            true => json::read::<RunPrecision>(&last)?.precision,
            false => profile.quantization.precision,
        };
        Ok(FinishedRun {
            folder: folder.to_path_buf(),
            search: json::read(&explore.join("search.json"))?,
            precisions,
            members: members(&json::read(&archive)?, read_winners(&winners)?),
        })
    }

    /// Returns the file of the profile with which the run was started.
    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.join("profile.json")
    }

    /// Returns the folder of a network, such as `1/dense`.
    pub(crate) fn network(&self, name: &str) -> PathBuf {
        self.folder.join("networks").join(name)
    }
}

/// Reads the genomes of the winners, by rank.
fn read_winners(folder: &Path) -> Result<Vec<Genome>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let ranks = 1..=names.filter(|name| name.parse::<usize>().is_ok()).count();
    ranks.map(|rank| json::read(&folder.join(rank.to_string()).join("genome.json"))).collect()
}

/// Returns the winners and the other members of the front, which are named by their ids.
fn members(archive: &Archive, winners: Vec<Genome>) -> Vec<Member> {
    let front = archive.individuals.iter().filter(|individual| individual.on_front);
    let others = front
        .map(|individual| &individual.evaluation)
        .filter(|evaluation| !winners.contains(&evaluation.genome))
        .map(|evaluation| (evaluation.id.clone(), evaluation.genome));
    let ranked = (1..).zip(&winners).map(|(rank, genome): (usize, _)| (rank.to_string(), *genome));
    ranked.chain(others).map(|(name, genome)| Member { name, genome }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn a_winner_is_a_member_under_its_rank_alone() {
        let archive = search(&config(10, 2), |c| Ok(0.5 + 0.01 * c.index as f64)).archive;
        let front: Vec<_> = archive.individuals.iter().filter(|i| i.on_front).collect();
        let beside = archive.individuals.iter().find(|i| !i.on_front).unwrap();
        assert!(front.len() > 1);
        let winners = vec![front[1].evaluation.genome, beside.evaluation.genome];
        let members = members(&archive, winners.clone());
        assert_eq!(members.len(), front.len() + 1);
        assert_eq!((members[0].name.as_str(), members[0].genome), ("1", winners[0]));
        assert_eq!((members[1].name.as_str(), members[1].genome), ("2", winners[1]));
        for (index, member) in members.iter().enumerate() {
            let earlier = &members[..index];
            assert!(earlier.iter().all(|other| other.genome != member.genome));
        }
        assert_eq!(members[2].name, front[0].evaluation.id);
    }
}
