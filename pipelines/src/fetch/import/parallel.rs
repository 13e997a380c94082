//! Work on all cores.

use super::interrupt::INTERRUPT;
use anyhow::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Returns the results of `work` for 0 to `count`, in order. Each core takes the next one when it
/// has finished one, so that no more are in memory than there are cores.
///
/// # Errors
/// Fails if a signal is received.
pub(crate) fn map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
    let next = AtomicUsize::new(0);
    let work_some = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            INTERRUPT.check()?;
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(done);
            }
            done.push((index, work(index)));
        }
    };
    let shares = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work_some)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let mut done: Vec<(usize, T)> = shares.into_iter().flatten().collect();
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        let squares = super::map(1000, |index| index * index).unwrap();
        assert_eq!(squares, (0..1000).map(|index| index * index).collect::<Vec<_>>());
        assert!(super::map(0, |index| index).unwrap().is_empty());
    }
}
