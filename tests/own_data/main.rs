//! Images of one's own: `make` with a path as DATASET, and docs/own-data.md.

mod paths;
mod photos;
mod project;
mod runs;
mod whole;
