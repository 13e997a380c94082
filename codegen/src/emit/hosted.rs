//! Crates for operating systems.

use super::package::Crate;
use super::{library, lock, pictures};
use crate::file::{File, little_endian, text};

/// The markers of `classify` on a CPU.
const ON_A_CPU: [(&str, &str); 5] = [
    ("IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise"),
    ("MUTEX", "use std::sync::Mutex;\n"),
    ("ARENA", "static ARENA: Mutex<Arena> = Mutex::new(Arena::new());\n\n"),
    (
        "MODEL",
        "let model = Model::new();\n    let mut arena = ARENA.lock().map_err(|error| error.to_string())?;",
    ),
    ("FORWARD", "model.forward(&mut arena, &input, &mut output);"),
];

/// Returns the files that only such crates have.
pub(super) fn files(package: &Crate<'_>) -> Vec<File> {
    let values = package.values();
    let classify = [values.as_slice(), &ON_A_CPU].concat();
    let lock = lock::lock(&package.manifest.name, &[pictures::PACKAGES], &[pictures::DEPENDENCY]);
    let mut files = vec![
        text("Cargo.toml", include_str!("../../templates/Cargo.toml.txt"), &values),
        ("Cargo.lock".to_string(), lock.into_bytes()),
        text("build.rs", include_str!("../../templates/build.rs"), &values),
        text("src/bin/classify.rs", include_str!("../../templates/classify.rs"), &classify),
        text("src/bin/bench.rs", include_str!("../../templates/bench.rs"), &values),
        text("tests/golden.rs", include_str!("../../templates/golden.rs"), &values),
        ("golden/inputs.bin".to_string(), little_endian(&package.golden.inputs)),
    ];
    files.extend(library::files(package));
    files.extend(pictures::files());
    files
}
