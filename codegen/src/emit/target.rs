//! The targets of crates.

use crate::cuda::Call;
use crate::fit::BoardMemory;
use crate::template::fill;
use common::precision::Precision;

/// What a crate runs on.
pub(crate) enum Target {
    /// 64-bit Intel and AMD processors.
    X86_64,
    /// 64-bit ARM processors with Linux.
    Aarch64,
    /// 32-bit ARM processors with Linux.
    Armv7,
    /// ARM microcontrollers.
    CortexM(BoardMemory),
    /// NVIDIA GPUs, with the calls of their kernels.
    Cuda(Vec<Call>),
}

impl Target {
    /// Returns the name of the processors for the README, and its sentence on the kernels.
    pub(super) fn words(&self, precision: Precision) -> (&'static str, &'static str) {
        let kernels = match precision {
            Precision::F32 => self.f32_kernels(),
            Precision::Int8 => self.int8_kernels(),
        };
        let processors = match self {
            Target::X86_64 => "x86-64",
            Target::Aarch64 => "64-bit ARM",
            Target::Armv7 => "32-bit ARM",
            Target::CortexM(_) => "ARM microcontrollers",
            Target::Cuda(_) => "NVIDIA GPUs",
        };
        (processors, kernels)
    }

    fn f32_kernels(&self) -> &'static str {
        match self {
            Target::X86_64 => {
                "AVX-512, AVX2 with FMA, or neither is used, whatever the processor has."
            }
            Target::Aarch64 => "NEON is used, which every such processor has.",
            Target::Armv7 => {
                "NEON is used where the processor has it, else its floating-point unit."
            }
            Target::CortexM(_) => "They use the floating-point unit.",
            Target::Cuda(_) => "They are compiled for the GPU at hand when a program starts.",
        }
    }

    fn int8_kernels(&self) -> &'static str {
        match self {
            Target::X86_64 => {
                "AVX-512 with VNNI, AVX-VNNI, AVX2, or none of them is used, whatever the processor \
                 has."
            }
            Target::Aarch64 => "NEON is used, with the dot product where the processor has it.",
            Target::Armv7 => "NEON is used where the processor has it.",
            Target::CortexM(_) => "They use the DSP extension where the processor has it.",
            Target::Cuda(_) => "There are none in integers.",
        }
    }

    /// Returns whether the crate's feature `images` decodes pictures: a microcontroller has no files.
    pub(super) fn decodes_pictures(&self) -> bool {
        match self {
            Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => true,
            Target::CortexM(_) => false,
        }
    }

    /// Returns the oldest version of Rust that builds the crate.
    pub(super) fn rust(&self) -> &'static str {
        match self {
            Target::X86_64 | Target::Cuda(_) => "1.95",
            Target::Aarch64 | Target::Armv7 | Target::CortexM(_) => "1.85",
        }
    }

    /// Returns the part of the README on building and running the crate.
    pub(super) fn readme(&self) -> String {
        match self {
            Target::X86_64 => include_str!("../../templates/readme/x86_64.md").to_string(),
            Target::Aarch64 => include_str!("../../templates/readme/aarch64.md").to_string(),
            Target::Armv7 => include_str!("../../templates/readme/armv7.md").to_string(),
            Target::CortexM(memory) => fill(
                include_str!("../../templates/readme/cortex-m.md"),
                &[
                    ("BOARD", &memory.board),
                    ("TRIPLE", &memory.target),
                    ("MACHINE", emulated_machine(&memory.target)),
                ],
            ),
            Target::Cuda(_) => {
                fill(include_str!("../../templates/readme/cuda.md"), &[("RUST", self.rust())])
            }
        }
    }
}

/// Returns QEMU's machine with a microcontroller of a target.
pub(super) fn emulated_machine(target: &str) -> &'static str {
    if target.starts_with("thumbv6m") { "microbit" } else { "mps2-an386" }
}
