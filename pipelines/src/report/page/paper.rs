//! The section of the paper's tables and figures.

use super::content::{Content, Section};
use super::figures;
use crate::report::html::hint;
use crate::report::paper::Part;
use maud::{Markup, html};

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let markup = html! {
        @for part in content.paper { (markup(part)) }
    };
    Some(Section::new("paper", "The paper's tables and figures for this run", markup))
}

fn markup(part: &Part) -> Markup {
    html! { h3 { (part.title) } (body(part)) }
}

/// Returns a part as a section of its own.
pub(crate) fn part_section(id: &'static str, part: &Part) -> Section {
    Section::new(id, part.title.clone(), body(part))
}

fn body(part: &Part) -> Markup {
    html! {
        @for figure in &part.figures { (figures::markup(figure)) }
        @for table in &part.tables { (table.to_markup()) }
        @for note in &part.notes { (hint(note)) }
    }
}
