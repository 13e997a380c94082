//! NEON on 64-bit ARM; every such processor has it.
//!
//! `unsafe` has two reasons only: instructions that the target always has, and loads and stores
//! through pointers of slices whose length was checked just before.
#![allow(unsafe_code)]

use super::super::taps::Taps;
use super::Simd;
use core::arch::aarch64::{
    float32x4_t, vabsq_f32, vaddq_f32, vbslq_f32, vcltzq_f32, vdivq_f32, vdupq_n_f32, vfmaq_f32,
    vfmaq_laneq_f32, vfmaq_n_f32, vfmsq_f32, vld1q_f32, vminq_f32, vmulq_f32,
    vreinterpretq_f32_u32, vreinterpretq_u32_f32, vshlq_n_u32, vst1q_f32, vsubq_f32,
};
use core::array::from_fn;

/// NEON, also known as Advanced SIMD.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// Returns `Some`: every such processor has these instructions.
    pub fn detect() -> Option<Neon> {
        Some(Neon(()))
    }
}

/// Calls an instruction on vectors.
macro_rules! instruction {
    ($expression:expr) => {
        // SAFETY: the target has NEON, and these instructions do not touch memory.
        unsafe { $expression }
    };
}

impl Simd for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        instruction!(vdupq_n_f32(x))
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> float32x4_t {
        let from = &from[..Self::LANES];
        // SAFETY: there are as many elements as are read.
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: float32x4_t, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: there are as many elements as are written.
        unsafe { vst1q_f32(to.as_mut_ptr(), vector) };
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> float32x4_t {
        let mut vector = [0.0; Self::LANES];
        vector[..from.len()].copy_from_slice(from);
        self.load(&vector)
    }

    #[inline(always)]
    fn store_part(self, vector: float32x4_t, to: &mut [f32]) {
        let mut values = [0.0; Self::LANES];
        self.store(vector, &mut values);
        to.copy_from_slice(&values[..to.len()]);
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        instruction!(vaddq_f32(a, b))
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        instruction!(vsubq_f32(a, b))
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        instruction!(vmulq_f32(a, b))
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        instruction!(vdivq_f32(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        instruction!(vfmaq_f32(c, a, b))
    }

    #[inline(always)]
    fn sub_mul(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        instruction!(vfmsq_f32(a, b, c))
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        instruction!(vminq_f32(a, b))
    }

    #[inline(always)]
    fn abs(self, x: float32x4_t) -> float32x4_t {
        instruction!(vabsq_f32(x))
    }

    #[inline(always)]
    fn select(self, x: float32x4_t, left: float32x4_t, right: float32x4_t) -> float32x4_t {
        instruction!(vbslq_f32(vcltzq_f32(x), left, right))
    }

    #[inline(always)]
    fn exponent(self, x: float32x4_t) -> float32x4_t {
        instruction!(vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(x))))
    }

    #[inline(always)]
    fn load_planes<const PLANES: usize, const VECTORS: usize>(
        self,
        planes: &[f32],
        distance: usize,
        places: [usize; VECTORS],
    ) -> [[float32x4_t; VECTORS]; PLANES] {
        let planes = &planes[..(PLANES - 1) * distance + end(places)];
        // SAFETY: the last element that is read was checked just before.
        from_fn(|plane| {
            places.map(|place| unsafe { vld1q_f32(planes.as_ptr().add(plane * distance + place)) })
        })
    }

    #[inline(always)]
    fn store_planes<const PLANES: usize, const VECTORS: usize>(
        self,
        vectors: [[float32x4_t; VECTORS]; PLANES],
        planes: &mut [f32],
        distance: usize,
        places: [usize; VECTORS],
    ) {
        let planes = &mut planes[..(PLANES - 1) * distance + end(places)];
        for plane in 0..PLANES {
            for vector in 0..VECTORS {
                let place = plane * distance + places[vector];
                // SAFETY: the last element that is written was checked just before.
                unsafe { vst1q_f32(planes.as_mut_ptr().add(place), vectors[plane][vector]) };
            }
        }
    }

    #[inline(always)]
    fn add_taps<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        from: [usize; VECTORS],
        sums: [[float32x4_t; VECTORS]; FILTERS],
    ) -> [[float32x4_t; VECTORS]; FILTERS] {
        taps.check::<FILTERS, VECTORS>(from, Self::LANES);
        // SAFETY: the slices were checked just before.
        unsafe {
            if taps.are_plain() {
                add_taps::<FILTERS, VECTORS, true>(taps, from, sums)
            } else {
                add_taps::<FILTERS, VECTORS, false>(taps, from, sums)
            }
        }
    }
}

