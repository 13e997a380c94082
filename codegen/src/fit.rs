//! Whether a crate fits on a board: the memory that it needs, and the memory of boards.

use crate::code_size::{code_bytes, int8_code_bytes};
use crate::int8::Int8Plan;
use crate::plan::Plan;
use crate::size::{F32_BYTES, bytes};
use anyhow::{Result, ensure};
use common::board::{Board, PROGRAM, Platform, catalog};
use common::manifest::Fit;
use common::network::Network;
use std::path::Path;

/// The board of a microcontroller's crate without `--board`: an emulated one with much memory.
pub(crate) const DEFAULT_BOARD: &str = "qemu-mps2-an386";
/// The RAM of a microcontroller's programs besides arena, image and logits: the stack, times, lines
/// of text.
const VARIABLES_BYTES: u64 = 16 << 10;

/// The memory map of a microcontroller, and the command that runs programs on it.
pub(crate) struct BoardMemory {
    /// The board's name.
    pub(crate) board: String,
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
        let Board { name, flash_address, flash_bytes, ram_address, ram_bytes, .. } = board;
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
            code_bytes: int8_code_bytes(&plan.steps),
            pixel_bytes: 1,
        },
    )
}

/// What decides how much memory a crate needs.
struct Needs {
    weights_bytes: u64,
    arena_bytes: u64,
    code_bytes: u64,
    /// Bytes of a pixel of the image.
    pixel_bytes: u64,
}

fn needs(network: &Network, platform: Platform, needs: &Needs) -> Result<Fit> {
    let (image, classes) = (network.input.shape().elements() as u64, network.classes.len() as u64);
    let Needs { weights_bytes, arena_bytes, code_bytes, pixel_bytes } = *needs;
    let mut fit =
        Fit { flash_bytes: None, ram_bytes: None, device_bytes: None, boards: Vec::new() };
    if platform == Platform::Cuda {
        fit.device_bytes = Some(weights_bytes + arena_bytes + F32_BYTES * (image + classes));
    }
    if platform == Platform::CortexM {
        fit.flash_bytes = Some(weights_bytes + code_bytes);
        fit.ram_bytes = Some(arena_bytes + pixel_bytes * image + 4 * classes + VARIABLES_BYTES);
    }
    let boards = catalog::shipped()?.into_values();
    let fitting = boards.filter(|board| check(&fit, platform, board).is_ok());
    let names = fitting.map(|board| board.name).collect();
    Ok(Fit { boards: names, ..fit })
}

/// Checks that a crate fits on a board.
///
/// # Errors
/// Fails if the board is of another platform or has too little memory.
pub(crate) fn check(fit: &Fit, platform: Platform, board: &Board) -> Result<()> {
    let Board { name, flash_bytes, ram_bytes, .. } = board;
    ensure!(
        board.platform == platform,
        "the board {name} is of the platform {}, not {}",
        board.platform,
        platform.name()
    );
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

/// Returns the board of `--board`, if the crate fits on it.
///
/// # Errors
/// Fails if there is no such board, or if the crate does not fit.
pub(crate) fn find_fitting(name_or_file: &str, fit: &Fit, platform: Platform) -> Result<Board> {
    let board = catalog::find(name_or_file, Path::new(catalog::FOLDER))?;
    check(fit, platform, &board)?;
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
        let refused =
            |fit| check(&fit, Platform::CortexM, &nucleo()).err().map(|error| error.to_string());
        assert_eq!(refused(fit(2 << 20, 512 << 10)), None);
        assert!(refused(fit((2 << 20) + 1, 0)).unwrap().contains("2097153 bytes of flash"));
        assert!(refused(fit(0, (512 << 10) + 1)).unwrap().contains("524289 bytes of RAM"));
        assert!(
            check(&fit(0, 0), Platform::Armv7, &nucleo())
                .unwrap_err()
                .to_string()
                .contains("cortex-m")
        );
    }
}
