//! The panel of each network of a run: drawings and tables of what its folder has, as functions
//! from the run's data to markup. Nothing here reads a file.

mod assets;
mod boards;
mod chart;
mod classes;
mod confusion;
mod curves;
mod drawing;
mod layers;
mod memory_figure;
mod mistakes;
mod panel;
mod ticks;
mod usage;
mod widths;
mod wrong_images;

pub(super) use assets::{SCRIPT, STYLE};
pub(super) use panel::panels;

#[cfg(test)]
mod tests;
