//! What a run has to say in other forms than the page, for other programs and documents: all of it
//! is made of `data::RunData`, as the page is.

mod json;
mod markdown;
mod spreadsheet;

pub(super) use json::json;
pub(super) use markdown::markdown;
pub(super) use spreadsheet::csv;
