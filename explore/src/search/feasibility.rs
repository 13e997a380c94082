//! Feasibility of genomes: whether a network exists for the images and keeps the limits.

use crate::evaluate::crate_planner::{Planned, PlatformPlanner};
use crate::evaluate::memory::Memory;
use crate::predictor::features::PlanFeatures;
use anyhow::{Result, ensure};
use common::network::counts::Counts;
use common::network::template::Template;
use common::network::{Input, Network, counts};
use common::profile::SearchSettings;
use common::search::genome::Genome;
use common::search::limit::MemoryLimit;
use common::search::on_board::OnBoard;
use std::collections::BTreeMap;

/// The conditions under which a genome can be a candidate.
#[derive(Debug)]
pub struct Feasibility<'a> {
    /// The template that genomes are expanded by.
    pub template: &'a Template,
    /// Settings with the limits.
    pub search: &'a SearchSettings,
    /// The images that networks take.
    pub input: &'a Input,
    /// Names of the classes.
    pub classes: &'a [String],
    /// The planners of crates, as far as the search needs them.
    pub planners: &'a [PlatformPlanner],
}

impl Feasibility<'_> {
    /// Returns parameters and MACs of a genome's network.
    ///
    /// # Errors
    /// Fails if the images are too small for the genome, or if its network exceeds a limit.
    pub fn count(&self, genome: &Genome) -> Result<Counts> {
        let network = self.network(genome)?;
        let counts = counts::count(&network)?;
        let most = self.search.max_parameters.unwrap_or(u64::MAX);
        ensure!(
            counts.parameters <= most,
            "{} parameters are above search.max_parameters {most}",
            counts.parameters
        );
        let most = self.search.max_macs.unwrap_or(u64::MAX);
        ensure!(counts.macs <= most, "{} MACs are above search.max_macs {most}", counts.macs);
        for (board, memory) in self.memory(genome)? {
            self.check_memory(board, memory)?;
        }
        Ok(counts)
    }

    /// Fails if the memory of a crate exceeds a limit.
    fn check_memory(&self, board: Option<String>, memory: Memory) -> Result<()> {
        for (limit, bytes, of) in [
            (MemoryLimit::ArenaBytes, memory.arena_bytes, "working memory"),
            (MemoryLimit::FlashBytes, memory.flash_bytes, "constants and code"),
        ] {
            let most = self.search.memory_limit(limit, board.as_deref()).unwrap_or(u64::MAX);
            let limit = OnBoard { what: limit, board: board.clone() };
            let bytes = bytes.unwrap_or(0);
            ensure!(bytes <= most, "{bytes} bytes of {of} are above search.{limit} {most}");
        }
        Ok(())
    }

    /// Returns what the search needs to know of the memory of a genome's crate on each board of
    /// several; `None` is for all boards.
    ///
    /// # Errors
    /// Fails if the images are too small for the genome, or if `codegen plan` fails.
    pub fn memory(&self, genome: &Genome) -> Result<BTreeMap<Option<String>, Memory>> {
        let needs =
            |limit, board: &Option<String>| self.search.needs_memory(limit, board.as_deref());
        let of_use = |of: &&PlatformPlanner| {
            MemoryLimit::ALL.into_iter().any(|limit| needs(limit, &of.board))
        };
        let planned = |PlatformPlanner { board, planner }: &PlatformPlanner| {
            let Planned { memory, .. } = planner.plan(genome, || self.network(genome))?;
            let needed = Memory {
                arena_bytes: memory.arena_bytes.filter(|_| needs(MemoryLimit::ArenaBytes, board)),
                flash_bytes: memory.flash_bytes.filter(|_| needs(MemoryLimit::FlashBytes, board)),
            };
            Ok((board.clone(), needed))
        };
        self.planners.iter().filter(of_use).map(planned).collect()
    }

    /// Returns what the time of a genome's crate on a board depends on; `None` if that is not planned,
    /// or if the plan fails. The only board has no name.
    pub fn features(&self, genome: &Genome, board: Option<&str>) -> Option<PlanFeatures> {
        let on = |of: &&PlatformPlanner| of.board.is_none() || of.board.as_deref() == board;
        let PlatformPlanner { planner, .. } = self.planners.iter().find(on)?;
        Some(planner.plan(genome, || self.network(genome)).ok()?.features)
    }

    /// Expands the template by a genome.
    ///
    /// # Errors
    /// Fails if the images are too small for the genome.
    pub fn network(&self, genome: &Genome) -> Result<Network> {
        self.template.expand(genome, self.input.clone(), self.classes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::network::activation::Activation;
    use common::search::genome::Optimizer;

    #[test]
    fn the_limit_itself_is_allowed() {
        // M_Net_1 of the paper: 65,074 parameters.
        let genome = Genome {
            left_activation: Activation::Swish,
            right_activation: Activation::Relu,
            condense_layers: 2,
            feature_extraction_layers: 16,
            kernel_size: 3,
            optimizer: Optimizer::Adam,
        };
        let input = Input {
            channels: 1,
            height: 28,
            width: 28,
            mean: vec![0.5],
            std: vec![0.5],
            resize: Default::default(),
        };
        let classes: Vec<String> = (0..10).map(|class| class.to_string()).collect();
        let count = |max_parameters| {
            let search = SearchSettings { max_parameters, ..SearchSettings::default() };
            let template = Template::default();
            Feasibility {
                template: &template,
                search: &search,
                input: &input,
                classes: &classes,
                planners: &[],
            }
            .count(&genome)
        };
        assert_eq!(count(None).unwrap().parameters, 65_074);
        assert_eq!(count(Some(65_074)).unwrap().parameters, 65_074);
        let error = count(Some(65_073)).unwrap_err().to_string();
        assert_eq!(error, "65074 parameters are above search.max_parameters 65073");
    }
}
