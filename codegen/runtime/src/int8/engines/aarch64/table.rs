//! Tables: the index of a value, and the byte at an index.
#![allow(unsafe_code)]

use super::super::super::engine::{Affine, Affines};
use super::vector::{BYTES, bytes_of, instruction, load};
use core::arch::aarch64::{
    int16x4_t, int16x8_t, uint8x16_t, uint8x16x4_t, vaddq_s16, vaddvq_u32, vdupq_n_s16, vdupq_n_u8,
    vdupq_n_u32, veorq_u8, vget_low_s8, vld1_s16, vld1q_u8_x4, vpadalq_u16, vpaddlq_u8, vqaddq_s16,
    vqdmulhq_lane_s16, vqdmulhq_n_s16, vqmovun_high_s16, vqmovun_s16, vqtbl4q_u8, vqtbx4q_u8,
    vreinterpretq_s8_u8, vshll_high_n_s8, vshll_n_s8, vshlq_s16, vsubq_u8,
};

/// A table of 256 bytes in quarters: an instruction looks bytes up in 64.
#[derive(Clone, Copy, Debug)]
pub struct Lookup([uint8x16x4_t; 4]);

impl Lookup {
    /// Returns a table.
    #[inline(always)]
    pub(super) fn new(table: &[u8; 256]) -> Lookup {
        // SAFETY: a quarter has as many bytes as are read.
        Lookup([0, 64, 128, 192].map(|first| unsafe { vld1q_u8_x4(table[first..].as_ptr()) }))
    }

    /// Returns the bytes at the indices of four channels: a quarter serves all of them once it is
    /// loaded.
    #[inline(always)]
    pub(super) fn bytes_of_group(&self, indices: [uint8x16_t; 4]) -> [uint8x16_t; 4] {
        let [first, rest @ ..] = self.0;
        let mut bytes = indices.map(|index| instruction!(vqtbl4q_u8(first, index)));
        let mut indices = indices;
        for quarter in rest {
            for (bytes, index) in bytes.iter_mut().zip(&mut indices) {
                instruction!({
                    *index = vsubq_u8(*index, vdupq_n_u8(64));
                    *bytes = vqtbx4q_u8(*bytes, quarter, *index);
                });
            }
        }
        bytes
    }

    /// Returns the bytes at these indices.
    #[inline(always)]
    pub(super) fn bytes(&self, index: uint8x16_t) -> uint8x16_t {
        let [first, second, third, fourth] = self.0;
        // An index outside of a quarter leaves the byte as it is.
        instruction!({
            let bytes = vqtbl4q_u8(first, index);
            let bytes = vqtbx4q_u8(bytes, second, vsubq_u8(index, vdupq_n_u8(64)));
            let bytes = vqtbx4q_u8(bytes, third, vsubq_u8(index, vdupq_n_u8(128)));
            vqtbx4q_u8(bytes, fourth, vsubq_u8(index, vdupq_n_u8(192)))
        })
    }

    /// Returns the sum of the bytes, each combined with `flip`, for a plane's values.
    #[inline(always)]
    pub(super) fn sum(&self, position: Position, flip: u8, from: &[u8]) -> u32 {
        let flip = instruction!(vdupq_n_u8(flip));
        let bytes = |from: &[u8]| {
            let index = position.index(load(from));
            instruction!(veorq_u8(self.bytes(index), flip))
        };
        let vectors = from.chunks_exact(BYTES);
        let rest = vectors.remainder();
        let mut sums = instruction!(vdupq_n_u32(0));
        for from in vectors {
            let bytes = bytes(from);
            sums = instruction!(vpadalq_u16(sums, vpaddlq_u8(bytes)));
        }
        let mut sum = instruction!(vaddvq_u32(sums));
        if !rest.is_empty() {
            sum += bytes_of(bytes(rest))[..rest.len()].iter().map(|x| u32::from(*x)).sum::<u32>();
        }
        sum
    }
}

/// The linear function whose result is an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    factors: [i16; 2],
    offset: int16x8_t,
    shift: int16x8_t,
}

impl Position {
    /// Returns the function.
    #[inline(always)]
    pub(super) fn new(affine: Affine) -> Position {
        let Affine { factors, offset, shift } = affine;
        Position {
            factors,
            offset: instruction!(vdupq_n_s16(offset)),
            shift: instruction!(vdupq_n_s16(-i16::from(shift))),
        }
    }

    /// Returns the indices for signed bytes.
    #[inline(always)]
    pub(super) fn index(&self, from: uint8x16_t) -> uint8x16_t {
        narrowed(self.terms(0, from), self.offset, self.shift)
    }

    /// Returns the indices for the sums of two terms, which fit 16 bits.
    #[inline(always)]
    pub(super) fn index_of_sum(&self, first: uint8x16_t, second: uint8x16_t) -> uint8x16_t {
        let (first, second) = (self.terms(0, first), self.terms(1, second));
        let sums = [0, 1].map(|half| instruction!(vaddq_s16(first[half], second[half])));
        narrowed(sums, self.offset, self.shift)
    }

    /// Returns `(value * factor) >> 8`: twice the product of `value << 7`, without its low half.
    #[inline(always)]
    fn terms(&self, term: usize, from: uint8x16_t) -> [int16x8_t; 2] {
        widened(from).map(|half| instruction!(vqdmulhq_n_s16(half, self.factors[term])))
    }
}

/// The linear functions of a group's channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positions {
    factors: int16x4_t,
    offsets: [int16x8_t; 4],
    shift: int16x8_t,
}

impl Positions {
    /// Returns the functions.
    #[inline(always)]
    pub(super) fn new(affines: &Affines) -> Positions {
        Positions {
            // SAFETY: there are as many factors as are read.
            factors: unsafe { vld1_s16(affines.factors.as_ptr()) },
            offsets: affines.offsets.map(|offset| instruction!(vdupq_n_s16(offset))),
            shift: instruction!(vdupq_n_s16(-i16::from(affines.shift))),
        }
    }

    /// Returns the indices for signed bytes of four channels.
    #[inline(always)]
    pub(super) fn indices(&self, [a, b, c, d]: [uint8x16_t; 4]) -> [uint8x16_t; 4] {
        [self.index::<0>(a), self.index::<1>(b), self.index::<2>(c), self.index::<3>(d)]
    }

    #[inline(always)]
    fn index<const LANE: i32>(&self, from: uint8x16_t) -> uint8x16_t {
        let terms =
            widened(from).map(|half| instruction!(vqdmulhq_lane_s16::<LANE>(half, self.factors)));
        narrowed(terms, self.offsets[LANE as usize], self.shift)
    }
}

/// Returns signed bytes times 128.
#[inline(always)]
fn widened(from: uint8x16_t) -> [int16x8_t; 2] {
    instruction!({
        let from = vreinterpretq_s8_u8(from);
        [vshll_n_s8::<7>(vget_low_s8(from)), vshll_high_n_s8::<7>(from)]
    })
}

/// Adds the offset and shifts. A sum that saturates has the same index as the exact one.
#[inline(always)]
fn narrowed(terms: [int16x8_t; 2], offset: int16x8_t, shift: int16x8_t) -> uint8x16_t {
    let [low, high] = terms.map(|terms| instruction!(vshlq_s16(vqaddq_s16(terms, offset), shift)));
    instruction!(vqmovun_high_s16(vqmovun_s16(low), high))
}
