//! The panel of each network of a run: drawings and tables of what its folder has, as functions
//! from the run's data to markup. Nothing here reads a file.

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

pub(super) use panel::panels;

/// The panels' part of the page's style.
pub(super) const STYLE: &str = include_str!("network.css");
/// The panels' part of the page's script: buttons that copy a command, and links that open a panel.
pub(super) const SCRIPT: &str = include_str!("panels.js");

#[cfg(test)]
mod tests;
