//! Several ways of pruning one network, side by side: as figures and as a table. Nothing here
//! prunes or trains.

pub mod figures;
mod series;
pub mod table;

pub use series::Series;
