//! The markers of a microcontroller's `classify` and `bench` that depend on the numbers that a
//! network computes with.

use crate::emit::body::Body;

/// For networks in f32.
const F32: [(&str, &str); 13] = [
    ("CLASSIFY_IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise"),
    ("BENCH_IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, NAME, Output, normalise"),
    ("IF_NOT_FINITE_HERE", include_str!("../../../templates/cortex-m/f32/finite.rs.txt")),
    ("OPTIONS", include_str!("../../../templates/cortex-m/f32/options.rs.txt")),
    ("FORMAT_FIELD", "    format: Format,\n"),
    ("FORMAT_VALUE", "format, "),
    ("SIZE", "if self.format == Format::F32 { 4 * INPUT_LEN } else { INPUT_LEN }"),
    ("LOAD", include_str!("../../../templates/cortex-m/f32/load.rs.txt")),
    ("WRITE_LOGIT", "write_number(out, f64::from(*logit))"),
    ("BENCH_INPUT", "    static mut INPUT: Input = [0.0; INPUT_LEN];\n"),
    ("BENCH_FIELD", "input: INPUT, "),
    ("BENCH_FIELD_TYPE", "    input: &'static mut Input,\n"),
    ("INFER", include_str!("../../../templates/cortex-m/f32/infer.rs.txt")),
];

/// For networks in 8-bit integers, whose images are recorded as the network takes them.
const INT8: [(&str, &str); 13] = [
    ("CLASSIFY_IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, LOGIT_SCALE, Model, Output, SHAPE"),
    ("BENCH_IMPORTS", "Arena, CLASSES, INPUT_LEN, Model, NAME, Output"),
    ("IF_NOT_FINITE_HERE", ""),
    ("OPTIONS", include_str!("../../../templates/cortex-m/int8/options.rs.txt")),
    ("FORMAT_FIELD", ""),
    ("FORMAT_VALUE", ""),
    ("SIZE", "INPUT_LEN"),
    ("LOAD", include_str!("../../../templates/cortex-m/int8/load.rs.txt")),
    ("WRITE_LOGIT", "write!(out, \"{logit}\")"),
    ("BENCH_INPUT", ""),
    ("BENCH_FIELD", ""),
    ("BENCH_FIELD_TYPE", ""),
    ("INFER", include_str!("../../../templates/cortex-m/int8/infer.rs.txt")),
];

/// Returns the values of these markers.
pub(super) fn values(body: &Body<'_>) -> &'static [(&'static str, &'static str)] {
    match body {
        Body::F32(_) => &F32,
        Body::Int8(_) => &INT8,
    }
}
