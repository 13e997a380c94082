//! The choice of a network of a finished run: reads the run, makes the networks of its front that
//! are missing as `pipelines/run.mk` would make them, and says in words what was chosen. The rule
//! itself is in `common::choice`.

pub(crate) mod finished_run;
pub(crate) mod maker;
mod reuse;
pub(crate) mod stages;
pub(crate) mod words;
