//! Inference in 8-bit integers: generated crates on every engine against their f32 form, ONNX
//! Runtime in f32 and in int8, and LiteRT in int8, interleaved in one run.

pub(crate) mod measure;
pub(crate) mod report;
mod workshop;

use crate::nets::{self, Net, template};
use anyhow::{Context, Result};
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::template::Template;
use measure::NetResult;
use std::path::Path;

/// A small network: its shape and genes, and a template that adds few channels.
pub(crate) struct Small {
    /// The beginning of its name.
    pub(crate) name: &'static str,
    shape: [usize; 3],
    genes: [usize; 3],
    growth_rate: usize,
    stem_channels: usize,
}

/// The small networks.
pub(crate) const SMALL: [Small; 4] = [
    Small {
        name: "growth 7",
        shape: [1, 28, 28],
        genes: [2, 10, 3],
        growth_rate: 7,
        stem_channels: 9,
    },
    Small {
        name: "growth 8",
        shape: [1, 28, 28],
        genes: [3, 16, 3],
        growth_rate: 8,
        stem_channels: 16,
    },
    Small {
        name: "growth 6",
        shape: [3, 27, 27],
        genes: [2, 7, 5],
        growth_rate: 6,
        stem_channels: 12,
    },
    Small {
        name: "14x14",
        shape: [1, 14, 14],
        genes: [2, 13, 3],
        growth_rate: 8,
        stem_channels: 16,
    },
];

/// Returns the networks: those of the comparison in f32, and small ones.
///
/// # Errors
/// Fails if the template cannot be expanded.
pub(crate) fn nets() -> Result<Vec<Net>> {
    let mut nets = nets::all()?;
    for Small { name, shape, genes, growth_rate, stem_channels } in SMALL {
        let (left, right) = (Activation::Swish, Activation::Relu);
        let of = Template { growth_rate, stem_channels, ..Template::default() };
        let network = template(&of, shape, genes, PiecewiseActivation { left, right })?;
        nets.push(Net { name: format!("{name} {left}|{right}"), network });
    }
    Ok(nets)
}

/// Measures the networks.
///
/// # Errors
/// Fails if a program fails, or if an engine computes other logits than the reference.
pub(crate) fn measure(nets: &[Net], python: &Path, rounds: usize) -> Result<Vec<NetResult>> {
    let mut workshops = Vec::new();
    for net in nets {
        eprintln!("generating and building {}", net.name);
        workshops.push(workshop::Workshop::new(net, python).with_context(|| net.name.clone())?);
    }
    let mut results = Vec::new();
    for (net, workshop) in nets.iter().zip(&workshops) {
        eprintln!("measuring {}", net.name);
        let result = measure::measure(net, workshop, python, rounds);
        results.push(result.with_context(|| net.name.clone())?);
    }
    Ok(results)
}
