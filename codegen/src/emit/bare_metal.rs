//! Crates for microcontrollers.

mod programs;

use super::body::Body;
use super::lock::{self, Package};
use super::package::Crate;
use super::{int8, library};
use crate::file::{File, text};
use crate::fit::{BENCH_IMAGES, BoardMemory};
use std::fmt::Write;

/// The packages that such a crate is built from: name and the rest of the entry in `Cargo.lock`.
pub(super) const PACKAGES: &str = include_str!("../../templates/cortex-m/Cargo.lock.txt");
/// The package that the crate depends on directly.
pub(super) const DEPENDENCY: &str = "cortex-m-rt";

/// Returns the files that only such crates have.
pub(super) fn files(package: &Crate<'_>, memory: &BoardMemory) -> Vec<File> {
    let clock = memory.clock_hz.map_or("None".to_string(), |hz| format!("Some({hz})"));
    let runner: Vec<String> = memory.runner.iter().map(|word| toml_string(word)).collect();
    let numbers = [memory.flash.origin, memory.flash.bytes, memory.ram.origin, memory.ram.bytes];
    let [flash_origin, flash_bytes, ram_origin, ram_bytes] =
        numbers.map(|number| format!("{number:#010x}"));
    let runner = runner.join(", ");
    let own = Package { name: &package.manifest.name, dependencies: &[DEPENDENCY] };
    let lock = lock::lock(&[own], &[PACKAGES]);
    let (pixels, golden) = match &package.body {
        Body::F32(body) => {
            (&body.golden.pixels, include_str!("../../templates/cortex-m/golden.rs"))
        }
        Body::Int8(body) => {
            (&body.golden.pixels, include_str!("../../templates/cortex-m/int8/golden.rs"))
        }
    };
    let few = pixels.len().min(BENCH_IMAGES * package.network.input.shape().elements());
    let more = [
        ("CLOCK_HZ", clock.as_str()),
        ("RUNNER", &runner),
        ("BOARD", &memory.board),
        ("TRIPLE", &memory.target),
        ("FLASH_ORIGIN", &flash_origin),
        ("FLASH_BYTES", &flash_bytes),
        ("RAM_ORIGIN", &ram_origin),
        ("RAM_BYTES", &ram_bytes),
    ];
    let values = [package.values().as_slice(), programs::values(&package.body), &more].concat();
    let mut files = vec![
        text("Cargo.toml", include_str!("../../templates/cortex-m/Cargo.toml.txt"), &values),
        ("Cargo.lock".to_string(), lock.into_bytes()),
        text(".cargo/config.toml", include_str!("../../templates/cortex-m/config.toml"), &values),
        text("memory.x", include_str!("../../templates/cortex-m/memory.x"), &values),
        text("build.rs", include_str!("../../templates/cortex-m/build.rs"), &values),
        text("src/machine.rs", include_str!("../../templates/cortex-m/machine.rs"), &values),
        text("src/bin/classify.rs", include_str!("../../templates/cortex-m/classify.rs"), &values),
        text("src/bin/bench.rs", include_str!("../../templates/cortex-m/bench.rs"), &values),
        text("tests/golden.rs", golden, &values),
        ("golden/pixels.bin".to_string(), pixels.clone()),
        ("golden/bench.bin".to_string(), pixels[..few].to_vec()),
    ];
    files.extend(match &package.body {
        Body::F32(body) => library::files(package, body.plan),
        Body::Int8(body) => int8::files(package, body),
    });
    files
}

/// Returns the text as a TOML string.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::toml_string;

    #[test]
    fn a_word_stays_inside_its_quotes() {
        assert_eq!(toml_string("a\"]\\\n"), r#""a\"]\\\u000A""#);
    }
}
