//! `fetch-data` as a program, with stand-ins for `curl`, `npm`, `apt-get` and `dpkg`.

mod check;
mod copies;
mod recipes;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod sources;
