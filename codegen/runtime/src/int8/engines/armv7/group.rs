//! Sixteen columns of a group's four channels.
#![allow(unsafe_code)]

use super::super::super::engine::{Affines, Group, MOST_CHANNELS};
use core::arch::asm;
use core::mem::MaybeUninit;

/// Number of columns that are computed together.
pub(super) const COLUMNS: usize = 16;

/// The bytes of each channel.
pub(super) type Channels = [[u8; COLUMNS]; MOST_CHANNELS];

/// The planes of a group's channels.
pub(super) struct Planes<'a> {
    from: &'a [u8],
    /// Where each begins. Where the group has no channel, and its weights are 0, the last channel is
    /// repeated.
    starts: [usize; MOST_CHANNELS],
}

impl<'a> Planes<'a> {
    /// Returns the planes; `None` if there is no channel.
    #[inline(always)]
    pub(super) fn of(group: &Group<'a>) -> Option<Planes<'a>> {
        let last = group.channels.checked_sub(1)?;
        let starts = [0, 1, 2, 3].map(|lane: usize| lane.min(last) * group.plane);
        Some(Planes { from: group.from, starts })
    }

    /// Returns what a table makes of the values of each channel from a place in its plane on. For
    /// those that are missing, any bytes are returned.
    ///
    /// # Safety
    /// The processor has NEON.
    #[inline(always)]
    pub(super) unsafe fn activated(
        &self,
        table: &[u8; 256],
        affines: &Affines,
        at: usize,
    ) -> Channels {
        let mut to = MaybeUninit::uninit();
        if self.starts[MOST_CHANNELS - 1] + at + COLUMNS <= self.from.len() {
            let rows = self.starts.map(|start| self.from[start + at..].as_ptr());
            // SAFETY: required of the caller; the end of the last row was checked just before.
            unsafe { activate(&rows, table, affines, &mut to) };
        } else {
            let rows = self.read(at);
            // SAFETY: required of the caller; rows have as many bytes as are read.
            unsafe { activate(&rows.each_ref().map(|row| row.as_ptr()), table, affines, &mut to) };
        }
        // SAFETY: all bytes were written just before.
        unsafe { to.assume_init() }
    }

    /// Returns the values of each channel from a place in its plane on, and zeros for those that are
    /// missing.
    #[inline(always)]
    pub(super) fn read(&self, at: usize) -> Channels {
        self.starts.map(|start| {
            let from = &self.from[start + at..];
            from.first_chunk().copied().unwrap_or_else(|| {
                let mut row = [0; COLUMNS];
                row[..from.len()].copy_from_slice(from);
                row
            })
        })
    }
}

/// Computes indices as `indices` in `table.rs` does, in q0 to q3, and looks them up in eighths of
/// the table: an index outside of an eighth leaves the byte, in q4 to q7, as it is.
///
/// Never inlined, because d16 to d31 are changed too: a call need not preserve them, and they cannot
/// be named as clobbered for a target that does not use them.
///
/// # Safety
/// The processor has NEON, and each of `from` points to as many bytes as a row of `to` has.
#[inline(never)]
unsafe fn activate(
    from: &[*const u8; MOST_CHANNELS],
    table: &[u8; 256],
    affines: &Affines,
    to: &mut MaybeUninit<Channels>,
) {
    macro_rules! index {
        ($factor:literal, $offset:literal, $low:literal, $high:literal) => {
            concat!(
                "ldr {row}, [{from}], #4\n",
                "vld1.8 {{d30-d31}}, [{row}]\n",
                "vdup.16 q13, ",
                $offset,
                "\n",
                "vshll.s8 q11, d30, #7\n",
                "vshll.s8 q12, d31, #7\n",
                "vqdmulh.s16 q11, q11, ",
                $factor,
                "\n",
                "vqdmulh.s16 q12, q12, ",
                $factor,
                "\n",
                "vqadd.s16 q11, q11, q13\n",
                "vqadd.s16 q12, q12, q13\n",
                "vshl.s16 q11, q11, q14\n",
                "vshl.s16 q12, q12, q14\n",
                "vqmovun.s16 ",
                $low,
                ", q11\n",
                "vqmovun.s16 ",
                $high,
                ", q12",
            )
        };
    }
    macro_rules! look_up {
        ($instruction:literal) => {
            concat!(
                "vld1.8 {{d16-d19}}, [{table}]!\n",
                $instruction,
                " d8, {{d16-d19}}, d0\n",
                $instruction,
                " d9, {{d16-d19}}, d1\n",
                $instruction,
                " d10, {{d16-d19}}, d2\n",
                $instruction,
                " d11, {{d16-d19}}, d3\n",
                $instruction,
                " d12, {{d16-d19}}, d4\n",
                $instruction,
                " d13, {{d16-d19}}, d5\n",
                $instruction,
                " d14, {{d16-d19}}, d6\n",
                $instruction,
                " d15, {{d16-d19}}, d7",
            )
        };
    }
    // SAFETY: required of the caller; the registers that are changed are named.
    unsafe {
        asm!(
            ".fpu neon",
            "vld1.16 {{d6}}, [{factors}]",
            "vld1.16 {{d7}}, [{offsets}]",
            "vdup.16 q14, {shift}",
            "vmov.i8 q10, #32",
            index!("d6[0]", "d7[0]", "d0", "d1"),
            index!("d6[1]", "d7[1]", "d2", "d3"),
            index!("d6[2]", "d7[2]", "d4", "d5"),
            // The last ones, because they replace the factors and offsets.
            index!("d6[3]", "d7[3]", "d6", "d7"),
            look_up!("vtbl.8"),
            ".rept 7",
            "vsub.i8 q0, q0, q10",
            "vsub.i8 q1, q1, q10",
            "vsub.i8 q2, q2, q10",
            "vsub.i8 q3, q3, q10",
            look_up!("vtbx.8"),
            ".endr",
            "vst1.8 {{d8-d11}}, [{to}]!",
            "vst1.8 {{d12-d15}}, [{to}]",
            from = inout(reg) from.as_ptr() => _,
            factors = in(reg) affines.factors.as_ptr(),
            offsets = in(reg) affines.offsets.as_ptr(),
            shift = in(reg) -i32::from(affines.shift),
            table = inout(reg) table.as_ptr() => _,
            to = inout(reg) to.as_mut_ptr() => _,
            row = out(reg) _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _,
            out("d15") _,
            options(nostack, preserves_flags)
        );
    }
}

/// Puts the bytes of each column side by side.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn interleave(from: &Channels, to: &mut [u8; COLUMNS * MOST_CHANNELS]) {
    // SAFETY: required of the caller; there are as many bytes as are read and written.
    unsafe {
        asm!(
            ".fpu neon",
            "vld1.8 {{d0-d3}}, [{from}]!",
            "vld1.8 {{d4-d7}}, [{from}]",
            "vst4.8 {{d0, d2, d4, d6}}, [{to}]!",
            "vst4.8 {{d1, d3, d5, d7}}, [{to}]",
            from = inout(reg) from.as_ptr() => _,
            to = inout(reg) to.as_mut_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            options(nostack, preserves_flags)
        );
    }
}

