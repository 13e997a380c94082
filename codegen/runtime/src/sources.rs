//! The text of the kernels, for generated crates.

/// The kernels' source files: path below a generated crate's `src/runtime`, and text.
pub const SOURCES: &[(&str, &str)] = &[
    ("mod.rs", include_str!("kernels/mod.rs")),
    ("activation.rs", include_str!("kernels/activation.rs")),
    ("add.rs", include_str!("kernels/add.rs")),
    ("arena.rs", include_str!("kernels/arena.rs")),
    ("conv.rs", include_str!("kernels/conv.rs")),
    ("conv/geometry.rs", include_str!("kernels/conv/geometry.rs")),
    ("conv/tile.rs", include_str!("kernels/conv/tile.rs")),
    ("cpu.rs", include_str!("kernels/cpu.rs")),
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

/// The source files of the kernels in 8-bit integers, as in [`SOURCES`]; they share `arena.rs` and
/// `cpu.rs`.
pub const INT8_SOURCES: &[(&str, &str)] = &[
    ("mod.rs", concat!(include_str!("int8/mod.rs"), "\npub mod arena;\n")),
    ("activation.rs", include_str!("int8/activation.rs")),
    ("arena.rs", include_str!("kernels/arena.rs")),
    ("arithmetic.rs", include_str!("int8/arithmetic.rs")),
    ("classifier.rs", include_str!("int8/classifier.rs")),
    ("conv.rs", include_str!("int8/conv.rs")),
    ("conv/geometry.rs", include_str!("int8/conv/geometry.rs")),
    ("conv/ring.rs", include_str!("int8/conv/ring.rs")),
    ("cpu.rs", include_str!("kernels/cpu.rs")),
    ("dispatch.rs", include_str!("int8/dispatch.rs")),
    ("engine.rs", include_str!("int8/engine.rs")),
    ("engines/mod.rs", include_str!("int8/engines/mod.rs")),
    ("engines/scalar.rs", include_str!("int8/engines/scalar.rs")),
    ("packing.rs", include_str!("int8/packing.rs")),
    ("pool.rs", include_str!("int8/pool.rs")),
    ("taps.rs", include_str!("int8/taps.rs")),
];
