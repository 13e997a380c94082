//! Building crates for ARM and running them in QEMU.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Platform, target triple.
pub(crate) const PLATFORMS: [(&str, &str); 3] = [
    ("aarch64", "aarch64-unknown-linux-gnu"),
    ("armv7", "armv7-unknown-linux-gnueabihf"),
    ("cortex-m", "thumbv7em-none-eabihf"),
];

/// A target folder in which one crate after the other is built.
pub(crate) struct Site {
    target_dir: PathBuf,
    rustc: String,
}

impl Site {
    /// Returns the folder of this name below `target/cross/crates`, for the compiler that
    /// `.ci/test-cross` names.
    pub(crate) fn new(name: &str) -> Site {
        let rustc = std::env::var("CROSS_RUSTC")
            .expect("CROSS_RUSTC names the compiler: run `make test-cross`");
        let target_dir =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cross/crates").join(name);
        Site { target_dir, rustc }
    }

    /// Runs cargo for a target in a crate's folder, with warnings as errors.
    pub(crate) fn cargo(&self, target: &str, folder: &Path, arguments: &[&str]) -> Output {
        self.command(target, folder, arguments).output().unwrap()
    }

    /// Does what [`Site::cargo`] does, with this emulator.
    pub(crate) fn cargo_with(
        &self,
        target: &str,
        folder: &Path,
        arguments: &[&str],
        emulator: &str,
    ) -> Output {
        let runner = target.to_uppercase().replace('-', "_");
        let mut command = self.command(target, folder, arguments);
        command.env(format!("CARGO_TARGET_{runner}_RUNNER"), emulator).output().unwrap()
    }

    fn command(&self, target: &str, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .args(["--release", "--locked", "--target", target])
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &self.target_dir);
        self.with_compiler(&mut command);
        command
    }

    /// Makes a program that runs cargo take this compiler, with warnings as errors.
    pub(crate) fn with_compiler<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("RUSTC", &self.rustc).env("RUSTFLAGS", "-Dwarnings")
    }

    /// Returns the file of a program that was built.
    pub(crate) fn program(&self, target: &str, name: &str) -> PathBuf {
        self.target_dir.join(target).join("release").join(name)
    }

    /// Runs a program in QEMU.
    pub(crate) fn run(&self, target: &str, program: &str, arguments: &[&str]) -> Output {
        let file = self.program(target, program);
        match target {
            "aarch64-unknown-linux-gnu" => {
                qemu(&["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"], &file, arguments)
            }
            "armv7-unknown-linux-gnueabihf" => {
                let words = ["qemu-arm", "-cpu", "cortex-a15", "-L", "/usr/arm-linux-gnueabihf"];
                qemu(&words, &file, arguments)
            }
            "thumbv7em-none-eabihf" | "thumbv7em-none-eabi" => {
                on_microcontroller("mps2-an386", &file, program, arguments)
            }
            "thumbv6m-none-eabi" => on_microcontroller("microbit", &file, program, arguments),
            other => panic!("there is no emulator for {other}"),
        }
    }
}

fn qemu(words: &[&str], program: &Path, arguments: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).arg(program).args(arguments).output().unwrap()
}

fn on_microcontroller(machine: &str, file: &Path, program: &str, arguments: &[&str]) -> Output {
    let told: String = arguments.iter().map(|argument| format!(",arg={argument}")).collect();
    let host = format!("enable=on,target=native,arg={program}{told}");
    let words = ["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none"];
    let more = ["-serial", "none", "-semihosting-config", &host, "-kernel"];
    qemu(&[&words[..], &more].concat(), file, &[])
}
