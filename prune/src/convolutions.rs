//! The convolutions that may be pruned, and what a filter of each is worth in parameters.

use crate::surgery::{self, Kept};
use anyhow::{Context, Result};
use common::counts;
use common::network::{Network, Op};
use common::prune_report::PrunePart;

/// A convolution that may be pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable {
    /// Its name.
    pub name: String,
    /// How many filters it has.
    pub filters: usize,
    /// Trainable parameters that go with any one of them, in it and in everything later that reads
    /// its channel; 0 where it has one filter only, which stays.
    pub cost: u64,
}

/// The convolutions that may be pruned, in the order of the nodes.
///
/// # Errors
/// The network is not valid, or filters of what `also` names cannot go alone.
pub fn prunable(network: &Network, also: &[PrunePart]) -> Result<Vec<Prunable>> {
    candidates(network, also)?.into_iter().map(|candidate| measured(network, candidate)).collect()
}

/// The candidate with what one of its filters costs; all of them cost the same.
fn measured(network: &Network, Candidate { name, filters, part }: Candidate) -> Result<Prunable> {
    let mut cost = 0;
    if filters > 1 {
        let kept = Kept::from([(name.clone(), (1..filters).collect())]);
        let pruned =
            surgery::remove_filters_of_network(network, &kept).with_context(|| match part {
                Some(part) => format!(
                    "{} ({name}) cannot be pruned here; leave it out of --also",
                    part.name()
                ),
                None => format!("{name} cannot be pruned"),
            })?;
        cost = counts::count(network)?.parameters - counts::count(&pruned)?.parameters;
    }
    Ok(Prunable { name, filters, cost })
}

/// What is pruned always: the convolutions of the FELs, and the first one of each residual block,
/// as Li et al. 2017 ("Pruning Filters for Efficient ConvNets", section 3.3) do. On request: the
/// stem, which reads the image, and the transitions, whose output is pooled.
///
/// The others are known by what reads their output. A FEL's is read by concatenations alone, where
/// the template's stem is normalised as well. Within a residual block only another convolution
/// takes the channels; all others are added to those of other blocks.
fn candidates(network: &Network, also: &[PrunePart]) -> Result<Vec<Candidate>> {
    let inputs = network.input_indices()?;
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); network.nodes.len()];
    for (reader, sources) in inputs.iter().enumerate() {
        for &source in sources.iter().flatten() {
            readers[source].push(reader);
        }
    }
    let mut read: Vec<Read> = vec![Read::default(); network.nodes.len()];
    for index in (0..network.nodes.len()).rev() {
        read[index] =
            Read::of(readers[index].iter().map(|&reader| (network.nodes[reader].op, read[reader])));
    }
    let mut found = Vec::new();
    for ((node, sources), read) in network.nodes.iter().zip(&inputs).zip(read) {
        let Op::Conv2d { out_channels, .. } = node.op else { continue };
        let part = if read.concatenated || read.convolved {
            None
        } else if sources[..] == [None] {
            Some(PrunePart::Stem)
        } else if read.pooled {
            Some(PrunePart::Transitions)
        } else {
            continue;
        };
        if part.is_none_or(|part| also.contains(&part)) {
            found.push(Candidate { name: node.name.clone(), filters: out_channels, part });
        }
    }
    Ok(found)
}

struct Candidate {
    name: String,
    filters: usize,
    /// `None` for what is pruned always.
    part: Option<PrunePart>,
}

/// What all readers of a node's output do with it in the end.
#[derive(Clone, Copy, Default)]
struct Read {
    /// They concatenate it, after at most dropout.
    concatenated: bool,
    /// They convolve it, after at most what keeps channels apart.
    convolved: bool,
    /// They pool it, after at most normalisation, activation and dropout.
    pooled: bool,
}

impl Read {
    /// From the readers' operations and what is done with their output.
    fn of(readers: impl ExactSizeIterator<Item = (Op, Read)>) -> Read {
        if readers.len() == 0 {
            return Read::default();
        }
        let all = Read { concatenated: true, convolved: true, pooled: true };
        readers.fold(all, |all, (op, then)| {
            let by = match op {
                Op::Concat {} => Read { concatenated: true, ..Read::default() },
                Op::Conv2d { .. } => Read { convolved: true, ..Read::default() },
                Op::AveragePool { .. } => {
                    Read { concatenated: false, convolved: then.convolved, pooled: true }
                }
                Op::Dropout { .. } => then,
                Op::BatchNorm { .. } | Op::Activation(_) => Read { concatenated: false, ..then },
                Op::Add {}
                | Op::Shortcut { .. }
                | Op::GlobalAveragePool {}
                | Op::GlobalMaxPool {}
                | Op::Linear { .. } => Read::default(),
            };
            Read {
                concatenated: all.concatenated && by.concatenated,
                convolved: all.convolved && by.convolved,
                pooled: all.pooled && by.pooled,
            }
        })
    }
}
