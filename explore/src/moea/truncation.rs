//! Truncation of SPEA-II's archive: removes points one by one, the most crowded one first
//! (TIK-Report 103, section 3.2).

use super::dominance::lexicographic;
use super::double_double::DoubleDouble;
use super::normalize::Points;
use std::cmp::Ordering;

/// Length of a neighbour list's first sorted part; most points never need more.
const FIRST_SORTED: usize = 8;

/// Removes points from `front` until `size` are left, each time the one whose ascending list of
/// distances to the remaining points is lexicographically smallest. Returns the rest in ascending
/// order.
pub(super) fn truncate(points: &Points, front: Vec<usize>, size: usize) -> Vec<usize> {
    let mut truncation = Truncation::new(points, front);
    while truncation.remaining.len() > size {
        truncation.remove_most_crowded();
    }
    truncation.remaining
}

/// The remaining points and the distances between them.
struct Truncation<'a> {
    points: &'a Points,
    /// In ascending order.
    remaining: Vec<usize>,
    /// By point of the whole list.
    is_remaining: Vec<bool>,
    /// By point of the whole list; empty for removed points.
    neighbours: Vec<Neighbours>,
    /// Upper bound of the removed points that a neighbour list still contains.
    removed: usize,
}

/// The neighbours of one point, sorted only as far as a comparison has needed.
#[derive(Clone, Default)]
struct Neighbours {
    /// Squared distances and indices; the first `sorted` entries are the nearest ones, in order.
    list: Vec<(DoubleDouble, u32)>,
    sorted: usize,
    /// Position in the list of the nearest remaining point.
    nearest: usize,
}

impl<'a> Truncation<'a> {
    fn new(points: &'a Points, remaining: Vec<usize>) -> Self {
        let mut is_remaining = vec![false; points.len()];
        let mut neighbours = vec![Neighbours::default(); points.len()];
        for (position, &a) in remaining.iter().enumerate() {
            is_remaining[a] = true;
            for &b in &remaining[..position] {
                let distance = points.squared_distance(a, b);
                neighbours[a].list.push((distance, b as u32));
                neighbours[b].list.push((distance, a as u32));
            }
        }
        let mut truncation = Truncation { points, remaining, is_remaining, neighbours, removed: 0 };
        truncation.find_nearest();
        truncation
    }

    /// Removes the point with the smallest list of distances; among equal lists, the point with the
    /// larger vector, then with the larger index.
    fn remove_most_crowded(&mut self) {
        let distance = |point: &usize| self.neighbours[*point].nearest_distance();
        let Some(closest) = self.remaining.iter().map(distance).min() else { return };
        let tied: Vec<usize> =
            self.remaining.iter().copied().filter(|point| distance(point) == closest).collect();
        let mut most_crowded = tied[0];
        for &point in &tied[1..] {
            if self.compare_crowding(point, most_crowded).is_lt() {
                most_crowded = point;
            }
        }
        self.remove(most_crowded);
    }

    fn remove(&mut self, point: usize) {
        self.remaining.retain(|other| *other != point);
        self.is_remaining[point] = false;
        self.neighbours[point] = Neighbours::default();
        self.removed += 1;
        if self.removed > self.remaining.len() {
            self.purge_removed();
        }
        self.find_nearest();
    }

    fn find_nearest(&mut self) {
        for &point in &self.remaining {
            let neighbours = &mut self.neighbours[point];
            neighbours.nearest = neighbours.next_remaining(neighbours.nearest, &self.is_remaining);
        }
    }

    /// Orders points, the most crowded first.
    fn compare_crowding(&mut self, a: usize, b: usize) -> Ordering {
        let by_vector = lexicographic(self.points.objectives(b), self.points.objectives(a));
        // Equal vectors have equal lists, which need not be compared to their ends.
        let by_distances =
            if by_vector.is_eq() { Ordering::Equal } else { self.compare_distances(a, b) };
        by_distances.then(by_vector).then(b.cmp(&a))
    }

    fn compare_distances(&mut self, a: usize, b: usize) -> Ordering {
        let (mut in_a, mut in_b) = (self.neighbours[a].nearest, self.neighbours[b].nearest);
        // Both lists contain equally many remaining points, so they end together.
        while let (Some((to_a, _)), Some((to_b, _))) =
            (self.neighbours[a].list.get(in_a), self.neighbours[b].list.get(in_b))
        {
            if to_a != to_b {
                return to_a.cmp(to_b);
            }
            in_a = self.neighbours[a].next_remaining(in_a + 1, &self.is_remaining);
            in_b = self.neighbours[b].next_remaining(in_b + 1, &self.is_remaining);
        }
        Ordering::Equal
    }

    /// Deletes removed points from all lists, so that walking a list takes time proportional to the
    /// remaining points.
    fn purge_removed(&mut self) {
        for neighbours in &mut self.neighbours {
            let is_remaining =
                |(_, other): &(DoubleDouble, u32)| self.is_remaining[*other as usize];
            neighbours.sorted = neighbours.list[..neighbours.sorted]
                .iter()
                .filter(|entry| is_remaining(entry))
                .count();
            neighbours.list.retain(is_remaining);
            neighbours.nearest = 0;
        }
        self.removed = 0;
    }
}

impl Neighbours {
    fn nearest_distance(&self) -> DoubleDouble {
        self.list.get(self.nearest).map_or(DoubleDouble::INFINITY, |(distance, _)| *distance)
    }

    /// Returns the first position from `position` on that holds a remaining point, or the list's
    /// length. Sorts the list up to there.
    fn next_remaining(&mut self, mut position: usize, is_remaining: &[bool]) -> usize {
        while position < self.list.len() {
            if position >= self.sorted {
                self.sort_more();
            }
            if is_remaining[self.list[position].1 as usize] {
                break;
            }
            position += 1;
        }
        position
    }

    /// Doubles the sorted part, in time proportional to the list.
    fn sort_more(&mut self) {
        let rest = &mut self.list[self.sorted..];
        let more = self.sorted.max(FIRST_SORTED).min(rest.len());
        if more < rest.len() {
            rest.select_nth_unstable(more);
        }
        rest[..more].sort_unstable();
        self.sorted += more;
    }
}
