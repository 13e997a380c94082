//! A board: where a generated crate runs and how its energy is read (`pipelines/boards/*.json`).

use crate::board::meter::Meter;
use crate::board::platform::Platform;
use crate::board::runner::Runner;
use crate::files::json::Document;
use crate::files::ranges::all_within;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The placeholder for the program's file in a board's `command`.
pub const PROGRAM: &str = "{program}";

/// Size of a microcontroller's address space, in bytes.
const ADDRESSES: u64 = 1 << 32;

/// A board, as described in a file of `pipelines/boards`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Name, as in `--board NAME`.
    pub name: String,
    /// Description for people.
    pub about: String,
    /// Platform that crates for this board are generated for.
    pub platform: Platform,
    /// Rust target triple that crates are built for; `null` for the building machine's own. A
    /// microcontroller has a floating-point unit if it ends in `hf`.
    pub target: Option<String>,
    /// Way in which a crate gets to the board and runs.
    pub runner: Runner,
    /// Way in which energy is read.
    pub meter: Meter,
    /// For the runners `qemu` and `probe-rs`: the tool and its arguments. `{program}` stands for
    /// the file of the program, `{arguments}` for the arguments of `bench`, one word each, and
    /// `{arguments:SEPARATOR}` for the same arguments joined by the separator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// For the runners `ssh` and `adb`: the folder on the board that programs are copied to. The
    /// default is the board's variable `TMPDIR`, else `/tmp`, or `/data/local/tmp` with `adb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// For the meter `hwmon`: the chip and its rails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hwmon: Option<Hwmon>,
    /// For the meter `nvml`: the index of the GPU, 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Start address of a microcontroller's memory for code and constants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_address: Option<u64>,
    /// Size of that memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// Start address of a microcontroller's memory for variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_address: Option<u64>,
    /// Size of that memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<u64>,
    /// Clock rate of a microcontroller when a program starts, in Hz. Its cycle counter serves as a
    /// clock only if this is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_hz: Option<u64>,
}

/// Power sensors of Linux's hwmon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hwmon {
    /// Name of the chip, e.g. `ina3221`.
    pub chip: String,
    /// The rail that carries all power of the board, e.g. `VDD_IN`, or rails whose powers add up to
    /// it; `null` for a chip that measures a single rail.
    pub rail: Option<Rails>,
}

/// Rails by their names. A name is a label. If several chips have that label, it is the address on
/// the bus or the folder of the chip, alone or followed by a `/` and the label or channel, e.g.
/// `1-0040/in1`. A rail of another chip begins with the name of that chip and a `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a rail's name or a list of such names")]
pub enum Rails {
    /// A single rail.
    One(String),
    /// Rails whose powers are added.
    Sum(Vec<String>),
}

impl Rails {
    /// Returns the names of all rails.
    pub fn names(&self) -> &[String] {
        match self {
            Rails::One(name) => std::slice::from_ref(name),
            Rails::Sum(names) => names,
        }
    }
}

/// Returns whether a path is absolute, has only characters that no shell interprets, and has no
/// `..`.
pub fn is_plain_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    path.starts_with('/') && path.chars().all(plain) && path.split('/').all(|name| name != "..")
}

impl Board {
    /// Returns whether the board is an emulator, so that its times say nothing about hardware.
    pub fn is_emulated(&self) -> bool {
        match self.runner {
            Runner::Qemu => true,
            Runner::Local | Runner::Ssh | Runner::Adb | Runner::ProbeRs => false,
        }
    }

    fn check_runner(&self) -> Result<()> {
        let Board { name, runner, target, command, .. } = self;
        ensure!(
            target.is_some() || *runner == Runner::Local,
            "the board {name} is not this machine: its `target` cannot be null"
        );
        match runner {
            Runner::Qemu | Runner::ProbeRs => {
                let words = command.as_deref().unwrap_or_default();
                let program = words.iter().skip(1).any(|word| word.contains(PROGRAM));
                ensure!(
                    program,
                    "the board {name} needs a `command` that runs {PROGRAM}, for its runner is {runner}"
                );
            }
            Runner::Local | Runner::Ssh | Runner::Adb => {
                ensure!(
                    command.is_none(),
                    "the board {name} cannot have a `command`, for its runner is {runner}"
                );
            }
        }
        Ok(())
    }

