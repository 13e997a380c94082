//! Tests of the program `explore` with a fake `train`, which computes accuracies without training
//! (`data/fake-train.sh`).

mod boards;
mod choose;
mod criteria;
mod data;
mod failures;
mod fidelity;
mod fixture;
mod forecasts;
mod going_on;
mod int8;
mod predict;
mod refinement;
mod search;
mod slurm;
