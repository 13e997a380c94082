//! The kernels of generated crates: `no_std`, no allocator, no dependencies.
//!
//! Tensors are planar f32 (channels, rows, columns) without gaps, batch 1. The modules of
//! [`kernels`] are tested here and copied as they are into every generated crate; [`SOURCES`] holds
//! their text. Their tests stand in `tests`, so that what is copied is free of them.
#![no_std]

pub mod kernels;

pub use kernels::{activation, add, arena, conv, linear, norm, pool, simd};

/// The kernels' source files: path below a generated crate's `src/runtime`, and text.
pub const SOURCES: &[(&str, &str)] = &[
    ("mod.rs", include_str!("kernels/mod.rs")),
    ("activation.rs", include_str!("kernels/activation.rs")),
    ("add.rs", include_str!("kernels/add.rs")),
    ("arena.rs", include_str!("kernels/arena.rs")),
    ("conv.rs", include_str!("kernels/conv.rs")),
    ("linear.rs", include_str!("kernels/linear.rs")),
    ("norm.rs", include_str!("kernels/norm.rs")),
    ("pool.rs", include_str!("kernels/pool.rs")),
    ("simd.rs", include_str!("kernels/simd.rs")),
    ("simd_aarch64.rs", include_str!("kernels/simd_aarch64.rs")),
    ("simd_arm_neon.rs", include_str!("kernels/simd_arm_neon.rs")),
    ("simd_arm_vfp.rs", include_str!("kernels/simd_arm_vfp.rs")),
    ("simd_x86_64.rs", include_str!("kernels/simd_x86_64.rs")),
];
