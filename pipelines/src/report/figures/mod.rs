//! The figures of the page, each an SVG file. Axes, colours and ticks are those of the crate
//! `plot`.

mod axes;
mod draw;
mod figure;
mod front;
pub(super) mod plane;
mod pruning;

pub(super) use draw::draw;
pub(super) use figure::Figure;
