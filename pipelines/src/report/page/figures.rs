//! The figures other than the front.

use super::content::{Content, Section};
use crate::report::figures::Figure;
use maud::{Markup, PreEscaped, html};

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let figure = content.figures.iter().find(|figure| figure.file == "pruning.svg")?;
    Some(Section::new("before-and-after", figure.title, markup(figure)))
}

/// Returns a figure with its caption and a link to its file.
pub(super) fn markup(figure: &Figure) -> Markup {
    html! {
        figure {
            div.paper role="img" aria-label=(figure.title) { (PreEscaped(figure.svg.trim())) }
            figcaption { (figure.caption) " " a href=(figure.file) { (figure.file) } }
        }
    }
}
