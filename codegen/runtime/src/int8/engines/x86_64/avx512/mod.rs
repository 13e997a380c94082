//! AVX-512 with VNNI: 16 columns of four channels in a vector.

mod features;
mod groups;
mod sums;
mod table;

use super::super::super::engine::{Affine, Affines, Engine, Group, Place, Task};
use super::super::super::taps::Taps;
use core::arch::x86_64::__m512i;
pub use features::Avx512;
use features::BYTES;
use table::Way;

impl<const VBMI: bool> Engine for Avx512<VBMI> {
    type Table = [__m512i; 4];
    type Sums = __m512i;
    const COLUMNS: usize = 16;
    const VECTORS: usize = 2;
    const FILTERS: usize = 12;
    const HALVES: bool = true;

    fn run<T: Task>(self, task: T) {
        #[inline(never)]
        #[target_feature(
            enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,avx2,fma"
        )]
        fn compiled_with_vbmi<const VBMI: bool, T: Task>(engine: Avx512<VBMI>, task: T) {
            task.run(engine);
        }
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
        fn compiled_without<const VBMI: bool, T: Task>(engine: Avx512<VBMI>, task: T) {
            task.run(engine);
        }
        if VBMI {
            // SAFETY: `self` proves that the processor has these instructions.
            unsafe { compiled_with_vbmi(self, task) };
        } else {
            // SAFETY: `self` proves that the processor has these instructions.
            unsafe { compiled_without(self, task) };
        }
    }

    #[inline(always)]
    fn table(self, table: &[u8; 256]) -> [__m512i; 4] {
        let mut quarters = [self.zeros(); 4];
        for (quarter, from) in quarters.iter_mut().zip(table.chunks_exact(BYTES)) {
            *quarter = self.load_part(from);
        }
        quarters
    }

    #[inline(always)]
    fn map(
        self,
        table: &[__m512i; 4],
        affine: Affine,
        [from, second]: [&[u8]; 2],
        flip: u8,
        to: &mut [u8],
    ) {
        let linear = self.linear(affine);
        let from = from[..to.len()].chunks(BYTES);
        if second.is_empty() {
            for (from, to) in from.zip(to.chunks_mut(BYTES)) {
                let index = self.index(&linear, self.load_part(from));
                self.store_part(self.flipped(self.look_up(table, index), flip), to);
            }
            return;
        }
        let other = self.linear(Affine { factors: [affine.factors[1], 0], ..affine });
        let second = second[..to.len()].chunks(BYTES);
        for ((from, second), to) in from.zip(second).zip(to.chunks_mut(BYTES)) {
            let terms = [self.load_part(from), self.load_part(second)];
            let index = self.index_of_sum([&linear, &other], terms);
            self.store_part(self.flipped(self.look_up(table, index), flip), to);
        }
    }

    #[inline(always)]
    fn sum(self, table: &[__m512i; 4], affine: Affine, from: &[u8]) -> u32 {
        let linear = self.linear(affine);
        let mut sums = self.zeros();
        for from in from.chunks(BYTES) {
            let bytes = self.look_up(table, self.index(&linear, self.load_part(from)));
            sums = self.add_bytes(sums, bytes, from.len());
        }
        self.total(sums)
    }

    #[inline(always)]
    fn lay(
        self,
        table: &[__m512i; 4],
        affines: &Affines,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let way = Way::Table(table, self.linear_of_group(affines));
        self.lay_groups(&way, group, padding, to);
    }

    #[inline(always)]
    fn lay_pooled(self, table: &[__m512i; 4], affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
        let way = Way::Table(table, self.linear_of_group(affines));
        self.lay_averages(&way, group, to);
    }

    #[inline(always)]
    fn lay_plain(self, group: &Group<'_>, mask: u8, padding: [u8; 4], to: &mut [u8]) {
        self.lay_groups(&Way::Plain(mask), group, padding, to);
    }

    #[inline(always)]
    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[__m512i; VECTORS]; FILTERS] {
        if taps.starts.len() == VECTORS {
            self.add_up::<FILTERS, VECTORS, false>(taps, first, biases)
        } else {
            self.add_up::<FILTERS, VECTORS, true>(taps, first, biases)
        }
    }

    #[inline(always)]
    fn store(self, sums: __m512i, multiplier: i32, to: &mut [u8]) {
        let place = Place { at: 0, count: to.len() };
        self.store_all(&[sums], multiplier, &[place], to);
    }

    #[inline(always)]
    fn store_all<const VECTORS: usize>(
        self,
        sums: &[__m512i; VECTORS],
        multiplier: i32,
        places: &[Place],
        plane: &mut [u8],
    ) {
        for (vector, sums) in sums.iter().enumerate() {
            let values = self.requantized(*sums, multiplier);
            if places.len() == VECTORS {
                self.store_values(values, places[vector], plane);
            } else {
                self.store_values(values, places[2 * vector], plane);
                self.store_values(self.upper(values), places[2 * vector + 1], plane);
            }
        }
    }
}
