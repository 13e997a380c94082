//! The choice of an engine, when the program runs and not when it is built.

use super::engine::{Engine, Task};
use super::engines::scalar::Scalar;

/// The engine that the kernels use.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// No vector instructions.
    Scalar(Scalar),
}

/// The most engines that a platform has.
const MOST: usize = 1;

impl Kernels {
    /// Returns the best engine of this processor. Detection takes long on some virtual machines:
    /// call this once.
    pub fn detect() -> Kernels {
        let mut available = Kernels::available().into_iter().flatten();
        available.next().expect("every processor has one of them")
    }

    /// Returns the engine with this name, if this processor has it.
    pub fn named(name: &str) -> Option<Kernels> {
        Kernels::available().into_iter().flatten().find(|kernels| kernels.name() == name)
    }

    /// Returns all engines of this processor, the best one first.
    pub fn available() -> [Option<Kernels>; MOST] {
        [Scalar::detect().map(Kernels::Scalar)]
    }

    /// Returns the engine's name: `scalar`.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Scalar(_) => "scalar",
        }
    }

    /// Runs a task with this engine.
    pub fn run<T: Task>(self, task: T) {
        match self {
            Kernels::Scalar(engine) => engine.run(task),
        }
    }
}
