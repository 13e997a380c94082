//! The markers of `classify` and `bench` that depend on the numbers that a network computes with.

use super::body::Body;

/// Chooses kernels by the environment.
pub(super) const MODEL: &str = include_str!("../../templates/model.rs.txt");

/// For networks in f32.
const F32: [(&str, &str); 12] = [
    ("ZERO", "0.0"),
    ("FORMATS", "[--raw | --f32]"),
    ("F32_HELP", "  --f32        likewise little-endian f32 that are normalised already\n"),
    ("F32_FORMAT", "\n    F32,"),
    (
        "FORMAT_OPTIONS",
        "Some(\"--raw\") if format != Format::F32 => format = Format::Raw,
            Some(\"--f32\") if format != Format::Raw => format = Format::F32,
            Some(\"--raw\" | \"--f32\") => return Err(\"--raw and --f32 exclude each other\".to_string()),",
    ),
    ("IF_NOT_FINITE", include_str!("../../templates/f32/finite.rs.txt")),
    ("IMAGE", include_str!("../../templates/f32/image.rs.txt")),
    ("READ_F32", "\n        Format::F32 => float_images(&bytes),"),
    ("F32_IMAGES", include_str!("../../templates/f32/images.rs.txt")),
    ("LOGIT", "f32"),
    ("DIFFERENCE", "f64::from(logit - logits[class])"),
    ("INPUTS", "inputs"),
];

/// For networks in 8-bit integers.
const INT8: [(&str, &str); 12] = [
    ("ZERO", "0"),
    ("FORMATS", "[--raw]"),
    ("F32_HELP", ""),
    ("F32_FORMAT", ""),
    ("FORMAT_OPTIONS", "Some(\"--raw\") => format = Format::Raw,"),
    ("IF_NOT_FINITE", ""),
    ("IMAGE", include_str!("../../templates/int8/image.rs.txt")),
    ("READ_F32", ""),
    ("F32_IMAGES", ""),
    ("LOGIT", "i32"),
    ("DIFFERENCE", "(f64::from(*logit) - f64::from(logits[class])) * LOGIT_SCALE"),
    ("INPUTS", "pixels"),
];

/// Returns the values of these markers.
pub(super) fn values(body: &Body<'_>) -> &'static [(&'static str, &'static str)] {
    match body {
        Body::F32(_) => &F32,
        Body::Int8(_) => &INT8,
    }
}

/// Returns the function of `bench` that makes an image of recorded bytes.
pub(super) fn bench_image(body: &Body<'_>) -> &'static str {
    match body {
        Body::F32(_) => include_str!("../../templates/f32/bench_image.rs.txt"),
        Body::Int8(_) => include_str!("../../templates/int8/bench_image.rs.txt"),
    }
}
