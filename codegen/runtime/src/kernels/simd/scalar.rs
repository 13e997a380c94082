//! Plain numbers, for processors whose vector instructions nobody has written kernels for.

use super::Simd;
use core::array::from_fn;

/// Plain numbers instead of vector instructions.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(());

impl Scalar {
    /// Returns `Some`: every processor can run plain code.
    pub fn detect() -> Option<Scalar> {
        Some(Scalar(()))
    }
}

/// Implements [`Simd`] but for the taps, with vectors of four plain numbers. That is the width of
/// the smallest vector registers, which the compiler may use.
macro_rules! plain_numbers {
    () => {
        type Vector = [f32; 4];
        const LANES: usize = 4;
        const REGISTERS: usize = 16;

        #[inline(always)]
        fn splat(self, x: f32) -> [f32; 4] {
            [x; 4]
        }

        #[inline(always)]
        fn load(self, from: &[f32]) -> [f32; 4] {
            let from = &from[..4];
            from_fn(|i| from[i])
        }

        #[inline(always)]
        fn store(self, vector: [f32; 4], to: &mut [f32]) {
            to[..4].copy_from_slice(&vector);
        }

        #[inline(always)]
        fn load_part(self, from: &[f32]) -> [f32; 4] {
            let mut vector = [0.0; 4];
            vector[..from.len()].copy_from_slice(from);
            vector
        }

        #[inline(always)]
        fn store_part(self, vector: [f32; 4], to: &mut [f32]) {
            to.copy_from_slice(&vector[..to.len()]);
        }

        #[inline(always)]
        fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] + b[i])
        }

        #[inline(always)]
        fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] - b[i])
        }

        #[inline(always)]
        fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] * b[i])
        }

        #[inline(always)]
        fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] / b[i])
        }

        #[inline(always)]
        fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] * b[i] + c[i])
        }

        #[inline(always)]
        fn sub_mul(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
            from_fn(|i| a[i] - b[i] * c[i])
        }

        #[inline(always)]
        fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
            from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
        }

        #[inline(always)]
        fn abs(self, x: [f32; 4]) -> [f32; 4] {
            from_fn(|i| x[i].abs())
        }

        #[inline(always)]
        fn select(self, x: [f32; 4], left: [f32; 4], right: [f32; 4]) -> [f32; 4] {
            from_fn(|i| if x[i] < 0.0 { left[i] } else { right[i] })
        }

        #[inline(always)]
        fn exponent(self, x: [f32; 4]) -> [f32; 4] {
            from_fn(|i| f32::from_bits(x[i].to_bits() << 23))
        }
    };
}
#[cfg(target_arch = "arm")]
pub(super) use plain_numbers;

impl Simd for Scalar {
    plain_numbers!();
}
