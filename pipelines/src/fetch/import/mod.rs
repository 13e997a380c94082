//! Imports of strangers' folders: finds out how images and classes are laid out, reads them, says
//! what is unusual, and keeps a copy in the size that networks read, which follows the folder.

mod array_files;
mod census;
mod class_folders;
mod copy;
mod decode;
mod describe;
mod draw;
mod faults;
mod follow;
mod found;
mod image;
mod images;
mod interrupt;
mod label_lists;
mod layout;
mod near;
mod parallel;
mod read_arrays;
mod reading;
mod report;
mod set_names;
mod settings;
mod walk;

pub(crate) use census::{census_of_data_set, census_of_folder};
pub(crate) use copy::{Copy, description, write, write_files, write_record};
pub(crate) use decode::Earlier;
pub(crate) use describe::reduced;
pub(crate) use follow::{Changes, compare};
pub(crate) use found::Found;
pub(crate) use interrupt::INTERRUPT;
pub(crate) use layout::find;
pub(crate) use reading::{Reading, read};
pub(crate) use report::{summary, warnings};
pub(crate) use settings::Settings;
