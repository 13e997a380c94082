//! NEON on 32-bit ARM with Linux; most but not all such processors have it.
//!
//! Rust's NEON intrinsics are unstable there, so that the taps of convolutions, where most of the
//! time goes, are written in assembly; everything else is left to the floating-point unit.
//!
//! `unsafe` has one reason only: the assembly reads slices whose length was checked just before.
#![allow(unsafe_code)]

use super::super::linux::processor_has;
use super::super::taps::{Planes, Taps};
use super::Simd;
use super::scalar::plain_numbers;
use super::vfp::{Block, add_taps_of_strides};
use core::arch::asm;
use core::array::from_fn;

/// NEON, also known as Advanced SIMD.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// Returns `Some` if the processor has these instructions.
    pub fn detect() -> Option<Neon> {
        const NEON: u32 = 12;
        processor_has(NEON).then_some(Neon(()))
    }
}

impl Simd for Neon {
    plain_numbers!();

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        mut sums: [[[f32; 4]; VECTORS]; FILTERS],
    ) -> [[[f32; 4]; VECTORS]; FILTERS] {
        let values = sums.as_flattened_mut().as_flattened_mut();
        let to = Planes { values, distance: 4 * VECTORS, places: from_fn(|vector| 4 * vector) };
        self.add_taps_to_planes::<FILTERS, VECTORS>(taps, from, false, to);
        sums
    }

    #[inline(always)]
    fn add_taps_to_planes<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        are_zero: bool,
        to: Planes<'_, VECTORS>,
    ) -> bool {
        if !taps.are_plain() {
            add_taps_of_strides(taps, FILTERS, &from, are_zero, to.values, to.distance, &to.places);
            return true;
        }
        let block = Block::new::<FILTERS, VECTORS>(taps, from, are_zero, to);
        // SAFETY: the slices were checked just before.
        unsafe { block.add_with_neon(FILTERS, VECTORS) };
        true
    }
}

impl Block {
    /// Adds the taps of at most six filters to one or two vectors of each.
    ///
    /// # Safety
    /// All pointers are valid for the block's sizes, and the processor has NEON.
    #[inline(always)]
    unsafe fn add_with_neon(&self, filters: usize, vectors: usize) {
        // SAFETY: required of the caller.
        unsafe {
            match (filters, vectors) {
                (1, 1) => self.one_by_one(),
                (2, 1) => self.two_by_one(),
                (3, 1) => self.three_by_one(),
                (4, 1) => self.four_by_one(),
                (5, 1) => self.five_by_one(),
                (6, 1) => self.six_by_one(),
                (1, 2) => self.one_by_two(),
                (2, 2) => self.two_by_two(),
                (3, 2) => self.three_by_two(),
                (4, 2) => self.four_by_two(),
                (5, 2) => self.five_by_two(),
                (6, 2) => self.six_by_two(),
                _ => unreachable!("there are 16 registers"),
            }
        }
    }
}

