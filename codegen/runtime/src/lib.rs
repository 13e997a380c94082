//! The kernels of generated crates: `no_std`, no allocator, no dependencies.
//!
//! Tensors are planar f32 (channels, rows, columns) without gaps, batch 1. The modules of
//! [`kernels`] are tested here and copied as they are into every generated crate; [`SOURCES`] holds
//! their text. Their tests are in `tests`, so that the copies have none.
#![no_std]

pub mod kernels;

pub use kernels::{activation, add, arena, conv, dispatch, linear, norm, pool, simd, taps};

/// The kernels' source files: path below a generated crate's `src/runtime`, and text.
pub const SOURCES: &[(&str, &str)] = &[
    ("mod.rs", include_str!("kernels/mod.rs")),
    ("activation.rs", include_str!("kernels/activation.rs")),
    ("add.rs", include_str!("kernels/add.rs")),
    ("arena.rs", include_str!("kernels/arena.rs")),
    ("conv.rs", include_str!("kernels/conv.rs")),
    ("conv/geometry.rs", include_str!("kernels/conv/geometry.rs")),
    ("conv/tile.rs", include_str!("kernels/conv/tile.rs")),
    ("dispatch.rs", include_str!("kernels/dispatch.rs")),
    ("linear.rs", include_str!("kernels/linear.rs")),
    ("norm.rs", include_str!("kernels/norm.rs")),
    ("pool.rs", include_str!("kernels/pool.rs")),
    ("simd.rs", include_str!("kernels/simd.rs")),
    ("simd/aarch64.rs", include_str!("kernels/simd/aarch64.rs")),
    ("simd/neon.rs", include_str!("kernels/simd/neon.rs")),
    ("simd/scalar.rs", include_str!("kernels/simd/scalar.rs")),
    ("simd/vfp.rs", include_str!("kernels/simd/vfp.rs")),
    ("simd/x86_64.rs", include_str!("kernels/simd/x86_64.rs")),
    ("taps.rs", include_str!("kernels/taps.rs")),
];
