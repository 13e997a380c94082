//! Running other stages, for the two that do (`explore` and `prune`): their programs, and what a
//! network takes on a board.

pub mod on_board;
pub mod programs;
