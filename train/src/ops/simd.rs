//! Vectors of f32 for the instruction sets, one of which is chosen at run time.
#![allow(unsafe_code)] // Vectors are loaded and stored through pointers that callers check.

use anyhow::{Context, Result};
use std::sync::OnceLock;

/// The environment variable that forces a level by its name.
pub const VARIABLE: &str = "NEUROPOWER_KERNELS";

/// The instruction set of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Plain Rust, for any processor.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512F and AVX-512VL. Without the latter, half of the registers cannot be used
    /// for shorter vectors.
    Avx512,
    /// aarch64, which always has NEON.
    Neon,
}

impl Level {
    /// Returns the level of this process: that which [`VARIABLE`] names, or else the best one of
    /// this machine.
    pub fn detected() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| match Level::forced() {
            Ok(Some(level)) => level,
            Ok(None) | Err(_) => *Level::available().last().unwrap_or(&Level::Portable),
        })
    }

    /// Returns the level that [`VARIABLE`] names; `None` without it.
    ///
    /// # Errors
    /// Fails if this machine has no such level.
    pub fn forced() -> Result<Option<Level>> {
        let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let levels = Level::available();
        let level = levels.iter().find(|level| name == level.name()).copied();
        let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
        level.map(Some).with_context(|| {
            format!("{VARIABLE} is {}, but this processor has {}", name.display(), names.join(", "))
        })
    }

    /// Returns all levels that this machine supports, the best one last.
    pub fn available() -> Vec<Level> {
        #[allow(unused_mut)]
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
            {
                levels.push(Level::Avx2);
                if std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                {
                    levels.push(Level::Avx512);
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Level::Neon);
        levels
    }

    /// Returns `avx512`, `avx2`, `neon` or `scalar`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Neon => "neon",
        }
    }

    /// Returns the number of output channels whose sums fit the registers.
    pub(super) fn largest_tile(self) -> usize {
        match self {
            Level::Portable => 4,
            Level::Avx2 => 6,
            Level::Avx512 | Level::Neon => 12,
        }
    }
}

