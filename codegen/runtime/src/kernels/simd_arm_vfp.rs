//! The floating-point unit of 32-bit ARM, that of microcontrollers too.
//!
//! The compiler does not keep the sums of a convolution in its 32 registers, so that the taps are written in assembly;
//! everything else is left to the compiler.
//!
//! `unsafe` stands here for one reason only: the assembly reads slices whose length was checked just before.
#![allow(unsafe_code)]

use super::conv::Taps;
use super::simd::{Simd, Task, plain_numbers};
use core::arch::asm;
use core::array::from_fn;

/// The floating-point unit.
#[derive(Clone, Copy, Debug)]
pub struct Vfp(());

impl Vfp {
    /// `Some` where the target has one, and the compiler uses it.
    pub fn detect() -> Option<Vfp> {
        cfg!(target_abi = "eabihf").then_some(Vfp(()))
    }
}

impl Simd for Vfp {
    plain_numbers!();

    #[inline(always)]
    fn add_taps<const TILE: usize, const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        mut sums: [[[f32; 4]; VECTORS]; FILTERS],
    ) -> [[[f32; 4]; VECTORS]; FILTERS] {
        // The assembly is for kernels whose columns lie next to each other.
        if taps.phase_len != taps.pitch {
            return taps.add::<Self, TILE, FILTERS, VECTORS>(self, from, sums);
        }
        taps.check::<TILE, FILTERS, VECTORS>(from, Self::LANES);
        // There are registers for one vector of each filter.
        for (vector, from) in from.into_iter().enumerate() {
            let mut column: [[f32; 4]; FILTERS] = from_fn(|filter| sums[filter][vector]);
            let block = Block::new::<TILE>(taps, from, from, column.as_mut_ptr().cast());
            // SAFETY: the slices were checked just before, and there are as many sums.
            unsafe { block.add_with_vfp(FILTERS) };
            for (sums, column) in sums.iter_mut().zip(column) {
                sums[vector] = column;
            }
        }
        sums
    }
}

/// What the assembly works on. Lengths are in bytes.
#[repr(C)]
pub(super) struct Block {
    /// For each filter, its vectors.
    pub(super) sums: *mut f32,
    kernel: usize,
    /// From behind a row of the kernel to the next one.
    to_row: usize,
    /// From there to the next channel.
    to_channel: usize,
    pub(super) weights: *const f32,
    /// From one tap's weights to the next one's.
    pub(super) to_tap: usize,
    /// The first tap's values, for both vectors.
    pub(super) values: [*const f32; 2],
    pub(super) channels: usize,
}

impl Block {
    #[inline(always)]
    pub(super) fn new<const TILE: usize>(taps: &Taps<'_>, first: usize, second: usize, sums: *mut f32) -> Block {
        let Taps { kernel, channels, plane_len, pitch, .. } = *taps;
        let values = [first, second].map(|from| taps.planes[from..].as_ptr());
        let (to_row, to_channel) = (4 * (pitch - kernel), 4 * (plane_len - kernel * pitch));
        let weights = taps.weights[taps.start..].as_ptr();
        Block { sums, kernel, to_row, to_channel, weights, to_tap: 4 * TILE, values, channels }
    }
}

impl Block {
    /// Adds the taps of at most six filters to one vector of each.
    ///
    /// # Safety
    /// All that it leads to is there.
    #[inline(always)]
    unsafe fn add_with_vfp(&self, filters: usize) {
        // SAFETY: the caller's.
        unsafe {
            match filters {
                1 => self.one(),
                2 => self.two(),
                3 => self.three(),
                4 => self.four(),
                5 => self.five(),
                6 => self.six(),
                _ => unreachable!("there are 32 registers"),
            }
        }
    }
}

/// One of the functions that [`Block::add_with_vfp`] chooses from. Sums are in s8 to s31, values in s0 to s3, weights in s4 to
/// s7, which hold four at a time.
macro_rules! block {
    ($name:ident, $sums:literal, $read:literal, $($lines:literal),*) => {
        /// A function of its own, because s0 to s15 are changed too: nobody expects a call to keep them. The others are put
        /// back by hand, since not every compiler for a small floating-point unit can be told.
        ///
        /// # Safety
        /// See [`Block::add_with_vfp`].
        #[inline(never)]
        unsafe fn $name(&self) {
            // SAFETY: the caller's; the registers that are changed are put back or named.
            unsafe {
                asm!(
                    "vpush {{s16-s31}}",
                    "ldr {count}, [{block}]",
                    concat!("vldmia {count}, {{", $sums, "}}"),
                    "2:",
                    "ldr {rows}, [{block}, #4]",
                    "3:",
                    "ldr {count}, [{block}, #4]",
                    "4:",
                    "vldmia {values}, {{s0-s3}}",
                    "add {values}, {values}, #4",
                    $($lines,)*
                    "add {weights}, {weights}, {to_tap}",
                    "subs {count}, {count}, #1",
                    "bne 4b",
                    "ldr {count}, [{block}, #8]",
                    "add {values}, {values}, {count}",
                    "subs {rows}, {rows}, #1",
                    "bne 3b",
                    "ldr {count}, [{block}, #12]",
                    "add {values}, {values}, {count}",
                    "subs {channels}, {channels}, #1",
                    "bne 2b",
                    "ldr {count}, [{block}]",
                    concat!("vstmia {count}, {{", $sums, "}}"),
                    "vpop {{s16-s31}}",
                    block = in(reg) self,
                    weights = inout(reg) self.weights => _,
                    to_tap = in(reg) self.to_tap - $read,
                    values = inout(reg) self.values[0] => _,
                    channels = inout(reg) self.channels => _,
                    rows = out(reg) _,
                    count = out(reg) _,
                );
            }
        }
    };
}

