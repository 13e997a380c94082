//! A crate for NVIDIA GPUs.

use super::{Crate, File, library, little_endian, template::fill_all, text};
use crate::cuda::{Call, KERNELS, Place, calls};
use anyhow::Result;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Packages that it is built from: name and the rest of the entry in `Cargo.lock`.
const PACKAGES: &str = include_str!("../../templates/cuda/Cargo.lock.txt");
/// Those that it names itself.
const DEPENDENCIES: [&str; 2] = ["cudarc", "libloading"];

/// What `classify` does on a GPU.
const ON_A_GPU: [(&str, &str); 5] = [
    ("IMPORTS", "CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise"),
    ("MUTEX", ""),
    ("ARENA", ""),
    ("MODEL", "let mut model = Model::new(1).map_err(|error| error.to_string())?;"),
    (
        "FORWARD",
        "let forward = model.forward(std::slice::from_ref(&input), std::slice::from_mut(&mut output));\n        \
         forward.map_err(|error| error.to_string())?;",
    ),
];

impl Crate<'_> {
    /// All files but those that every crate has.
    pub(super) fn gpu(&self) -> Result<Vec<File>> {
        let values = self.values();
        let classify = [values.as_slice(), &ON_A_GPU].concat();
        let constants = library::constants(&self.manifest.name, self.network, self.plan);
        let library = fill_all(include_str!("../../templates/cuda/lib.rs.txt"), &constants);
        let lock = self.lock(PACKAGES, &DEPENDENCIES);
        Ok(vec![
            text("Cargo.toml", include_str!("../../templates/cuda/Cargo.toml.txt"), &values),
            ("Cargo.lock".to_string(), lock.into_bytes()),
            text("build.rs", include_str!("../../templates/build.rs"), &values),
            ("src/lib.rs".to_string(), library.into_bytes()),
            ("src/steps.rs".to_string(), self.steps()?.into_bytes()),
            ("src/kernels.cu".to_string(), KERNELS.as_bytes().to_vec()),
            (
                "src/compiler.rs".to_string(),
                include_bytes!("../../templates/cuda/compiler.rs").to_vec(),
            ),
            ("src/gpu.rs".to_string(), include_bytes!("../../templates/cuda/gpu.rs").to_vec()),
            ("src/model.rs".to_string(), include_bytes!("../../templates/cuda/model.rs").to_vec()),
            text("src/bin/classify.rs", include_str!("../../templates/classify.rs"), &classify),
            text("src/bin/bench.rs", include_str!("../../templates/cuda/bench.rs"), &values),
            text("tests/golden.rs", include_str!("../../templates/cuda/golden.rs"), &values),
            ("golden/inputs.bin".to_string(), little_endian(&self.golden.inputs)),
        ])
    }

    /// `src/steps.rs`.
    fn steps(&self) -> Result<String> {
        let calls = calls(self.network, self.plan)?;
        let mut rows = String::new();
        for call in &calls {
            let _ = write!(rows, "    // {}\n{}", self.network.nodes[call.node].name, row(call));
        }
        let places: BTreeSet<&str> =
            calls.iter().flat_map(|call| [call.from, call.to]).map(place_name).collect();
        let places: Vec<&str> = places.into_iter().collect();
        let values = [("PLACES", places.join(", ")), ("STEPS", rows)];
        Ok(fill_all(include_str!("../../templates/cuda/steps.rs.txt"), &values))
    }
}

fn place_name(place: Place) -> &'static str {
    match place {
        Place::Image => "Image",
        Place::Arena(_) => "Arena",
        Place::Logits => "Logits",
    }
}

fn row(call: &Call) -> String {
    let Call { from, to, norm, weights, bias, channels, filters, launches, .. } = call;
    let launches: String = launches
        .iter()
        .map(|launch| {
            let (blocks, threads, shared) = (launch.blocks, launch.threads, launch.shared);
            format!(
                "            Launch {{\n                kernel: {:?},\n                blocks: {blocks},\n                \
                 threads: {threads},\n                shared: {shared},\n            }},\n",
                launch.kernel
            )
        })
        .collect();
    format!(
        "    Step {{\n        from: {from:?},\n        to: {to:?},\n        norm: {norm:?},\n        weights: {weights:?},\n        \
         bias: {bias:?},\n        channels: {channels},\n        filters: {filters},\n        launches: &[\n{launches}        ],\n    }},\n"
    )
}
