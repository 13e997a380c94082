//! Sums of products by dot products of four bytes, which Rust has no stable intrinsic for.
#![allow(unsafe_code)]

use super::super::super::taps::Taps;
use super::unrolled::for_columns;
use core::arch::aarch64::{
    int8x16_t, int32x4_t, vdupq_n_s8, vdupq_n_s32, vld1q_dup_s32, vld1q_dup_s64, vld1q_lane_s32,
    vld1q_s8, vreinterpretq_s8_s32, vreinterpretq_s8_s64, vreinterpretq_s32_s64,
};
use core::arch::asm;

/// Returns the sums of `FILTERS` filters: of a tile of `tile` filters those from `first` on.
///
/// # Safety
/// The slices of `taps` are as long as its sizes say, and the processor has dot products.
#[inline(always)]
pub(super) unsafe fn sums<const FILTERS: usize, const VECTORS: usize>(
    taps: &Taps<'_>,
    tile: [usize; 2],
    biases: &[i32; FILTERS],
) -> [[int32x4_t; VECTORS]; FILTERS] {
    // SAFETY: required of the caller.
    unsafe {
        match [taps.phases, taps.kernel] {
            [1, 1] => of_kernel::<FILTERS, VECTORS, 1>(taps, tile, biases),
            [1, 3] => of_kernel::<FILTERS, VECTORS, 3>(taps, tile, biases),
            [1, 5] => of_kernel::<FILTERS, VECTORS, 5>(taps, tile, biases),
            _ => of_kernel::<FILTERS, VECTORS, 0>(taps, tile, biases),
        }
    }
}

/// Returns the sums. `KERNEL` is the kernel's side if its columns are next to each other, so that
/// their loop is unrolled, or else 0.
///
/// # Safety
/// See [`sums`].
#[target_feature(enable = "dotprod")]
#[inline(never)]
unsafe fn of_kernel<const FILTERS: usize, const VECTORS: usize, const KERNEL: usize>(
    taps: &Taps<'_>,
    [tile, first]: [usize; 2],
    biases: &[i32; FILTERS],
) -> [[int32x4_t; VECTORS]; FILTERS] {
    // SAFETY: required of the caller.
    unsafe {
        let mut sums = [[vdupq_n_s32(0); VECTORS]; FILTERS];
        for (sums, bias) in sums.iter_mut().zip(biases) {
            *sums = [vdupq_n_s32(*bias); VECTORS];
        }
        let mut weights = taps.weights.as_ptr().add(4 * first);
        for row in 0..taps.kernel {
            let mut lines = [taps.ring.as_ptr(); VECTORS];
            for (vector, line) in lines.iter_mut().enumerate() {
                *line = line.add(taps.row(vector, row));
            }
            for _ in 0..taps.groups {
                if KERNEL > 0 {
                    for_columns!(KERNEL, column => {
                        sums = add_tap(&mut weights, 4 * tile, lines, column, sums);
                    });
                } else {
                    for column in taps.columns() {
                        sums = add_tap(&mut weights, 4 * tile, lines, column, sums);
                    }
                }
                for line in &mut lines {
                    *line = line.wrapping_add(taps.line);
                }
            }
        }
        sums
    }
}

