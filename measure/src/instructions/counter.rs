//! The programs that count instructions.

use super::qemu_plugin;
use std::path::Path;
use std::process::Command;

/// Name of the file that a counter writes.
pub(super) const COUNT_FILE: &str = "count";

/// A program that counts instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// The processor itself, through Linux's perf.
    Perf,
    /// An emulator of this machine's processor.
    Valgrind,
    /// A plugin of the QEMU that runs the program.
    Qemu,
}

impl Counter {
    /// Returns the name of the program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Counter::Perf => "perf",
            Counter::Valgrind => "valgrind",
            Counter::Qemu => "qemu",
        }
    }

    /// Returns a command that runs another one and writes the count to a file in a folder.
    pub(super) fn command(self, inner: &Command, folder: &Path) -> Command {
        let (program, arguments) = (inner.get_program(), inner.get_args());
        let file = folder.join(COUNT_FILE);
        let mut command;
        match self {
            Counter::Perf => {
                command = Command::new("perf");
                command
                    .args(["stat", "-x,", "-e", "instructions:u", "-o"])
                    .arg(file)
                    .arg("--")
                    .arg(program);
            }
            Counter::Valgrind => {
                command = Command::new("valgrind");
                command.args([
                    "--tool=cachegrind",
                    "--cache-sim=no",
                    "--cachegrind-out-file=/dev/null",
                ]);
                command.arg(format!("--log-file={}", file.display())).arg(program);
            }
            Counter::Qemu => {
                command = Command::new(program);
                command.arg("-plugin").arg(folder.join(qemu_plugin::FILE));
            }
        }
        command.args(arguments);
        command
    }

    /// Finds the count in the counter's output.
    pub(super) fn count(self, text: &str) -> Option<u64> {
        let number = |word: &str| word.replace(',', "").parse().ok();
        match self {
            Counter::Perf => text
                .lines()
                .find(|line| line.contains("instructions"))
                .and_then(|line| number(line.split(',').next()?)),
            Counter::Valgrind => {
                let line = text.lines().find(|line| line.contains("refs:"))?;
                number(line.split_whitespace().last()?)
            }
            Counter::Qemu => {
                number(text.lines().find_map(|line| line.strip_prefix("instructions: "))?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_in_the_output_of_each_counter() {
        let perf = "# started on Wed\n\n1234567,,instructions:u,6712345,100.00,,\n";
        assert_eq!(Counter::Perf.count(perf), Some(1_234_567));
        assert_eq!(Counter::Perf.count("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(
            Counter::Valgrind.count("==1== \n==1== I   refs:      1,234,567\n"),
            Some(1_234_567)
        );
        assert_eq!(Counter::Qemu.count("a warning\ninstructions: 9\n"), Some(9));
        assert_eq!(Counter::Qemu.count(""), None);
    }

    #[test]
    fn the_counter_precedes_the_counted_command() {
        let mut inner = Command::new("qemu-arm");
        inner.args(["-cpu", "cortex-a15", "bench"]);
        let shown = |counter: Counter| {
            format!("{:?}", counter.command(&inner, Path::new("f"))).replace('"', "")
        };
        assert_eq!(
            shown(Counter::Qemu),
            "qemu-arm -plugin f/count_instructions.so -cpu cortex-a15 bench"
        );
        assert!(shown(Counter::Perf).ends_with("-o f/count -- qemu-arm -cpu cortex-a15 bench"));
        assert!(
            shown(Counter::Valgrind).ends_with("--log-file=f/count qemu-arm -cpu cortex-a15 bench")
        );
    }
}