/// Puts the averages of squares of two by two signed bytes side by side.
///
/// # Safety
/// The processor has NEON.
#[inline(always)]
pub(super) unsafe fn average(
    above: &Channels,
    below: &Channels,
    to: &mut [u8; COLUMNS / 2 * MOST_CHANNELS],
) {
    // SAFETY: required of the caller; there are as many bytes as are read and written.
    unsafe {
        asm!(
            ".fpu neon",
            "vld1.8 {{d0-d3}}, [{above}]!",
            "vld1.8 {{d4-d7}}, [{above}]",
            "vld1.8 {{d8-d11}}, [{below}]!",
            "vld1.8 {{d12-d15}}, [{below}]",
            "vpaddl.s8 q0, q0",
            "vpaddl.s8 q1, q1",
            "vpaddl.s8 q2, q2",
            "vpaddl.s8 q3, q3",
            "vpadal.s8 q0, q4",
            "vpadal.s8 q1, q5",
            "vpadal.s8 q2, q6",
            "vpadal.s8 q3, q7",
            "vrshrn.i16 d0, q0, #2",
            "vrshrn.i16 d1, q1, #2",
            "vrshrn.i16 d2, q2, #2",
            "vrshrn.i16 d3, q3, #2",
            "vst4.8 {{d0-d3}}, [{to}]",
            above = inout(reg) above.as_ptr() => _,
            below = inout(reg) below.as_ptr() => _,
            to = in(reg) to.as_mut_ptr(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _,
            out("d15") _,
            options(nostack, preserves_flags)
        );
    }
}
