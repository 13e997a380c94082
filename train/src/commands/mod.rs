//! The commands: what they read, what they write.

mod eval;
mod fit;
mod init;

pub(crate) use eval::{EvalArgs, eval};
pub(crate) use fit::{FitArgs, fit};
pub(crate) use init::{InitArgs, init};

use anyhow::{Context, Result, ensure};
use clap::Args;
use common::dataset::{Dataset, Images};
use common::device::Device;
use common::network::Network;
use std::path::Path;

#[derive(Debug, Args)]
struct Compute {
    /// Threads [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Where to compute: cpu, or cuda or cuda:N for an NVIDIA GPU (`make build-cuda`)
    #[arg(long, default_value = "cpu")]
    device: Device,
}

impl Compute {
    /// Starts the threads; returns how many. Must come first: it sets environment variables.
    #[allow(unsafe_code)]
    fn start(&self) -> Result<usize> {
        crate::memory::keep();
        let threads = match self.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism()
                .context("cannot tell how many cores there are")?
                .get(),
        };
        // Candle has thread pools of its own and reads their sizes from the environment only.
        for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
            // SAFETY: no other thread is running yet but the one that waits for the end of the
            // standard input, so nobody reads the environment at the same time.
            unsafe { std::env::set_var(variable, threads.to_string()) };
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("cannot start threads")?;
        Ok(threads)
    }
}

fn check_fits(network: &Network, images: &Images, dataset: &Path) -> Result<()> {
    let expected = network.input.shape();
    ensure!(
        images.shape == expected,
        "{}: the images are {}, but the network takes {expected}",
        dataset.display(),
        images.shape
    );
    let classes = Dataset::describe(dataset)?.classes;
    ensure!(
        classes == network.classes,
        "{}: the data set's {} classes are not those of the network",
        dataset.display(),
        classes.len()
    );
    Ok(())
}
