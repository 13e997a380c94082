//! The allocator: a training step frees as much as it allocates, some hundred megabytes, and asks
//! for the same again.
#![allow(unsafe_code)] // One setting of the allocator, which has no safe interface.

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which the bindings leave out.
const PURGE_DELAY: mi_option_t = 15;
/// Its default, in milliseconds.
const DEFAULT_DELAY: std::ffi::c_long = 1000;

/// Keeps freed memory instead of giving it back to the system, which would clear every page anew: a
/// sixth of the time of a step.
pub fn keep() {
    // SAFETY: both calls only read and write a number inside the allocator. Should another version
    // of it count its options differently, the default tells, and nothing is changed.
    unsafe {
        if mi_option_get(PURGE_DELAY) == DEFAULT_DELAY {
            mi_option_set(PURGE_DELAY, -1);
        }
    }
}
