//! Readers of other programs' formats: NumPy's arrays, the pickles of CIFAR's Python version, files
//! like MNIST's, and lists of files and labels. They turn bytes into plain data, open no path and
//! run nothing; sizes are checked before memory is taken.

mod array;
mod cifar_binary;
mod cifar_python;
mod element_type;
mod elements;
mod idx;
mod image_array;
mod label_list;
mod npy;
mod npz;
mod pickle;
mod pickle_numpy;
mod pickle_values;

pub use array::Array;
pub use cifar_binary::{CifarBinary, read_cifar_binary};
pub use cifar_python::{CifarPython, read_cifar_python};
pub use elements::Elements;
pub use idx::{idx_images_header, idx_labels, read_idx};
pub use image_array::{ChannelOrder, ImageArray, Labels, images, labels};
pub use label_list::{LabelEntry, read_label_list};
pub use npy::read_npy;
pub use npz::read_npz;
