//! The page: one self-contained HTML file for all sizes of screens, light and dark, and for print.
//! A section is a function of [`content::Content`] in a file of its own, and a line in the list in
//! `document.rs`. Sections draw and format; what they say is computed in `report/data` and beside
//! it.

pub(super) mod content;
mod document;
mod explorer;
mod figures;
mod front;
mod networks;
mod paper;
mod policy;
mod provenance;
mod pruning;
mod results;
mod tables;
mod tiles;

pub(super) use document::{plain, render};
pub(super) use paper::part_section;
