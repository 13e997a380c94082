//! The files of a generated crate.

mod gpu;
mod library;
mod programs;
pub(crate) mod template;

use crate::board::Memory;
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
    /// What it is for.
    pub(crate) machine: Machine,
    /// What it is called as Rust writes it.
    pub(crate) library: String,
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

/// What a crate runs on.
pub(crate) enum Machine {
    /// 64-bit Intel and AMD processors.
    X86_64,
    /// 64-bit ARM processors with Linux.
    Aarch64,
    /// 32-bit ARM processors with Linux.
    Armv7,
    /// ARM microcontrollers.
    CortexM(Memory),
    /// NVIDIA GPUs.
    Cuda,
}

impl Machine {
    /// What the README calls it, and what it says about the kernels.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Machine::X86_64 => (
                "x86-64",
                "AVX-512, AVX2 with FMA, or neither is used, whatever the processor has.",
            ),
            Machine::Aarch64 => ("64-bit ARM", "NEON is used, which every such processor has."),
            Machine::Armv7 => (
                "32-bit ARM",
                "NEON is used where the processor has it, else its floating-point unit.",
            ),
            Machine::CortexM(_) => ("ARM microcontrollers", "They use the floating-point unit."),
            Machine::Cuda => {
                ("NVIDIA GPUs", "They are compiled for the GPU at hand when a program starts.")
            }
        }
    }

    /// The oldest compiler that crates are meant for.
    fn rust(&self) -> &'static str {
        match self {
            Machine::X86_64 | Machine::Cuda => "1.95",
            Machine::Aarch64 | Machine::Armv7 | Machine::CortexM(_) => "1.85",
        }
    }

    /// How a crate is built and run.
    fn readme(&self) -> String {
        match self {
            Machine::X86_64 => include_str!("../../templates/readme/x86_64.md").to_string(),
            Machine::Aarch64 => include_str!("../../templates/readme/aarch64.md").to_string(),
            Machine::Armv7 => include_str!("../../templates/readme/armv7.md").to_string(),
            Machine::CortexM(memory) => fill(
                include_str!("../../templates/readme/cortex-m.md"),
                &[("BOARD", &memory.board)],
            ),
            Machine::Cuda => {
                fill(include_str!("../../templates/readme/cuda.md"), &[("RUST", self.rust())])
            }
        }
    }
}

/// One file: its path below the crate's folder, and its content.
pub(crate) type File = (String, Vec<u8>);

impl Crate<'_> {
    /// All files.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<File>> {
        let mut files = match &self.machine {
            Machine::X86_64 | Machine::Aarch64 | Machine::Armv7 => self.hosted(),
            Machine::CortexM(memory) => self.bare_metal(memory),
            Machine::Cuda => self.gpu()?,
        };
        files.extend([
            text("rustfmt.toml", include_str!("../../templates/rustfmt.toml.txt"), &[]),
            text(".gitignore", "/target\n", &[]),
            ("README.md".to_string(), self.readme().into_bytes()),
            ("memory.svg".to_string(), self.memory_figure().into_bytes()),
            ("manifest.json".to_string(), json::to_text(self.manifest)?.into_bytes()),
            ("src/weights.bin".to_string(), little_endian(self.constants)),
            ("golden/outputs.bin".to_string(), little_endian(&self.golden.outputs)),
        ]);
        Ok(files)
    }

    fn memory_figure(&self) -> String {
        let lower_bound = (self.manifest.arena_lower_bound_bytes / F32_BYTES) as usize;
        figure::draw(&self.manifest.name, self.network, self.plan, lower_bound)
    }

    /// What the markers of the programs stand for on every platform.
    fn values(&self) -> Vec<(&'static str, &str)> {
        let jumps = if jumps(self.network) { "true" } else { "false" };
        vec![
            ("NAME", &self.manifest.name),
            ("LIBRARY", &self.library),
            ("JUMPS", jumps),
            ("RUST", self.machine.rust()),
        ]
    }

    fn readme(&self) -> String {
        let shape = self.network.input.shape().to_string();
        let Manifest { parameters, macs, weights_bytes, arena_bytes, fit, .. } = self.manifest;
        let device_bytes = fit.as_ref().and_then(|fit| fit.device_bytes).unwrap_or_default();
        let numbers =
            [*parameters, *macs, *weights_bytes, *arena_bytes, device_bytes].map(|n| n.to_string());
        let (platform, kernels) = self.machine.words();
        let build = self.machine.readme();
        let values = [
            ("NAME", self.manifest.name.as_str()),
            ("LIBRARY", &self.library),
            ("PLATFORM", platform),
            ("KERNELS", kernels),
            ("BUILD", &build),
            ("SHAPE", &shape),
            ("CLASSES", &self.network.classes.len().to_string()),
            ("SAMPLES", &self.golden.describe()),
            ("PARAMETERS", &numbers[0]),
            ("MACS", &numbers[1]),
            ("WEIGHTS_BYTES", &numbers[2]),
            ("ARENA_BYTES", &numbers[3]),
            ("DEVICE_BYTES", &numbers[4]),
        ];
        let template = match self.machine {
            Machine::X86_64 | Machine::Aarch64 | Machine::Armv7 | Machine::CortexM(_) => {
                include_str!("../../templates/README.md")
            }
            Machine::Cuda => include_str!("../../templates/cuda/README.md"),
        };
        fill(template, &values)
    }
}

/// Whether some activation is discontinuous at 0, so that logits cannot be compared one by one.
pub(crate) fn jumps(network: &Network) -> bool {
    network.nodes.iter().any(|node| matches!(node.op, Op::Activation(pair) if pair.jumps_at_zero()))
}

/// A file made from a template.
fn text(path: &str, template: &str, values: &[(&str, &str)]) -> File {
    (path.to_string(), fill(template, values).into_bytes())
}

/// The bytes of some f32.
pub(crate) fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}
