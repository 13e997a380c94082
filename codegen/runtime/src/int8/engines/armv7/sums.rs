//! Sums of products by multiplications of bytes to 16 bits. The products of two taps fit 16 bits
//! together, since no weight is -128.
#![allow(unsafe_code)]

use super::super::super::taps::Taps;
use core::arch::asm;

/// Adds to the sums of filters: of a tile of `tile` filters those from `first` on.
///
/// # Safety
/// The slices of `taps` are as long as its sizes say, and the processor has NEON.
#[inline(always)]
pub(super) unsafe fn add<const FILTERS: usize, const VECTORS: usize>(
    taps: &Taps<'_>,
    [tile, first]: [usize; 2],
    sums: &mut [[[i32; 4]; VECTORS]; FILTERS],
) {
    let steps = [taps.line, 4 * tile * taps.kernel];
    let mut before = 0;
    for phase in 0..taps.phases.min(taps.kernel) {
        let columns = (taps.kernel - phase).div_ceil(taps.phases);
        let mut block = Block::new(taps, 4 * tile, columns, 16 * VECTORS);
        for (four, sums) in (first..).step_by(4).zip(sums.chunks_mut(4)) {
            let filters = sums.len();
            for vector in 0..VECTORS {
                // SAFETY: required of the caller: the phase's taps are among those of the kernel.
                unsafe {
                    block.start(taps, vector, phase * taps.phase_bytes);
                    let weights = taps.weights.as_ptr().add((before * tile + four) * 4);
                    let sums = sums.as_flattened_mut()[vector..].as_flattened_mut();
                    // Only the sizes that occur are compiled.
                    let run = match (filters, columns) {
                        (4, 3) if FILTERS > 3 => Block::add_four_of_three,
                        (4, _) if FILTERS > 3 => Block::add_four,
                        (3, 3) if FILTERS % 4 == 3 => Block::add_three_of_three,
                        (3, _) if FILTERS % 4 == 3 => Block::add_three,
                        (2, 3) if FILTERS % 4 == 2 => Block::add_two_of_three,
                        (2, _) if FILTERS % 4 == 2 => Block::add_two,
                        (1, 3) if FILTERS % 4 == 1 => Block::add_one_of_three,
                        (1, _) if FILTERS % 4 == 1 => Block::add_one,
                        _ => unreachable!("there are one to four filters"),
                    };
                    run(&mut block, weights, steps, sums);
                }
            }
        }
        before += columns;
    }
}

/// The taps of a kernel's columns that are next to each other. Two groups are added together. The
/// order of the fields is known to the assembly.
#[repr(C)]
struct Block {
    /// The first group's bytes in the current row.
    row: *const u8,
    /// Number of columns.
    columns: usize,
    /// Pairs of groups.
    pairs: usize,
    /// Number of columns of a last group that has none to go with, or 0.
    columns_of_last: usize,
    /// From the end of a pair's columns to the next pair.
    to_pair: usize,
    /// From the end of a pair's weights to those of the next pair.
    to_weights: usize,
    /// Distance from the weights of a column to those of the next.
    tap: usize,
    /// From the end of the last group's weights to those of the next row.
    to_row: usize,
    /// Distance from row to row.
    slot: usize,
    /// Length of all rows.
    ring: usize,
    /// Rows before the first row follows the last one.
    before_wrap: usize,
    /// Rows that are left.
    rows: usize,
    /// Distance from the sums of a filter to those of the next.
    sums: usize,
}

impl Block {
    /// Returns a block whose row is not known yet. A tap's weights of the tile have `tap` bytes, a
    /// filter's sums `sums` bytes.
    #[inline(always)]
    fn new(taps: &Taps<'_>, tap: usize, columns: usize, sums: usize) -> Block {
        let group = taps.kernel * tap;
        Block {
            row: core::ptr::null(),
            columns,
            pairs: taps.groups / 2,
            columns_of_last: taps.groups % 2 * columns,
            to_pair: (2 * taps.line).wrapping_sub(4 * columns),
            to_weights: 2 * group - columns * tap,
            tap,
            to_row: group - columns * tap,
            slot: taps.slot,
            ring: taps.slots * taps.slot,
            before_wrap: 0,
            rows: 0,
            sums,
        }
    }

