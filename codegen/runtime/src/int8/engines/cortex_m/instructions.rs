//! Instructions of the DSP extension (ARMv7E-M), and what cores without it (ARMv6-M) compute
//! instead.
//!
//! A stable compiler does not say whether there is the extension. It does say whether there is
//! compare-and-swap, which ARMv7E-M has and ARMv6-M has not.
//!
//! `unsafe` has one reason: assembly, which only computes.
#![allow(unsafe_code)]

#[cfg(target_has_atomic = "32")]
mod dsp {
    use core::arch::asm;

    /// The name of the engine.
    pub const NAME: &str = "dsp";

    /// Returns a number without its 15 lowest bits, at least 0 and at most 255.
    #[inline(always)]
    pub fn index(position: i32) -> usize {
        let index: usize;
        // SAFETY: arithmetic only, whose result has 8 bits.
        unsafe {
            asm!(
                "usat {}, #8, {}, asr #15", lateout(reg) index, in(reg) position,
                options(pure, nomem, nostack)
            );
            core::hint::assert_unchecked(index < 256);
        }
        index
    }

    /// Returns bytes 0 and 2, signed, in 16 bits each.
    #[inline(always)]
    pub fn widened(bytes: u32) -> u32 {
        let halves;
        // SAFETY: arithmetic only.
        unsafe {
            asm!(
                "sxtb16 {}, {}", lateout(reg) halves, in(reg) bytes,
                options(pure, nomem, nostack)
            );
        }
        halves
    }

    /// Returns `sum` and the products of the halves of two words.
    #[inline(always)]
    pub fn sum_of_products(one: u32, other: u32, sum: i32) -> i32 {
        let mut total = sum;
        // SAFETY: arithmetic only.
        unsafe {
            asm!(
                "smlad {total}, {one}, {other}, {total}",
                total = inout(reg) total, one = in(reg) one, other = in(reg) other,
                options(pure, nomem, nostack)
            );
        }
        total
    }
}

#[cfg(not(target_has_atomic = "32"))]
mod plain {
    /// The name of the engine.
    pub const NAME: &str = "scalar";

    /// Returns a number without its 15 lowest bits, at least 0 and at most 255.
    #[inline(always)]
    pub fn index(position: i32) -> usize {
        (position >> 15).clamp(0, 255) as usize
    }

    /// Returns bytes 0 and 2, signed, in 16 bits each.
    #[inline(always)]
    pub fn widened(bytes: u32) -> u32 {
        let [first, _, second, _] = bytes.to_le_bytes();
        let [first, second] = [first, second].map(|byte| u32::from(byte as i8 as u16));
        first | second << 16
    }

    /// Returns `sum` and the products of the halves of two words.
    #[inline(always)]
    pub fn sum_of_products(one: u32, other: u32, sum: i32) -> i32 {
        let product = |shift: u32| {
            i32::from((one >> shift) as u16 as i16) * i32::from((other >> shift) as u16 as i16)
        };
        sum + product(0) + product(16)
    }
}

#[cfg(target_has_atomic = "32")]
pub use dsp::{NAME, index, sum_of_products, widened};
#[cfg(not(target_has_atomic = "32"))]
pub use plain::{NAME, index, sum_of_products, widened};
