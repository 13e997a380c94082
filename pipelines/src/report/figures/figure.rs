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
    /// The image, which has the title inside.
    pub(crate) svg: String,
}

impl Figure {
    /// Makes a figure of an image and gives the image the figure's title.
    pub(crate) fn new(
        file: &'static str,
        title: &'static str,
        caption: String,
        svg: &str,
    ) -> Figure {
        Figure { file, title, caption, svg: plot::titled(svg, title) }
    }
}
