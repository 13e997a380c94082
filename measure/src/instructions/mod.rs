//! The number of instructions of one inference, counted in separate runs by perf, valgrind or a
//! plugin of QEMU. Nothing here measures time or energy.

mod count;
mod counter;
mod qemu_plugin;

pub(crate) use count::count;
