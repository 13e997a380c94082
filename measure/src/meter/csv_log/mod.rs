//! The meter `csv`: a logger's file of watts with the time of each, one sample a line
//! (`unix_s,watts`), matched to the measurement by time. The logger's clock must be that of this
//! machine, or in step with it.

mod clock;
mod columns;
mod coverage;
mod log;
mod parse;
mod samples;

pub(crate) use log::{CsvLog, Filled};
