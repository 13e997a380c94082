//! The section of what pruning changed.

use super::content::{Content, Section};
use crate::report::html::{details, picture};
use crate::report::pruning;
use crate::report::winner::Winner;
use maud::{Markup, html};

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let pruned = pruning::table(content.run);
    let variants = pruning::variants_table(content.run);
    let markup = html! {
        (pruned.to_markup())
        @if !variants.is_empty() { (variants.to_markup()) }
        @for winner in &content.run.winners { (drawings(winner)) }
    };
    (!pruned.is_empty()).then(|| Section::new("pruning", "What pruning changed", markup))
}

/// Returns the figures of accuracy, NID and widths over the share that was pruned.
fn drawings(winner: &Winner) -> Markup {
    let title = format!("Accuracy, NID and widths by the share pruned: {}", winner.called());
    html! {
        @if !winner.drawings.is_empty() {
            (details(&title, html! {
                figure.wide-figure { @for svg in &winner.drawings { (picture(svg, &title)) } }
            }))
        }
    }
}