    /// Begins with the rows of a vector, `offset` bytes from the first column.
    ///
    /// # Safety
    /// See [`add`].
    #[inline(always)]
    unsafe fn start(&mut self, taps: &Taps<'_>, vector: usize, offset: usize) {
        // SAFETY: required of the caller.
        self.row = unsafe { taps.ring.as_ptr().add(taps.row(vector, 0) + offset) };
        self.before_wrap = taps.slots - taps.starts[vector][0];
        self.rows = taps.kernel;
    }
}

/// Defines two of the functions that [`add`] chooses from: for any number of columns, and for three,
/// whose loop is unrolled. Bytes of the two groups are in q0 and q1, their weights in d4 to d11,
/// products in q6 and q7, and pairs of sums in q8 to q15.
macro_rules! add {
    ($name:ident, $name_of_three:ident, $($rest:tt)*) => {
        add! {
            @ $name,
            ["ldr {columns}, [{block}, #4]", "4:", "subs {columns}, {columns}, #1", "bne 4b"],
            ["6:", "subs {columns}, {columns}, #1", "bne 6b"], $($rest)*
        }
        add! { @ $name_of_three, ["", ".rept 3", "", ".endr"], [".rept 3", "", ".endr"], $($rest)* }
    };
    (
        @ $name:ident, [$count:literal, $begin:literal, $step:literal, $end:literal],
        [$begin_last:literal, $step_last:literal, $end_last:literal],
        $load:literal, $first:literal, $second:literal,
        [$(($a:literal, $b:literal, $left:literal, $right:literal, $low:literal, $high:literal)),*]
    ) => {
        /// Never inlined, because d16 to d31 are changed too: a call need not preserve them, and
        /// they cannot be named as clobbered for a target that does not use them.
        ///
        /// # Safety
        /// See [`add`]. `steps` are the distances from group to group of the row and of the weights.
        #[inline(never)]
        unsafe fn $name(&mut self, weights: *const i8, steps: [usize; 2], sums: &mut [i32]) {
            // SAFETY: required of the caller; the registers that are changed are named.
            unsafe {
                asm!(
                    ".fpu neon",
                    $(concat!("vmov.i32 ", $left, ", #0"), concat!("vmov.i32 ", $right, ", #0"),)*
                    "2:",
                    "ldr {x}, [{block}]",
                    "ldr {groups}, [{block}, #8]",
                    "cmp {groups}, #0",
                    "beq 5f",
                    "3:",
                    $count,
                    $begin,
                    concat!($load, " {{", $first, "}}, [{w}], {group}"),
                    concat!($load, " {{", $second, "}}, [{w}], {next_tap}"),
                    "vld1.8 {{d0-d1}}, [{x}], {line}",
                    "vld1.8 {{d2-d3}}, [{x}], {next_column}",
                    $step,
                    $(
                        concat!("vmull.s8 q6, d0, ", $a),
                        concat!("vmull.s8 q7, d1, ", $a),
                        concat!("vmlal.s8 q6, d2, ", $b),
                        concat!("vmlal.s8 q7, d3, ", $b),
                        concat!("vpadal.s16 ", $left, ", q6"),
                        concat!("vpadal.s16 ", $right, ", q7"),
                    )*
                    $end,
                    "ldr {columns}, [{block}, #16]",
                    "add {x}, {x}, {columns}",
                    "ldr {columns}, [{block}, #20]",
                    "add {w}, {w}, {columns}",
                    "subs {groups}, {groups}, #1",
                    "bne 3b",
                    "5:",
                    "ldr {columns}, [{block}, #12]",
                    "cmp {columns}, #0",
                    "beq 7f",
                    "ldr {groups}, [{block}, #24]",
                    $begin_last,
                    concat!($load, " {{", $first, "}}, [{w}], {groups}"),
                    "vld1.8 {{d0-d1}}, [{x}]",
                    "add {x}, {x}, #4",
                    $step_last,
                    $(
                        concat!("vmull.s8 q6, d0, ", $a),
                        concat!("vmull.s8 q7, d1, ", $a),
                        concat!("vpadal.s16 ", $left, ", q6"),
                        concat!("vpadal.s16 ", $right, ", q7"),
                    )*
                    $end_last,
                    "ldr {columns}, [{block}, #28]",
                    "add {w}, {w}, {columns}",
                    "7:",
                    "ldr {x}, [{block}]",
                    "ldr {columns}, [{block}, #32]",
                    "add {x}, {x}, {columns}",
                    "ldr {columns}, [{block}, #40]",
                    "subs {columns}, {columns}, #1",
                    "str {columns}, [{block}, #40]",
                    "bne 8f",
                    "ldr {columns}, [{block}, #36]",
                    "sub {x}, {x}, {columns}",
                    "8:",
                    "str {x}, [{block}]",
                    "ldr {columns}, [{block}, #44]",
                    "subs {columns}, {columns}, #1",
                    "str {columns}, [{block}, #44]",
                    "bne 2b",
                    "ldr {columns}, [{block}, #48]",
                    $(
                        concat!("vld1.32 {{d0-d1}}, [{sums}]"),
                        concat!("vpadd.i32 ", $low),
                        concat!("vpadd.i32 ", $high),
                        "vadd.i32 q0, q0, q1",
                        "vst1.32 {{d0-d1}}, [{sums}], {columns}",
                    )*
                    block = in(reg) self,
                    w = inout(reg) weights => _,
                    group = in(reg) steps[1],
                    next_tap = in(reg) self.tap.wrapping_sub(steps[1]),
                    line = in(reg) steps[0],
                    next_column = in(reg) 4usize.wrapping_sub(steps[0]),
                    sums = inout(reg) sums.as_mut_ptr() => _,
                    x = out(reg) _,
                    groups = out(reg) _,
                    columns = out(reg) _,
                    out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                    out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _,
                    out("d15") _,
                    options(nostack)
                );
            }
        }
    };
}

