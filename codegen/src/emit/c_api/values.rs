//! The values of the markers in the templates for C.

use super::strings::initializer;
use crate::emit::body::Body;
use crate::emit::package::Crate;
use crate::emit::target::{Target, emulated_machine};
use crate::fit::BoardMemory;
use crate::template::fill_all;

/// Names of markers and their values.
pub(super) type Values = Vec<(&'static str, String)>;

/// The alignment of an arena in bytes: that of the type `Arena` of a crate.
const ALIGNMENT: u64 = 64;
/// What makes the functions callable from C++.
const EXTERN_C: &str = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
/// The end of it.
const END_EXTERN_C: &str = "#ifdef __cplusplus\n}\n#endif\n";

/// Markers of networks in f32.
const F32: [(&str, &str); 15] = [
    ("IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, Output, normalise"),
    ("ELEMENT", "f32"),
    ("LOGIT", "f32"),
    ("C_ELEMENT", "float"),
    ("C_LOGIT", "float"),
    ("IMAGE", "image"),
    ("LOGITS_UNIT", "without unit"),
    ("FORMATS", "--raw | --f32"),
    (
        "F32_USAGE",
        ";\\n\"\n    \"with --f32, likewise floating-point numbers that are normalised already",
    ),
    ("PRINTED", "%.9g"),
    ("PRINTED_AS", "double"),
    ("MODE_PARAMETER", ", int normalised"),
    ("MODE_ARGUMENT", ", strcmp(option, \"--f32\") == 0"),
    ("IS_F32", " && strcmp(option, \"--f32\") != 0"),
    ("IMAGE_FN", include_str!("../../../templates/c/f32/image.rs.txt")),
];

/// Markers of networks in 8-bit integers.
const INT8: [(&str, &str); 15] = [
    ("IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, Output"),
    ("ELEMENT", "u8"),
    ("LOGIT", "i32"),
    ("C_ELEMENT", "uint8_t"),
    ("C_LOGIT", "int32_t"),
    ("IMAGE", "pixels"),
    ("LOGITS_UNIT", "in units of the logit scale"),
    ("FORMATS", "--raw"),
    ("F32_USAGE", ""),
    ("PRINTED", "%ld"),
    ("PRINTED_AS", "long"),
    ("MODE_PARAMETER", ""),
    ("MODE_ARGUMENT", ""),
    ("IS_F32", ""),
    ("IMAGE_FN", include_str!("../../../templates/c/int8/image.rs.txt")),
];

/// Markers of crates for operating systems.
const HOSTED: [(&str, &str); 4] = [
    ("NO_STD", ""),
    ("LTO", ""),
    ("USES", "use std::sync::OnceLock;\n"),
    ("MODEL", include_str!("../../../templates/c/hosted/model.rs.txt")),
];

/// Markers of crates for microcontrollers.
const BARE_METAL: [(&str, &str); 4] = [
    ("NO_STD", "#![no_std]\n"),
    ("LTO", "# Flash is scarce: it leaves out what is not used.\nlto = true\n"),
    ("USES", "use core::panic::PanicInfo;\n"),
    ("MODEL", include_str!("../../../templates/c/cortex-m/model.rs.txt")),
];

/// Markers of networks in f32 whose values have markers.
const F32_PARTS: [(&str, &str); 6] = [
    ("NORMALISE", include_str!("../../../templates/c/f32/normalise.rs.txt")),
    ("NORMALISE_DECLARATION", include_str!("../../../templates/c/f32/declaration.h.txt")),
    ("READ_IMAGE", include_str!("../../../templates/c/f32/read.c.txt")),
    (
        "IMAGE_MEMORY",
        "static uint8_t pixels[__UPPER___INPUT_LEN];\nstatic float image[__UPPER___INPUT_LEN];\n",
    ),
    ("IMAGE_UNIT", "as __LIBRARY___normalise makes them of pixels"),
    ("LOGIT_UNIT", ""),
];

/// Markers of networks in 8-bit integers whose values have markers.
const INT8_PARTS: [(&str, &str); 6] = [
    ("NORMALISE", ""),
    ("NORMALISE_DECLARATION", ""),
    ("READ_IMAGE", include_str!("../../../templates/c/int8/read.c.txt")),
    ("IMAGE_MEMORY", "static uint8_t pixels[__UPPER___INPUT_LEN];\n"),
    ("IMAGE_UNIT", "8-bit pixels as they are"),
    ("LOGIT_UNIT", include_str!("../../../templates/c/int8/unit.h.txt")),
];

/// Returns the values of all markers.
pub(super) fn values(package: &Crate<'_>) -> Values {
    let (texts, parts) = match &package.body {
        Body::F32(_) => (&F32, &F32_PARTS),
        Body::Int8(_) => (&INT8, &INT8_PARTS),
    };
    let place = match &package.target {
        Target::CortexM(_) => &BARE_METAL,
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => &HOSTED,
    };
    let (golden, option) = recorded(package);
    let mut values = sizes(package);
    values.extend([("GOLDEN", golden.to_string()), ("OPTION", option.to_string())]);
    values.extend(texts.iter().chain(place).map(|(name, text)| (*name, (*text).to_string())));
    let filled: Values =
        parts.iter().map(|(name, template)| (*name, fill_all(template, &values))).collect();
    values.extend(filled);
    values
}

/// Returns the file of the recorded images below the crate, and the example's option for its format.
fn recorded(package: &Crate<'_>) -> (&'static str, &'static str) {
    match (&package.target, &package.body) {
        (Target::CortexM(_), _) | (_, Body::Int8(_)) => ("golden/pixels.bin", "--raw"),
        (_, Body::F32(_)) => ("golden/inputs.bin", "--f32"),
    }
}

/// Returns the names and sizes of a network.
fn sizes(package: &Crate<'_>) -> Values {
    let Crate { manifest, network, library, .. } = package;
    let input = &network.input;
    let mut values = vec![
        ("NAME", manifest.name.clone()),
        ("LIBRARY", library.clone()),
        ("UPPER", library.to_uppercase()),
        ("STATIC", format!("{library}_c")),
        ("RUST", package.target.rust().to_string()),
        ("CHANNELS", input.channels.to_string()),
        ("HEIGHT", input.height.to_string()),
        ("WIDTH", input.width.to_string()),
        ("INPUT_LEN", input.shape().elements().to_string()),
        ("CLASS_COUNT", network.classes.len().to_string()),
        ("CLASSES", initializer(&network.classes)),
        ("ARENA_BYTES", manifest.arena_bytes.next_multiple_of(ALIGNMENT).to_string()),
        ("ARENA_ALIGNMENT", ALIGNMENT.to_string()),
        ("EXTERN_C", EXTERN_C.to_string()),
        ("END_EXTERN_C", END_EXTERN_C.to_string()),
    ];
    if let Body::Int8(body) = &package.body {
        values.push(("LOGIT_SCALE", format!("{:?}", body.logit_scale)));
    }
    if let Target::CortexM(memory) = &package.target {
        values.push(("TRIPLE", memory.target.clone()));
        values.push(("CPU", compiler_options(&memory.target).to_string()));
        values.push(("MACHINE", machine(memory).to_string()));
    }
    values
}

/// Returns QEMU's machine for a board: that of its runner, or one with the same kind of processor.
fn machine(memory: &BoardMemory) -> &str {
    let is_name = |word: &&String| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let named = memory.runner.iter().skip_while(|word| *word != "-M").nth(1).filter(is_name);
    named.map_or_else(|| emulated_machine(&memory.target), String::as_str)
}

/// Returns the options of GCC for the processors of a target. A target that is not listed has them
/// from the user.
fn compiler_options(target: &str) -> &'static str {
    match target {
        "thumbv7em-none-eabihf" => "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16",
        "thumbv7em-none-eabi" => "-mcpu=cortex-m4 -mfloat-abi=soft",
        "thumbv6m-none-eabi" => "-mcpu=cortex-m0 -mfloat-abi=soft",
        _ => "",
    }
}