impl Block {
    block!(
        one,
        "s8-s11",
        4,
        "vldmia {weights}!, {{s4}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4"
    );

    block!(
        two,
        "s8-s15",
        8,
        "vldmia {weights}!, {{s4-s5}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4",
        "vmla.f32 s12, s0, s5",
        "vmla.f32 s13, s1, s5",
        "vmla.f32 s14, s2, s5",
        "vmla.f32 s15, s3, s5"
    );

    block!(
        three,
        "s8-s19",
        12,
        "vldmia {weights}!, {{s4-s6}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4",
        "vmla.f32 s12, s0, s5",
        "vmla.f32 s13, s1, s5",
        "vmla.f32 s14, s2, s5",
        "vmla.f32 s15, s3, s5",
        "vmla.f32 s16, s0, s6",
        "vmla.f32 s17, s1, s6",
        "vmla.f32 s18, s2, s6",
        "vmla.f32 s19, s3, s6"
    );

    block!(
        four,
        "s8-s23",
        16,
        "vldmia {weights}!, {{s4-s7}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4",
        "vmla.f32 s12, s0, s5",
        "vmla.f32 s13, s1, s5",
        "vmla.f32 s14, s2, s5",
        "vmla.f32 s15, s3, s5",
        "vmla.f32 s16, s0, s6",
        "vmla.f32 s17, s1, s6",
        "vmla.f32 s18, s2, s6",
        "vmla.f32 s19, s3, s6",
        "vmla.f32 s20, s0, s7",
        "vmla.f32 s21, s1, s7",
        "vmla.f32 s22, s2, s7",
        "vmla.f32 s23, s3, s7"
    );

    block!(
        five,
        "s8-s27",
        20,
        "vldmia {weights}!, {{s4-s7}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4",
        "vmla.f32 s12, s0, s5",
        "vmla.f32 s13, s1, s5",
        "vmla.f32 s14, s2, s5",
        "vmla.f32 s15, s3, s5",
        "vmla.f32 s16, s0, s6",
        "vmla.f32 s17, s1, s6",
        "vmla.f32 s18, s2, s6",
        "vmla.f32 s19, s3, s6",
        "vmla.f32 s20, s0, s7",
        "vmla.f32 s21, s1, s7",
        "vmla.f32 s22, s2, s7",
        "vmla.f32 s23, s3, s7",
        "vldmia {weights}!, {{s4}}",
        "vmla.f32 s24, s0, s4",
        "vmla.f32 s25, s1, s4",
        "vmla.f32 s26, s2, s4",
        "vmla.f32 s27, s3, s4"
    );

    block!(
        six,
        "s8-s31",
        24,
        "vldmia {weights}!, {{s4-s7}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s1, s4",
        "vmla.f32 s10, s2, s4",
        "vmla.f32 s11, s3, s4",
        "vmla.f32 s12, s0, s5",
        "vmla.f32 s13, s1, s5",
        "vmla.f32 s14, s2, s5",
        "vmla.f32 s15, s3, s5",
        "vmla.f32 s16, s0, s6",
        "vmla.f32 s17, s1, s6",
        "vmla.f32 s18, s2, s6",
        "vmla.f32 s19, s3, s6",
        "vmla.f32 s20, s0, s7",
        "vmla.f32 s21, s1, s7",
        "vmla.f32 s22, s2, s7",
        "vmla.f32 s23, s3, s7",
        "vldmia {weights}!, {{s4-s5}}",
        "vmla.f32 s24, s0, s4",
        "vmla.f32 s25, s1, s4",
        "vmla.f32 s26, s2, s4",
        "vmla.f32 s27, s3, s4",
        "vmla.f32 s28, s0, s5",
        "vmla.f32 s29, s1, s5",
        "vmla.f32 s30, s2, s5",
        "vmla.f32 s31, s3, s5"
    );
}
