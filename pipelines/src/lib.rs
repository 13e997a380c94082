//! Recipes as data, and the two programs that need no stage: `fetch-data` places a data set,
//! `report` reads a run.

pub mod fetch;
pub mod report;
