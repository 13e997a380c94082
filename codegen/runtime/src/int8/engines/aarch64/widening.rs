//! Sums of products by multiplications of bytes to 16 bits. The products of two taps fit 16 bits
//! together, since no weight is -128.
#![allow(unsafe_code)]

use super::super::super::taps::Taps;
use super::unrolled::for_columns;
use core::arch::aarch64::{
    int8x16_t, int32x4_t, vaddq_s32, vdupq_n_s8, vdupq_n_s32, vget_low_s8, vld1q_s8, vmull_high_s8,
    vmull_s8, vpadalq_s16, vpaddq_s32,
};
use core::arch::asm;

/// The sums of four columns: two for each column, which belong together.
type Pairs = [int32x4_t; 2];

/// Returns the sums of `FILTERS` filters: of a tile of `tile` filters those from `first` on.
///
/// # Safety
/// The slices of `taps` are as long as its sizes say.
#[inline(always)]
pub(super) unsafe fn sums<const FILTERS: usize, const VECTORS: usize>(
    taps: &Taps<'_>,
    [tile, first]: [usize; 2],
    biases: &[i32; FILTERS],
) -> [[int32x4_t; VECTORS]; FILTERS] {
    // SAFETY: every processor has this instruction.
    let mut sums = [[unsafe { vdupq_n_s32(0) }; VECTORS]; FILTERS];
    for ((four, sums), biases) in (first..).step_by(4).zip(sums.chunks_mut(4)).zip(biases.chunks(4))
    {
        let tile = [tile, four];
        // Only the sizes that occur are compiled.
        // SAFETY: required of the caller.
        unsafe {
            match sums.len() {
                4 if FILTERS > 3 => put::<4, VECTORS>(taps, tile, biases, sums),
                3 if FILTERS % 4 == 3 => put::<3, VECTORS>(taps, tile, biases, sums),
                2 if FILTERS % 4 == 2 => put::<2, VECTORS>(taps, tile, biases, sums),
                1 if FILTERS % 4 == 1 => put::<1, VECTORS>(taps, tile, biases, sums),
                _ => {}
            }
        }
    }
    sums
}

/// Writes the sums of at most four filters.
///
/// # Safety
/// See [`sums`].
#[inline(always)]
unsafe fn put<const FILTERS: usize, const VECTORS: usize>(
    taps: &Taps<'_>,
    tile: [usize; 2],
    biases: &[i32],
    to: &mut [[int32x4_t; VECTORS]],
) {
    // SAFETY: required of the caller.
    unsafe {
        match [taps.phases, taps.kernel] {
            [1, 1] => of_kernel::<FILTERS, VECTORS, 1>(taps, tile, biases, to),
            [1, 3] => of_kernel::<FILTERS, VECTORS, 3>(taps, tile, biases, to),
            [1, 5] => of_kernel::<FILTERS, VECTORS, 5>(taps, tile, biases, to),
            _ => of_kernel::<FILTERS, VECTORS, 0>(taps, tile, biases, to),
        }
    }
}

/// Writes the sums. `KERNEL` is the kernel's side if its columns are next to each other, so that
/// their loop is unrolled, or else 0.
///
/// # Safety
/// See [`sums`].
#[inline(never)]
unsafe fn of_kernel<const FILTERS: usize, const VECTORS: usize, const KERNEL: usize>(
    taps: &Taps<'_>,
    tile: [usize; 2],
    biases: &[i32],
    to: &mut [[int32x4_t; VECTORS]],
) {
    // SAFETY: required of the caller.
    let pairs = unsafe { pairs_of_kernel::<FILTERS, VECTORS, KERNEL>(taps, tile) };
    for ((to, pairs), bias) in to.iter_mut().zip(&pairs).zip(biases) {
        for (to, [left, right]) in to.iter_mut().zip(pairs) {
            // SAFETY: every processor has these instructions.
            *to = unsafe { vaddq_s32(vpaddq_s32(*left, *right), vdupq_n_s32(*bias)) };
        }
    }
}

