//! NEON on 32-bit ARM with Linux; most but not all such processors have it.
//!
//! Rust's NEON intrinsics are unstable there, so that what computes on vectors is written in
//! assembly.
//!
//! `unsafe` has one reason only: the assembly reads and writes slices whose length was checked just
//! before.
#![allow(unsafe_code)]

mod group;
mod sums;
mod table;

use super::super::engine::{Affine, Affines, Engine, Group, Place};
use super::super::linux::processor_has;
use super::super::packing::Packing;
use super::super::taps::Taps;
use group::{COLUMNS, Channels, Planes, average, interleave};
use table::{COUNT, indices};

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

/// The bytes of a group.
const GROUP_BYTES: usize = 4;

/// Calls `each` with places in a row and the indices for so many columns from there on.
#[inline(always)]
fn for_indices(affine: Affine, from: [&[u8]; 2], mut each: impl FnMut(usize, &[u8])) {
    let len = from[0].len();
    for at in (0..len).step_by(COUNT) {
        // The last vector begins earlier if it can, so that it is a whole one.
        let at = at.min(len.saturating_sub(COUNT));
        // SAFETY: a value of `Neon` proves that the processor has these instructions.
        let indices = unsafe { indices(affine, from.map(|from| from.get(at..).unwrap_or(&[]))) };
        each(at, &indices[..COUNT.min(len)]);
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

/// Writes a row of groups whose channels `channels` returns from a column on.
#[inline(always)]
fn lay_row(width: usize, channels: impl Fn(usize) -> Channels, padding: [u8; 4], to: &mut [u8]) {
    for column in (0..width).step_by(COLUMNS) {
        // The last vector begins earlier if it can, so that it is a whole one.
        let column = column.min(width.saturating_sub(COLUMNS));
        let channels = channels(column);
        let to = &mut to[column * GROUP_BYTES..];
        // SAFETY: a value of `Neon` proves that the processor has NEON.
        write(to, |to| unsafe { interleave(&channels, to) });
        if column + COLUMNS > width {
            let after = to.chunks_exact_mut(GROUP_BYTES).take(COLUMNS).skip(width - column);
            after.for_each(|to| to.copy_from_slice(&padding));
        }
    }
}

impl Engine for Neon {
    type Table = [u8; 256];
    type Sums = [i32; 4];
    const COLUMNS: usize = 4;
    const VECTORS: usize = 2;
    const FILTERS: usize = 12;

    #[inline(always)]
    fn table(self, table: &[u8; 256]) -> [u8; 256] {
        *table
    }

    #[inline(always)]
    fn map(self, table: &[u8; 256], affine: Affine, from: [&[u8]; 2], flip: u8, to: &mut [u8]) {
        let from = from.map(|from| &from[..from.len().min(to.len())]);
        for_indices(affine, from, |at, indices| {
            for (to, index) in to[at..].iter_mut().zip(indices) {
                *to = table[usize::from(*index)] ^ flip;
            }
        });
    }

    #[inline(always)]
    fn sum(self, table: &[u8; 256], affine: Affine, from: &[u8]) -> u32 {
        let (vectors, rest) = from.split_at(from.len() / COUNT * COUNT);
        let byte = |index: &u8| u32::from(table[usize::from(*index)] ^ Packing::HERE.flip);
        let mut sum = 0;
        for part in [vectors, rest] {
            for_indices(affine, [part, &[]], |_, indices| {
                sum += indices.iter().map(byte).sum::<u32>();
            });
        }
        sum
    }

    #[inline(always)]
    fn lay(
        self,
        table: &[u8; 256],
        affines: &Affines,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let Some(planes) = Planes::of(group) else { return };
        // SAFETY: `self` proves that the processor has NEON.
        let channels = |at| unsafe { planes.activated(table, affines, at) };
        lay_row(group.width, channels, padding, to);
    }

    #[inline(always)]
    fn lay_pooled(self, table: &[u8; 256], affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
        let Some(planes) = Planes::of(group) else { return };
        let width = group.width / 2 * 2;
        for column in (0..width).step_by(COLUMNS) {
            let column = column.min(width.saturating_sub(COLUMNS));
            // SAFETY: `self` proves that the processor has NEON.
            let [above, below] = [column, column + group.width]
                .map(|at| unsafe { planes.activated(table, affines, at) });
            // SAFETY: see above.
            let store = |to: &mut _| unsafe { average(&above, &below, to) };
            write(&mut to[column / 2 * GROUP_BYTES..], store);
        }
    }

    #[inline(always)]
    fn lay_plain(self, group: &Group<'_>, mask: u8, padding: [u8; 4], to: &mut [u8]) {
        let Some(planes) = Planes::of(group) else { return };
        let channels = |at| planes.read(at).map(|row| row.map(|byte| byte ^ mask));
        lay_row(group.width, channels, padding, to);
    }

    #[inline(always)]
    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[[i32; 4]; VECTORS]; FILTERS] {
        taps.check(taps.tile * GROUP_BYTES, 16);
        let mut sums = biases.map(|bias| [[bias; 4]; VECTORS]);
        // SAFETY: the slices were checked just before; `self` proves that the processor has NEON.
        unsafe { sums::add(taps, [taps.tile, first], &mut sums) };
        sums
    }

    #[inline(always)]
    fn store(self, sums: [i32; 4], multiplier: i32, to: &mut [u8]) {
        // SAFETY: `self` proves that the processor has NEON.
        let mut values = [0; 8];
        unsafe { sums::requantize(&[sums, [0; 4]], multiplier, &mut values) };
        to.copy_from_slice(&values[..to.len()]);
    }
    #[inline(always)]
    fn store_all<const VECTORS: usize>(
        self,
        sums: &[[i32; 4]; VECTORS],
        multiplier: i32,
        places: &[Place],
        plane: &mut [u8],
    ) {
        if let (Some(sums), [first, second]) = (sums.first_chunk(), places) {
            // Two vectors next to each other are stored as one.
            if second.at == first.at + 4 && second.count == 4 {
                let to = plane[first.at..].first_chunk_mut().expect("the plane has both places");
                // SAFETY: `self` proves that the processor has NEON.
                unsafe { sums::requantize(sums, multiplier, to) };
                return;
            }
        }
        for (sums, place) in sums.iter().zip(places) {
            self.store(*sums, multiplier, &mut plane[place.at..][..place.count]);
        }
    }
}