/// Compiles a function for every level. `fn name(args) => body;` makes `name(level, args)`, which
/// calls `body(args)` inlined into code compiled for that level. With `=> body::<V>;` the body is
/// generic over the level's vector.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) => $body:ident::<V>;) => {
        $crate::ops::simd::multiversion! {
            @all [$(#[$meta])* $vis] $name ($($arg: $type),*)
            [$body::<std::arch::x86_64::__m512>] [$body::<std::arch::x86_64::__m256>]
            [$body::<std::arch::aarch64::float32x4_t>] [$body::<$crate::ops::simd::Portable>]
        }
    };
    ($(#[$meta:meta])* $vis:vis
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) => $body:ident;) => {
        $crate::ops::simd::multiversion! {
            @all [$(#[$meta])* $vis] $name ($($arg: $type),*)
            [$body] [$body] [$body] [$body]
        }
    };
    (@all [$($head:tt)*] $name:ident ($($arg:ident: $type:ty),*)
        [$($of_avx512:tt)*] [$($of_avx2:tt)*] [$($of_neon:tt)*] [$($of_portable:tt)*]) => {
        $($head)* fn $name(level: $crate::ops::simd::Level, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl")]
                fn avx512($($arg: $type),*) {
                    $($of_avx512)*($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) {
                    $($of_avx2)*($($arg),*);
                }
                // SAFETY: a level is only ever made by `Level::available`, which has checked these
                // features.
                match level {
                    $crate::ops::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    $crate::ops::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::ops::simd::Level::Portable | $crate::ops::simd::Level::Neon => {}
                }
            }
            #[cfg(target_arch = "aarch64")]
            if level == $crate::ops::simd::Level::Neon {
                return $($of_neon)*($($arg),*);
            }
            let _ = level;
            $($of_portable)*($($arg),*);
        }
    };
}
pub(crate) use multiversion;

/// Prefetches the cache line at an address. Any address is allowed.
#[inline(always)]
pub(super) fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, and SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// A vector of [`Vector::LANES`] f32.
pub trait Vector: Copy {
    /// Elements in a vector: 4, 8 or 16.
    const LANES: usize;
    /// Vectors that the processor holds in registers.
    const REGISTERS: usize;

    /// Returns a vector with `x` in all lanes.
    fn splat(x: f32) -> Self;

    /// Returns `self * factor + addend`, fused where the processor supports it.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// Returns the sum of all lanes.
    fn sum(self) -> f32;

    /// Loads from an unaligned address.
    ///
    /// # Safety
    /// `LANES` elements can be read at `from`.
    unsafe fn load(from: *const f32) -> Self;

    /// Stores to an unaligned address.
    ///
    /// # Safety
    /// `LANES` elements can be written at `to`.
    unsafe fn store(self, to: *mut f32);
}

/// Eight f32 that the compiler maps to the registers of the processor.
#[derive(Clone, Copy)]
pub struct Portable([f32; 8]);

impl Vector for Portable {
    const LANES: usize = 8;
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Portable([x; 8])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Not `f32::mul_add`: without hardware for it that is a slow library call.
        Portable(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable elements; arrays of f32 need no more alignment
        // than f32.
        Portable(unsafe { from.cast::<[f32; 8]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable elements.
        unsafe { to.cast::<[f32; 8]>().write(self.0) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64::{
        __m256, __m512, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps,
        _mm256_add_ps, _mm256_castpd_ps, _mm256_castps256_ps128, _mm256_extractf128_ps,
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_castps_pd,
        _mm512_castps512_ps256, _mm512_extractf64x4_pd, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_set1_ps, _mm512_storeu_ps,
    };

    #[inline(always)]
    fn sum512(x: __m512) -> f32 {
        // SAFETY: as for the methods below; the two halves are cast and extracted within AVX-512F.
        unsafe {
            sum256(_mm256_add_ps(
                _mm512_castps512_ps256(x),
                _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x))),
            ))
        }
    }

    #[inline(always)]
    fn sum256(x: __m256) -> f32 {
        // SAFETY: as for the methods below.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    macro_rules! vector {
        ($type:ty, $lanes:literal, $registers:literal, $splat:ident, $mul_add:ident, $load:ident,
            $store:ident, $sum:ident) => {
            impl Vector for $type {
                const LANES: usize = $lanes;
                const REGISTERS: usize = $registers;

                // SAFETY of all blocks here: these types are only used inside `multiversion!`'s
                // functions, which run after the features were detected; pointers are the caller's
                // promise.
                #[inline(always)]
                fn splat(x: f32) -> Self {
                    unsafe { $splat(x) }
                }

                #[inline(always)]
                fn mul_add(self, factor: Self, addend: Self) -> Self {
                    unsafe { $mul_add(self, factor, addend) }
                }

                #[inline(always)]
                fn sum(self) -> f32 {
                    $sum(self)
                }

                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    unsafe { $store(to, self) }
                }
            }
        };
    }

    vector!(
        __m256,
        8,
        16,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        sum256
    );
    vector!(
        __m512,
        16,
        32,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        sum512
    );
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::Vector;
    use std::arch::aarch64::{
        float32x4_t, vaddvq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32,
    };

    impl Vector for float32x4_t {
        const LANES: usize = 4;
        const REGISTERS: usize = 32;

        // SAFETY of all blocks here: every aarch64 processor that std supports has NEON; pointers
        // are the caller's promise.
        #[inline(always)]
        fn splat(x: f32) -> Self {
            unsafe { vdupq_n_f32(x) }
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, addend: Self) -> Self {
            unsafe { vfmaq_f32(addend, self, factor) }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            unsafe { vaddvq_f32(self) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { vld1q_f32(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { vst1q_f32(to, self) }
        }
    }
}