/// Returns the sums of all taps.
///
/// # Safety
/// See [`sums`].
#[inline(always)]
unsafe fn pairs_of_kernel<const FILTERS: usize, const VECTORS: usize, const KERNEL: usize>(
    taps: &Taps<'_>,
    [tile, first]: [usize; 2],
) -> [[Pairs; VECTORS]; FILTERS] {
    let (tap, group) = (4 * tile, 4 * tile * taps.kernel);
    // SAFETY: required of the caller.
    unsafe {
        let mut sums = [[[vdupq_n_s32(0); 2]; VECTORS]; FILTERS];
        let start = taps.weights.as_ptr().add(4 * first);
        // Of a group and the next one.
        let mut weights = [start, start.wrapping_add(group)];
        for row in 0..taps.kernel {
            let mut lines = [taps.ring.as_ptr(); VECTORS];
            for (vector, line) in lines.iter_mut().enumerate() {
                *line = line.add(taps.row(vector, row));
            }
            for _ in 0..taps.groups / 2 {
                if KERNEL > 0 {
                    for_columns!(KERNEL, column => {
                        sums = add_two(&mut weights, tap, lines, [column, taps.line], sums);
                    });
                } else {
                    for column in taps.columns() {
                        sums = add_two(&mut weights, tap, lines, [column, taps.line], sums);
                    }
                }
                weights = weights.map(|weights| weights.wrapping_add(group));
                for line in &mut lines {
                    *line = line.wrapping_add(2 * taps.line);
                }
            }
            if taps.groups % 2 > 0 {
                // The last group has none to go with: its columns are added together.
                let mut columns = [weights[0], weights[0].wrapping_add(tap)];
                let mut column = 0;
                while column + 1 < KERNEL {
                    sums = add_two(&mut columns, 2 * tap, lines, [4 * column, 4], sums);
                    column += 2;
                }
                for column in taps.columns().skip(column) {
                    sums = add_one(&mut columns[0], tap, lines, column, sums);
                }
                weights = weights.map(|weights| weights.wrapping_add(group));
            }
        }
        sums
    }
}

/// Adds two taps, whose weights are at `weights`, and moves on to those that are `tap` bytes further.
/// `offsets` are those of the first tap's values in a line, and of the second one's from there.
///
/// # Safety
/// See [`sums`]; `weights` points to the weights of `FILTERS` filters.
#[inline(always)]
unsafe fn add_two<const FILTERS: usize, const VECTORS: usize>(
    weights: &mut [*const i8; 2],
    tap: usize,
    lines: [*const u8; VECTORS],
    [column, next]: [usize; 2],
    mut sums: [[Pairs; VECTORS]; FILTERS],
) -> [[Pairs; VECTORS]; FILTERS] {
    // SAFETY: required of the caller.
    unsafe {
        let first = load::<FILTERS, false>(&mut weights[0], tap);
        let second = load::<FILTERS, true>(&mut weights[1], tap);
        for (vector, line) in lines.iter().enumerate() {
            let line = line.add(column).cast::<i8>();
            let (one, two) = (vld1q_s8(line), vld1q_s8(line.add(next)));
            for filter in 0..FILTERS {
                let weights = [first[filter], second[filter]];
                sums[filter][vector] = add_products(sums[filter][vector], [one, two], weights);
            }
        }
    }
    sums
}

