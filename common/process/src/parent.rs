//! A stage ends when the stage that has started it ends, in whatever way.
//!
//! The starting stage holds a pipe open while it lives, passes the other end to the started stage
//! as standard input, and names the pipe in an environment variable. The end of that input means
//! that the starting stage has ended.

use crate::progress::step;

/// The environment variable with the inode number of the pipe. It has no meaning if the standard
/// input is another file, as in a program further down.
pub const VARIABLE: &str = "NEUROPOWER_PARENT_PIPE";

/// Returns whether the standard input is the pipe of a stage that has started this one.
pub fn is_there() -> bool {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::AsFd;
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let named = std::env::var(VARIABLE).ok().and_then(|number| number.parse::<u64>().ok());
        let input = std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .and_then(|input| File::from(input).metadata());
        input.is_ok_and(|input| input.file_type().is_fifo() && named == Some(input.ino()))
    }
    #[cfg(not(unix))]
    false
}

/// Asks the system to send SIGTERM to this program when the program that has started it ends.
/// Nothing happens where the system cannot do that.
pub fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let parent = getppid();
        // Without it, this program ends when it writes to a closed pipe.
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
        if getppid() != parent {
            // The parent ended in between.
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
        }
    }
}

/// Raises SIGTERM in this program once the stage, or the step of a pipeline, that has started it
/// ends, if one has.
pub(crate) fn watch() {
    if step::is_parent() {
        die_with_parent();
    }
    #[cfg(unix)]
    if is_there() {
        std::thread::spawn(|| {
            use std::io::{ErrorKind, Read};
            let mut input = std::io::stdin().lock();
            loop {
                match input.read(&mut [0; 64]) {
                    Ok(1..) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                }
            }
            // Fails for signals that do not exist.
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
        });
    }
}
