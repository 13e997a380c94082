//! What is known of the boards that a crate is for: which have enough memory, and where it begins.

use crate::code::code_bytes;
use crate::plan::Plan;
use crate::platform::Platform;
use crate::report::{F32_BYTES, bytes};
use anyhow::{Result, ensure};
use common::board::{Board, PROGRAM};
use common::boards;
use common::manifest::Fit;
use common::network::Network;
use std::path::Path;

/// The board of a microcontroller's crate where none is asked for: one with much memory that
/// everybody can run.
pub(crate) const DEFAULT: &str = "qemu-mps2-an386";
/// What a microcontroller's programs need besides arena, image and logits: the stack, times, lines
/// of text.
const VARIABLES_BYTES: u64 = 16 << 10;

/// The memory of a microcontroller, and how programs get there.
pub(crate) struct Memory {
    /// The board's name.
    pub(crate) board: String,
    /// Where code and constants lie.
    pub(crate) flash: Region,
    /// Where variables and the stack lie.
    pub(crate) ram: Region,
    /// How fast the processor's clock is, if that is known.
    pub(crate) clock_hz: Option<u64>,
    /// The command that runs a program whose file is its last word.
    pub(crate) runner: Vec<String>,
}

/// A piece of memory.
pub(crate) struct Region {
    /// Its first address.
    pub(crate) origin: u64,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Memory {
    /// What a board's file says.
    ///
    /// # Errors
    /// It does not say enough.
    pub(crate) fn of(board: &Board) -> Result<Memory> {
        let Board { name, flash_address, flash_bytes, ram_address, ram_bytes, .. } = board;
        let (Some(flash), Some(ram)) =
            (region(*flash_address, *flash_bytes), region(*ram_address, *ram_bytes))
        else {
            anyhow::bail!(
                "the board {name} has no memory map: its file needs flash_address, flash_bytes, ram_address, ram_bytes"
            )
        };
        Ok(Memory {
            board: name.clone(),
            flash,
            ram,
            clock_hz: board.clock_hz,
            runner: runner(board)?,
        })
    }
}

fn region(origin: Option<u64>, bytes: Option<u64>) -> Option<Region> {
    // A linker for 32 bits reads it.
    let end = origin?.checked_add(bytes?)?;
    (end <= 1 << 32).then_some(Region { origin: origin?, bytes: bytes? })
}

/// The board's command without the program's file, and without what `bench` is told.
fn runner(board: &Board) -> Result<Vec<String>> {
    let words = board.command.as_deref().unwrap_or_default();
    let before = words.strip_suffix(&[PROGRAM.to_string()]);
    let Some(before) = before else {
        anyhow::bail!(
            "the board {}: the last word of its `command` must be {PROGRAM} for a crate that is run with it",
            board.name
        )
    };
    let without = |word: &String| word.split(",arg=").next().unwrap_or_default().to_string();
    Ok(before.iter().map(without).collect())
}

/// What a crate needs on a platform, and the boards that have it.
///
/// # Errors
/// None for the boards that ship.
pub(crate) fn fit(network: &Network, platform: Platform, plan: &Plan) -> Result<Fit> {
    let (image, classes) = (network.input.shape().elements() as u64, network.classes.len() as u64);
    let (weights_bytes, arena_bytes) = (bytes(plan.constants_len), bytes(plan.arena_len));
    let mut fit =
        Fit { flash_bytes: None, ram_bytes: None, device_bytes: None, boards: Vec::new() };
    if platform == Platform::Cuda {
        fit.device_bytes = Some(weights_bytes + arena_bytes + F32_BYTES * (image + classes));
    }
    if platform == Platform::CortexM {
        fit.flash_bytes = Some(weights_bytes + code_bytes(&plan.steps));
        // The image is kept as pixels and as numbers.
        fit.ram_bytes = Some(arena_bytes + 5 * image + 4 * classes + VARIABLES_BYTES);
    }
    let boards = boards::shipped()?.into_values();
    let fitting = boards.filter(|board| check(&fit, platform, board).is_ok());
    let names = fitting.map(|board| board.name).collect();
    Ok(Fit { boards: names, ..fit })
}

/// Checks that a crate can run on a board.
///
/// # Errors
/// It is of another platform or too small.
pub(crate) fn check(fit: &Fit, platform: Platform, board: &Board) -> Result<()> {
    let Board { name, flash_bytes, ram_bytes, .. } = board;
    ensure!(
        board.platform == platform.name(),
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
            "the crate does not fit on the board {name}: it needs {needed} bytes of {what}, of which there are {there}; \
             take a smaller network or another board"
        );
    }
    Ok(())
}

/// The board that `--board` means, if the crate fits on it.
///
/// # Errors
/// There is no such board, or the crate does not fit.
pub(crate) fn asked(name_or_file: &str, fit: &Fit, platform: Platform) -> Result<Board> {
    let board = boards::find(name_or_file, Path::new(boards::FOLDER))?;
    check(fit, platform, &board)?;
    Ok(board)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nucleo() -> Board {
        boards::shipped().unwrap().remove("nucleo-h743zi").unwrap()
    }

    #[test]
    fn memory_and_runner_of_a_board() {
        let memory = Memory::of(&nucleo()).unwrap();
        assert_eq!((memory.flash.origin, memory.ram.bytes), (0x0800_0000, 512 << 10));
        assert_eq!(memory.runner[..2], ["probe-rs", "run"]);
        let qemu = Memory::of(&boards::shipped().unwrap()[DEFAULT]).unwrap();
        assert!(
            qemu.runner.contains(&"enable=on,target=native".to_string())
                && qemu.runner.ends_with(&["-kernel".into()])
        );
    }

    #[test]
    fn a_board_without_a_memory_map_is_no_microcontroller() {
        for board in [
            Board { ram_address: None, ..nucleo() },
            Board { flash_bytes: Some(u64::MAX), ..nucleo() },
        ] {
            assert!(Memory::of(&board).err().unwrap().to_string().contains("memory map"));
        }
        assert!(Memory::of(&Board { command: None, ..nucleo() }).is_err());
    }

    #[test]
    fn too_much_is_refused() {
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
