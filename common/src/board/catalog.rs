//! Finding boards: those that ship with the program, those in `pipelines/boards`, and any file.

use crate::board::description::Board;
use crate::files::json;
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The boards that are known wherever the program runs.
const SHIPPED: [&str; 11] = [
    include_str!("../../../pipelines/boards/host.json"),
    include_str!("../../../pipelines/boards/jetson-orin-nano.json"),
    include_str!("../../../pipelines/boards/nucleo-h743zi.json"),
    include_str!("../../../pipelines/boards/nvidia-gpu.json"),
    include_str!("../../../pipelines/boards/odroid-xu4.json"),
    include_str!("../../../pipelines/boards/qemu-aarch64.json"),
    include_str!("../../../pipelines/boards/qemu-cortex-a15.json"),
    include_str!("../../../pipelines/boards/qemu-mps2-an386.json"),
    include_str!("../../../pipelines/boards/qemu-mps3-an547.json"),
    include_str!("../../../pipelines/boards/raspberry-pi-4.json"),
    include_str!("../../../pipelines/boards/raspberry-pi-5.json"),
];
/// Where a board's file is found by its name, relative to where the program runs; it goes before a
/// shipped board.
pub const FOLDER: &str = "pipelines/boards";

/// The board that `--board` means: a file where it looks like one, with a `/` or ending in `.json`,
/// else a name.
///
/// # Errors
/// A name that is not known, with those that are, or a file that is not a board.
pub fn find(name_or_file: &str, folder: &Path) -> Result<Board> {
    if name_or_file.contains('/') || name_or_file.ends_with(".json") {
        return json::read(Path::new(name_or_file));
    }
    let own = folder.join(format!("{name_or_file}.json"));
    if own.is_file() {
        return read_named(&own);
    }
    let mut shipped = shipped()?;
    let names =
        || -> Result<String> { Ok(known(folder)?.into_keys().collect::<Vec<_>>().join(", ")) };
    match shipped.remove(name_or_file) {
        Some(board) => Ok(board),
        None => Err(anyhow!(
            "there is no board {name_or_file:?}; known boards: {}; or name a board's file, such as ./board.json",
            names()?
        )),
    }
}

/// All boards by name.
///
/// # Errors
/// A file in the folder that is not a board.
pub fn known(folder: &Path) -> Result<BTreeMap<String, Board>> {
    let mut boards = shipped()?;
    if folder.is_dir() {
        let failed = || format!("{}: cannot read the folder", folder.display());
        for entry in fs::read_dir(folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let board = read_named(&path)?;
                boards.insert(board.name.clone(), board);
            }
        }
    }
    Ok(boards)
}

/// The boards that are known wherever the program runs, by name.
///
/// # Errors
/// None for the files that ship.
pub fn shipped() -> Result<BTreeMap<String, Board>> {
    let boards = SHIPPED.into_iter().map(json::parse::<Board>);
    boards.map(|board| board.map(|board| (board.name.clone(), board))).collect()
}

fn read_named(path: &Path) -> Result<Board> {
    let board: Board = json::read(path)?;
    ensure!(
        path.file_stem().is_some_and(|stem| stem.to_string_lossy() == board.name),
        "{}: the board in it is named {:?}; file and board must have the same name",
        path.display(),
        board.name
    );
    Ok(board)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::meter::Meter;
    use crate::board::platform::Platform;
    use crate::board::runner::Runner;

    fn nowhere() -> &'static Path {
        Path::new("no/such/folder")
    }

    #[test]
    fn shipped_boards_are_known_everywhere() {
        let host = find("host", nowhere()).unwrap();
        assert_eq!((host.platform, host.target.as_deref()), (Platform::X86_64, None));
        assert_eq!((host.runner, host.meter), (Runner::Local, Meter::Rapl));
    }

    #[test]
    fn every_board_that_ships_is_known_everywhere() {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/boards");
        let files = fs::read_dir(&ours).unwrap().count();
        assert_eq!(SHIPPED.len(), files, "a board's file is missing in SHIPPED");
        assert_eq!(known(nowhere()).unwrap(), known(&ours).unwrap());
    }

    #[test]
    fn an_unknown_board_is_an_error_that_lists_the_known_ones() {
        let dir = tempfile::tempdir().unwrap();
        let own = Board { name: "bench-7".into(), ..find("host", nowhere()).unwrap() };
        json::write(&dir.path().join("bench-7.json"), &own).unwrap();
        let error = find("raspberry", dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("\"raspberry\"") && error.contains("bench-7, host, jetson-orin-nano"),
            "{error}"
        );
    }

    #[test]
    fn a_file_goes_before_a_shipped_board_and_must_have_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let own = Board { meter: Meter::None, ..find("host", nowhere()).unwrap() };
        json::write(&dir.path().join("host.json"), &own).unwrap();
        assert_eq!(find("host", dir.path()).unwrap().meter, Meter::None);
        assert_eq!(known(dir.path()).unwrap()["host"].meter, Meter::None);
        let other = dir.path().join("other.json");
        json::write(&other, &own).unwrap();
        assert!(find("other", dir.path()).unwrap_err().to_string().contains("the same name"));
        assert_eq!(find(other.to_str().unwrap(), nowhere()).unwrap(), own);
    }
}
