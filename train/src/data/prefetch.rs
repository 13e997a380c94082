//! Items that are produced ahead of their use, on a thread of their own.

use anyhow::{Context, Result};
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Items that are kept ready. With two, a slow item may take the time of two uses.
const READY: usize = 2;

/// Calls `consume` with the items of `produce` in their order, and produces the next ones on
/// another thread meanwhile. That thread has ended when this function returns, also if `consume`
/// did not take every item.
///
/// # Errors
/// Returns the error of `consume`. Fails if no thread can be started.
///
/// # Panics
/// Panics if either side panics.
pub(crate) fn prefetch<T: Send, R>(
    produce: impl Iterator<Item = T> + Send,
    consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> Result<R>,
) -> Result<R> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(READY);
        let send_all = move || {
            for item in produce {
                if sender.send(item).is_err() {
                    // The consumer takes no more items.
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("prefetch".into()).spawn_scoped(scope, send_all);
        let thread = thread.context("cannot start a thread")?;
        // This drops the receiver, or the thread would wait for room in the channel forever.
        let result = consume(&mut receiver.into_iter());
        match thread.join() {
            Ok(()) => result,
            Err(panic) => resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn items_keep_their_order() {
        for count in [0, 1, 2, 3, 100] {
            let got: Vec<usize> = prefetch(0..count, |items| Ok(items.collect())).unwrap();
            assert_eq!(got, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_items_are_prefetched_and_none_after_the_end() {
        let made = AtomicUsize::new(0);
        let produce = (0..1000).inspect(|_| {
            made.fetch_add(1, Ordering::SeqCst);
        });
        let error =
            prefetch(produce, |items| -> Result<()> { bail!("stopped at {:?}", items.next()) })
                .unwrap_err();
        assert_eq!(error.to_string(), "stopped at Some(0)");
        // One was taken, READY were kept, and one waited for room.
        assert!(made.load(Ordering::SeqCst) <= 1 + READY + 1, "{made:?} items were made");
    }

    #[test]
    fn a_panic_of_either_side_is_passed_on() {
        let of_producer = || {
            let produce = (0..10).inspect(|i| assert!(*i < 4, "no item {i}"));
            prefetch(produce, |items| Ok(items.count()))
        };
        let of_consumer =
            || prefetch(0..10, |items| -> Result<()> { panic!("took {:?}", items.next()) });
        let message = |result: Result<_, Box<dyn std::any::Any + Send>>| {
            result.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
        };
        assert_eq!(message(catch_unwind(of_producer).map(drop)), Some("no item 4".into()));
        assert_eq!(
            message(catch_unwind(AssertUnwindSafe(of_consumer)).map(drop)),
            Some("took Some(0)".into())
        );
    }
}
