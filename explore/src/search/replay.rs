//! A search in memory, with outcomes from a table of trainings.

use super::controller::Controller;
use super::state::SearchState;
use crate::evaluate::successive_halving::SuccessiveHalving;
use crate::evaluate::table::TableEvaluator;
use anyhow::Result;
use common::search::config::SearchConfig;

/// Runs a whole search with outcomes from a table, without files.
///
/// # Errors
/// Fails if the [`Controller`] does.
pub fn replay(table: &TableEvaluator, config: &SearchConfig) -> Result<SearchState> {
    let mut controller = Controller::new(config, |genome| table.counts(genome));
    while let Some(population) = controller.next_population()? {
        let archive = &controller.state().archive.individuals;
        let halving =
            SuccessiveHalving { population: &population, archive, settings: &config.search };
        let mut evaluations = Vec::new();
        halving.run(
            &[],
            |trainings, on_outcomes| {
                let outcomes = trainings
                    .iter()
                    .map(|t| table.outcome_after(&population[t.candidate].genome, 0, t.epoch))
                    .enumerate();
                on_outcomes(outcomes.collect())
            },
            |some| {
                evaluations.extend(some);
                Ok(())
            },
        )?;
        evaluations.sort_by_key(|evaluation| evaluation.index);
        controller.add_population(evaluations)?;
    }
    Ok(controller.state().clone())
}
