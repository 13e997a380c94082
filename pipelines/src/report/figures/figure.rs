//! A figure: a complete SVG file, black on white on every page and in print.

/// Width and height of every figure, in pixels. Text is large, because a telephone shows a figure
/// at half its size.
pub(super) const SIZE: (u32, u32) = (720, 460);

/// A figure with its title and caption.
#[derive(Debug)]
pub(crate) struct Figure {
    /// File name.
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) caption: String,
    pub(crate) svg: String,
}
