//! Recipes as data, and the programs that need no stage: `fetch-data` places a data set, `report`
//! reads a run, and `neuropower` runs the pipeline.

pub mod fetch;
pub mod neuropower;
pub mod report;
pub mod step;
pub mod task;