/// Adds to the sums of a filter the products of two taps. In assembly, because compilers compute the
/// products of all filters first, and then keep sums in memory for want of registers; not `pure`, so
/// that the order of all assembly stays.
#[inline(always)]
fn add_products(
    [mut left, mut right]: Pairs,
    [one, two]: [int8x16_t; 2],
    [a, b]: [int8x16_t; 2],
) -> Pairs {
    // SAFETY: every processor has these instructions, which change the named registers alone.
    unsafe {
        asm!(
            "smull {low:v}.8h, {one:v}.8b, {a:v}.8b",
            "smull2 {high:v}.8h, {one:v}.16b, {a:v}.16b",
            "smlal {low:v}.8h, {two:v}.8b, {b:v}.8b",
            "smlal2 {high:v}.8h, {two:v}.16b, {b:v}.16b",
            "sadalp {left:v}.4s, {low:v}.8h",
            "sadalp {right:v}.4s, {high:v}.8h",
            one = in(vreg) one,
            two = in(vreg) two,
            a = in(vreg) a,
            b = in(vreg) b,
            left = inout(vreg) left,
            right = inout(vreg) right,
            low = out(vreg) _,
            high = out(vreg) _,
            options(nomem, nostack, preserves_flags),
        );
    }
    [left, right]
}

/// Adds one tap.
///
/// # Safety
/// See [`add_two`].
#[inline(always)]
unsafe fn add_one<const FILTERS: usize, const VECTORS: usize>(
    weights: &mut *const i8,
    tap: usize,
    lines: [*const u8; VECTORS],
    column: usize,
    mut sums: [[Pairs; VECTORS]; FILTERS],
) -> [[Pairs; VECTORS]; FILTERS] {
    // SAFETY: required of the caller.
    unsafe {
        let weights = load::<FILTERS, false>(weights, tap);
        for (vector, line) in lines.iter().enumerate() {
            let values = vld1q_s8(line.add(column).cast());
            for filter in 0..FILTERS {
                let weight = weights[filter];
                let left = vmull_s8(vget_low_s8(values), vget_low_s8(weight));
                let right = vmull_high_s8(values, weight);
                let sums = &mut sums[filter][vector];
                *sums = [vpadalq_s16(sums[0], left), vpadalq_s16(sums[1], right)];
            }
        }
    }
    sums
}

/// Returns for each filter, of at most four, its four weights, as often as they fit a vector, and
/// moves `weights` on by `tap` bytes. In
/// assembly, so that weights are not loaded long before they are used. `SECOND` chooses other
/// registers, so that the weights of two taps need not be moved.
///
/// # Safety
/// `weights` points to the weights of `FILTERS` filters.
#[inline(always)]
unsafe fn load<const FILTERS: usize, const SECOND: bool>(
    weights: &mut *const i8,
    tap: usize,
) -> [int8x16_t; FILTERS] {
    // SAFETY: required of the caller; the vectors are the named registers.
    unsafe {
        let mut loaded = [vdupq_n_s8(0); FILTERS];
        macro_rules! load {
            ($instruction:literal, $($index:literal $register:tt),*) => {
                asm!(
                    concat!($instruction, ", [{weights}], {tap}"),
                    weights = inout(reg) *weights,
                    tap = in(reg) tap,
                    $(out($register) loaded[$index],)*
                    options(readonly, nostack, preserves_flags),
                )
            };
        }
        match (FILTERS, SECOND) {
            (1, false) => load!("ld1r {{v16.4s}}", 0 "v16"),
            (2, false) => load!("ld2r {{v16.4s, v17.4s}}", 0 "v16", 1 "v17"),
            (3, false) => load!("ld3r {{v16.4s-v18.4s}}", 0 "v16", 1 "v17", 2 "v18"),
            (_, false) => load!("ld4r {{v16.4s-v19.4s}}", 0 "v16", 1 "v17", 2 "v18", 3 "v19"),
            (1, true) => load!("ld1r {{v20.4s}}", 0 "v20"),
            (2, true) => load!("ld2r {{v20.4s, v21.4s}}", 0 "v20", 1 "v21"),
            (3, true) => load!("ld3r {{v20.4s-v22.4s}}", 0 "v20", 1 "v21", 2 "v22"),
            (_, true) => load!("ld4r {{v20.4s-v23.4s}}", 0 "v20", 1 "v21", 2 "v22", 3 "v23"),
        }
        loaded
    }
}
