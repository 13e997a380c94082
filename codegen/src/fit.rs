//! Whether a crate fits on a board: the memory that it needs, and the memory of boards.

use crate::code_size::{code_bytes, int8_code_bytes};
use crate::int8::Int8Plan;
use crate::plan::Plan;
use crate::size::{F32_BYTES, bytes};
use anyhow::{Context, Result, ensure};
use common::board::{Board, PROGRAM, Platform, catalog};
use common::manifest::Fit;
use common::network::Network;
use common::precision::Precision;
use std::path::Path;

/// The board of a microcontroller's crate without `--board`: an emulated one with much memory.
pub(crate) const DEFAULT_BOARD: &str = "qemu-mps2-an386";
/// The RAM of a microcontroller's programs besides arena, image and logits: the stack, times, lines
/// of text.
const VARIABLES_BYTES: u64 = 16 << 10;
/// The same for crates in integers: `bench` has times of 2 KiB and uses a stack of 3 KiB.
const INT8_VARIABLES_BYTES: u64 = 6 << 10;

/// Images in the program `bench` of a microcontroller, which has no files.
pub(crate) const BENCH_IMAGES: usize = 4;
/// The targets for which the kernels in integers are written: with and without a floating-point
/// unit, which they do not use, and without the DSP extension.
const INT8_TARGETS: [&str; 3] =
    ["thumbv7em-none-eabihf", "thumbv7em-none-eabi", "thumbv6m-none-eabi"];

/// The memory map of a microcontroller, and the command that runs programs on it.
pub(crate) struct BoardMemory {
    /// The board's name.
    pub(crate) board: String,
    /// The Rust target triple.
    pub(crate) target: String,
    /// The memory for code and constants.
    pub(crate) flash: Region,
    /// The memory for variables and the stack.
    pub(crate) ram: Region,
    /// The frequency of the processor's clock, if it is known.
    pub(crate) clock_hz: Option<u64>,
    /// The command that runs a program; the program's file follows as the last word.
    pub(crate) runner: Vec<String>,
}

/// A range of addresses.
pub(crate) struct Region {
    /// The first address.
    pub(crate) origin: u64,
    /// The size.
    pub(crate) bytes: u64,
}

impl BoardMemory {
    /// Returns the memory map of a board.
    ///
    /// # Errors
    /// Fails if the board's file has no memory map, or a command that does not end in the program.
    pub(crate) fn of(board: &Board) -> Result<BoardMemory> {
        let Board { name, target, flash_address, flash_bytes, ram_address, ram_bytes, .. } = board;
        let (Some(flash), Some(ram)) =
            (region(*flash_address, *flash_bytes), region(*ram_address, *ram_bytes))
        else {
            anyhow::bail!(
                "the board {name} has no memory map: \
                 its file needs flash_address, flash_bytes, ram_address, ram_bytes"
            )
        };
        Ok(BoardMemory {
            board: name.clone(),
            target: target.clone().context("a microcontroller is not this machine")?,
            flash,
            ram,
            clock_hz: board.clock_hz,
            runner: runner(board)?,
        })
    }
}

fn region(origin: Option<u64>, bytes: Option<u64>) -> Option<Region> {
    // A 32-bit linker reads the addresses.
    let end = origin?.checked_add(bytes?)?;
    (end <= 1 << 32).then_some(Region { origin: origin?, bytes: bytes? })
}

/// Returns the board's command without the program's file and without the arguments for `bench`.
fn runner(board: &Board) -> Result<Vec<String>> {
    let words = board.command.as_deref().unwrap_or_default();
    let before = words.strip_suffix(&[PROGRAM.to_string()]);
    let Some(before) = before else {
        anyhow::bail!(
            "the board {}: \
             the last word of its `command` must be {PROGRAM} for a crate that is run with it",
            board.name
        )
    };
    let without = |word: &String| word.split(",arg=").next().unwrap_or_default().to_string();
    Ok(before.iter().map(without).collect())
}

