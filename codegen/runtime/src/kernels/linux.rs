//! What Linux says about an ARM processor.
//!
//! `unsafe` has one reason: the declaration of a function of the C library, which is safe to call.
#![allow(unsafe_code)]

use core::ffi::c_ulong;

unsafe extern "C" {
    /// The C library's function for the kernel's information about the machine.
    safe fn getauxval(kind: c_ulong) -> c_ulong;
}

/// Tells whether the processor has what this bit of AT_HWCAP stands for.
pub fn processor_has(bit: u32) -> bool {
    const HARDWARE: c_ulong = 16;
    getauxval(HARDWARE) & 1 << bit != 0
}
