//! The sections that are a table with its explanation.

use super::content::{Content, Section};
use crate::report::html::{details, hint};
use crate::report::{comparison, images, int8, mcnemar, measurements, results, settings};
use maud::html;

pub(super) fn int8(content: &Content<'_>) -> Option<Section> {
    let table = int8::table(content.run);
    let markup = html! { (table.to_markup()) (hint(int8::hint())) };
    (!table.is_empty()).then(|| Section::new("int8", "What int8 costs and saves", markup))
}

pub(super) fn comparison(content: &Content<'_>) -> Option<Section> {
    let table = content.comparison?;
    let markup = html! {
        (table.to_markup()) (hint(comparison::hint()))
        @if let Some(accuracies) = content.accuracies {
            (accuracies.to_markup()) (hint(mcnemar::hint()))
        }
    };
    Some(Section::new("comparison", "Compared with the baseline", markup))
}

pub(super) fn archive(content: &Content<'_>) -> Option<Section> {
    let front = results::front_table(content.run);
    let members = details(&format!("All {} members", front.len()), front.to_markup());
    (!front.is_empty()).then(|| Section::new("archive", "Front of the archive", members))
}

pub(super) fn measurements(content: &Content<'_>) -> Option<Section> {
    let markup = measurements::content(content.run)?;
    Some(Section::new("measurements", "Measurements", markup))
}

pub(super) fn crates(content: &Content<'_>) -> Option<Section> {
    let table = measurements::crates_table(content.run);
    (!table.is_empty()).then(|| Section::new("crates", "Generated crates", table.to_markup()))
}

pub(super) fn images(content: &Content<'_>) -> Option<Section> {
    let import = content.run.import.as_ref()?;
    Some(Section::new("images", "Images", images::content(import)))
}

pub(super) fn settings(content: &Content<'_>) -> Option<Section> {
    Some(Section::new("settings", "Settings", settings::content(content.run)))
}
