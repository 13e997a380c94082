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

fn add(sum: &mut Work, call: &Work) {
    let Work {
        kind: _,
        calls,
        macs,
        column_macs,
        elements,
        exponentials,
        read_bytes,
        written_bytes,
    } = call;
    sum.calls += calls;
    sum.macs = sum.macs.saturating_add(*macs);
    sum.column_macs = sum.column_macs.saturating_add(*column_macs);
    sum.elements += elements;
    sum.exponentials += exponentials;
    sum.read_bytes += read_bytes;
    sum.written_bytes += written_bytes;
}
