//! One round of pruning: which filters go, so that the cap on removed parameters is not exceeded.

use crate::choose::{self, Removal};
use crate::surgery::{self, Kept, Model};
use anyhow::Result;
use common::counts;
use common::network::{Network, Op};
use common::prune_report::{PruneEnd, PruneMethod};
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

    fn allows(&self, network: &Network) -> Result<bool> {
        Ok(self.removed(counts::count(network)?.parameters) <= self.share)
    }
}

/// How the filters of a round are chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// By what.
    pub method: PruneMethod,
    /// Share of a convolution's filters that stay.
    pub factor: f64,
    /// Seed of all that is drawn.
    pub seed: u64,
}

/// A filter that a whole round would take.
struct Candidate {
    /// Name of its convolution.
    convolution: String,
    /// Filters of that.
    filters: usize,
    /// Which of them.
    removal: Removal,
}

/// Why no further round can be made; `None` if one can.
///
/// # Errors
/// The network is not valid.
pub fn end(network: &Network, cap: &Cap) -> Result<Option<PruneEnd>> {
    let prunable = prunable(network)?;
    for (name, filters) in &prunable {
        // All filters of a convolution cost the same.
        let kept = Kept::from([(name.clone(), (1..*filters).collect())]);
        if cap.allows(&surgery::remove_filters_of_network(network, &kept)?)? {
            return Ok(None);
        }
    }
    Ok(Some(if prunable.is_empty() { PruneEnd::Filters } else { PruneEnd::Cap }))
}

/// The model after round `round`: a whole round if the cap allows that, else one filter after the other until it allows
/// no more.
///
/// # Errors
/// The model is not valid.
pub fn prune(model: &Model, cap: &Cap, choice: &Choice, round: usize) -> Result<Model> {
    let candidates = candidates(model, choice, &format!("prune/round-{round}"))?;
    let whole = without(candidates.iter());
    if cap.allows(&surgery::remove_filters_of_network(&model.network, &whole)?)? {
        return surgery::remove_filters(model, &whole);
    }
    let mut model = surgery::remove_filters(model, &those_that_fit(&model.network, candidates, cap)?)?;
    // When every candidate has been looked at, a convolution with small filters may have to give up another one.
    for pass in 1.. {
        if end(&model.network, cap)?.is_some() {
            break;
        }
        let candidates = self::candidates(&model, choice, &format!("prune/round-{round}/pass-{pass}"))?;
        model = surgery::remove_filters(&model, &those_that_fit(&model.network, candidates, cap)?)?;
    }
    Ok(model)
}

/// What stays when the candidates that the cap allows go, tried from the lowest worth up. One that does not fit now
/// never will: another one frees, of what this one costs, no more than it costs itself.
fn those_that_fit(network: &Network, mut candidates: Vec<Candidate>, cap: &Cap) -> Result<Kept> {
    candidates.sort_by(|a, b| a.removal.worth.total_cmp(&b.removal.worth));
    let mut going: Vec<&Candidate> = Vec::new();
    for candidate in &candidates {
        going.push(candidate);
        if !cap.allows(&surgery::remove_filters_of_network(network, &without(going.iter().copied()))?)? {
            going.pop();
        }
    }
    Ok(without(going))
}

/// All filters that a whole round takes, in the order of the nodes.
fn candidates(model: &Model, choice: &Choice, stream: &str) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    for (convolution, filters) in prunable(&model.network)? {
        let weights = &model.weights.get(&format!("{convolution}.weight")).data;
        let flat: Vec<&[f32]> = weights.chunks(weights.len() / filters).collect();
        let stay = choose::filters_that_stay(filters, choice.factor);
        let rng = seed::stream(choice.seed, &format!("{stream}/{convolution}"));
        for removal in choose::removals(choice.method, &flat, stay, rng) {
            all.push(Candidate { convolution: convolution.clone(), filters, removal });
        }
    }
    Ok(all)
}

/// The filters that stay when some go.
fn without<'a>(going: impl IntoIterator<Item = &'a Candidate>) -> Kept {
    let mut kept = Kept::new();
    for Candidate { convolution, filters, removal } in going {
        let stay = kept.entry(convolution.clone()).or_insert_with(|| (0..*filters).collect());
        stay.retain(|filter| *filter != removal.filter);
    }
    kept
}

/// How many filters the convolutions have together that may be pruned.
///
/// # Errors
/// The network is not valid.
pub fn feature_filters(network: &Network) -> Result<usize> {
    Ok(feature_convolutions(network)?.iter().map(|(_, filters)| filters).sum())
}

/// Those of the convolutions that have a filter to give.
fn prunable(network: &Network) -> Result<Vec<(String, usize)>> {
    Ok(feature_convolutions(network)?.into_iter().filter(|(_, filters)| *filters > 1).collect())
}

/// The convolutions that may be pruned and how many filters they have: those of the FELs, and the first one of each
/// residual block, as Li et al. 2017 ("Pruning Filters for Efficient ConvNets", section 3.3) do.
///
/// They are known by what reads their output. A FEL's is read by concatenations alone, where the template's stem is
/// normalised as well and a transition is pooled. Within a residual block only another convolution takes the channels;
/// all others are added to those of other blocks.
fn feature_convolutions(network: &Network) -> Result<Vec<(String, usize)>> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); network.nodes.len()];
    for (reader, sources) in network.input_indices()?.into_iter().enumerate() {
        for source in sources.into_iter().flatten() {
            readers[source].push(reader);
        }
    }
    let count = network.nodes.len();
    let (mut only_concatenated, mut only_convolved) = (vec![false; count], vec![false; count]);
    let mut found = Vec::new();
    for (index, node) in network.nodes.iter().enumerate().rev() {
        let all_readers = |test: &dyn Fn(usize) -> bool| {
            !readers[index].is_empty() && readers[index].iter().all(|reader| test(*reader))
        };
        only_concatenated[index] = all_readers(&|reader| match network.nodes[reader].op {
            Op::Concat {} => true,
            Op::Dropout { .. } => only_concatenated[reader],
            Op::Conv2d { .. }
            | Op::BatchNorm { .. }
            | Op::Activation(_)
            | Op::Add {}
            | Op::Shortcut { .. }
            | Op::AveragePool { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {}
            | Op::Linear { .. } => false,
        });
        only_convolved[index] = all_readers(&|reader| match network.nodes[reader].op {
            Op::Conv2d { .. } => true,
            Op::BatchNorm { .. } | Op::Activation(_) | Op::Dropout { .. } | Op::AveragePool { .. } => {
                only_convolved[reader]
            }
            Op::Concat {}
            | Op::Add {}
            | Op::Shortcut { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {}
            | Op::Linear { .. } => false,
        });
        if let Op::Conv2d { out_channels, .. } = node.op
            && (only_concatenated[index] || only_convolved[index])
        {
            found.push((node.name.clone(), out_channels));
        }
    }
    found.reverse();
    Ok(found)
}
