//! The work of all calls of one kind of kernel.

use common::plan_report::Work;

/// Adds the work of calls up by kind, in the order of the first calls.
pub(crate) fn by_kind(calls: impl Iterator<Item = Work>) -> Vec<Work> {
    let mut sums: Vec<Work> = Vec::new();
    for call in calls {
        match sums.iter_mut().find(|sum| sum.kind == call.kind) {
            Some(sum) => add(sum, &call),
            None => sums.push(call),
        }
    }
    sums
}

/// Returns multiply-adds with those of the columns that fill the last vector of each row up.
pub(crate) fn padded(macs: u64, rows: &[usize], lanes: usize) -> u64 {
    let filled: usize = rows.iter().map(|columns| columns.next_multiple_of(lanes)).sum();
    macs / rows.iter().sum::<usize>() as u64 * filled as u64
}

/// Returns the loads of inputs and of groups of four weights by filters that are computed in tiles,
/// where each filter takes so many inputs, and a tile goes over them in so many passes.
pub(crate) fn loads(inputs: u64, filters: usize, tile: usize, passes: usize) -> [u64; 2] {
    [passes, tile.div_ceil(4)].map(|loads| inputs * (filters.div_ceil(tile) * loads) as u64)
}

fn add(sum: &mut Work, call: &Work) {
    let Work {
        kind: _,
        calls,
        macs,
        padded_macs,
        short_macs,
        input_loads,
        weight_loads,
        elements,
        exponentials,
        read_bytes,
        written_bytes,
    } = call;
    sum.calls += calls;
    sum.macs = sum.macs.saturating_add(*macs);
    sum.padded_macs = sum.padded_macs.saturating_add(*padded_macs);
    sum.short_macs = sum.short_macs.saturating_add(*short_macs);
    sum.input_loads = sum.input_loads.saturating_add(*input_loads);
    sum.weight_loads = sum.weight_loads.saturating_add(*weight_loads);
    sum.elements += elements;
    sum.exponentials += exponentials;
    sum.read_bytes += read_bytes;
    sum.written_bytes += written_bytes;
}