/// Returns the end of the last vector.
#[inline(always)]
fn end<const VECTORS: usize>(places: [usize; VECTORS]) -> usize {
    places.into_iter().fold(0, usize::max) + Neon::LANES
}

/// Adds all taps. `NEXT` says whether the columns of the kernel are next to each other in the
/// planes, and its rows evenly spaced.
///
/// # Safety
/// The slices of `taps` are as long as its sizes say.
#[inline(always)]
unsafe fn add_taps<const FILTERS: usize, const VECTORS: usize, const NEXT: bool>(
    taps: &Taps<'_>,
    from: [usize; VECTORS],
    mut sums: [[float32x4_t; VECTORS]; FILTERS],
) -> [[float32x4_t; VECTORS]; FILTERS] {
    let Taps { tile, channels, kernel, plane_len, rows, columns, .. } = *taps;
    // SAFETY: required of the caller.
    unsafe {
        let mut weights = taps.weights.as_ptr().add(taps.start);
        let planes = from.map(|from| taps.planes.as_ptr().add(from));
        for channel in 0..channels {
            let (mut row_phase, mut row) = (0, channel * plane_len);
            for _ in 0..kernel {
                let mut lines = planes.map(|plane| plane.add(row + row_phase));
                let mut phase = 0;
                for _ in 0..kernel {
                    let x = lines.map(|line| vld1q_f32(line.add(phase)));
                    sums = add_tap::<FILTERS, VECTORS>(weights, x, sums);
                    weights = weights.add(tile);
                    phase += if NEXT { 0 } else { columns.step };
                    if NEXT || phase == columns.end {
                        lines = lines.map(|line| line.add(if NEXT { 1 } else { columns.next }));
                        phase = 0;
                    }
                }
                row_phase += if NEXT { 0 } else { rows.step };
                if NEXT || row_phase == rows.end {
                    (row_phase, row) = (0, row + rows.next);
                }
            }
        }
    }
    sums
}

/// Adds one tap: four weights are loaded together, and each is used from its lane.
///
/// # Safety
/// `weights` points to `FILTERS` weights.
#[inline(always)]
unsafe fn add_tap<const FILTERS: usize, const VECTORS: usize>(
    weights: *const f32,
    x: [float32x4_t; VECTORS],
    mut sums: [[float32x4_t; VECTORS]; FILTERS],
) -> [[float32x4_t; VECTORS]; FILTERS] {
    // SAFETY: whole groups of the caller's weights are loaded, and the rest one by one.
    unsafe {
        for (group, sums) in sums.chunks_exact_mut(4).enumerate() {
            let group = vld1q_f32(weights.add(4 * group));
            for vector in 0..VECTORS {
                sums[0][vector] = vfmaq_laneq_f32::<0>(sums[0][vector], x[vector], group);
                sums[1][vector] = vfmaq_laneq_f32::<1>(sums[1][vector], x[vector], group);
                sums[2][vector] = vfmaq_laneq_f32::<2>(sums[2][vector], x[vector], group);
                sums[3][vector] = vfmaq_laneq_f32::<3>(sums[3][vector], x[vector], group);
            }
        }
        for filter in FILTERS / 4 * 4..FILTERS {
            let weight = *weights.add(filter);
            for vector in 0..VECTORS {
                sums[filter][vector] = vfmaq_n_f32(sums[filter][vector], x[vector], weight);
            }
        }
    }
    sums
}
