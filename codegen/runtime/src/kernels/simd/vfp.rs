//! The floating-point unit of 32-bit ARM, on microcontrollers too.
//!
//! The compiler does not keep the sums of a convolution in its 32 registers, so that the taps are
//! written in assembly; everything else is left to the compiler.
//!
//! `unsafe` has one reason only: the assembly reads slices whose length was checked just before.
#![allow(unsafe_code)]

use super::super::taps::{Planes, Taps};
use super::Simd;
use super::scalar::plain_numbers;
use core::arch::asm;
use core::array::from_fn;

/// The floating-point unit.
#[derive(Clone, Copy, Debug)]
pub struct Vfp(());

impl Vfp {
    /// Returns `Some` if the target has a floating-point unit and the compiler uses it.
    pub fn detect() -> Option<Vfp> {
        cfg!(target_abi = "eabihf").then_some(Vfp(()))
    }
}

impl Simd for Vfp {
    plain_numbers!();

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        mut sums: [[[f32; 4]; VECTORS]; FILTERS],
    ) -> [[[f32; 4]; VECTORS]; FILTERS] {
        let to = Planes {
            values: sums.as_flattened_mut().as_flattened_mut(),
            distance: 4 * VECTORS,
            places: from_fn(|i| 4 * i),
        };
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
        let mut block = Block::new::<FILTERS, VECTORS>(taps, from, are_zero, to);
        // SAFETY: the slices were checked just before.
        unsafe {
            // The registers hold one vector of each filter.
            block.add_with_vfp(FILTERS);
            if VECTORS == 2 {
                (block.values[0], block.to[0]) = (block.values[1], block.to[1]);
                block.add_with_vfp(FILTERS);
            }
        }
        true
    }
}

/// Adds taps whose columns are not next to each other, as strides over 1 have them and the assembly
/// cannot. That is rare, so that the function is small rather than fast.
#[inline(never)]
pub(super) fn add_taps_of_strides(
    taps: &Taps<'_>,
    filters: usize,
    from: &[usize],
    are_zero: bool,
    values: &mut [f32],
    distance: usize,
    places: &[usize],
) {
    for filter in 0..filters {
        for (from, place) in from.iter().zip(places) {
            for lane in 0..4 {
                let sum = &mut values[filter * distance + place + lane];
                *sum = taps.sum_of_one(taps.start + filter, from + lane)
                    + if are_zero { 0.0 } else { *sum };
            }
        }
    }
}

impl Taps<'_> {
    /// Returns the contribution of all taps to one filter's sum at one place.
    fn sum_of_one(&self, filter: usize, from: usize) -> f32 {
        let (mut sum, mut weights) = (0.0, self.weights.iter().skip(filter).step_by(self.tile));
        for channel in 0..self.channels {
            let (mut row_phase, mut row) = (0, channel * self.plane_len + from);
            for _ in 0..self.kernel {
                let line = &self.planes[row + row_phase..];
                let (mut phase, mut column) = (0, 0);
                for weight in weights.by_ref().take(self.kernel) {
                    sum += line[phase + column] * weight;
                    phase += self.columns.step;
                    if phase == self.columns.end {
                        (phase, column) = (0, column + self.columns.next);
                    }
                }
                row_phase += self.rows.step;
                if row_phase == self.rows.end {
                    (row_phase, row) = (0, row + self.rows.next);
                }
            }
        }
        sum
    }
}

/// The operands of the assembly. Distances are in bytes.
#[repr(C)]
pub(super) struct Block {
    /// The sums of the first filter, for both vectors.
    pub(super) to: [*mut f32; 2],
    /// The distance from one filter's sums to the next one's.
    pub(super) distance: usize,
    kernel: usize,
    /// The distance from the end of a row of the kernel to the next row.
    to_row: usize,
    /// The distance from there to the next channel.
    to_channel: usize,
    pub(super) weights: *const f32,
    /// The distance from one tap's weights to the next one's.
    pub(super) to_tap: usize,
    /// The values of the first tap, for both vectors.
    pub(super) values: [*const f32; 2],
    pub(super) channels: usize,
}

