//! The `prune` binary with a fake `train`.

mod comparison;
mod errors;
mod folder;
mod results;
mod resume;
#[path = "../support/mod.rs"]
mod support;
#[path = "../workdir/mod.rs"]
mod workdir;

use std::process::Command;
use workdir::Workdir;

/// Returns `prune` with arguments, in a folder.
pub(crate) fn prune(dir: &Workdir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prune"));
    command.current_dir(dir.0.path()).env("FAKE_TRAIN_CALLS", dir.at("calls")).args(arguments);
    command
}
