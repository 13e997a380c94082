//! `fetch-data import`, `check` and `convert` on folders as strangers have them.

mod arrays;
mod class_folders;
mod convert;
mod faults;
mod following;
mod interruption;
mod label_lists;
mod place;
mod settings;
