//! Convolutions with a loop of their own.
//!
//! `unsafe` has one reason: the call of such a loop, once what it reads has been found to be
//! there.
#![allow(unsafe_code)]

use super::super::super::engine::{FilterConstants, Place};
use super::super::super::taps::Taps;
use super::inner_loop::{InnerLoop, Job};
use super::sizes::{COLUMNS, FILTERS, WORD};

/// Computes and stores the values of all filters by a loop that is made for the kernel and the
/// length of lines.
#[inline(never)]
pub(super) fn filters(
    inner_loop: InnerLoop,
    taps: &Taps<'_>,
    filters: FilterConstants<'_>,
    place: Place,
    planes: &mut [u8],
) {
    let row = taps.groups * taps.kernel * WORD;
    let tile = taps.kernel * row;
    let tiles = filters.count.div_ceil(FILTERS);
    taps.check(tiles * WORD, COLUMNS * WORD);
    let aligned = [taps.ring.as_ptr(), taps.weights.as_ptr().cast()];
    assert!(aligned.iter().all(|pointer| pointer.align_offset(WORD) == 0));
    assert!(filters.biases.len().min(filters.multipliers.len()) >= FILTERS * tiles);
    // Columns that are computed already fill up the last vector of a row.
    let [first, column] = taps.starts[0];
    let again = (COLUMNS - place.count).min(column / WORD);
    let at = place.at - again;
    let skipped = inner_loop.skipped(taps.groups);
    let bottom =
        taps.ring.as_ptr().wrapping_add(column - again * WORD).wrapping_sub(skipped * taps.line);
    let mut job = Job {
        first: bottom.wrapping_add(first * taps.slot),
        biases: filters.biases.as_ptr(),
        multipliers: filters.multipliers.as_ptr(),
        to: planes.as_mut_ptr().wrapping_add(at),
        plane: filters.plane,
        tiles: if place.count + again == COLUMNS { filters.count / FILTERS } else { 0 },
        tile,
        bottom,
        top: bottom.wrapping_add(taps.slots * taps.slot),
        slot: taps.slot,
        row,
        weights: taps.weights.as_ptr(),
        entry: inner_loop.entry(skipped),
    };
    let whole = job.tiles;
    if whole > 0 {
        assert!((FILTERS * whole - 1) * filters.plane + at + COLUMNS <= planes.len());
        // SAFETY: `Taps::check` has found all that the loop reads, aligned to words as lines and
        // rows are; the constants of the filters and the places of their values are there.
        unsafe { (inner_loop.run)(&job) };
    }
    // The last filter may have no other one, and a row fewer columns than a vector.
    let mut values = [[0; COLUMNS]; FILTERS];
    (job.to, job.plane, job.tiles) = (values.as_mut_ptr().cast(), COLUMNS, 1);
    for index in whole..tiles {
        job.biases = filters.biases[FILTERS * index..].as_ptr();
        job.multipliers = filters.multipliers[FILTERS * index..].as_ptr();
        job.weights = taps.weights[tile * index..].as_ptr();
        // SAFETY: as above; the values are those of one tile.
        unsafe { (inner_loop.run)(&job) };
        for (filter, values) in (FILTERS * index..filters.count).zip(&values) {
            let count = place.count + again;
            planes[filter * filters.plane + at..][..count].copy_from_slice(&values[..count]);
        }
    }
}
