//! The convolutions that may be pruned, and how many parameters a filter of each takes.

use crate::surgery::{self, Kept};
use anyhow::{Context, Result};
use common::network::{Network, Op, counts};
use common::profile::PrunePart;

/// A convolution that may be pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable {
    /// Its name.
    pub name: String,
    /// Number of filters.
    pub filters: usize,
    /// Trainable parameters that are removed with any one filter: its own, and those of all later
    /// nodes that read its channel. 0 for the only filter, which is never removed.
    pub parameters_per_filter: u64,
}

/// Returns the convolutions that may be pruned, in the order of the nodes.
///
/// # Errors
/// Fails if the network is not valid, or if filters of what `also` names cannot be removed without
/// those of other convolutions.
pub fn prunable(network: &Network, also: &[PrunePart]) -> Result<Vec<Prunable>> {
    candidates(network, also)?
        .into_iter()
        .map(|candidate| count_parameters(network, candidate))
        .collect()
}

/// Counts the parameters of a candidate's first filter; the others have as many.
fn count_parameters(network: &Network, candidate: Convolution) -> Result<Prunable> {
    let Convolution { name, filters, part } = candidate;
    let mut parameters_per_filter = 0;
    if filters > 1 {
        let kept = Kept::from([(name.clone(), (1..filters).collect())]);
        let pruned =
            surgery::remove_filters_from_graph(network, &kept).with_context(|| match part {
                Some(part) => format!(
                    "{} ({name}) cannot be pruned here; leave it out of --also",
                    part.name()
                ),
                None => format!("{name} cannot be pruned"),
            })?;
        parameters_per_filter =
            counts::count(network)?.parameters - counts::count(&pruned)?.parameters;
    }
    Ok(Prunable { name, filters, parameters_per_filter })
}

/// Returns the convolutions that are always pruned, and those that `also` names. Always pruned are
/// those of the FELs, and the first one of each residual block, as in Li et al. 2017 ("Pruning
/// Filters for Efficient ConvNets", section 3.3). The stem reads the image; the output of a
/// transition is pooled.
///
/// A convolution is recognised by the readers of its output. That of a FEL is only concatenated,
/// while the template's stem is also normalised. That of the first convolution of a residual block
/// is only convolved; the output of the others is added to that of other blocks.
fn candidates(network: &Network, also: &[PrunePart]) -> Result<Vec<Convolution>> {
    let inputs = network.input_indices()?;
    let readings = readings(network, &inputs);
    let mut found = Vec::new();
    for ((node, sources), reading) in network.nodes.iter().zip(&inputs).zip(readings) {
        let Op::Conv2d { out_channels, .. } = node.op else { continue };
        let part = if reading.concatenated || reading.convolved {
            None
        } else if sources[..] == [None] {
            Some(PrunePart::Stem)
        } else if reading.pooled {
            Some(PrunePart::Transitions)
        } else {
            continue;
        };
        if part.is_none_or(|part| also.contains(&part)) {
            found.push(Convolution { name: node.name.clone(), filters: out_channels, part });
        }
    }
    Ok(found)
}

/// Returns for each node how its output is read, given the inputs of each node.
fn readings(network: &Network, inputs: &[Vec<Option<usize>>]) -> Vec<Reading> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); network.nodes.len()];
    for (reader, sources) in inputs.iter().enumerate() {
        for &source in sources.iter().flatten() {
            readers[source].push(reader);
        }
    }
    let mut readings = vec![Reading::default(); network.nodes.len()];
    for index in (0..network.nodes.len()).rev() {
        let by = readers[index].iter();
        readings[index] =
            Reading::of(by.map(|&reader| (network.nodes[reader].op, readings[reader])));
    }
    readings
}

/// A convolution, before its parameters are counted.
struct Convolution {
    name: String,
    filters: usize,
    /// `None` if it is always pruned.
    part: Option<PrunePart>,
}

/// The use that all readers of a node's output make of it.
#[derive(Clone, Copy, Default)]
struct Reading {
    /// All concatenate it, after at most dropout.
    concatenated: bool,
    /// All convolve it, after at most operations that keep channels apart.
    convolved: bool,
    /// All pool it, after at most normalisation, activation and dropout.
    pooled: bool,
}

impl Reading {
    /// Combines the readers' operations and the readings of their outputs.
    fn of(readers: impl ExactSizeIterator<Item = (Op, Reading)>) -> Reading {
        if readers.len() == 0 {
            return Reading::default();
        }
        let all = Reading { concatenated: true, convolved: true, pooled: true };
        readers.map(|(op, next)| Reading::by(op, next)).fold(all, |all, by| Reading {
            concatenated: all.concatenated && by.concatenated,
            convolved: all.convolved && by.convolved,
            pooled: all.pooled && by.pooled,
        })
    }

    /// Returns the reading by one operation, whose output is read as `next` says.
    fn by(op: Op, next: Reading) -> Reading {
        match op {
            Op::Concat {} => Reading { concatenated: true, ..Reading::default() },
            Op::Conv2d { .. } => Reading { convolved: true, ..Reading::default() },
            Op::AveragePool { .. } => {
                Reading { concatenated: false, convolved: next.convolved, pooled: true }
            }
            Op::Dropout { .. } => next,
            Op::BatchNorm { .. } | Op::Activation(_) => Reading { concatenated: false, ..next },
            Op::Add {}
            | Op::Shortcut { .. }
            | Op::GlobalAveragePool {}
            | Op::GlobalMaxPool {}
            | Op::Linear { .. } => Reading::default(),
        }
    }
}
