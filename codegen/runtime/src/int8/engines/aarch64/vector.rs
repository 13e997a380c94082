//! Vectors of 16 bytes in memory.
#![allow(unsafe_code)]

use core::arch::aarch64::{uint8x16_t, vld1q_u8, vst1q_u8};

/// Number of bytes in a vector.
pub(super) const BYTES: usize = 16;

/// Calls an instruction on vectors.
macro_rules! instruction {
    ($expression:expr) => {
        // SAFETY: the target has NEON, and these instructions do not touch memory.
        unsafe { $expression }
    };
}
pub(super) use instruction;

/// Returns the first bytes of `from`. If there are fewer than a vector has, zeros follow them.
#[inline(always)]
pub(super) fn load(from: &[u8]) -> uint8x16_t {
    if let Some(from) = from.first_chunk::<BYTES>() {
        // SAFETY: there are as many bytes as are read.
        return unsafe { vld1q_u8(from.as_ptr()) };
    }
    let mut bytes = [0; BYTES];
    bytes[..from.len()].copy_from_slice(from);
    // SAFETY: there are as many bytes as are read.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Returns the bytes of a vector.
#[inline(always)]
pub(super) fn bytes_of(vector: uint8x16_t) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    // SAFETY: there is room for as many bytes as are written.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) };
    bytes
}