    fn check_folder(&self) -> Result<()> {
        let Board { name, runner, folder, .. } = self;
        let Some(folder) = folder else { return Ok(()) };
        let copied = match runner {
            Runner::Ssh | Runner::Adb => true,
            Runner::Local | Runner::Qemu | Runner::ProbeRs => false,
        };
        ensure!(copied, "the board {name} cannot have a `folder`, for its runner is {runner}");
        ensure!(
            is_plain_path(folder),
            "the board {name}: its `folder` {folder:?} must begin with a / and may only have letters, digits, '.', '_', '-' and '/'"
        );
        Ok(())
    }

    /// Checks that both memories end below 4 GiB and do not overlap.
    fn check_memory(&self) -> Result<()> {
        let name = &self.name;
        all_within("clock_hz", self.clock_hz, &(1..=1 << 50))
            .with_context(|| format!("the board {name}"))?;
        let region = |memory: &str,
                      address: Option<u64>,
                      bytes: Option<u64>|
         -> Result<Range<u64>> {
            ensure!(bytes != Some(0), "the board {name}: its {memory}_bytes must be above 0");
            let (start, bytes) = (address.unwrap_or(0), bytes.unwrap_or(0));
            let end = start.checked_add(bytes).filter(|end| *end <= ADDRESSES);
            let end = end.with_context(|| {
                format!("the board {name}: {bytes} {memory}_bytes from {memory}_address {start} on end past 4 GiB")
            })?;
            Ok(start..end)
        };
        let flash = region("flash", self.flash_address, self.flash_bytes)?;
        let ram = region("ram", self.ram_address, self.ram_bytes)?;
        ensure!(
            flash.is_empty() || ram.is_empty() || flash.end <= ram.start || ram.end <= flash.start,
            "the board {name}: its flash, addresses {} to {}, and its ram, {} to {}, overlap",
            flash.start,
            flash.end,
            ram.start,
            ram.end
        );
        Ok(())
    }

    /// Checks that the meter can measure the board: a meter of this machine cannot measure another
    /// machine, and an emulator has no power of its own.
    fn check_meter(&self) -> Result<()> {
        let Board { name, runner, meter, .. } = self;
        let why = match runner {
            Runner::Qemu => "an emulated board has no power to measure; its meter must be none",
            Runner::Ssh | Runner::Adb => {
                "NVML is read by the machine that measure runs on, which the board is not"
            }
            Runner::Local | Runner::ProbeRs => {
                "such a meter measures the machine that measure runs on, not the board"
            }
        };
        let fits = runner.meters().contains(meter);
        ensure!(
            fits,
            "the board {name} cannot have the meter {meter} with the runner {runner}: {why}"
        );
        let hwmon = *meter == Meter::Hwmon;
        ensure!(
            hwmon == self.hwmon.is_some(),
            "the board {name}: `hwmon` is required with the meter hwmon, and only with it"
        );
        let rails = self.hwmon.iter().filter_map(|hwmon| hwmon.rail.as_ref());
        for names in rails.map(Rails::names) {
            let named = !names.is_empty() && names.iter().all(|name| !name.trim().is_empty());
            ensure!(
                named,
                "the board {name}: `hwmon.rail` must name a rail, or be null where the chip has only one"
            );
        }
        all_within("gpu", self.gpu, &(0..=1023))?;
        ensure!(
            self.gpu.is_none() || *meter == Meter::Nvml,
            "the board {name}: `gpu` is for the meter nvml"
        );
        Ok(())
    }
}

impl Document for Board {
    const KIND: &'static str = "board";

