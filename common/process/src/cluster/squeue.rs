//! The listing of `squeue` in [`FORMAT`].

use super::scheduler::{Queue, QueuedArray};
use std::collections::BTreeMap;
use std::ops::Range;

/// Job, positions in the array, state, reason, comment.
pub(super) const FORMAT: &str = "%F|%K|%T|%r|%k";

/// States in which a task is over. Others, also unknown ones, mean that it is still there.
const ENDED: [&str; 10] = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
];

/// Returns what a listing says of the arrays with some marks.
pub(super) fn parse(listing: &str, marks: &[String]) -> Queue {
    let mut arrays: BTreeMap<String, QueuedArray> = BTreeMap::new();
    for line in listing.lines() {
        let fields: Vec<&str> = line.splitn(5, '|').collect();
        let [job, positions, state, reason, mark] = fields[..] else { continue };
        if !marks.iter().any(|known| known == mark) {
            continue;
        }
        let array = arrays.entry(mark.to_string()).or_default();
        array.job = job.to_string();
        if ENDED.contains(&state) {
            // Those that never ran are a range; nobody needs to know how they ended.
            array.ended.extend(positions.parse().map(|position| (position, state.to_string())));
        } else {
            array.live.extend(positions_of(positions));
            if state == "PENDING" && !matches!(reason, "None" | "Priority") {
                array.waits_for = Some(reason.to_string());
            }
        }
    }
    Queue { arrays }
}

/// Returns the positions of a text such as `3`, `[0,4-9%2]` or `0-8:4`. One that cannot be read
/// stands for all positions, because those tasks are still there.
fn positions_of(text: &str) -> Vec<Range<usize>> {
    let list = text.trim_matches(['[', ']']).split('%').next().unwrap_or_default();
    let ranges: Option<Vec<Vec<Range<usize>>>> = list.split(',').map(range).collect();
    ranges.map_or_else(|| only(0..usize::MAX), |ranges| ranges.concat())
}

fn only(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

fn range(text: &str) -> Option<Vec<Range<usize>>> {
    let (range, step) = text.split_once(':').map_or((text, "1"), |parts| parts);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last, step) =
        (first.parse().ok()?, last.parse::<usize>().ok()?, step.parse().ok()?);
    match step {
        0 => None,
        1 => Some(only(first..last.checked_add(1)?)),
        step => Some((first..=last).step_by(step).map(|position| position..position + 1).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ranges_with_steps_and_a_limit() {
        assert_eq!(positions_of("3"), only(3..4));
        assert_eq!(positions_of("[0,4-9%2]"), vec![0..1, 4..10]);
        assert_eq!(positions_of("0-8:4"), vec![0..1, 4..5, 8..9]);
        assert_eq!(positions_of("0,1,..."), only(0..usize::MAX));
        assert_eq!(positions_of("N/A"), only(0..usize::MAX));
    }

    #[test]
    fn a_listing_has_living_tasks_ended_ones_and_those_of_others() {
        let listing = "7|[3-9]|PENDING|Resources|m-0\n7|1|RUNNING|None|m-0\n\
                       7|2|TIMEOUT|TimeLimit|m-0\n8|0|RUNNING|None|another|one\n\
                       9|N/A|RUNNING|None|(null)\nslurm says something\n";
        let queue = parse(listing, &["m-0".into(), "m-1".into()]);
        let array = &queue.arrays["m-0"];
        assert_eq!((queue.arrays.len(), array.job.as_str()), (1, "7"));
        let live: Vec<usize> = (0..12).filter(|position| array.is_live(*position)).collect();
        assert_eq!(live, [1, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(array.ended, BTreeMap::from([(2, "TIMEOUT".to_string())]));
        assert_eq!(array.waits_for.as_deref(), Some("Resources"));
    }
}
