//! The common parts of all figures and tables: SVG canvases, axes with their ticks and labels,
//! colours, and text tables, which fit a terminal. The stage that draws a figure decides what it
//! shows.

pub mod axes;
mod canvas;
mod fitted;
mod line;
pub mod palette;
mod table;
mod terminal;

pub use canvas::{Area, Drawn, svg, titled};
pub use fitted::wrapped;
pub use line::Line;
pub use table::{Align, Table};
pub use terminal::terminal_width;
