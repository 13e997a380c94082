//! AVX2, with or without AVX-VNNI: 8 columns of four channels in a vector.

mod features;
mod groups;
mod lookup;
mod pairs;
mod sums;
mod table;

use super::super::super::engine::{Affine, Affines, Engine, Group, Place, Task};
use super::super::super::taps::Taps;
use core::arch::x86_64::__m256i;
pub use features::Avx2;
use features::BYTES;
use lookup::Table;
use table::Way;

impl<const VNNI: bool> Engine for Avx2<VNNI> {
    type Table = Table;
    type Sums = __m256i;
    const COLUMNS: usize = 8;
    const VECTORS: usize = if VNNI { 2 } else { 4 };
    const FILTERS: usize = if VNNI { 6 } else { pairs::FILTERS };

    fn run<T: Task>(self, task: T) {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma,avxvnni")]
        fn compiled_with_vnni<const VNNI: bool, T: Task>(engine: Avx2<VNNI>, task: T) {
            task.run(engine);
        }
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn compiled_without<const VNNI: bool, T: Task>(engine: Avx2<VNNI>, task: T) {
            task.run(engine);
        }
        if VNNI {
            // SAFETY: `self` proves that the processor has these instructions.
            unsafe { compiled_with_vnni(self, task) };
        } else {
            // SAFETY: `self` proves that the processor has these instructions.
            unsafe { compiled_without(self, task) };
        }
    }

    #[inline(always)]
    fn table(self, table: &[u8; 256]) -> Table {
        Table::new(table)
    }

    #[inline(always)]
    fn map(
        self,
        table: &Table,
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
    fn sum(self, table: &Table, affine: Affine, from: &[u8]) -> u32 {
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
        table: &Table,
        affines: &Affines,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    ) {
        let way = Way::Table(table, self.linear_of_group(affines));
        self.lay_groups(&way, group, padding, to);
    }

    #[inline(always)]
    fn lay_pooled(self, table: &Table, affines: &Affines, group: &Group<'_>, to: &mut [u8]) {
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
    ) -> [[__m256i; VECTORS]; FILTERS] {
        if VNNI {
            self.add_up::<FILTERS, VECTORS>(taps, first, biases)
        } else {
            self.add_up_pairs::<FILTERS, VECTORS>(taps, first, biases)
        }
    }

    #[inline(always)]
    fn store(self, sums: __m256i, multiplier: i32, to: &mut [u8]) {
        let place = Place { at: 0, count: to.len() };
        self.store_all(&[sums], multiplier, &[place], to);
    }

    #[inline(always)]
    fn store_all<const VECTORS: usize>(
        self,
        sums: &[__m256i; VECTORS],
        multiplier: i32,
        places: &[Place],
        plane: &mut [u8],
    ) {
        for (sums, places) in sums.chunks(2).zip(places.chunks(2)) {
            let second = sums.get(1).unwrap_or(&sums[0]);
            let values = self.requantized([sums[0], *second], multiplier);
            self.store_values(values, places, plane);
        }
    }
}
