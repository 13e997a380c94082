//! The choice of an engine, when the program runs and not when it is built.

#[cfg(target_arch = "x86_64")]
use super::cpu::Cpu;
use super::engine::{Engine, Task};
#[cfg(target_arch = "aarch64")]
use super::engines::aarch64::{Dotprod, Neon};
#[cfg(all(target_arch = "arm", target_os = "linux"))]
use super::engines::armv7::Neon;
#[cfg(all(target_arch = "arm", target_os = "none"))]
use super::engines::cortex_m::CortexM as Scalar;
#[cfg(not(all(target_arch = "arm", target_os = "none")))]
use super::engines::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use super::engines::x86_64::{avx2::Avx2, avx512::Avx512};

/// The engine that the kernels use.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// No vector instructions; the only engine of a microcontroller.
    Scalar(Scalar),
    /// NEON.
    #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
    Neon(Neon),
    /// NEON with dot products.
    #[cfg(target_arch = "aarch64")]
    Dotprod(Dotprod),
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2<false>),
    /// AVX2 and AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(Avx2<true>),
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512<false>),
    /// AVX-512 with VNNI and VBMI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vbmi(Avx512<true>),
}

/// The most engines that a platform has.
const MOST: usize = 5;

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
        let scalar = Scalar::detect().map(Kernels::Scalar);
        #[cfg(target_arch = "x86_64")]
        {
            let cpu = Cpu::read();
            [
                Avx512::<true>::detect(cpu).map(Kernels::Avx512Vbmi),
                Avx512::<false>::detect(cpu).map(Kernels::Avx512Vnni),
                Avx2::<true>::detect(cpu).map(Kernels::AvxVnni),
                Avx2::<false>::detect(cpu).map(Kernels::Avx2),
                scalar,
            ]
        }
        #[cfg(target_arch = "aarch64")]
        {
            let [dotprod, neon] =
                [Dotprod::detect().map(Kernels::Dotprod), Neon::detect().map(Kernels::Neon)];
            [dotprod, neon, scalar, None, None]
        }
        #[cfg(all(target_arch = "arm", target_os = "linux"))]
        {
            [Neon::detect().map(Kernels::Neon), scalar, None, None, None]
        }
        #[cfg(not(any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            all(target_arch = "arm", target_os = "linux")
        )))]
        {
            [scalar, None, None, None, None]
        }
    }

    /// Returns the engine's name: `avx512vbmi`, `avx512vnni`, `avxvnni`, `avx2`, `dotprod`, `neon`
    /// or `scalar`.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Scalar(_) => Scalar::NAME,
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(_) => "neon",
            #[cfg(target_arch = "aarch64")]
            Kernels::Dotprod(_) => "dotprod",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernels::AvxVnni(_) => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512Vnni(_) => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512Vbmi(_) => "avx512vbmi",
        }
    }

    /// Runs a task with this engine.
    pub fn run<T: Task>(self, task: T) {
        match self {
            Kernels::Scalar(engine) => engine.run(task),
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Kernels::Neon(engine) => engine.run(task),
            #[cfg(target_arch = "aarch64")]
            Kernels::Dotprod(engine) => engine.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(engine) => engine.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::AvxVnni(engine) => engine.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512Vnni(engine) => engine.run(task),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512Vbmi(engine) => engine.run(task),
        }
    }
}
