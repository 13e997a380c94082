//! The selection of one round: the least important filters of the whole network, within the cap on
//! removed parameters.

use crate::importance::{self, Removal};
use crate::model::Model;
use crate::prunable::{Prunable, prunable};
use crate::surgery::{self, Kept};
use anyhow::Result;
use common::network::{Network, counts};
use common::profile::{Allocation, PruneMethod, PrunePart};
use common::prune_report::PruneEnd;
use common::seed;

/// A limit on the removed parameters.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    /// Trainable parameters of the original network.
    pub before: u64,
    /// Largest share of them that may be removed.
    pub share: f64,
}

impl Cap {
    /// Returns the removed share of the original's parameters, if `left` are left.
    pub fn removed(&self, left: u64) -> f64 {
        self.before.saturating_sub(left) as f64 / self.before as f64
    }
}

/// How the filters of a round are selected.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The criterion of importance.
    pub method: PruneMethod,
    /// How the removals are allocated to convolutions.
    pub allocation: Allocation,
    /// Convolutions to prune in addition to those that always are.
    pub also: Vec<PrunePart>,
    /// Share of a convolution's filters that a round keeps.
    pub cluster_factor: f64,
    /// Seed of everything random.
    pub seed: u64,
}

/// A filter that may be removed.
struct RankedFilter {
    /// Its convolution, as an index into the prunable ones.
    convolution: usize,
    /// Its index there.
    filter: usize,
    /// Importance per parameter that is removed with it.
    importance: f64,
}

/// The filters that a round can remove.
struct RankedFilters {
    convolutions: Vec<Prunable>,
    /// The least important first.
    ranking: Vec<RankedFilter>,
    /// The number of candidates to remove within the cap.
    quota: usize,
}

/// Returns why no further round is possible; `None` if one is.
///
/// # Errors
/// Fails if the network is not valid.
pub fn end(network: &Network, cap: &Cap, also: &[PrunePart]) -> Result<Option<PruneEnd>> {
    let parameters = counts::count(network)?.parameters;
    let smallest = prunable(network, also)?
        .iter()
        .filter(|convolution| convolution.filters > 1)
        .map(|convolution| convolution.parameters_per_filter)
        .min();
    Ok(match smallest {
        None => Some(PruneEnd::Filters),
        Some(filter) if cap.removed(parameters - filter) > cap.share => Some(PruneEnd::Cap),
        Some(_) => None,
    })
}

/// Returns the model after round number `round`.
///
/// Filters are removed in ascending order of importance per parameter, as far as the cap allows:
/// the cap counts parameters, so this order loses the least importance on the way to it. With
/// [`Allocation::Uniform`], the candidates of each convolution are its share of a round, and all
/// are removed unless the cap is reached. With [`Allocation::Global`], they are the share of two
/// rounds, and as many are removed as in a uniform round. This limit keeps a convolution from
/// vanishing at once, as layers do if all filters compete (Tanaka et al. 2020, "Pruning neural
/// networks without any data by iteratively conserving synaptic flow").
///
/// # Errors
/// Fails if the model is not valid.
pub fn prune(model: &Model, cap: &Cap, selection: &Selection, round: usize) -> Result<Model> {
    let mut model = model.clone();
    let mut stream = format!("prune/round-{round}");
    for pass in 1.. {
        let candidates = candidates(&model, selection, &stream)?;
        let removed = within_cap(&model.network, &candidates, cap)?;
        model = surgery::remove_filters(&model, &kept(&candidates.convolutions, &removed))?;
        // If every candidate has been tried, a convolution with small filters may have to give up
        // another one.
        if removed.len() == candidates.quota || end(&model.network, cap, &selection.also)?.is_some()
        {
            break;
        }
        stream = format!("prune/round-{round}/pass-{pass}");
    }
    Ok(model)
}

/// Returns the candidates to remove. A candidate that exceeds the cap now always will: removing
/// another one saves, of its parameters, no more than the other one's own.
fn within_cap<'a>(
    network: &Network,
    candidates: &'a RankedFilters,
    cap: &Cap,
) -> Result<Vec<&'a RankedFilter>> {
    let mut removed: Vec<&RankedFilter> = Vec::new();
    for candidate in &candidates.ranking {
        if removed.len() == candidates.quota {
            break;
        }
        removed.push(candidate);
        let kept = kept(&candidates.convolutions, &removed);
        let left = surgery::remove_filters_from_graph(network, &kept)?;
        if cap.removed(counts::count(&left)?.parameters) > cap.share {
            removed.pop();
        }
    }
    Ok(removed)
}

fn candidates(model: &Model, selection: &Selection, stream: &str) -> Result<RankedFilters> {
    let convolutions = prunable(&model.network, &selection.also)?;
    let (mut ranking, mut quota) = (Vec::new(), 0);
    for (index, convolution) in convolutions.iter().enumerate() {
        let Prunable { name, filters, parameters_per_filter } = convolution;
        let weights = &model.weights.get(&format!("{name}.weight")).data;
        let flat: Vec<&[f32]> = weights.chunks(weights.len() / filters).collect();
        let after_a_round = importance::filters_to_keep(*filters, selection.cluster_factor);
        quota += filters - after_a_round;
        let keep = match selection.allocation {
            Allocation::Uniform => after_a_round,
            Allocation::Global => {
                importance::filters_to_keep(after_a_round, selection.cluster_factor)
            }
        };
        let rng = seed::stream(selection.seed, &format!("{stream}/{name}"));
        let removals = importance::removals(selection.method, &flat, keep, rng);
        ranking.extend(removals.into_iter().map(|Removal { filter, importance }| RankedFilter {
            convolution: index,
            filter,
            importance: importance / *parameters_per_filter as f64,
        }));
    }
    ranking.sort_by(|a, b| a.importance.total_cmp(&b.importance));
    Ok(RankedFilters { convolutions, ranking, quota })
}

/// Returns the filters that are kept if some are removed.
fn kept(convolutions: &[Prunable], removed: &[&RankedFilter]) -> Kept {
    let mut kept = Kept::new();
    for candidate in removed {
        let Prunable { name, filters, .. } = &convolutions[candidate.convolution];
        let filters = kept.entry(name.clone()).or_insert_with(|| (0..*filters).collect());
        filters.retain(|filter| *filter != candidate.filter);
    }
    kept
}
