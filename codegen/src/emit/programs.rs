//! What a crate has besides its library: Cargo's files, the programs and the tests.

use super::{Crate, File, library, little_endian, text};
use crate::board::Memory;
use std::fmt::Write;

/// Packages that a crate for bare metal is built from: name and the rest of the entry in
/// `Cargo.lock`.
const BARE_METAL_PACKAGES: &str = include_str!("../../templates/cortex-m/Cargo.lock.txt");

/// What `classify` does on a processor.
const ON_A_PROCESSOR: [(&str, &str); 5] = [
    ("IMPORTS", "Arena, CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise"),
    ("MUTEX", "use std::sync::Mutex;\n"),
    ("ARENA", "static ARENA: Mutex<Arena> = Mutex::new(Arena::new());\n\n"),
    (
        "MODEL",
        "let model = Model::new();\n    let mut arena = ARENA.lock().map_err(|error| error.to_string())?;",
    ),
    ("FORWARD", "model.forward(&mut arena, &input, &mut output);"),
];

/// Images that a microcontroller's `bench` holds.
const BENCH_IMAGES: usize = 4;

impl Crate<'_> {
    /// For an operating system.
    pub(super) fn hosted(&self) -> Vec<File> {
        let values = self.values();
        let classify = [values.as_slice(), &ON_A_PROCESSOR].concat();
        let mut files = vec![
            text("Cargo.toml", include_str!("../../templates/Cargo.toml.txt"), &values),
            text("Cargo.lock", include_str!("../../templates/Cargo.lock.txt"), &values),
            text("build.rs", include_str!("../../templates/build.rs"), &values),
            text("src/bin/classify.rs", include_str!("../../templates/classify.rs"), &classify),
            text("src/bin/bench.rs", include_str!("../../templates/bench.rs"), &values),
            text("tests/golden.rs", include_str!("../../templates/golden.rs"), &values),
            ("golden/inputs.bin".to_string(), little_endian(&self.golden.inputs)),
        ];
        files.extend(self.library());
        files
    }

    /// The network and its kernels for a processor.
    fn library(&self) -> Vec<File> {
        let kernels = runtime::SOURCES.iter();
        let mut files: Vec<File> = kernels
            .map(|(path, source)| (format!("src/runtime/{path}"), source.as_bytes().to_vec()))
            .collect();
        let source = library::source(&self.manifest.name, self.network, self.plan);
        files.push(("src/lib.rs".to_string(), source.into_bytes()));
        files
    }

    /// For a microcontroller.
    pub(super) fn bare_metal(&self, memory: &Memory) -> Vec<File> {
        let clock = memory.clock_hz.map_or("None".to_string(), |hz| format!("Some({hz})"));
        let runner: Vec<String> = memory.runner.iter().map(|word| toml_string(word)).collect();
        let numbers =
            [memory.flash.origin, memory.flash.bytes, memory.ram.origin, memory.ram.bytes];
        let [flash_origin, flash_bytes, ram_origin, ram_bytes] =
            numbers.map(|number| format!("{number:#010x}"));
        let runner = runner.join(", ");
        let lock = self.lock(BARE_METAL_PACKAGES, &["cortex-m-rt"]);
        let few =
            self.golden.pixels.len().min(BENCH_IMAGES * self.network.input.shape().elements());
        let more = [
            ("CLOCK_HZ", clock.as_str()),
            ("RUNNER", &runner),
            ("BOARD", &memory.board),
            ("FLASH_ORIGIN", &flash_origin),
            ("FLASH_BYTES", &flash_bytes),
            ("RAM_ORIGIN", &ram_origin),
            ("RAM_BYTES", &ram_bytes),
        ];
        let values = [self.values().as_slice(), &more].concat();
        let mut files = vec![
            text("Cargo.toml", include_str!("../../templates/cortex-m/Cargo.toml.txt"), &values),
            ("Cargo.lock".to_string(), lock.into_bytes()),
            text(
                ".cargo/config.toml",
                include_str!("../../templates/cortex-m/config.toml"),
                &values,
            ),
            text("memory.x", include_str!("../../templates/cortex-m/memory.x"), &values),
            text("build.rs", include_str!("../../templates/cortex-m/build.rs"), &values),
            text("src/machine.rs", include_str!("../../templates/cortex-m/machine.rs"), &values),
            text(
                "src/bin/classify.rs",
                include_str!("../../templates/cortex-m/classify.rs"),
                &values,
            ),
            text("src/bin/bench.rs", include_str!("../../templates/cortex-m/bench.rs"), &values),
            text("tests/golden.rs", include_str!("../../templates/cortex-m/golden.rs"), &values),
            ("golden/pixels.bin".to_string(), self.golden.pixels.clone()),
            ("golden/bench.bin".to_string(), self.golden.pixels[..few].to_vec()),
        ];
        files.extend(self.library());
        files
    }

    /// `Cargo.lock` with these packages, some of which the crate names itself. Cargo wants them in
    /// the order of their names.
    pub(super) fn lock(&self, packages: &str, dependencies: &[&str]) -> String {
        let dependencies: String =
            dependencies.iter().map(|name| format!(" \"{name}\",\n")).collect();
        let own = format!(
            "[[package]]\nname = \"{}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n",
            self.manifest.name
        );
        let (head, packages) = packages.split_once("\n\n").expect("a comment, then packages");
        let mut packages: Vec<&str> = packages.trim_end().split("\n\n").collect();
        packages.push(own.trim_end());
        packages.sort_unstable();
        let mut lock = head.to_string();
        for package in packages {
            let _ = write!(lock, "\n\n{package}");
        }
        lock + "\n"
    }
}

/// A TOML string that means this text.
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
