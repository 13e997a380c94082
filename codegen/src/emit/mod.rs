//! The files of a generated crate.

mod library;
pub(crate) mod template;

use crate::figure;
use crate::golden::Golden;
use crate::plan::Plan;
use crate::report::F32_BYTES;
use common::json;
use common::manifest::Manifest;
use common::network::{Network, Op};
use template::fill;

/// Everything that a crate is made of.
pub(crate) struct Crate<'a> {
    /// What it is called, what it needs.
    pub(crate) manifest: &'a Manifest,
    /// The network.
    pub(crate) network: &'a Network,
    /// How it is computed.
    pub(crate) plan: &'a Plan,
    /// The packed weights.
    pub(crate) constants: &'a [f32],
    /// Recorded inputs and outputs.
    pub(crate) golden: &'a Golden,
}

/// One file: its path below the crate's folder, and its content.
pub(crate) type File = (String, Vec<u8>);

impl Crate<'_> {
    /// All files.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<File>> {
        let name = self.manifest.name.as_str();
        let library = name.replace('-', "_");
        let readme = self.readme(name, &library);
        let text = |path: &str, template: &str| {
            let values =
                [("NAME", name), ("LIBRARY", &library), ("JUMPS", if jumps(self.network) { "true" } else { "false" })];
            (path.to_string(), fill(template, &values).into_bytes())
        };
        let mut files = vec![
            text("Cargo.toml", include_str!("../../templates/Cargo.toml.txt")),
            text("Cargo.lock", include_str!("../../templates/Cargo.lock.txt")),
            text("rustfmt.toml", include_str!("../../templates/rustfmt.toml.txt")),
            text(".gitignore", "/target\n"),
            text("build.rs", include_str!("../../templates/build.rs")),
            text("src/bin/classify.rs", include_str!("../../templates/classify.rs")),
            text("src/bin/bench.rs", include_str!("../../templates/bench.rs")),
            text("tests/golden.rs", include_str!("../../templates/golden.rs")),
            ("README.md".to_string(), readme.into_bytes()),
            ("memory.svg".to_string(), self.memory_figure().into_bytes()),
            ("manifest.json".to_string(), json::to_text(self.manifest)?.into_bytes()),
            ("src/lib.rs".to_string(), library::source(name, self.network, self.plan).into_bytes()),
            ("src/weights.bin".to_string(), little_endian(self.constants)),
            ("golden/inputs.bin".to_string(), little_endian(&self.golden.inputs)),
            ("golden/outputs.bin".to_string(), little_endian(&self.golden.outputs)),
        ];
        for (path, source) in runtime::SOURCES {
            files.push((format!("src/runtime/{path}"), source.as_bytes().to_vec()));
        }
        Ok(files)
    }

    fn memory_figure(&self) -> String {
        let lower_bound = (self.manifest.arena_lower_bound_bytes / F32_BYTES) as usize;
        figure::draw(&self.manifest.name, self.network, self.plan, lower_bound)
    }

    fn readme(&self, name: &str, library: &str) -> String {
        let shape = self.network.input.shape().to_string();
        let Manifest { parameters, macs, weights_bytes, arena_bytes, .. } = self.manifest;
        let numbers = [*parameters, *macs, *weights_bytes, *arena_bytes].map(|n| n.to_string());
        let values = [
            ("NAME", name),
            ("LIBRARY", library),
            ("SHAPE", &shape),
            ("CLASSES", &self.network.classes.len().to_string()),
            ("SAMPLES", &self.golden.describe()),
            ("PARAMETERS", &numbers[0]),
            ("MACS", &numbers[1]),
            ("WEIGHTS_BYTES", &numbers[2]),
            ("ARENA_BYTES", &numbers[3]),
        ];
        fill(include_str!("../../templates/README.md"), &values)
    }
}

/// Whether some activation is discontinuous at 0, so that logits cannot be compared one by one.
pub(crate) fn jumps(network: &Network) -> bool {
    network.nodes.iter().any(|node| matches!(node.op, Op::Activation(pair) if pair.jumps_at_zero()))
}

/// The bytes of some f32.
pub(crate) fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}
