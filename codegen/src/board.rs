//! What is known of a microcontroller that a crate is built for.

/// The memory of a microcontroller, and how programs get there.
pub(crate) struct Memory {
    /// The board's name.
    pub(crate) board: String,
    /// Where code and constants lie.
    pub(crate) flash: Region,
    /// Where variables and the stack lie.
    pub(crate) ram: Region,
    /// How fast the processor's clock is, if that is known.
    pub(crate) clock_hz: Option<u64>,
    /// The command that runs a program whose file is its last word.
    pub(crate) runner: Vec<String>,
}

/// A piece of memory.
pub(crate) struct Region {
    /// Its first address.
    pub(crate) origin: u64,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Default for Memory {
    /// The machine `mps2-an386` of QEMU: a Cortex-M4 with a floating-point unit and much memory.
    fn default() -> Memory {
        let runner = "qemu-system-arm -M mps2-an386 -display none -monitor none -serial none \
                      -semihosting-config enable=on,target=native -kernel";
        Memory {
            board: "qemu-mps2-an386".to_string(),
            flash: Region { origin: 0, bytes: 4 << 20 },
            ram: Region { origin: 0x2000_0000, bytes: 4 << 20 },
            clock_hz: None,
            runner: runner.split_whitespace().map(str::to_string).collect(),
        }
    }
}