impl Block {
    /// Returns the operands for the sums in `to`, which are set to 0 first if `are_zero`.
    ///
    /// # Panics
    /// Panics if a slice is too short.
    #[inline(always)]
    pub(super) fn new<const FILTERS: usize, const VECTORS: usize>(
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        are_zero: bool,
        to: Planes<'_, VECTORS>,
    ) -> Block {
        assert!(FILTERS <= 6 && (VECTORS == 1 || VECTORS == 2));
        taps.check::<FILTERS, VECTORS>(from, 4);
        let [first, second] = [to.places[0], to.places[VECTORS - 1]];
        let values = &mut to.values[..(FILTERS - 1) * to.distance + first.max(second) + 4];
        if are_zero {
            for filter in 0..FILTERS {
                to.places
                    .iter()
                    .for_each(|place| values[filter * to.distance + place..][..4].fill(0.0));
            }
        }
        let sums = values.as_mut_ptr();
        let Taps { kernel, channels, plane_len, rows, .. } = *taps;
        let pitch = rows.next;
        Block {
            to: [sums.wrapping_add(first), sums.wrapping_add(second)],
            distance: 4 * to.distance,
            kernel,
            to_row: 4 * (pitch - kernel),
            to_channel: 4 * (plane_len - kernel * pitch),
            weights: taps.weights[taps.start..].as_ptr(),
            to_tap: 4 * taps.tile,
            values: [from[0], from[VECTORS - 1]].map(|from| taps.planes[from..].as_ptr()),
            channels,
        }
    }
}

