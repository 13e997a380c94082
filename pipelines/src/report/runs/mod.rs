//! Several runs beside each other: their fronts in one figure, the hypervolume of each, and what each
//! found. It works for runs that are not finished, and refuses runs of different data.

mod found;
mod fronts;
mod settings;
mod tables;

pub(super) use found::Found;
pub(super) use fronts::figure;
pub(super) use settings::{differences, unfinished};
pub(super) use tables::{best_within_sizes, overview, smallest_within_a_point};
