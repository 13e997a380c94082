//! The parts that a crate is made of.

use super::body::Body;
use super::pictures;
use super::programs;
use super::target::Target;
use crate::golden::jumps_at_zero;
use crate::results::Results;
use common::manifest::Manifest;
use common::network::Network;

/// The parts that a crate is made of.
pub(crate) struct Crate<'a> {
    /// What the crate runs on.
    pub(crate) target: Target,
    /// The crate's name as a Rust identifier.
    pub(crate) library: String,
    /// The crate's name and costs.
    pub(crate) manifest: &'a Manifest,
    /// The network.
    pub(crate) network: &'a Network,
    /// What the crate computes.
    pub(crate) body: Body<'a>,
    /// Accuracy, data and seed of the network, as far as they are known.
    pub(crate) results: &'a Results,
    /// Whether the crate has a part for programs in C.
    pub(crate) c_api: bool,
}

impl Crate<'_> {
    /// Returns the values of the markers that the programs of all platforms have.
    pub(super) fn values(&self) -> Vec<(&'static str, &str)> {
        let jumps = if jumps_at_zero(self.network) { "true" } else { "false" };
        let mut values: Vec<(&str, &str)> = vec![
            ("NAME", &self.manifest.name),
            ("LIBRARY", &self.library),
            ("JUMPS", jumps),
            ("RUST", self.target.rust()),
            ("IMAGES_RUST", pictures::rust(&self.target)),
            ("BENCH_IMAGE", programs::bench_image(&self.body)),
        ];
        values.extend_from_slice(programs::values(&self.body));
        values
    }
}