    fn check(&self) -> Result<()> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        ensure!(
            !self.name.is_empty() && self.name.chars().all(allowed),
            "the board name {:?} may only have letters, digits, '-' and '_'",
            self.name
        );
        self.check_runner()?;
        self.check_folder()?;
        self.check_memory()?;
        self.check_meter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board {
            name: "raspberry-pi-4".into(),
            about: String::new(),
            platform: Platform::Aarch64,
            target: Some("aarch64-unknown-linux-gnu".into()),
            runner: Runner::Ssh,
            meter: Meter::None,
            command: None,
            folder: None,
            hwmon: None,
            gpu: None,
            flash_address: None,
            flash_bytes: None,
            ram_address: None,
            ram_bytes: None,
            clock_hz: None,
        }
    }

    fn refusal(board: Board) -> String {
        board.check().unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        assert!(board().check().is_ok());
        assert!(Board { name: String::new(), ..board() }.check().is_err());
        assert!(Board { name: "../host".into(), ..board() }.check().is_err());
    }

    /// Checks all 30 pairs: no meter of this machine goes with another board.
    #[test]
    fn a_meter_must_see_the_board() {
        let allowed = |runner, meter| {
            let command = match runner {
                Runner::Qemu | Runner::ProbeRs => {
                    Some(vec!["tool".to_string(), PROGRAM.to_string()])
                }
                Runner::Local | Runner::Ssh | Runner::Adb => None,
            };
            let hwmon =
                (meter == Meter::Hwmon).then(|| Hwmon { chip: "ina219".into(), rail: None });
            Board { runner, meter, command, hwmon, ..board() }.check().is_ok()
        };
        let of = |runner| {
            Meter::ALL.into_iter().filter(|meter| allowed(runner, *meter)).collect::<Vec<_>>()
        };
        assert_eq!(of(Runner::Local), Meter::ALL);
        for remote in [Runner::Ssh, Runner::Adb] {
            assert_eq!(
                of(remote),
                [Meter::Rapl, Meter::Hwmon, Meter::Csv, Meter::Manual, Meter::None]
            );
        }
        assert_eq!(of(Runner::ProbeRs), [Meter::Csv, Meter::Manual, Meter::None]);
        assert_eq!(of(Runner::Qemu), [Meter::None]);
    }

    #[test]
    fn memories_neither_overlap_nor_wrap_around() {
        let with = |flash: (u64, u64), ram: (u64, u64)| {
            let (flash_address, flash_bytes) = (Some(flash.0), Some(flash.1));
            let (ram_address, ram_bytes) = (Some(ram.0), Some(ram.1));
            Board { flash_address, flash_bytes, ram_address, ram_bytes, ..board() }
                .check()
                .map_err(|e| e.to_string())
        };
        for (flash, ram) in
            [((0, 512), (512, 1)), ((512, 1), (0, 512)), ((0, 1), ((1 << 32) - 8, 8))]
        {
            assert_eq!(with(flash, ram), Ok(()));
        }
        for (flash, ram) in
            [((0, 512), (511, 1)), ((0, 512), (0, 512)), ((100, 1), (0, 512)), ((0, 512), (100, 1))]
        {
            assert!(with(flash, ram).unwrap_err().contains("overlap"));
        }
        assert!(
            with((0, 1), ((1 << 32) - 8, 9))
                .unwrap_err()
                .contains("9 ram_bytes from ram_address 4294967288 on end past")
        );
        assert!(
            with((u64::MAX, 2), (0, 1)).unwrap_err().contains("2 flash_bytes from flash_address")
        );
        assert!(with((0, u64::MAX), (0, 1)).unwrap_err().contains("end past 4 GiB"));
        assert!(with((0, 0), (0, 1)).unwrap_err().contains("flash_bytes must be above 0"));
        let wraps = Board { ram_bytes: Some(u64::MAX), ..board() };
        assert!(refusal(wraps).contains("ram_bytes"), "without an address, too");
    }

    #[test]
    fn settings_of_a_runner_or_meter_are_required_and_others_refused() {
        assert!(refusal(Board { target: None, ..board() }).contains("`target` cannot be null"));
        assert!(refusal(Board { runner: Runner::Qemu, ..board() }).contains("needs a `command`"));
        let command = Some(vec!["{program}".to_string()]);
        assert!(
            refusal(Board { runner: Runner::ProbeRs, command: command.clone(), ..board() })
                .contains("`command`")
        );
        assert!(refusal(Board { command, ..board() }).contains("cannot have a `command`"));
        assert!(
            refusal(Board { meter: Meter::Hwmon, ..board() })
                .contains("`hwmon` is required with the meter")
        );
        let in_folder = |folder: &str| Board { folder: Some(folder.into()), ..board() };
        assert!(in_folder("/home/pi/bench-1.d").check().is_ok());
        for folder in ["", "tmp", "~/x", "/a b", "/a;b", "/tmp/../etc"] {
            assert!(refusal(in_folder(folder)).contains("must begin with a /"), "{folder}");
        }
        let here = Board { runner: Runner::Local, ..in_folder("/home/pi") };
        assert!(refusal(here).contains("cannot have a `folder`"));
        for rail in [
            Rails::Sum(vec![]),
            Rails::One(" ".into()),
            Rails::Sum(vec!["VDD_IN".into(), String::new()]),
        ] {
            let hwmon = Some(Hwmon { chip: "ina3221".into(), rail: Some(rail) });
            assert!(
                refusal(Board { meter: Meter::Hwmon, hwmon, ..board() })
                    .contains("`hwmon.rail` must name a rail")
            );
        }
        assert!(refusal(Board { gpu: Some(1), ..board() }).contains("for the meter nvml"));
    }
}