/// Defines one of the functions that [`Block::add_with_neon`] chooses from. Sums are in q4 to q15,
/// values in q0 and q1, weights in d4 to d6.
macro_rules! block {
    (
        $name:ident,
        weights: [$($weights:literal),*],
        skip: $skip:literal,
        filters: [$(($weight:literal, $first:literal, $first_sum:literal $(, $second:literal, $second_sum:literal)?)),*],
        second: [$($empty:literal)?]
    ) => {
        /// Never inlined, because d16 to d31 are changed too: a call need not preserve them, and
        /// they cannot be named as clobbered for a target that does not use them.
        ///
        /// # Safety
        /// See [`Block::add_with_neon`].
        #[inline(never)]
        unsafe fn $name(&self) {
            // SAFETY: required of the caller; the registers that are changed are named.
            unsafe {
                asm!(
                    ".fpu neon",
                    "ldr {count}, [{block}]",
                    "ldr {rows}, [{block}, #4]",
                    $(
                        concat!("vld1.32 {{", $first_sum, "}}, [{count}], {distance}"),
                        $(concat!("vld1.32 {{", $second_sum, "}}, [{rows}], {distance}"),)?
                    )*
                    "2:",
                    "ldr {rows}, [{block}, #12]",
                    "3:",
                    "ldr {count}, [{block}, #12]",
                    "4:",
                    "vld1.32 {{d0-d1}}, [{first}], {four}",
                    $(concat!("vld1.32 {{d2-d3}}, [{second}], {four}", $empty),)?
                    $($weights,)*
                    "subs {count}, {count}, #1",
                    $(
                        concat!("vmla.f32 ", $first, ", q0, ", $weight),
                        $(concat!("vmla.f32 ", $second, ", q1, ", $weight),)?
                    )*
                    "bne 4b",
                    "ldr {count}, [{block}, #16]",
                    "add {first}, {first}, {count}",
                    "add {second}, {second}, {count}",
                    "subs {rows}, {rows}, #1",
                    "bne 3b",
                    "ldr {count}, [{block}, #20]",
                    "add {first}, {first}, {count}",
                    "add {second}, {second}, {count}",
                    "subs {channels}, {channels}, #1",
                    "bne 2b",
                    "ldr {count}, [{block}]",
                    "ldr {rows}, [{block}, #4]",
                    $(
                        concat!("vst1.32 {{", $first_sum, "}}, [{count}], {distance}"),
                        $(concat!("vst1.32 {{", $second_sum, "}}, [{rows}], {distance}"),)?
                    )*
                    block = in(reg) self,
                    distance = in(reg) self.distance,
                    weights = inout(reg) self.weights => _,
                    to_tap = in(reg) self.to_tap - $skip,
                    first = inout(reg) self.values[0] => _,
                    second = inout(reg) self.values[1] => _,
                    channels = inout(reg) self.channels => _,
                    four = in(reg) 4,
                    rows = out(reg) _,
                    count = out(reg) _,
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
    block! {
        one_by_one,
        weights: ["vld1.32 {{d4[0]}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9")
        ],
        second: []
    }

    block! {
        two_by_one,
        weights: ["vld1.32 {{d4}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9"),
            ("d4[1]", "q5", "d10-d11")
        ],
        second: []
    }

    block! {
        three_by_one,
        weights: ["vld1.32 {{d4}}, [{weights}]!", "vld1.32 {{d5[0]}}, [{weights}], {to_tap}"],
        skip: 8,
        filters: [
            ("d4[0]", "q4", "d8-d9"),
            ("d4[1]", "q5", "d10-d11"),
            ("d5[0]", "q6", "d12-d13")
        ],
        second: []
    }

    block! {
        four_by_one,
        weights: ["vld1.32 {{d4-d5}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9"),
            ("d4[1]", "q5", "d10-d11"),
            ("d5[0]", "q6", "d12-d13"),
            ("d5[1]", "q7", "d14-d15")
        ],
        second: []
    }

    block! {
        five_by_one,
        weights: ["vld1.32 {{d4-d5}}, [{weights}]!", "vld1.32 {{d6[0]}}, [{weights}], {to_tap}"],
        skip: 16,
        filters: [
            ("d4[0]", "q4", "d8-d9"),
            ("d4[1]", "q5", "d10-d11"),
            ("d5[0]", "q6", "d12-d13"),
            ("d5[1]", "q7", "d14-d15"),
            ("d6[0]", "q8", "d16-d17")
        ],
        second: []
    }

    block! {
        six_by_one,
        weights: ["vld1.32 {{d4-d6}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9"),
            ("d4[1]", "q5", "d10-d11"),
            ("d5[0]", "q6", "d12-d13"),
            ("d5[1]", "q7", "d14-d15"),
            ("d6[0]", "q8", "d16-d17"),
            ("d6[1]", "q9", "d18-d19")
        ],
        second: []
    }

    block! {
        one_by_two,
        weights: ["vld1.32 {{d4[0]}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11")
        ],
        second: [""]
    }

    block! {
        two_by_two,
        weights: ["vld1.32 {{d4}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11"),
            ("d4[1]", "q6", "d12-d13", "q7", "d14-d15")
        ],
        second: [""]
    }

    block! {
        three_by_two,
        weights: ["vld1.32 {{d4}}, [{weights}]!", "vld1.32 {{d5[0]}}, [{weights}], {to_tap}"],
        skip: 8,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11"),
            ("d4[1]", "q6", "d12-d13", "q7", "d14-d15"),
            ("d5[0]", "q8", "d16-d17", "q9", "d18-d19")
        ],
        second: [""]
    }

    block! {
        four_by_two,
        weights: ["vld1.32 {{d4-d5}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11"),
            ("d4[1]", "q6", "d12-d13", "q7", "d14-d15"),
            ("d5[0]", "q8", "d16-d17", "q9", "d18-d19"),
            ("d5[1]", "q10", "d20-d21", "q11", "d22-d23")
        ],
        second: [""]
    }

    block! {
        five_by_two,
        weights: ["vld1.32 {{d4-d5}}, [{weights}]!", "vld1.32 {{d6[0]}}, [{weights}], {to_tap}"],
        skip: 16,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11"),
            ("d4[1]", "q6", "d12-d13", "q7", "d14-d15"),
            ("d5[0]", "q8", "d16-d17", "q9", "d18-d19"),
            ("d5[1]", "q10", "d20-d21", "q11", "d22-d23"),
            ("d6[0]", "q12", "d24-d25", "q13", "d26-d27")
        ],
        second: [""]
    }

    block! {
        six_by_two,
        weights: ["vld1.32 {{d4-d6}}, [{weights}], {to_tap}"],
        skip: 0,
        filters: [
            ("d4[0]", "q4", "d8-d9", "q5", "d10-d11"),
            ("d4[1]", "q6", "d12-d13", "q7", "d14-d15"),
            ("d5[0]", "q8", "d16-d17", "q9", "d18-d19"),
            ("d5[1]", "q10", "d20-d21", "q11", "d22-d23"),
            ("d6[0]", "q12", "d24-d25", "q13", "d26-d27"),
            ("d6[1]", "q14", "d28-d29", "q15", "d30-d31")
        ],
        second: [""]
    }
}
