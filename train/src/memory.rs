//! The allocator. Every training step allocates and frees some hundred megabytes.
#![allow(unsafe_code)] // One setting of the allocator, which has no safe interface.

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which the bindings do not define.
const PURGE_DELAY: mi_option_t = 15;
/// Its default, in milliseconds.
const DEFAULT_DELAY: std::ffi::c_long = 1000;

/// Makes the allocator keep freed memory instead of returning it to the system, which would clear
/// every page again; that takes a sixth of the time of a step.
pub fn keep() {
    // SAFETY: both calls only read and write a number inside the allocator. If another version
    // numbers its options differently, the default does not match, and nothing is changed.
    unsafe {
        if mi_option_get(PURGE_DELAY) == DEFAULT_DELAY {
            mi_option_set(PURGE_DELAY, -1);
        }
    }
}
