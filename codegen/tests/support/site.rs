//! Where crates for ARM are built and run in QEMU.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Platform, target triple.
pub(crate) const PLATFORMS: [(&str, &str); 3] = [
    ("aarch64", "aarch64-unknown-linux-gnu"),
    ("armv7", "armv7-unknown-linux-gnueabihf"),
    ("cortex-m", "thumbv7em-none-eabihf"),
];

/// A folder in which one crate after the other is built.
pub(crate) struct Site {
    target_dir: PathBuf,
    rustc: String,
}

impl Site {
    /// The folder of this name below `target/cross`, for the compiler that `.ci/test-cross` names.
    pub(crate) fn new(name: &str) -> Site {
        let rustc = std::env::var("CROSS_RUSTC").expect("CROSS_RUSTC names the compiler: run `make test-cross`");
        Site { target_dir: below_target("crates").join(name), rustc }
    }

    /// Runs cargo for a target in a crate's folder, where a warning is an error.
    pub(crate) fn cargo(&self, target: &str, folder: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--release", "--locked", "--target", target])
            .current_dir(folder)
            .env("RUSTC", &self.rustc)
            .env("RUSTFLAGS", "-Dwarnings")
            .env("CARGO_TARGET_DIR", &self.target_dir)
            .output()
            .unwrap()
    }

    /// The file of a program that was built.
    pub(crate) fn program(&self, target: &str, name: &str) -> PathBuf {
        self.target_dir.join(target).join("release").join(name)
    }

    /// Runs a program in QEMU, with some more options of QEMU's.
    pub(crate) fn run(&self, target: &str, program: &str, options: &[&str], arguments: &[&str]) -> Output {
        let file = self.program(target, program);
        match target {
            "aarch64-unknown-linux-gnu" => {
                qemu(&["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"], options, &file, arguments)
            }
            "armv7-unknown-linux-gnueabihf" => {
                let words = ["qemu-arm", "-cpu", "cortex-a15", "-L", "/usr/arm-linux-gnueabihf"];
                qemu(&words, options, &file, arguments)
            }
            "thumbv7em-none-eabihf" => {
                let told: String = arguments.iter().map(|argument| format!(",arg={argument}")).collect();
                let host = format!("enable=on,target=native,arg={program}{told}");
                let machine = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none"];
                let more = ["-serial", "none", "-semihosting-config", &host];
                qemu(&machine, &[&more, options, &["-kernel"]].concat(), &file, &[])
            }
            other => panic!("there is no emulator for {other}"),
        }
    }
}

fn qemu(words: &[&str], options: &[&str], program: &Path, arguments: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).args(options).arg(program).args(arguments).output().unwrap()
}

/// A path below `target/cross`.
pub(crate) fn below_target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cross").join(name)
}

/// Builds the plugin that counts the guest's instructions; an option that makes QEMU load it.
pub(crate) fn counting_plugin() -> String {
    let text = Command::new("qemu-aarch64").arg("--version").output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    let major: u32 = text.split("version ").nth(1).unwrap().split('.').next().unwrap().parse().unwrap();
    // QEMU 9 no longer loads what was made for the first version of the interface.
    let version = if major < 9 { 1 } else { 2 };
    let plugin = below_target("count_instructions.so");
    std::fs::create_dir_all(plugin.parent().unwrap()).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/count_instructions.c");
    let define = format!("-DPLUGIN_VERSION={version}");
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", &define, "-o"]).arg(&plugin).arg(source);
    super::success(&gcc.output().unwrap());
    plugin.to_str().unwrap().to_string()
}

/// What the plugin said.
pub(crate) fn counted(output: &Output) -> u64 {
    super::success(output);
    let text = String::from_utf8_lossy(&output.stderr);
    text.split("instructions: ").nth(1).unwrap_or_else(|| panic!("nothing was counted: {text}")).trim().parse().unwrap()
}
