//! The allocator. Every training step allocates and frees some hundred megabytes.
//!
//! On Linux it is mimalloc; elsewhere it is the system's, as it comes.
#![allow(unsafe_code)] // One setting of the allocator, which has no safe interface.

#[cfg(target_os = "linux")]
use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which the bindings do not define.
#[cfg(target_os = "linux")]
const PURGE_DELAY: mi_option_t = 15;
/// Its default, in milliseconds.
#[cfg(target_os = "linux")]
const DEFAULT_DELAY: std::ffi::c_long = 1000;

/// Makes the allocator keep freed memory instead of returning it to the system, which would clear
/// every page again; that takes a sixth of the time of a step. Does nothing outside of Linux.
pub fn keep() {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls only read and write a number inside the allocator. If another version
    // numbers its options differently, the default does not match, and nothing is changed.
    unsafe {
        if mi_option_get(PURGE_DELAY) == DEFAULT_DELAY {
            mi_option_set(PURGE_DELAY, -1);
        }
    }
}
