//! `explore fidelity`: a study of how well the short trainings of a search rank networks. Genomes
//! spread over the space are trained shortly and in full with several seeds, and rank correlations
//! compare the two orders. The study is in `study`, statistics and output in the other modules.

pub mod figure;
pub mod rank_correlation;
pub mod sample;
pub mod study;
pub mod table;