impl Block {
    /// Adds the taps of at most six filters to one vector of each.
    ///
    /// # Safety
    /// All pointers are valid for the block's sizes.
    #[inline(always)]
    unsafe fn add_with_vfp(&self, filters: usize) {
        // SAFETY: required of the caller.
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

/// Defines one of the functions that [`Block::add_with_vfp`] chooses from. Sums are in s8 to s31,
/// values in s0 to s3, weights in s4 to s7, which hold four at a time.
macro_rules! block {
    ($name:ident, sums: [$($sums:literal),*], read: $read:literal, taps: [$($taps:literal),*]) => {
        /// Never inlined, because s0 to s15 are changed too: a call need not preserve them. The
        /// other registers are restored by the assembly, since they cannot be named as clobbered
        /// for every small floating-point unit.
        ///
        /// # Safety
        /// See [`Block::add_with_vfp`].
        #[inline(never)]
        unsafe fn $name(&self) {
            // SAFETY: required of the caller; the registers that are changed are restored or named.
            unsafe {
                asm!(
                    "vpush {{s16-s31}}",
                    "ldr {count}, [{block}]",
                    $(concat!("vldmia {count}, {{", $sums, "}}"), "add {count}, {count}, {distance}",)*
                    "2:",
                    "ldr {rows}, [{block}, #12]",
                    "3:",
                    "ldr {count}, [{block}, #12]",
                    "4:",
                    "vldmia {values}, {{s0-s3}}",
                    "add {values}, {values}, #4",
                    $($taps,)*
                    "add {weights}, {weights}, {to_tap}",
                    "subs {count}, {count}, #1",
                    "bne 4b",
                    "ldr {count}, [{block}, #16]",
                    "add {values}, {values}, {count}",
                    "subs {rows}, {rows}, #1",
                    "bne 3b",
                    "ldr {count}, [{block}, #20]",
                    "add {values}, {values}, {count}",
                    "subs {channels}, {channels}, #1",
                    "bne 2b",
                    "ldr {count}, [{block}]",
                    $(concat!("vstmia {count}, {{", $sums, "}}"), "add {count}, {count}, {distance}",)*
                    "vpop {{s16-s31}}",
                    block = in(reg) self,
                    distance = in(reg) self.distance,
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
        sums: ["s8-s11"],
        read: 4,
        taps: [
            "vldmia {weights}!, {{s4}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4"
        ]
    );

    block!(
        two,
        sums: ["s8-s11", "s12-s15"],
        read: 8,
        taps: [
            "vldmia {weights}!, {{s4-s5}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4", "vmla.f32 s12, s0, s5", "vmla.f32 s13, s1, s5", "vmla.f32 s14, s2, s5",
            "vmla.f32 s15, s3, s5"
        ]
    );

    block!(
        three,
        sums: ["s8-s11", "s12-s15", "s16-s19"],
        read: 12,
        taps: [
            "vldmia {weights}!, {{s4-s6}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4", "vmla.f32 s12, s0, s5", "vmla.f32 s13, s1, s5", "vmla.f32 s14, s2, s5",
            "vmla.f32 s15, s3, s5", "vmla.f32 s16, s0, s6", "vmla.f32 s17, s1, s6", "vmla.f32 s18, s2, s6",
            "vmla.f32 s19, s3, s6"
        ]
    );

    block!(
        four,
        sums: ["s8-s11", "s12-s15", "s16-s19", "s20-s23"],
        read: 16,
        taps: [
            "vldmia {weights}!, {{s4-s7}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4", "vmla.f32 s12, s0, s5", "vmla.f32 s13, s1, s5", "vmla.f32 s14, s2, s5",
            "vmla.f32 s15, s3, s5", "vmla.f32 s16, s0, s6", "vmla.f32 s17, s1, s6", "vmla.f32 s18, s2, s6",
            "vmla.f32 s19, s3, s6", "vmla.f32 s20, s0, s7", "vmla.f32 s21, s1, s7", "vmla.f32 s22, s2, s7",
            "vmla.f32 s23, s3, s7"
        ]
    );

    block!(
        five,
        sums: ["s8-s11", "s12-s15", "s16-s19", "s20-s23", "s24-s27"],
        read: 20,
        taps: [
            "vldmia {weights}!, {{s4-s7}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4", "vmla.f32 s12, s0, s5", "vmla.f32 s13, s1, s5", "vmla.f32 s14, s2, s5",
            "vmla.f32 s15, s3, s5", "vmla.f32 s16, s0, s6", "vmla.f32 s17, s1, s6", "vmla.f32 s18, s2, s6",
            "vmla.f32 s19, s3, s6", "vmla.f32 s20, s0, s7", "vmla.f32 s21, s1, s7", "vmla.f32 s22, s2, s7",
            "vmla.f32 s23, s3, s7", "vldmia {weights}!, {{s4}}", "vmla.f32 s24, s0, s4", "vmla.f32 s25, s1, s4",
            "vmla.f32 s26, s2, s4", "vmla.f32 s27, s3, s4"
        ]
    );

    block!(
        six,
        sums: ["s8-s11", "s12-s15", "s16-s19", "s20-s23", "s24-s27", "s28-s31"],
        read: 24,
        taps: [
            "vldmia {weights}!, {{s4-s7}}", "vmla.f32 s8, s0, s4", "vmla.f32 s9, s1, s4", "vmla.f32 s10, s2, s4",
            "vmla.f32 s11, s3, s4", "vmla.f32 s12, s0, s5", "vmla.f32 s13, s1, s5", "vmla.f32 s14, s2, s5",
            "vmla.f32 s15, s3, s5", "vmla.f32 s16, s0, s6", "vmla.f32 s17, s1, s6", "vmla.f32 s18, s2, s6",
            "vmla.f32 s19, s3, s6", "vmla.f32 s20, s0, s7", "vmla.f32 s21, s1, s7", "vmla.f32 s22, s2, s7",
            "vmla.f32 s23, s3, s7", "vldmia {weights}!, {{s4-s5}}", "vmla.f32 s24, s0, s4", "vmla.f32 s25, s1, s4",
            "vmla.f32 s26, s2, s4", "vmla.f32 s27, s3, s4", "vmla.f32 s28, s0, s5", "vmla.f32 s29, s1, s5",
            "vmla.f32 s30, s2, s5", "vmla.f32 s31, s3, s5"
        ]
    );
}
