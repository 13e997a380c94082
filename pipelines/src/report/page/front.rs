//! The section of the search's front.

use super::content::{Content, Section};
use super::figures;

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let figure = content.figures.iter().find(|figure| figure.file == "front.svg")?;
    Some(Section::new("front", figure.title, figures::markup(figure)))
}
