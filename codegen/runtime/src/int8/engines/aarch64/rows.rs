//! Activated rows: the bytes of four channels, side by side.
#![allow(unsafe_code)]

use super::super::super::engine::{Group, MOST_CHANNELS};
use super::vector::{BYTES, instruction, load};
use core::arch::aarch64::{
    uint8x8x4_t, uint8x16_t, uint8x16x4_t, vdup_n_u8, vld1q_u8, vpadalq_s8, vpaddlq_s8,
    vreinterpret_u8_s8, vreinterpretq_s8_u8, vrshrn_n_s16, vst4_u8, vst4q_u8,
};

/// The bytes of a group.
const GROUP_BYTES: usize = 4;

/// Writes a row: `activated` makes bytes of four channels of their input bytes.
#[inline(always)]
pub(super) fn lay(
    group: &Group<'_>,
    activated: impl Fn([uint8x16_t; MOST_CHANNELS]) -> [uint8x16_t; MOST_CHANNELS],
    padding: [u8; 4],
    to: &mut [u8],
) {
    let Some(channels) = Channels::of(group) else { return };
    let width = group.width;
    for column in (0..width).step_by(BYTES) {
        // The last vector begins earlier if it can, so that it is a whole one.
        let column = column.min(width.saturating_sub(BYTES));
        let [a, b, c, d] = activated(channels.read(column));
        let to = &mut to[column * GROUP_BYTES..];
        write::<{ BYTES * GROUP_BYTES }>(to, |to| {
            // SAFETY: there is room for as many bytes as are written.
            unsafe { vst4q_u8(to.as_mut_ptr(), uint8x16x4_t(a, b, c, d)) };
        });
        if column + BYTES > width {
            let after = to.chunks_exact_mut(GROUP_BYTES).take(BYTES).skip(width - column);
            after.for_each(|to| to.copy_from_slice(&padding));
        }
    }
}

/// Writes a row of the averages of squares of two by two activated bytes.
#[inline(always)]
pub(super) fn lay_pooled(
    group: &Group<'_>,
    activated: impl Fn([uint8x16_t; MOST_CHANNELS]) -> [uint8x16_t; MOST_CHANNELS],
    to: &mut [u8],
) {
    let Some(channels) = Channels::of(group) else { return };
    let width = group.width / 2 * 2;
    for column in (0..width).step_by(BYTES) {
        let column = column.min(width.saturating_sub(BYTES));
        let above = activated(channels.read(column));
        let below = activated(channels.read(column + group.width));
        let mut lanes = [instruction!(vdup_n_u8(0)); MOST_CHANNELS];
        for (lane, to) in lanes.iter_mut().enumerate() {
            *to = instruction!({
                let sums = vpaddlq_s8(vreinterpretq_s8_u8(above[lane]));
                let sums = vpadalq_s8(sums, vreinterpretq_s8_u8(below[lane]));
                vreinterpret_u8_s8(vrshrn_n_s16::<2>(sums))
            });
        }
        let [a, b, c, d] = lanes;
        write::<{ BYTES / 2 * GROUP_BYTES }>(&mut to[column / 2 * GROUP_BYTES..], |to| {
            // SAFETY: there is room for as many bytes as are written.
            unsafe { vst4_u8(to.as_mut_ptr(), uint8x8x4_t(a, b, c, d)) };
        });
    }
}

/// The planes of a group's channels.
struct Channels<'a> {
    from: &'a [u8],
    /// Where each begins. Where the group has no channel, and its weights are 0, the last channel is
    /// repeated.
    starts: [usize; MOST_CHANNELS],
}

impl<'a> Channels<'a> {
    /// Returns the planes; `None` if there is no channel.
    #[inline(always)]
    fn of(group: &Group<'a>) -> Option<Channels<'a>> {
        let last = group.channels.checked_sub(1)?;
        let starts = [0, 1, 2, 3].map(|lane: usize| lane.min(last) * group.plane);
        Some(Channels { from: group.from, starts })
    }

    /// Returns the values of each channel from a place in its plane on.
    #[inline(always)]
    fn read(&self, at: usize) -> [uint8x16_t; MOST_CHANNELS] {
        if self.starts[MOST_CHANNELS - 1] + at + BYTES > self.from.len() {
            return self.starts.map(|start| load(&self.from[start + at..]));
        }
        // SAFETY: the end of the last channel's values was checked just before.
        self.starts.map(|start| unsafe { vld1q_u8(self.from.as_ptr().add(start + at)) })
    }
}

/// Calls `store` with the first bytes of `to`; if there are too few, what does not fit is dropped.
#[inline(always)]
fn write<const LEN: usize>(to: &mut [u8], store: impl Fn(&mut [u8; LEN])) {
    if let Some(to) = to.first_chunk_mut() {
        return store(to);
    }
    let mut bytes = [0; LEN];
    store(&mut bytes);
    to.copy_from_slice(&bytes[..to.len()]);
}
