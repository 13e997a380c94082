//! Power sensors on a board (INA219, INA226, INA3221, a server's power meter and the like) through
//! Linux's hwmon in sysfs: the channels of a machine, their names, and the choice of those that a
//! board's file names. Sampling is the work of `sampler`.

mod channel;
mod scan;
mod sensor;

pub(crate) use sensor::{names, open};
