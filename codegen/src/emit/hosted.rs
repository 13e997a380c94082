//! Crates for operating systems.

use super::body::Body;
use super::lock::{self, Package};
use super::package::Crate;
use super::{int8, library, pictures, programs};
use crate::file::{File, little_endian, text};

/// The markers of `classify` on a CPU.
const ON_A_CPU: [(&str, &str); 4] = [
    ("MUTEX", "use std::sync::Mutex;\n"),
    ("ARENA", "static ARENA: Mutex<Arena> = Mutex::new(Arena::new());\n\n"),
    (
        "MODEL",
        "let model = model()?;\n    let mut arena = ARENA.lock().map_err(|error| error.to_string())?;",
    ),
    ("FORWARD", "model.forward(&mut arena, &input, &mut output);"),
];

/// Returns the files that only such crates have.
pub(super) fn files(package: &Crate<'_>) -> Vec<File> {
    let mut values = package.values();
    values.push(("MODEL_FN", programs::MODEL));
    let imports = match &package.body {
        Body::F32(_) => "Arena, CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise",
        Body::Int8(_) => "Arena, CLASSES, INPUT_LEN, Input, LOGIT_SCALE, Model, Output, SHAPE",
    };
    let kernels = format!("use {}::runtime::dispatch::Kernels;\n", package.library);
    let mut classify = [values.as_slice(), &ON_A_CPU].concat();
    classify.extend([("IMPORTS", imports), ("KERNELS", &kernels)]);
    let own = Package { name: &package.manifest.name, dependencies: &[pictures::DEPENDENCY] };
    let lock = lock::lock(&[own], &[pictures::PACKAGES]);
    let (golden, recorded) = match &package.body {
        Body::F32(body) => (
            include_str!("../../templates/golden.rs"),
            ("golden/inputs.bin".to_string(), little_endian(&body.golden.inputs)),
        ),
        Body::Int8(body) => (
            include_str!("../../templates/int8/golden.rs"),
            ("golden/pixels.bin".to_string(), body.golden.pixels.clone()),
        ),
    };
    let mut files = vec![
        text("Cargo.toml", include_str!("../../templates/Cargo.toml.txt"), &values),
        ("Cargo.lock".to_string(), lock.into_bytes()),
        text("build.rs", include_str!("../../templates/build.rs"), &values),
        text("src/bin/classify.rs", include_str!("../../templates/classify.rs"), &classify),
        text("src/bin/bench.rs", include_str!("../../templates/bench.rs"), &values),
        text("tests/golden.rs", golden, &values),
        recorded,
    ];
    files.extend(match &package.body {
        Body::F32(body) => library::files(package, body.plan),
        Body::Int8(body) => int8::files(package, body),
    });
    files.extend(pictures::files());
    files
}
