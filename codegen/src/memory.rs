//! Offsets in one block of memory for buffers that do not all live at the same time.

/// Buffers begin at multiples of this many f32: 64 bytes, a cache line.
const ALIGNMENT: usize = 16;

/// A buffer and the steps during which it must keep its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    /// Elements.
    pub(crate) len: usize,
    /// The first step that touches it.
    pub(crate) first: usize,
    /// The last one.
    pub(crate) last: usize,
}

/// An offset for each buffer, and the length of the block. The largest buffers choose first, each the lowest place where
/// it meets none that lives at the same time.
pub(crate) fn assign(buffers: &[Buffer]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(buffers[*i].len), *i));
    let mut offsets = vec![0; buffers.len()];
    for (done, &index) in order.iter().enumerate() {
        let buffer = buffers[index];
        let at_the_same_time = |other: &&usize| {
            let other = buffers[**other];
            other.first <= buffer.last && buffer.first <= other.last
        };
        let mut taken: Vec<(usize, usize)> = order[..done]
            .iter()
            .filter(at_the_same_time)
            .map(|i| (offsets[*i], offsets[*i] + buffers[*i].len))
            .collect();
        taken.sort_unstable();
        let mut at = 0;
        for (start, end) in taken {
            if at + buffer.len <= start {
                break;
            }
            at = at.max(end.next_multiple_of(ALIGNMENT));
        }
        offsets[index] = at;
    }
    let total = offsets.iter().zip(buffers).map(|(at, buffer)| at + buffer.len).max().unwrap_or(0);
    (offsets, total.next_multiple_of(ALIGNMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(len: usize, first: usize, last: usize) -> Buffer {
        Buffer { len, first, last }
    }

    #[test]
    fn buffers_that_never_meet_share_their_place() {
        let (offsets, total) = assign(&[buffer(160, 0, 1), buffer(64, 1, 2), buffer(160, 2, 3)]);
        assert_eq!((offsets, total), (vec![0, 160, 0], 224));
    }

    #[test]
    fn offsets_are_aligned_and_gaps_are_filled() {
        let (offsets, total) = assign(&[buffer(100, 0, 9), buffer(90, 0, 2), buffer(30, 3, 9), buffer(40, 0, 9)]);
        assert_eq!(offsets, vec![0, 112, 112, 208]);
        assert_eq!(total, 256);
    }

    #[test]
    fn no_two_that_live_together_overlap() {
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
                    let apart = offsets[i] + a.len <= offsets[j] || offsets[j] + b.len <= offsets[i];
                    assert!(apart || !together, "{a:?} and {b:?}");
                }
            }
        }
    }
}
