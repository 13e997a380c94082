//! The winners: individuals that the later stages train in full, prune and measure.

use super::selection;
use anyhow::{Context, Result, ensure};
use common::files::json;
use common::profile::{FinalSettings, Selection};
use common::search::archive::{Archive, Individual};
use common::search::criteria::Criteria;
use std::path::Path;

/// The folder of the winners in that of a search.
const FOLDER: &str = "winners";

/// Returns the archive's members that have an accuracy, best first: those that meet all criteria,
/// then the front, then the others that were trained in full, then those that were stopped. Members
/// of the front are ordered by `selection`, the others by accuracy. Ties are broken by fewer
/// parameters, then by age.
pub fn ranking<'a>(
    archive: &'a Archive,
    criteria: &Criteria,
    selection: Selection,
) -> Vec<&'a Individual> {
    let mut ranking: Vec<&Individual> =
        archive.individuals.iter().filter(|i| i.evaluation.accuracy.is_some()).collect();
    let error = |i: &Individual| i.evaluation.objectives()[0];
    let size_and_age =
        |i: &Individual| (i.evaluation.parameters, i.evaluation.iteration, i.evaluation.index);
    let kind = |i: &Individual| {
        let meets = criteria.any() && i.evaluation.meets(criteria);
        (meets, i.on_front, i.evaluation.is_fully_trained())
    };
    ranking.sort_by(|a, b| {
        let by_accuracy = kind(b).cmp(&kind(a)).then(error(a).total_cmp(&error(b)));
        by_accuracy.then_with(|| size_and_age(a).cmp(&size_and_age(b)))
    });
    let groups = ranking.chunk_by_mut(|a, b| kind(a) == kind(b));
    groups.filter(|group| group[0].on_front).for_each(|group| selection::order(group, selection));
    ranking
}

/// Writes `winners/<rank>/genome.json` for the ranks from 1 on. The folder is complete once it
/// exists, and exists only if the search is finished.
///
/// # Errors
/// Fails if the archive has fewer trained individuals than winners, or if the folder cannot be
/// written; then there is no folder.
pub fn write(
    folder: &Path,
    archive: &Archive,
    criteria: &Criteria,
    settings: &FinalSettings,
) -> Result<()> {
    remove(folder)?;
    let (winners, partial) = (folder.join(FOLDER), folder.join(".partial-winners"));
    let (ranking, count) = (ranking(archive, criteria, settings.selection), settings.winners);
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

/// Removes the winners, also incomplete ones, so that the search is not finished.
///
/// # Errors
/// Fails if the folder cannot be removed.
pub(super) fn remove(folder: &Path) -> Result<()> {
    for old in [folder.join(FOLDER), folder.join(".partial-winners")] {
        if old.exists() {
            std::fs::remove_dir_all(&old)
                .with_context(|| format!("{}: cannot remove the folder", old.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, individual};
    use common::search::evaluation::Evaluation;
    use common::search::genome::Genome;
    use common::search::requirements::Requirements;

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
            let member = individual(accuracy.ok_or("made up".into()), parameters, on_front);
            let evaluation = Evaluation { index, genome, ..member.evaluation };
            individuals.push(Individual { evaluation, ..member });
        }
        Archive {
            iterations: 1,
            evaluations: 6,
            criteria_met_by: None,
            individuals,
            dropped: Vec::new(),
        }
    }

    /// Returns the indices of the ranked individuals.
    fn ranked(archive: &Archive, criteria: &Criteria, selection: Selection) -> Vec<usize> {
        ranking(archive, criteria, selection).iter().map(|i| i.evaluation.index).collect()
    }

    fn by_accuracy(archive: &Archive) -> Vec<usize> {
        ranked(archive, &Criteria::default(), Selection::Accurate)
    }

    #[test]
    fn the_front_precedes_the_others() {
        assert_eq!(by_accuracy(&archive()), [4, 1, 0, 2, 5]);
    }

    #[test]
    fn stopped_trainings_come_last() {
        let mut archive = archive();
        archive.individuals[2].evaluation.stopped_after = Some(1);
        assert_eq!(by_accuracy(&archive), [4, 1, 0, 5, 2]);
    }

    #[test]
    fn every_selection_ranks_all_and_the_front_first() {
        let archive = archive();
        let none = Criteria::default();
        let of = |selection| ranked(&archive, &none, selection);
        // Accuracies 0.9 with 40 parameters, the same with 50, and 0.7 with 10.
        assert_eq!(of(Selection::Spread), [4, 1, 0, 2, 5]);
        assert_eq!(of(Selection::Knee), [4, 1, 0, 2, 5]);
        assert_eq!(of(Selection::Nid), [0, 4, 1, 2, 5]);
    }

    #[test]
    fn individuals_that_meet_the_criteria_precede_the_front() {
        let mut archive = archive();
        for (index, latency) in [(5, 0.1), (1, 0.3), (0, 0.1), (4, 0.2)] {
            archive.individuals[index].evaluation.latency_s = Some(latency);
        }
        let general = Requirements {
            min_accuracy: Some(0.5),
            max_latency_s: Some(0.2),
            ..Requirements::default()
        };
        let criteria = Criteria { general, ..Criteria::default() };
        let of = |selection| ranked(&archive, &criteria, selection);
        // Of the front, 4 and 0 meet them; 5 is not on the front, and 1 is too slow.
        assert_eq!(of(Selection::Accurate), [4, 0, 5, 1, 2]);
        assert_eq!(of(Selection::Nid), [0, 4, 5, 1, 2]);
    }

    #[test]
    fn the_folder_has_exactly_the_winners_or_does_not_exist() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive();
        let write = |winners| {
            let settings = FinalSettings { winners, ..FinalSettings::default() };
            write(dir.path(), &archive, &Criteria::default(), &settings)
        };
        write(5).unwrap();
        write(2).unwrap();
        let genome: Genome = json::read(&dir.path().join("winners/1/genome.json")).unwrap();
        assert_eq!(genome, archive.individuals[4].evaluation.genome);
        assert!(
            dir.path().join("winners/2/genome.json").exists()
                && !dir.path().join("winners/3").exists()
        );
        let error = write(6).unwrap_err().to_string();
        assert!(error.contains("only 5 trained individuals"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
