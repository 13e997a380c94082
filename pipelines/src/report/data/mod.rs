//! All numbers of a run as one document: what the page's script reads, and what a program may read.
//! Unknown values are `null` with a reason beside them; units are in the names.

mod accuracy;
mod block;
mod board;
mod evaluation;
mod network;
mod run;

pub(super) use accuracy::TestAccuracy;
pub(super) use block::block;
pub(super) use board::OnBoard;
pub(super) use network::{NetworkData, anchor};
pub(super) use run::RunData;
