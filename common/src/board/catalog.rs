//! Finds boards: those that ship with the program, those in `pipelines/boards`, and any file.

use crate::board::description::Board;
use crate::files::json;
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Boards that are built into the program.
const SHIPPED: [&str; 12] = [
    include_str!("../../../pipelines/boards/host.json"),
    include_str!("../../../pipelines/boards/jetson-orin-nano.json"),
    include_str!("../../../pipelines/boards/nucleo-h743zi.json"),
    include_str!("../../../pipelines/boards/nvidia-gpu.json"),
    include_str!("../../../pipelines/boards/odroid-xu4.json"),
    include_str!("../../../pipelines/boards/qemu-aarch64.json"),
    include_str!("../../../pipelines/boards/qemu-cortex-a15.json"),
    include_str!("../../../pipelines/boards/qemu-microbit.json"),
    include_str!("../../../pipelines/boards/qemu-mps2-an386.json"),
    include_str!("../../../pipelines/boards/qemu-mps3-an547.json"),
    include_str!("../../../pipelines/boards/raspberry-pi-4.json"),
    include_str!("../../../pipelines/boards/raspberry-pi-5.json"),
];
/// Folder in which a board is found by its name, relative to the working folder. A file there takes
/// precedence over a shipped board of the same name.
pub const FOLDER: &str = "pipelines/boards";

/// Returns the board that the option `--board` names: a file if the text contains a `/` or ends in
/// `.json`, else a name.
///
/// # Errors
/// Fails if the name is not known, with a list of the known names, or if the file is not a board.
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

/// Returns all boards by name.
///
/// # Errors
/// Fails if a file in the folder is not a board.
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

/// Returns the boards that are built into the program, by name.
///
/// # Errors
/// Fails only if a shipped file is damaged.
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

    fn missing_folder() -> &'static Path {
        Path::new("no/such/folder")
    }

    #[test]
    fn the_host_board_is_found_without_a_folder() {
        let host = find("host", missing_folder()).unwrap();
        assert_eq!((host.platform, host.target.as_deref()), (Platform::X86_64, None));
        assert_eq!((host.runner, host.meter), (Runner::Local, Meter::Rapl));
    }

    #[test]
    fn every_board_file_is_built_into_the_program() {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/boards");
        let files = fs::read_dir(&ours).unwrap().count();
        assert_eq!(SHIPPED.len(), files, "a board's file is missing in SHIPPED");
        assert_eq!(known(missing_folder()).unwrap(), known(&ours).unwrap());
    }

    #[test]
    fn an_unknown_board_is_an_error_that_lists_the_known_ones() {
        let dir = tempfile::tempdir().unwrap();
        let own = Board { name: "bench-7".into(), ..find("host", missing_folder()).unwrap() };
        json::write(&dir.path().join("bench-7.json"), &own).unwrap();
        let error = find("raspberry", dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("\"raspberry\"") && error.contains("bench-7, host, jetson-orin-nano"),
            "{error}"
        );
    }

    #[test]
    fn a_file_takes_precedence_over_a_shipped_board_and_must_have_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let own = Board { meter: Meter::None, ..find("host", missing_folder()).unwrap() };
        json::write(&dir.path().join("host.json"), &own).unwrap();
        assert_eq!(find("host", dir.path()).unwrap().meter, Meter::None);
        assert_eq!(known(dir.path()).unwrap()["host"].meter, Meter::None);
        let other = dir.path().join("other.json");
        json::write(&other, &own).unwrap();
        assert!(find("other", dir.path()).unwrap_err().to_string().contains("the same name"));
        assert_eq!(find(other.to_str().unwrap(), missing_folder()).unwrap(), own);
    }
}
