//! The commands, one file each: what they read, compute and write.

mod eval;
mod fit;
mod init;
mod quantize;

pub(crate) use eval::eval;
pub(crate) use fit::fit;
pub(crate) use init::init;
pub(crate) use quantize::quantize;
