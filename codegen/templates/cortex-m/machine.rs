//! The substitute for an operating system: semihosting, through which a debug probe or QEMU offers
//! its console, files and clock; the processor's cycle counter; and the panic handler.
//!
//! `unsafe` has two reasons only: the one instruction that calls the host, whose arguments are
//! built just before, and registers that every ARMv7-M processor has at the same address.
#![allow(unsafe_code, dead_code, reason = "every program uses its own part of this")]

use core::arch::asm;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// The frequency of the processor's clock in Hz, if the board's file has it.
const CLOCK_HZ: Option<u64> = __CLOCK_HZ__;

/// Whether the processor may have a cycle counter: ARMv6-M has none. Nor has it compare-and-swap,
/// which tells it from ARMv7E-M.
const MAY_COUNT_CYCLES: bool = cfg!(target_has_atomic = "32");

const SYS_OPEN: usize = 0x01;
const SYS_WRITE: usize = 0x05;
const SYS_READ: usize = 0x06;
const SYS_SEEK: usize = 0x0a;
const SYS_FLEN: usize = 0x0c;
const SYS_CLOCK: usize = 0x10;
const SYS_GET_CMDLINE: usize = 0x15;
const SYS_EXIT_EXTENDED: usize = 0x20;
const SYS_ELAPSED: usize = 0x30;
const SYS_TICKFREQ: usize = 0x31;
/// The host's answer to a call that failed.
const FAILED: usize = usize::MAX;

/// Calls the host.
fn call(operation: usize, arguments: usize) -> usize {
    let mut answer = operation;
    // SAFETY: the host reads and writes nothing but the memory behind `arguments`, which all
    // callers keep alive.
    unsafe { asm!("bkpt 0xab", inout("r0") answer, in("r1") arguments, options(nostack)) };
    answer
}

fn call_with<const N: usize>(operation: usize, arguments: &mut [usize; N]) -> usize {
    call(operation, arguments.as_mut_ptr() as usize)
}

/// Ends the program.
pub fn exit(code: usize) -> ! {
    const APPLICATION_EXIT: usize = 0x20026;
    loop {
        call_with(SYS_EXIT_EXTENDED, &mut [APPLICATION_EXIT, code]);
    }
}

/// Returns the command line, the program's name first, in `buffer`; empty if the host has none.
pub fn command_line(buffer: &mut [u8]) -> &str {
    let mut arguments = [buffer.as_mut_ptr() as usize, buffer.len()];
    if call_with(SYS_GET_CMDLINE, &mut arguments) == FAILED {
        return "";
    }
    core::str::from_utf8(buffer.get(..arguments[1]).unwrap_or_default()).unwrap_or_default()
}

/// A file on the host.
pub struct File(usize);

impl File {
    /// Opens a file for reading; fails also if the name is too long.
    pub fn open(name: &str) -> Option<File> {
        const READ_BINARY: usize = 1;
        File::open_as(name, READ_BINARY)
    }

    fn open_as(name: &str, mode: usize) -> Option<File> {
        let mut text = [0; 256];
        text.get_mut(..name.len())
            .filter(|part| part.len() < 256)?
            .copy_from_slice(name.as_bytes());
        let handle = call_with(SYS_OPEN, &mut [text.as_ptr() as usize, mode, name.len()]);
        (handle != FAILED).then_some(File(handle))
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> Option<usize> {
        let len = call_with(SYS_FLEN, &mut [self.0]);
        (len != FAILED).then_some(len)
    }

    /// Moves to a byte.
    pub fn seek(&self, position: usize) -> Option<()> {
        (call_with(SYS_SEEK, &mut [self.0, position]) == 0).then_some(())
    }

    /// Fills the buffer.
    pub fn read(&self, buffer: &mut [u8]) -> Option<()> {
        // The host returns the number of bytes that it did not read.
        (call_with(SYS_READ, &mut [self.0, buffer.as_mut_ptr() as usize, buffer.len()]) == 0)
            .then_some(())
    }

    fn write(&self, text: &[u8]) -> Option<()> {
        (call_with(SYS_WRITE, &mut [self.0, text.as_ptr() as usize, text.len()]) == 0).then_some(())
    }
}

/// A stream of the host's console, with a buffer, since every call stops the processor for long.
pub struct Console {
    file: Option<File>,
    buffer: [u8; 256],
    len: usize,
}

impl Console {
    /// Returns standard output.
    pub fn output() -> Console {
        Console { file: File::open_as(":tt", 4), buffer: [0; 256], len: 0 }
    }