/// Adds one tap, whose weights are at `weights`, and moves on to those that are `tap` bytes further:
/// the weights of four filters are loaded together, and each is used from its lane.
///
/// # Safety
/// See [`sums`]; `weights` points to the weights of `FILTERS` filters.
#[inline(always)]
unsafe fn add_tap<const FILTERS: usize, const VECTORS: usize>(
    weights: &mut *const i8,
    tap: usize,
    lines: [*const u8; VECTORS],
    column: usize,
    mut sums: [[int32x4_t; VECTORS]; FILTERS],
) -> [[int32x4_t; VECTORS]; FILTERS] {
    // SAFETY: required of the caller.
    unsafe {
        let mut values = [vreinterpretq_s8_s32(vdupq_n_s32(0)); VECTORS];
        for (values, line) in values.iter_mut().zip(lines) {
            *values = vld1q_s8(line.add(column).cast());
        }
        let rest = FILTERS / 4 * 4;
        let of_rest = weights.add(4 * rest);
        let fours = load_fours::<FILTERS>(weights, tap);
        for (weights, sums) in fours.into_iter().zip(sums.chunks_exact_mut(4)) {
            for (vector, values) in values.iter().enumerate() {
                sums[0][vector] = dot::<0>(sums[0][vector], *values, weights);
                sums[1][vector] = dot::<1>(sums[1][vector], *values, weights);
                sums[2][vector] = dot::<2>(sums[2][vector], *values, weights);
                sums[3][vector] = dot::<3>(sums[3][vector], *values, weights);
            }
        }
        if rest < FILTERS {
            let weights = load_rest::<FILTERS>(of_rest);
            for (vector, values) in values.iter().enumerate() {
                sums[rest][vector] = dot::<0>(sums[rest][vector], *values, weights);
                if FILTERS % 4 > 1 {
                    sums[rest + 1][vector] = dot::<1>(sums[rest + 1][vector], *values, weights);
                }
                if FILTERS % 4 > 2 {
                    sums[rest + 2][vector] = dot::<2>(sums[rest + 2][vector], *values, weights);
                }
            }
        }
    }
    sums
}

/// Loads the weights of whole fours of filters, of at most twelve, and moves `weights` on by `tap`
/// bytes. In assembly, because compilers move sums to and fro to have such registers free.
///
/// # Safety
/// `weights` points to them.
#[inline(always)]
unsafe fn load_fours<const FILTERS: usize>(weights: &mut *const i8, tap: usize) -> [int8x16_t; 3] {
    // SAFETY: required of the caller; the vectors are the named registers.
    unsafe {
        let mut loaded = [vdupq_n_s8(0); 3];
        macro_rules! load {
            ($registers:literal, $($index:literal $register:tt),*) => {
                asm!(
                    concat!("ld1 {{", $registers, "}}, [{weights}], {tap}"),
                    weights = inout(reg) *weights,
                    tap = in(reg) tap,
                    $(out($register) loaded[$index],)*
                    options(readonly, nostack, preserves_flags),
                )
            };
        }
        match FILTERS / 4 {
            3 => load!("v28.16b-v30.16b", 0 "v28", 1 "v29", 2 "v30"),
            2 => load!("v28.16b-v29.16b", 0 "v28", 1 "v29"),
            1 => load!("v28.16b", 0 "v28"),
            _ => *weights = weights.wrapping_add(tap),
        }
        loaded
    }
}

/// Loads the weights of as many filters as are left when four at a time are taken from `FILTERS`.
///
/// # Safety
/// `weights` points to them.
#[inline(always)]
unsafe fn load_rest<const FILTERS: usize>(weights: *const i8) -> int8x16_t {
    // SAFETY: required of the caller.
    unsafe {
        if FILTERS % 4 == 1 {
            return vreinterpretq_s8_s32(vld1q_dup_s32(weights.cast()));
        }
        let two = vld1q_dup_s64(weights.cast());
        if FILTERS % 4 == 2 {
            return vreinterpretq_s8_s64(two);
        }
        let three = vld1q_lane_s32::<2>(weights.add(8).cast(), vreinterpretq_s32_s64(two));
        vreinterpretq_s8_s32(three)
    }
}

/// Adds to each sum the products of four bytes and the four weights of a lane.
///
/// # Safety
/// The processor has dot products, for which the caller is compiled.
#[inline(always)]
unsafe fn dot<const LANE: usize>(
    mut sums: int32x4_t,
    values: int8x16_t,
    weights: int8x16_t,
) -> int32x4_t {
    // SAFETY: required of the caller; the instruction changes the sums alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {values:v}.16b, {weights:v}.4b[{lane}]",
            sums = inout(vreg) sums,
            values = in(vreg) values,
            weights = in(vreg) weights,
            lane = const LANE,
            options(nomem, nostack, preserves_flags),
        );
    }
    sums
}
