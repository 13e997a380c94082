//! Work that is done ahead of its use, on a thread of its own.

use anyhow::{Context, Result};
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

/// How many items are kept ready. Two, so that a slow one has the time of two uses.
const READY: usize = 2;

/// Calls `consume` with the items that `produce` gives, in the same order; they are made on another
/// thread while `consume` is busy. The thread has ended when this returns, also where `consume` did
/// not take everything.
///
/// # Errors
/// Those of `consume`; a thread that cannot be started.
///
/// # Panics
/// Where either side panics.
pub(crate) fn ahead<T: Send, R>(
    produce: impl Iterator<Item = T> + Send,
    consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> Result<R>,
) -> Result<R> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(READY);
        let send_all = move || {
            for item in produce {
                if sender.send(item).is_err() {
                    // Nobody wants the rest.
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("ahead".into()).spawn_scoped(scope, send_all);
        let thread = thread.context("cannot start a thread")?;
        // The receiver is gone at the end of this line, so that the thread does not wait for room
        // forever.
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
    fn all_items_come_in_their_order() {
        for count in [0, 1, 2, 3, 100] {
            let got: Vec<usize> = ahead(0..count, |items| Ok(items.collect())).unwrap();
            assert_eq!(got, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_a_few_are_made_ahead_and_none_after_the_end() {
        let made = AtomicUsize::new(0);
        let produce = (0..1000).inspect(|_| {
            made.fetch_add(1, Ordering::SeqCst);
        });
        let error =
            ahead(produce, |items| -> Result<()> { bail!("stopped at {:?}", items.next()) })
                .unwrap_err();
        assert_eq!(error.to_string(), "stopped at Some(0)");
        // One taken, the ones kept ready, and one for which there was no room.
        assert!(made.load(Ordering::SeqCst) <= 1 + READY + 1, "{made:?} items were made");
    }

    #[test]
    fn a_panic_of_either_side_goes_through() {
        let of_producer = || {
            let produce = (0..10).inspect(|i| assert!(*i < 4, "no item {i}"));
            ahead(produce, |items| Ok(items.count()))
        };
        let of_consumer =
            || ahead(0..10, |items| -> Result<()> { panic!("took {:?}", items.next()) });
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
