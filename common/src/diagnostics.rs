//! Messages of a program besides its result, on stderr.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much a program says besides its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet = 0,
    /// Also what took time, and a progress bar on a terminal.
    Normal = 1,
    /// Also lines beside the progress bar.
    Verbose = 2,
}

static VERBOSITY: AtomicU8 = AtomicU8::new(Verbosity::Normal as u8);
static WRITER: OnceLock<fn(&str)> = OnceLock::new();

/// Sets how much this program says from now on.
pub fn set_verbosity(verbosity: Verbosity) {
    VERBOSITY.store(verbosity as u8, Ordering::Relaxed);
}

/// Returns how much this program says.
pub fn verbosity() -> Verbosity {
    match VERBOSITY.load(Ordering::Relaxed) {
        0 => Verbosity::Quiet,
        1 => Verbosity::Normal,
        _ => Verbosity::Verbose,
    }
}

/// Sets what writes a line from now on, above a progress bar for example. Only a program's first
/// call has an effect.
pub fn set_writer(writer: fn(&str)) {
    WRITER.get_or_init(|| writer);
}

/// Writes a line, for something that took time; none if the program is quiet.
pub fn say(text: &str) {
    if verbosity() > Verbosity::Quiet {
        write(text);
    }
}

/// Writes a line that another program has written, a warning or an error.
pub fn print(line: &str) {
    write(line);
}

/// Writes a warning, for something that is unusual but does not end the program.
pub fn warn(text: &str) {
    write(&format!("warning: {text}"));
}

/// Writes the error that ends the program.
pub fn error(text: &str) {
    write(&format!("error: {text}"));
}

fn write(text: &str) {
    let line = text.replace('\n', " ");
    match WRITER.get() {
        Some(writer) => writer(&line),
        // At once, since other programs may write too. A message that cannot be written is dropped.
        None => drop(std::io::stderr().write_all(format!("{line}\n").as_bytes())),
    }
}
