//! NEON on 64-bit ARM, which every such processor has, with or without dot products of bytes.
//!
//! `unsafe` has two reasons only. Dot products may be used because only `detect` makes a value of
//! [`Dotprod`]. Loads and stores go through pointers of slices whose length was checked just before.
#![allow(unsafe_code)]

mod dot;
mod rows;
mod table;
mod unrolled;
mod vector;
mod widening;

use super::super::engine::{Affine, Affines, Engine, Group, Place};
use super::super::packing::Packing;
use super::super::taps::Taps;
use core::arch::aarch64::{
    int32x4_t, uint8x16_t, vcombine_s16, vdup_n_s16, vdupq_n_u8, veorq_u8, vget_lane_u32,
    vget_lane_u64, vqdmulhq_n_s32, vqmovn_high_s32, vqmovn_s16, vqmovn_s32, vreinterpret_u32_s8,
    vreinterpret_u64_s8,
};
use table::{Lookup, Position, Positions};
use vector::{BYTES, bytes_of, instruction, load};

/// NEON, with the dot products of ARMv8.2 if `DOTPROD` is set.
#[derive(Clone, Copy, Debug)]
pub struct Aarch64<const DOTPROD: bool>(());

/// NEON alone.
pub type Neon = Aarch64<false>;
/// NEON with dot products.
pub type Dotprod = Aarch64<true>;

impl Neon {
    /// Returns `Some`: every such processor has these instructions.
    pub fn detect() -> Option<Neon> {
        Some(Aarch64(()))
    }
}

impl Dotprod {
    /// Returns `Some` if the processor has these instructions, as Linux says; elsewhere if the
    /// program was compiled for such processors.
    pub fn detect() -> Option<Dotprod> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            const DOT_PRODUCTS: u32 = 20;
            if super::super::linux::processor_has(DOT_PRODUCTS) {
                return Some(Aarch64(()));
            }
        }
        cfg!(target_feature = "dotprod").then_some(Aarch64(()))
    }
}

impl<const DOTPROD: bool> Engine for Aarch64<DOTPROD> {
    type Table = Lookup;
    type Sums = int32x4_t;
    const COLUMNS: usize = 4;
    const VECTORS: usize = 2;
    const FILTERS: usize = 12;

    #[inline(always)]
    fn table(self, table: &[u8; 256]) -> Lookup {
        Lookup::new(table)
    }

    #[inline(always)]
    fn map(self, table: &Lookup, affine: Affine, from: [&[u8]; 2], flip: u8, to: &mut [u8]) {
        let position = Position::new(affine);
        let flip = instruction!(vdupq_n_u8(flip));
        let from = from.map(|from| &from[..from.len().min(to.len())]);
        for at in (0..to.len()).step_by(BYTES) {
            // The last vector begins earlier if it can, so that it is a whole one.
            let at = at.min(to.len().saturating_sub(BYTES));
            let first = load(&from[0][at..]);
            let index = if from[1].is_empty() {
                position.index(first)
            } else {
                position.index_of_sum(first, load(&from[1][at..]))
            };
            let bytes = bytes_of(instruction!(veorq_u8(table.bytes(index), flip)));
            let to = &mut to[at..];
            let count = to.len().min(BYTES);
            to[..count].copy_from_slice(&bytes[..count]);
        }
    }

    #[inline(always)]
    fn sum(self, table: &Lookup, affine: Affine, from: &[u8]) -> u32 {
        table.sum(Position::new(affine), Packing::HERE.flip, from)
    }

    #[inline(always)]
    fn lay(
        self,
        table: &Lookup,
        affines: &Affines,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let positions = Positions::new(affines);
        rows::lay(group, |from| table.bytes_of_group(positions.indices(from)), padding, to);
    }

    #[inline(always)]
    fn lay_pooled(self, table: &Lookup, affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
        let positions = Positions::new(affines);
        rows::lay_pooled(group, |from| table.bytes_of_group(positions.indices(from)), to);
    }

    #[inline(always)]
    fn lay_plain(self, group: &Group<'_>, mask: u8, padding: [u8; 4], to: &mut [u8]) {
        let mask = instruction!(vdupq_n_u8(mask));
        let masked = |from: uint8x16_t| instruction!(veorq_u8(from, mask));
        rows::lay(group, |from| from.map(masked), padding, to);
    }

    #[inline(always)]
    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[int32x4_t; VECTORS]; FILTERS] {
        taps.check(taps.tile * 4, BYTES);
        // SAFETY: the slices were checked just before; a value with `DOTPROD` proves that the
        // processor has dot products.
        unsafe {
            if DOTPROD {
                dot::sums::<FILTERS, VECTORS>(taps, [taps.tile, first], biases)
            } else {
                widening::sums::<FILTERS, VECTORS>(taps, [taps.tile, first], biases)
            }
        }
    }

    #[inline(always)]
    fn store(self, sums: int32x4_t, multiplier: i32, to: &mut [u8]) {
        // The instruction doubles the product; multipliers are even.
        let values = instruction!({
            let values = vqmovn_s32(vqdmulhq_n_s32(sums, multiplier >> 1));
            let values = vqmovn_s16(vcombine_s16(values, vdup_n_s16(0)));
            vget_lane_u32::<0>(vreinterpret_u32_s8(values))
        })
        .to_le_bytes();
        if let Some(to) = to.first_chunk_mut() {
            *to = values;
        } else {
            to.copy_from_slice(&values[..to.len()]);
        }
    }
    #[inline(always)]
    fn store_all<const VECTORS: usize>(
        self,
        sums: &[int32x4_t; VECTORS],
        multiplier: i32,
        places: &[Place],
        plane: &mut [u8],
    ) {
        if let ([low, high], [first, second]) = (&sums[..], places) {
            // Two vectors next to each other are narrowed and stored as one.
            if second.at == first.at + 4 && second.count == 4 {
                let values = instruction!({
                    let low = vqmovn_s32(vqdmulhq_n_s32(*low, multiplier >> 1));
                    let high = vqdmulhq_n_s32(*high, multiplier >> 1);
                    vget_lane_u64::<0>(vreinterpret_u64_s8(vqmovn_s16(vqmovn_high_s32(low, high))))
                });
                plane[first.at..][..8].copy_from_slice(&values.to_le_bytes());
                return;
            }
        }
        for (sums, place) in sums.iter().zip(places) {
            self.store(*sums, multiplier, &mut plane[place.at..][..place.count]);
        }
    }
}
