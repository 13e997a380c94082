//! Tests of the program `explore` with a fake `train`, which computes accuracies without training
//! (`data/fake-train.sh`).

mod data;
mod failures;
mod fidelity;
mod fixture;
mod refinement;
mod search;
