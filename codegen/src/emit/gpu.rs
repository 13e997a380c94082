//! Crates for NVIDIA GPUs.

use super::body::F32Body;
use super::lock::{self, Package};
use super::package::Crate;
use super::{library, pictures};
use crate::cuda::{Call, KERNELS, Location};
use crate::file::{File, little_endian, text};
use crate::template::fill_all;
use common::network::Network;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The packages that such a crate is built from: name and the rest of the entry in `Cargo.lock`.
const PACKAGES: &str = include_str!("../../templates/cuda/Cargo.lock.txt");
/// The packages that the crate depends on directly.
const DEPENDENCIES: [&str; 3] = ["cudarc", pictures::DEPENDENCY, "libloading"];

/// The markers of `classify` on a GPU.
const ON_A_GPU: [(&str, &str); 7] = [
    ("IMPORTS", "CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise"),
    ("MUTEX", ""),
    ("KERNELS", ""),
    ("MODEL_FN", ""),
    ("ARENA", ""),
    ("MODEL", "let mut model = Model::new(1).map_err(|error| error.to_string())?;"),
    (
        "FORWARD",
        "let forward = model.forward(std::slice::from_ref(&input), std::slice::from_mut(&mut output));\n        \
         forward.map_err(|error| error.to_string())?;",
    ),
];

/// Returns the files that only such crates have.
pub(super) fn files(package: &Crate<'_>, body: &F32Body<'_>, calls: &[Call]) -> Vec<File> {
    let values = package.values();
    let classify = [values.as_slice(), &ON_A_GPU].concat();
    let mut constants = library::constants(&package.manifest.name, package.network, body.plan);
    constants.push(("TARGET", pictures::target(&package.network.input)));
    let library = fill_all(include_str!("../../templates/cuda/lib.rs.txt"), &constants);
    let own = Package { name: &package.manifest.name, dependencies: &DEPENDENCIES };
    let lock = lock::lock(&[own], &[PACKAGES, pictures::PACKAGES]);
    let mut files = vec![
        text("Cargo.toml", include_str!("../../templates/cuda/Cargo.toml.txt"), &values),
        ("Cargo.lock".to_string(), lock.into_bytes()),
        text("build.rs", include_str!("../../templates/build.rs"), &values),
        ("src/lib.rs".to_string(), library.into_bytes()),
        ("src/steps.rs".to_string(), steps(package.network, calls).into_bytes()),
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
        ("golden/inputs.bin".to_string(), little_endian(&body.golden.inputs)),
    ];
    files.extend(pictures::files());
    files
}

/// Returns the text of `src/steps.rs`.
fn steps(network: &Network, calls: &[Call]) -> String {
    let mut rows = String::new();
    for call in calls {
        let _ = write!(rows, "    // {}\n{}", network.nodes[call.node].name, row(call));
    }
    let locations: BTreeSet<&str> =
        calls.iter().flat_map(|call| [call.from, call.to]).map(location_name).collect();
    let locations: Vec<&str> = locations.into_iter().collect();
    let values = [("LOCATIONS", locations.join(", ")), ("STEPS", rows)];
    fill_all(include_str!("../../templates/cuda/steps.rs.txt"), &values)
}

fn location_name(location: Location) -> &'static str {
    match location {
        Location::Image => "Image",
        Location::Arena(_) => "Arena",
        Location::Logits => "Logits",
    }
}

fn row(call: &Call) -> String {
    let Call { from, to, norm, weights, bias, channels, filters, launches, .. } = call;
    let launches: String = launches
        .iter()
        .map(|launch| {
            let (blocks, threads, shared) = (launch.blocks, launch.threads, launch.shared);
            format!(
                "            Launch {{\n                kernel: {:?},\n                \
                 blocks: {blocks},\n                threads: {threads},\n                \
                 shared: {shared},\n            }},\n",
                launch.kernel
            )
        })
        .collect();
    format!(
        "    Step {{\n        from: {from:?},\n        to: {to:?},\n        norm: {norm:?},\n        \
         weights: {weights:?},\n        bias: {bias:?},\n        channels: {channels},\n        \
         filters: {filters},\n        launches: &[\n{launches}        ],\n    }},\n"
    )
}
