//! Offsets in one block of memory for buffers that are not all live at the same time.

/// The alignment of buffers in f32: 64 bytes, a cache line.
const ALIGNMENT: usize = 16;

/// A buffer and the steps during which it must keep its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    /// Number of elements.
    pub(crate) len: usize,
    /// The first step that touches it.
    pub(crate) first: usize,
    /// The last step that touches it.
    pub(crate) last: usize,
    /// A buffer, no shorter, whose beginning this one may replace although both are live during
    /// one step, which reads that one ahead of where it writes this one.
    pub(crate) replaces: Option<usize>,
}

impl Buffer {
    /// Tells whether both are live during some step.
    fn meets(&self, other: &Buffer) -> bool {
        other.first <= self.last && self.first <= other.last
    }
}

/// Returns an offset for each buffer, and the length of the block. The largest buffers come first;
/// each gets the lowest place where it overlaps none that is live at the same time. A buffer that
/// may replace another one comes right after it and tries its place.
pub(crate) fn assign(buffers: &[Buffer]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|i| {
        let leader = buffers[*i].replaces.unwrap_or(*i);
        (std::cmp::Reverse(buffers[leader].len), leader, buffers[*i].replaces.is_some())
    });
    let mut offsets = vec![0; buffers.len()];
    for (done, &index) in order.iter().enumerate() {
        let buffer = buffers[index];
        let taken = |replaced: Option<usize>| {
            let others = order[..done]
                .iter()
                .filter(|i| replaced != Some(**i) && buffers[**i].meets(&buffer));
            let mut taken: Vec<(usize, usize)> =
                others.map(|i| (offsets[*i], offsets[*i] + buffers[*i].len)).collect();
            taken.sort_unstable();
            taken
        };
        let replaced = buffer.replaces.map(|index| (offsets[index], taken(Some(index))));
        let replaced = replaced.filter(|(at, taken)| {
            taken.iter().all(|(start, end)| at + buffer.len <= *start || end <= at)
        });
        offsets[index] =
            replaced.map_or_else(|| lowest_gap(buffer.len, &taken(None)), |(at, _)| at);
    }
    let total = offsets.iter().zip(buffers).map(|(at, buffer)| at + buffer.len).max().unwrap_or(0);
    (offsets, total.next_multiple_of(ALIGNMENT))
}

/// Returns the lowest aligned place for so many elements between the places that are taken, which
/// are in ascending order.
fn lowest_gap(len: usize, taken: &[(usize, usize)]) -> usize {
    let mut at = 0;
    for (start, end) in taken {
        if at + len <= *start {
            break;
        }
        at = at.max(end.next_multiple_of(ALIGNMENT));
    }
    at
}

/// Returns the number of live elements during each step.
pub(crate) fn live(buffers: &[Buffer], steps: usize) -> Vec<usize> {
    let mut live = vec![0; steps];
    for buffer in buffers {
        let from = if buffer.replaces.is_some() { buffer.first + 1 } else { buffer.first };
        for step in live.iter_mut().take(buffer.last.saturating_add(1)).skip(from) {
            *step += buffer.len;
        }
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(len: usize, first: usize, last: usize) -> Buffer {
        Buffer { len, first, last, replaces: None }
    }

    #[test]
    fn buffers_that_are_never_live_together_share_a_place() {
        let (offsets, total) = assign(&[buffer(160, 0, 1), buffer(64, 1, 2), buffer(160, 2, 3)]);
        assert_eq!((offsets, total), (vec![0, 160, 0], 224));
    }

    #[test]
    fn a_result_may_replace_its_source() {
        let pooled = |replaces| {
            [buffer(160, 0, 1), Buffer { replaces, ..buffer(40, 1, 2) }, buffer(100, 2, 3)]
        };
        assert_eq!(assign(&pooled(None)), (vec![0, 160, 0], 208));
        assert_eq!(assign(&pooled(Some(0))), (vec![0, 0, 48], 160));
        assert_eq!(live(&pooled(None), 4), [160, 200, 140, 100]);
        assert_eq!(live(&pooled(Some(0)), 4), [160, 160, 140, 100]);
    }

    #[test]
    fn a_result_that_would_overlap_another_buffer_lies_elsewhere() {
        let buffers = [
            buffer(160, 0, 1),
            Buffer { replaces: Some(0), ..buffer(40, 1, 2) },
            buffer(200, 2, 3),
        ];
        assert_eq!(assign(&buffers), (vec![0, 208, 0], 256));
    }

    #[test]
    fn offsets_are_aligned_and_gaps_are_filled() {
        let (offsets, total) =
            assign(&[buffer(100, 0, 9), buffer(90, 0, 2), buffer(30, 3, 9), buffer(40, 0, 9)]);
        assert_eq!(offsets, vec![0, 112, 112, 208]);
        assert_eq!(total, 256);
    }

    #[test]
    fn buffers_that_are_live_together_never_overlap() {
        use rand::RngExt;
        let mut rng = common::seed::stream(0, "memory");
        for _ in 0..200 {
            let buffers: Vec<Buffer> = (0..rng.random_range(0..20))
                .map(|_| {
                    let first = rng.random_range(0..30);
                    buffer(rng.random_range(1..500), first, first + rng.random_range(0..10))
                })
                .collect();
            let (offsets, total) = assign(&buffers);
            for (i, a) in buffers.iter().enumerate() {
                assert!(offsets[i] % ALIGNMENT == 0 && offsets[i] + a.len <= total);
                for (j, b) in buffers.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart =
                        offsets[i] + a.len <= offsets[j] || offsets[j] + b.len <= offsets[i];
                    assert!(apart || !together, "{a:?} and {b:?}");
                }
            }
        }
    }
}