impl Block {
    add! {
        add_one, add_one_of_three, "vld1.32", "d4[]", "d8[]",
        [("d4", "d8", "q8", "q9", "d2, d16, d17", "d3, d18, d19")]
    }

    add! {
        add_two, add_two_of_three, "vld2.32", "d4[], d5[]", "d8[], d9[]",
        [
            ("d4", "d8", "q8", "q9", "d2, d16, d17", "d3, d18, d19"),
            ("d5", "d9", "q10", "q11", "d2, d20, d21", "d3, d22, d23")
        ]
    }

    add! {
        add_three, add_three_of_three, "vld3.32", "d4[], d5[], d6[]", "d8[], d9[], d10[]",
        [
            ("d4", "d8", "q8", "q9", "d2, d16, d17", "d3, d18, d19"),
            ("d5", "d9", "q10", "q11", "d2, d20, d21", "d3, d22, d23"),
            ("d6", "d10", "q12", "q13", "d2, d24, d25", "d3, d26, d27")
        ]
    }

    add! {
        add_four, add_four_of_three, "vld4.32", "d4[], d5[], d6[], d7[]", "d8[], d9[], d10[], d11[]",
        [
            ("d4", "d8", "q8", "q9", "d2, d16, d17", "d3, d18, d19"),
            ("d5", "d9", "q10", "q11", "d2, d20, d21", "d3, d22, d23"),
            ("d6", "d10", "q12", "q13", "d2, d24, d25", "d3, d26, d27"),
            ("d7", "d11", "q14", "q15", "d2, d28, d29", "d3, d30, d31")
        ]
    }
}

/// Writes the values of sums. The instruction doubles the product; multipliers are even.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn requantize(sums: &[[i32; 4]; 2], multiplier: i32, to: &mut [u8; 8]) {
    // SAFETY: required of the caller; as many sums are read and values written as there are.
    unsafe {
        asm!(
            ".fpu neon",
            "vld1.32 {{d0-d3}}, [{sums}]",
            "vdup.32 q2, {multiplier}",
            "vqdmulh.s32 q0, q0, q2",
            "vqdmulh.s32 q1, q1, q2",
            "vqmovn.s32 d0, q0",
            "vqmovn.s32 d1, q1",
            "vqmovn.s16 d0, q0",
            "vst1.8 {{d0}}, [{to}]",
            sums = in(reg) sums.as_ptr(),
            multiplier = in(reg) multiplier >> 1,
            to = in(reg) to.as_mut_ptr(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
            options(nostack, preserves_flags)
        );
    }
}
