//! Images of one's own: `make` with a path as DATASET.

mod paths;
mod project;
mod runs;
