//! Runners: how a crate is built for a board, reaches it, and runs there. What its `bench` prints
//! and how a meter is read meanwhile belongs to `protocol` and `meter`.

mod bench_command;
mod build;
mod compatibility;
mod connection;
mod deployment;
mod remote;
mod tool;

pub(crate) use bench_command::{BenchCommand, OutputFraming, Program, local_command};
pub(crate) use build::build;
pub(crate) use compatibility::check_compatibility;
pub(crate) use connection::Connection;
pub(crate) use deployment::Deployment;
pub(crate) use tool::on_host;