/// Returns the memory that a crate needs on a platform, and the boards that have as much.
///
/// # Errors
/// Fails if the file of a board that ships with the program is invalid.
pub(crate) fn fit(network: &Network, platform: Platform, plan: &Plan) -> Result<Fit> {
    needs(
        network,
        platform,
        &Needs {
            weights_bytes: bytes(plan.constants_len),
            arena_bytes: bytes(plan.arena_len),
            code_bytes: code_bytes(&plan.steps),
            // The image is kept as pixels of one byte and as f32.
            pixel_bytes: 1 + F32_BYTES,
            variables_bytes: VARIABLES_BYTES,
            precision: Precision::F32,
        },
    )
}

/// Does what [`fit`] does for a crate in integers.
///
/// # Errors
/// Fails as [`fit`] does.
pub(crate) fn of_int8(network: &Network, platform: Platform, plan: &Int8Plan) -> Result<Fit> {
    needs(
        network,
        platform,
        &Needs {
            weights_bytes: plan.lengths.bytes() as u64,
            arena_bytes: plan.arena_len as u64,
            code_bytes: int8_code_bytes(&plan.steps)
                + (BENCH_IMAGES * network.input.shape().elements()) as u64,
            pixel_bytes: 1,
            variables_bytes: INT8_VARIABLES_BYTES,
            precision: Precision::Int8,
        },
    )
}

/// What decides how much memory a crate needs.
struct Needs {
    weights_bytes: u64,
    arena_bytes: u64,
    code_bytes: u64,
    /// Bytes of a pixel of the image in RAM.
    pixel_bytes: u64,
    /// Bytes of the programs' variables besides arena, image and logits.
    variables_bytes: u64,
    precision: Precision,
}

fn needs(network: &Network, platform: Platform, needs: &Needs) -> Result<Fit> {
    let (image, classes) = (network.input.shape().elements() as u64, network.classes.len() as u64);
    let Needs { weights_bytes, arena_bytes, code_bytes, precision, .. } = *needs;
    let mut fit =
        Fit { flash_bytes: None, ram_bytes: None, device_bytes: None, boards: Vec::new() };
    if platform == Platform::Cuda {
        fit.device_bytes = Some(weights_bytes + arena_bytes + F32_BYTES * (image + classes));
    }
    if platform == Platform::CortexM {
        fit.flash_bytes = Some(weights_bytes + code_bytes);
        fit.ram_bytes =
            Some(arena_bytes + needs.pixel_bytes * image + 4 * classes + needs.variables_bytes);
    }
    let boards = catalog::shipped()?.into_values();
    let fitting = boards.filter(|board| check(&fit, platform, precision, board).is_ok());
    let names = fitting.map(|board| board.name).collect();
    Ok(Fit { boards: names, ..fit })
}

/// Checks that a crate fits on a board.
///
/// # Errors
/// Fails if the board is of another platform, has a processor that cannot run the kernels, or has
/// too little memory.
pub(crate) fn check(
    fit: &Fit,
    platform: Platform,
    precision: Precision,
    board: &Board,
) -> Result<()> {
    let Board { name, flash_bytes, ram_bytes, .. } = board;
    ensure!(
        board.platform == platform,
        "the board {name} is of the platform {}, not {}",
        board.platform,
        platform.name()
    );
    if platform == Platform::CortexM {
        check_processor(precision, board)?;
    }
    for (what, needed, there) in
        [("flash", fit.flash_bytes, *flash_bytes), ("RAM", fit.ram_bytes, *ram_bytes)]
    {
        let (Some(needed), Some(there)) = (needed, there) else { continue };
        ensure!(
            needed <= there,
            "the crate does not fit on the board {name}: \
             it needs {needed} bytes of {what}, of which there are {there}; \
             take a smaller network or another board"
        );
    }
    Ok(())
}

