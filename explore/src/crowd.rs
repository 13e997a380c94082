//! The truncation of SPEA-II's archive, point by point.

use crate::distance::Double;
use crate::normalize::Points;
use crate::spea2::by_vector;
use std::cmp::Ordering;

/// How many of a point's nearest are put in order at first; most points never need more.
const FIRST_SORTED: usize = 8;

/// The points still alive, and how far each is from the others.
pub(crate) struct Crowd<'a> {
    points: &'a Points,
    /// In ascending order.
    pub(crate) alive: Vec<usize>,
    /// By point of the whole list.
    is_alive: Vec<bool>,
    /// By point of the whole list; empty for the dead.
    others: Vec<Others>,
    /// How many in each list of others have died and are still in it, at most.
    dead: usize,
}

/// The others as one point sees them, sorted only as far as anybody has looked.
#[derive(Clone, Default)]
struct Others {
    /// Squared distances and indices; those before `sorted` are the nearest, in order.
    list: Vec<(Double, u32)>,
    sorted: usize,
    /// Where the nearest that is alive stands.
    nearest: usize,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(points: &'a Points, alive: Vec<usize>) -> Self {
        let mut is_alive = vec![false; points.len()];
        let mut others = vec![Others::default(); points.len()];
        for (place, &a) in alive.iter().enumerate() {
            is_alive[a] = true;
            for &b in &alive[..place] {
                let distance = points.squared_distance(a, b);
                others[a].list.push((distance, b as u32));
                others[b].list.push((distance, a as u32));
            }
        }
        let mut crowd = Crowd { points, alive, is_alive, others, dead: 0 };
        crowd.find_nearest();
        crowd
    }

    /// Removes the point whose list of distances is the smallest; where only the tie rule decides,
    /// the one with the larger vector or index.
    pub(crate) fn remove_most_crowded(&mut self) {
        let distance = |point: &usize| self.others[*point].nearest_distance();
        let Some(closest) = self.alive.iter().map(distance).min() else { return };
        let tied: Vec<usize> =
            self.alive.iter().copied().filter(|point| distance(point) == closest).collect();
        let mut victim = tied[0];
        for &point in &tied[1..] {
            if self.by_crowding(point, victim).is_lt() {
                victim = point;
            }
        }
        self.remove(victim);
    }

    fn remove(&mut self, victim: usize) {
        self.alive.retain(|point| *point != victim);
        self.is_alive[victim] = false;
        self.others[victim] = Others::default();
        self.dead += 1;
        if self.dead > self.alive.len() {
            self.bury();
        }
        self.find_nearest();
    }

    fn find_nearest(&mut self) {
        for &point in &self.alive {
            let others = &mut self.others[point];
            others.nearest = others.alive_from(others.nearest, &self.is_alive);
        }
    }

    /// The most crowded first.
    fn by_crowding(&mut self, a: usize, b: usize) -> Ordering {
        let by_vector = by_vector(self.points, b, a);
        // Equal vectors have equal lists, which need not be compared to their ends.
        let by_distances =
            if by_vector.is_eq() { Ordering::Equal } else { self.by_distances(a, b) };
        by_distances.then(by_vector).then(b.cmp(&a))
    }

    fn by_distances(&mut self, a: usize, b: usize) -> Ordering {
        let (mut in_a, mut in_b) = (self.others[a].nearest, self.others[b].nearest);
        // Both lists have as many that are alive, so they end together.
        while let (Some((to_a, _)), Some((to_b, _))) =
            (self.others[a].list.get(in_a), self.others[b].list.get(in_b))
        {
            if to_a != to_b {
                return to_a.cmp(to_b);
            }
            in_a = self.others[a].alive_from(in_a + 1, &self.is_alive);
            in_b = self.others[b].alive_from(in_b + 1, &self.is_alive);
        }
        Ordering::Equal
    }

    /// Takes the dead out of the lists, so that walking these takes time in proportion to the
    /// living.
    fn bury(&mut self) {
        for others in &mut self.others {
            let is_alive = |(_, other): &(Double, u32)| self.is_alive[*other as usize];
            others.sorted =
                others.list[..others.sorted].iter().filter(|entry| is_alive(entry)).count();
            others.list.retain(is_alive);
            others.nearest = 0;
        }
        self.dead = 0;
    }
}

impl Others {
    fn nearest_distance(&self) -> Double {
        self.list.get(self.nearest).map_or(Double::INFINITY, |(distance, _)| *distance)
    }

    /// The first place from `place` on where one stands that is alive, or the list's end. All up to
    /// there is sorted.
    fn alive_from(&mut self, mut place: usize, is_alive: &[bool]) -> usize {
        while place < self.list.len() {
            if place >= self.sorted {
                self.sort_more();
            }
            if is_alive[self.list[place].1 as usize] {
                break;
            }
            place += 1;
        }
        place
    }

    /// Sorts twice as many as are sorted, in time proportional to the list.
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
