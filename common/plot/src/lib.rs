//! What the stages' figures and tables share: SVG canvases, axes with their ticks and labels,
//! colours, and text tables. What a figure shows is decided in the stage that draws it.

pub mod axes;
mod canvas;
pub mod palette;
mod table;

pub use canvas::{Area, Drawn, svg};
pub use table::{Align, Table};
