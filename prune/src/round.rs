//! One round of pruning: which filters go, so that the cap on removed parameters is not exceeded.

use crate::choose::{self, Removal};
use crate::convolutions::{self, Prunable};
use crate::surgery::{self, Kept, Model};
use anyhow::Result;
use common::counts;
use common::network::Network;
use common::prune_report::{PruneChoose, PruneEnd, PruneMethod, PrunePart};
use common::seed;

/// How much may go altogether.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    /// Trainable parameters of the original network.
    pub before: u64,
    /// Largest share of them that may go.
    pub share: f64,
}

impl Cap {
    /// The share of the original's parameters that is gone when `left` are left.
    pub fn removed(&self, left: u64) -> f64 {
        self.before.saturating_sub(left) as f64 / self.before as f64
    }
}

/// How the filters of a round are chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// By what.
    pub method: PruneMethod,
    /// How the convolutions share what goes.
    pub choose: PruneChoose,
    /// What is pruned besides the convolutions that always are.
    pub also: Vec<PrunePart>,
    /// Share of a convolution's filters that stay.
    pub factor: f64,
    /// Seed of all that is drawn.
    pub seed: u64,
}

/// A filter that may go.
struct Candidate {
    /// Its convolution, as an index into those that can be pruned.
    convolution: usize,
    /// Its index there.
    filter: usize,
    /// How much would be missed, for each parameter that goes with it.
    worth: f64,
}

/// What can go in a round.
struct Offer {
    convolutions: Vec<Prunable>,
    /// The least worth first.
    candidates: Vec<Candidate>,
    /// How many of the candidates go unless the cap is reached before.
    quota: usize,
}

/// Why no further round can be made; `None` if one can.
///
/// # Errors
/// The network is not valid.
pub fn end(network: &Network, cap: &Cap, also: &[PrunePart]) -> Result<Option<PruneEnd>> {
    let parameters = counts::count(network)?.parameters;
    let prunable = convolutions::prunable(network, also)?;
    let smallest = prunable
        .iter()
        .filter(|convolution| convolution.filters > 1)
        .map(|convolution| convolution.cost)
        .min();
    Ok(match smallest {
        None => Some(PruneEnd::Filters),
        Some(cost) if cap.removed(parameters - cost) > cap.share => Some(PruneEnd::Cap),
        Some(_) => None,
    })
}

/// The model after round `round`.
///
/// Candidates go one after the other, the least worth for its parameters first, as far as the cap
/// allows: it counts parameters, so that order loses the least on the way to it. With
/// [`PruneChoose::Uniform`] each convolution offers its share, and all go unless the cap is
/// reached. With [`PruneChoose::Global`] each offers the share of two rounds, and as many go as in
/// a uniform round; the limit keeps any convolution from vanishing at once, as layers do when all
/// filters compete (Tanaka et al. 2020, "Pruning neural networks without any data by iteratively
/// conserving synaptic flow").
///
/// # Errors
/// The model is not valid.
pub fn prune(model: &Model, cap: &Cap, choice: &Choice, round: usize) -> Result<Model> {
    let mut model = model.clone();
    let mut stream = format!("prune/round-{round}");
    for pass in 1.. {
        let offer = offer(&model, choice, &stream)?;
        let going = those_that_fit(&model.network, &offer, cap)?;
        model = surgery::remove_filters(&model, &without(&offer.convolutions, &going))?;
        // When every candidate has been looked at, a convolution with small filters may have to
        // give up another one.
        if going.len() == offer.quota || end(&model.network, cap, &choice.also)?.is_some() {
            break;
        }
        stream = format!("prune/round-{round}/pass-{pass}");
    }
    Ok(model)
}

/// The candidates that go. One that does not fit now never will: another one frees, of what this
/// one costs, no more than it costs itself.
fn those_that_fit<'a>(
    network: &Network,
    offer: &'a Offer,
    cap: &Cap,
) -> Result<Vec<&'a Candidate>> {
    let mut going: Vec<&Candidate> = Vec::new();
    for candidate in &offer.candidates {
        if going.len() == offer.quota {
            break;
        }
        going.push(candidate);
        let left =
            surgery::remove_filters_of_network(network, &without(&offer.convolutions, &going))?;
        if cap.removed(counts::count(&left)?.parameters) > cap.share {
            going.pop();
        }
    }
    Ok(going)
}

fn offer(model: &Model, choice: &Choice, stream: &str) -> Result<Offer> {
    let convolutions = convolutions::prunable(&model.network, &choice.also)?;
    let (mut candidates, mut quota) = (Vec::new(), 0);
    for (index, Prunable { name, filters, cost }) in convolutions.iter().enumerate() {
        let weights = &model.weights.get(&format!("{name}.weight")).data;
        let flat: Vec<&[f32]> = weights.chunks(weights.len() / filters).collect();
        let after_a_round = choose::filters_that_stay(*filters, choice.factor);
        quota += filters - after_a_round;
        let stay = match choice.choose {
            PruneChoose::Uniform => after_a_round,
            PruneChoose::Global => choose::filters_that_stay(after_a_round, choice.factor),
        };
        let rng = seed::stream(choice.seed, &format!("{stream}/{name}"));
        for Removal { filter, worth } in choose::removals(choice.method, &flat, stay, rng) {
            candidates.push(Candidate { convolution: index, filter, worth: worth / *cost as f64 });
        }
    }
    candidates.sort_by(|a, b| a.worth.total_cmp(&b.worth));
    Ok(Offer { convolutions, candidates, quota })
}

/// The filters that stay when some go.
fn without(convolutions: &[Prunable], going: &[&Candidate]) -> Kept {
    let mut kept = Kept::new();
    for candidate in going {
        let Prunable { name, filters, .. } = &convolutions[candidate.convolution];
        let stay = kept.entry(name.clone()).or_insert_with(|| (0..*filters).collect());
        stay.retain(|filter| *filter != candidate.filter);
    }
    kept
}
