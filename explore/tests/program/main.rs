//! The program `explore`, with a `train` that makes accuracies up (`data/fake-train.sh`).

mod closer;
mod data;
mod fidelity;
mod search;
mod world;