/// Checks that a microcontroller's processor can run the kernels: its target says what it has.
fn check_processor(precision: Precision, board: &Board) -> Result<()> {
    let Board { name, target, .. } = board;
    let target = target.as_deref().unwrap_or_default();
    match precision {
        Precision::F32 => ensure!(
            target.ends_with("hf"),
            "the board {name} has no floating-point unit ({target}), which crates in f32 use; \
             an int8 crate needs none: run `train quantize`, then `codegen generate --quantized`"
        ),
        Precision::Int8 => ensure!(
            INT8_TARGETS.contains(&target),
            "the board {name} is of the target {target}, but int8 crates are built for {}",
            INT8_TARGETS.join(", ")
        ),
    }
    Ok(())
}

/// Returns the board of `--board`, if the crate fits on it.
///
/// # Errors
/// Fails if there is no such board, or if the crate does not fit.
pub(crate) fn find_fitting(
    name_or_file: &str,
    fit: &Fit,
    platform: Platform,
    precision: Precision,
) -> Result<Board> {
    let board = catalog::find(name_or_file, Path::new(catalog::FOLDER))?;
    check(fit, platform, precision, &board)?;
    Ok(board)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nucleo() -> Board {
        catalog::shipped().unwrap().remove("nucleo-h743zi").unwrap()
    }

    #[test]
    fn memory_and_runner_of_a_board() {
        let memory = BoardMemory::of(&nucleo()).unwrap();
        assert_eq!((memory.flash.origin, memory.ram.bytes), (0x0800_0000, 512 << 10));
        assert_eq!(memory.runner[..2], ["probe-rs", "run"]);
        let qemu = BoardMemory::of(&catalog::shipped().unwrap()[DEFAULT_BOARD]).unwrap();
        assert!(
            qemu.runner.contains(&"enable=on,target=native".to_string())
                && qemu.runner.ends_with(&["-kernel".into()])
        );
    }

    #[test]
    fn a_board_without_a_memory_map_is_refused() {
        for board in [
            Board { ram_address: None, ..nucleo() },
            Board { flash_bytes: Some(u64::MAX), ..nucleo() },
        ] {
            assert!(BoardMemory::of(&board).err().unwrap().to_string().contains("memory map"));
        }
        assert!(BoardMemory::of(&Board { command: None, ..nucleo() }).is_err());
    }

    #[test]
    fn a_board_with_too_little_memory_is_refused() {
        let fit = |flash, ram| Fit {
            flash_bytes: Some(flash),
            ram_bytes: Some(ram),
            device_bytes: None,
            boards: vec![],
        };
        let refused = |fit| {
            check(&fit, Platform::CortexM, Precision::F32, &nucleo())
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(refused(fit(2 << 20, 512 << 10)), None);
        assert!(refused(fit((2 << 20) + 1, 0)).unwrap().contains("2097153 bytes of flash"));
        assert!(refused(fit(0, (512 << 10) + 1)).unwrap().contains("524289 bytes of RAM"));
        assert!(
            check(&fit(0, 0), Platform::Armv7, Precision::F32, &nucleo())
                .unwrap_err()
                .to_string()
                .contains("cortex-m")
        );
    }

    #[test]
    fn a_processor_that_cannot_run_the_kernels_is_refused() {
        let fit = || Fit { flash_bytes: None, ram_bytes: None, device_bytes: None, boards: vec![] };
        let of = |target: &str| Board { target: Some(target.into()), ..nucleo() };
        let refused = |precision, target| {
            let checked = check(&fit(), Platform::CortexM, precision, &of(target));
            checked.err().map(|error| error.to_string())
        };
        for target in INT8_TARGETS {
            assert_eq!(refused(Precision::Int8, target), None);
            let text = refused(Precision::F32, target);
            assert_eq!(text.is_none(), target == "thumbv7em-none-eabihf");
            assert!(text.is_none_or(|text| text.contains("int8 crate needs none")));
        }
        assert_eq!(refused(Precision::F32, "thumbv8m.main-none-eabihf"), None);
        let text = refused(Precision::Int8, "thumbv7m-none-eabi").unwrap();
        assert!(text.contains("thumbv7m-none-eabi, but"), "{text}");
    }
}
