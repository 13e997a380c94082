//! The winners: individuals that the later stages train in full, prune and measure.

use anyhow::{Context, Result, ensure};
use common::files::json;
use common::search::archive::{Archive, Individual};
use common::search::requirements::Requirements;
use std::path::Path;

/// Returns the archive's members that have an accuracy, best first: those that meet all criteria,
/// then the front, then the others that were trained in full, then those that were stopped, each
/// group by accuracy. Ties are broken by fewer parameters, then by age.
pub fn ranking<'a>(archive: &'a Archive, criteria: &Requirements) -> Vec<&'a Individual> {
    let mut ranking: Vec<&Individual> =
        archive.individuals.iter().filter(|i| i.evaluation.accuracy.is_some()).collect();
    let error = |i: &Individual| i.evaluation.objectives()[0];
    let size_and_age =
        |i: &Individual| (i.evaluation.parameters, i.evaluation.iteration, i.evaluation.index);
    let meets = |i: &Individual| criteria.any() && i.evaluation.meets(criteria);
    ranking.sort_by(|a, b| {
        let kind = |i: &Individual| (meets(i), i.on_front, i.evaluation.is_fully_trained());
        let by_kind = kind(b).cmp(&kind(a));
        let by_accuracy = by_kind.then(error(a).total_cmp(&error(b)));
        by_accuracy.then_with(|| size_and_age(a).cmp(&size_and_age(b)))
    });
    ranking
}

/// Writes `winners/<rank>/genome.json` for the ranks from 1 to `count`. The folder is complete once
/// it exists, and exists only if the search is finished.
///
/// # Errors
/// Fails if the archive has fewer than `count` trained individuals, or if the folder cannot be
/// written; then there is no folder.
pub fn write(
    folder: &Path,
    archive: &Archive,
    criteria: &Requirements,
    count: usize,
) -> Result<()> {
    let (winners, partial) = (folder.join("winners"), folder.join(".partial-winners"));
    for old in [&winners, &partial] {
        if old.exists() {
            std::fs::remove_dir_all(old)
                .with_context(|| format!("{}: cannot remove the folder", old.display()))?;
        }
    }
    let ranking = ranking(archive, criteria);
    ensure!(
        ranking.len() >= count,
        "the search is finished, but its archive holds only {} trained individuals, and \
         final.winners asks for {count}: lower final.winners, or search a larger space",
        ranking.len()
    );
    for (rank, individual) in (1..=count).zip(&ranking) {
        json::write(
            &partial.join(rank.to_string()).join("genome.json"),
            &individual.evaluation.genome,
        )?;
    }
    std::fs::rename(&partial, &winners)
        .with_context(|| format!("{}: cannot write the folder", winners.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::candidate::Candidate;
    use crate::evaluate::memory::Memory;
    use crate::test_support::config;
    use common::network::counts::Counts;
    use common::search::genome::Genome;

    fn archive() -> Archive {
        let space = config(1, 1).space;
        let members = [
            // accuracy, parameters, on the front
            (Some(0.7), 10, true),
            (Some(0.9), 50, true),
            (Some(0.95), 60, false),
            (None, 5, false),
            (Some(0.9), 40, true),
            (Some(0.6), 20, false),
        ];
        let mut individuals = Vec::new();
        for (genome, (accuracy, parameters, on_front)) in space.genomes().zip(members) {
            let index = individuals.len();
            let candidate = Candidate {
                iteration: 0,
                index,
                genome,
                counts: Counts { parameters, macs: 1 },
                memory: Memory::default(),
            };
            let evaluation = candidate.evaluated(accuracy.ok_or("made up".to_string()));
            individuals.push(Individual {
                evaluation,
                nid: None,
                on_front,
                strength: 0,
                raw_fitness: 0,
                density: 0.5,
            });
        }
        Archive {
            iterations: 1,
            evaluations: 6,
            criteria_met_by: None,
            individuals,
            dropped: Vec::new(),
        }
    }

    #[test]
    fn the_front_precedes_the_others() {
        let archive = archive();
        let order: Vec<usize> = ranking(&archive, &Requirements::default())
            .iter()
            .map(|i| i.evaluation.index)
            .collect();
        assert_eq!(order, [4, 1, 0, 2, 5]);
    }

    #[test]
    fn stopped_trainings_come_last() {
        let mut archive = archive();
        archive.individuals[2].evaluation.stopped_after = Some(1);
        let order: Vec<usize> = ranking(&archive, &Requirements::default())
            .iter()
            .map(|i| i.evaluation.index)
            .collect();
        assert_eq!(order, [4, 1, 0, 5, 2]);
    }

    #[test]
    fn individuals_that_meet_the_criteria_precede_the_front() {
        let mut archive = archive();
        archive.individuals[5].evaluation.latency_s = Some(0.1);
        archive.individuals[1].evaluation.latency_s = Some(0.3);
        let criteria =
            Requirements { min_accuracy: Some(0.5), max_latency_s: Some(0.2), max_energy_j: None };
        let order: Vec<usize> =
            ranking(&archive, &criteria).iter().map(|i| i.evaluation.index).collect();
        assert_eq!(order, [5, 4, 1, 0, 2]);
    }

    #[test]
    fn the_folder_has_exactly_the_winners_or_does_not_exist() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive();
        write(dir.path(), &archive, &Requirements::default(), 5).unwrap();
        write(dir.path(), &archive, &Requirements::default(), 2).unwrap();
        let genome: Genome = json::read(&dir.path().join("winners/1/genome.json")).unwrap();
        assert_eq!(genome, archive.individuals[4].evaluation.genome);
        assert!(
            dir.path().join("winners/2/genome.json").exists()
                && !dir.path().join("winners/3").exists()
        );
        let error =
            write(dir.path(), &archive, &Requirements::default(), 6).unwrap_err().to_string();
        assert!(error.contains("only 5 trained individuals"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
