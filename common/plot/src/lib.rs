//! The common parts of all figures and tables: SVG canvases, axes with their ticks and labels,
//! colours, and text tables. The stage that draws a figure decides what it shows.

pub mod axes;
mod canvas;
mod line;
pub mod palette;
mod table;

pub use canvas::{Area, Drawn, svg, titled};
pub use line::Line;
pub use table::{Align, Table};
