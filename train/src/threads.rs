//! The thread pools of this process.

use anyhow::{Context, Result};

/// Starts the thread pools, with one thread per core unless `threads` is given, and returns the
/// number of threads. Must be called before anything else starts threads, because it sets
/// environment variables.
///
/// # Errors
/// Fails if the number of cores is unknown, or if threads cannot be started.
#[allow(unsafe_code)]
pub(crate) fn start(threads: Option<usize>) -> Result<usize> {
    let threads = match threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism()
            .context("cannot tell how many cores there are")?
            .get(),
    };
    // Candle has its own thread pools and reads their sizes from the environment only.
    for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: the only other thread running waits for the end of the standard input, so no
        // thread reads the environment at the same time.
        unsafe { std::env::set_var(variable, threads.to_string()) };
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("cannot start threads")?;
    Ok(threads)
}
