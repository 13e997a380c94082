//! The indices of values in a table.
#![allow(unsafe_code)]

use super::super::super::engine::Affine;
use core::arch::asm;

/// Number of indices that are computed together.
pub(super) const COUNT: usize = 16;

/// Computes indices: `(value * factor) >> 8` is twice the product of `value << 7`, without its low
/// half. The sum of two terms fits 16 bits. A sum with the offset that saturates has the same index
/// as the exact one.
macro_rules! compute {
    ($affine:ident, $first:ident $(, $second:ident)?) => {{
        let mut indices = [0; COUNT];
        asm!(
            ".fpu neon",
            "vld1.8 {{d0-d1}}, [{first}]",
            "vdup.16 d6, {factor}",
            "vdup.16 q4, {offset}",
            "vdup.16 q5, {shift}",
            "vshll.s8 q1, d0, #7",
            "vshll.s8 q2, d1, #7",
            "vqdmulh.s16 q1, q1, d6[0]",
            "vqdmulh.s16 q2, q2, d6[0]",
            $(
                concat!("vld1.8 {{d0-d1}}, [{", stringify!($second), "}]"),
                "vdup.16 d6, {factor_of_second}",
                "vshll.s8 q6, d0, #7",
                "vshll.s8 q0, d1, #7",
                "vqdmulh.s16 q6, q6, d6[0]",
                "vqdmulh.s16 q0, q0, d6[0]",
                "vadd.i16 q1, q1, q6",
                "vadd.i16 q2, q2, q0",
            )?
            "vqadd.s16 q1, q1, q4",
            "vqadd.s16 q2, q2, q4",
            "vshl.s16 q1, q1, q5",
            "vshl.s16 q2, q2, q5",
            "vqmovun.s16 d0, q1",
            "vqmovun.s16 d1, q2",
            "vst1.8 {{d0-d1}}, [{to}]",
            first = in(reg) $first.as_ptr(),
            factor = in(reg) i32::from($affine.factors[0]),
            offset = in(reg) i32::from($affine.offset),
            shift = in(reg) -i32::from($affine.shift),
            to = in(reg) indices.as_mut_ptr(),
            $($second = in(reg) $second.as_ptr(), factor_of_second = in(reg) i32::from($affine.factors[1]),)?
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack, preserves_flags)
        );
        indices
    }};
}

/// Returns the indices for the first signed bytes of `from`; for those that are missing any. The
/// second slice is empty, or its terms are added.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn indices(affine: Affine, [first, second]: [&[u8]; 2]) -> [u8; COUNT] {
    let mut copies = [[0; COUNT]; 2];
    let [one, two] = &mut copies;
    let first = whole(first, one);
    // SAFETY: required of the caller; a vector is read from slices that are as long, and written to
    // an array that is.
    unsafe {
        if second.is_empty() {
            return compute!(affine, first);
        }
        let second = whole(second, two);
        compute!(affine, first, second)
    }
}

/// Returns as many bytes as a vector has, in `copy` if there are fewer.
#[inline(always)]
fn whole<'a>(from: &'a [u8], copy: &'a mut [u8; COUNT]) -> &'a [u8; COUNT] {
    match from.first_chunk() {
        Some(from) => from,
        None => {
            copy[..from.len()].copy_from_slice(from);
            copy
        }
    }
}
