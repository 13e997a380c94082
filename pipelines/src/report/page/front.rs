//! The section of the search's front: the figure, and the same numbers to explore.

use super::content::{Content, Section};
use super::{explorer, figures};
use crate::report::html::hint;
use maud::html;

const WHAT_DECIDES: &str = "Validation accuracy decides every choice. Test accuracy is printed beside it and decides \
     nothing: a choice by it would make it too good.";

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let figure = content.figures.iter().find(|figure| figure.file == "front.svg");
    let nothing = figure.is_none() && content.data.networks.is_empty();
    let title = figure.map_or("The networks", |figure| figure.title);
    let markup = html! {
        (explorer::form(content))
        @if let Some(figure) = figure { (figures::markup(figure)) }
        (hint(WHAT_DECIDES))
    };
    (!nothing).then(|| Section::new("front", title, markup))
}