    /// Returns standard error.
    pub fn error() -> Console {
        Console { file: File::open_as(":tt", 8), buffer: [0; 256], len: 0 }
    }

    /// Writes the buffer to the host.
    pub fn flush(&mut self) -> fmt::Result {
        let len = core::mem::take(&mut self.len);
        self.file.as_ref().and_then(|file| file.write(&self.buffer[..len])).ok_or(fmt::Error)
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len == self.buffer.len() {
                self.flush()?;
            }
            self.buffer[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// Writes an error message.
pub fn report(message: fmt::Arguments) {
    let mut console = Console::error();
    // If writing fails, the exit code must do.
    let _ = writeln!(console, "error: {message}").and_then(|()| console.flush());
}

/// Writes an error message and ends the program.
pub fn fail(code: usize, message: fmt::Arguments) -> ! {
    report(message);
    exit(code)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    fail(101, format_args!("{info}"))
}

/// The clock: the processor's cycles if it counts them and their rate is known, else the host's
/// time.
pub struct Clock(Source);

enum Source {
    Cycles {
        hz: u64,
        /// The counter when it was last read, and all cycles until then.
        last: u32,
        cycles: u64,
    },
    Host {
        hz: u64,
    },
    /// The host's time, in hundredths of a second.
    HostCoarse,
}

impl Clock {
    /// Starts the cycle counter, if the processor has one.
    pub fn start() -> Clock {
        let source = match CLOCK_HZ.filter(|_| MAY_COUNT_CYCLES && start_cycle_counter()) {
            Some(hz) => Source::Cycles { hz, last: cycle_count(), cycles: 0 },
            None => match call(SYS_TICKFREQ, 0) {
                0 | FAILED => Source::HostCoarse,
                hz => Source::Host { hz: hz as u64 },
            },
        };
        Clock(source)
    }

    /// Returns the time since some moment before the first call. The cycle counter wraps: call this
    /// before it does so twice.
    pub fn nanoseconds(&mut self) -> u64 {
        let (ticks, hz) = match &mut self.0 {
            Source::Cycles { hz, last, cycles } => {
                let now = cycle_count();
                *cycles += u64::from(now.wrapping_sub(*last));
                *last = now;
                (*cycles, *hz)
            }
            Source::Host { hz } => {
                let mut ticks = [0; 2];
                call_with(SYS_ELAPSED, &mut ticks);
                (ticks[0] as u64 | (ticks[1] as u64) << 32, *hz)
            }
            Source::HostCoarse => (call(SYS_CLOCK, 0) as u64, 100),
        };
        ticks / hz * 1_000_000_000 + ticks % hz * 1_000_000_000 / hz
    }
}

const DEMCR: *mut u32 = 0xe000_edfc as *mut u32;
const DWT_CTRL: *mut u32 = 0xe000_1000 as *mut u32;
const DWT_CYCCNT: *mut u32 = 0xe000_1004 as *mut u32;
const DWT_LAR: *mut u32 = 0xe000_1fb0 as *mut u32;

/// Starts the cycle counter (DWT) and tells whether it counts.
fn start_cycle_counter() -> bool {
    const TRACE: u32 = 1 << 24;
    const UNLOCK: u32 = 0xc5ac_ce55;
    // SAFETY: registers of the processor's debug unit; without such a unit, writing has no effect.
    unsafe {
        DEMCR.write_volatile(DEMCR.read_volatile() | TRACE);
        DWT_LAR.write_volatile(UNLOCK);
        DWT_CTRL.write_volatile(DWT_CTRL.read_volatile() | 1);
    }
    let before = cycle_count();
    (0..100).any(|_| cycle_count() != before)
}

fn cycle_count() -> u32 {
    // SAFETY: as above; reading has no effect.
    unsafe { DWT_CYCCNT.read_volatile() }
}
