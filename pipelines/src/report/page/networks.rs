//! The section of the networks' panels.

use super::content::{Content, Section};
use crate::report::html::hint;
use crate::report::network::panels;
use maud::html;

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let markup = html! {
        (panels(content.run, content.data, content.pictures))
        (hint("A click opens a network: its layers, training, mistakes, memory, times and crates."))
    };
    (!content.data.networks.is_empty()).then(|| Section::new("networks", "Networks", markup))
}
