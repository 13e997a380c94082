//! `train`: trains and evaluates one network. See `train --help`.

use clap::Parser;
use std::process::ExitCode;

/// Training allocates and frees the same large tensors at every step; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = train::Args::parse();
    common::stage::main(|| train::run(args))
}
