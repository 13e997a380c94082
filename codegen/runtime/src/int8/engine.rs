//! Instruction sets: the operations that kernels are made of.
//!
//! A value of a type that implements [`Engine`] is proof that the processor has those instructions:
//! only the types' `detect` functions make one.

use super::taps::Taps;

/// A kernel that an engine runs. Its `run` and all functions that it calls must be
/// `#[inline(always)]`, or they are compiled for the baseline only.
pub trait Task {
    /// Runs the kernel.
    fn run<E: Engine>(self, engine: E);
}

/// An instruction set.
pub trait Engine: Copy {
    /// A table in the form that the engine looks bytes up in.
    type Table: Copy;
    /// The sums of [`Engine::COLUMNS`] neighbouring columns.
    type Sums: Copy;
    /// Number of columns that are computed together.
    const COLUMNS: usize;
    /// Vectors of columns whose sums are computed together, at most: 1, 2 or 4.
    const VECTORS: usize;
    /// The most filters whose sums are kept together.
    const FILTERS: usize;
    /// Whether a vector can have the columns of two short rows, one in each half.
    const HALVES: bool = false;

    /// Runs a task in code that is compiled for this instruction set. Tasks are large; one copy of
    /// each is enough.
    #[inline(never)]
    fn run<T: Task>(self, task: T) {
        task.run(self);
    }

    /// Returns a table.
    fn table(self, table: &[u8; 256]) -> Self::Table;

    /// Writes the table's bytes for a plane's values, each combined with `flip`. The second plane
    /// is empty, or as long as the first one, and is added.
    fn map(self, table: &Self::Table, affine: Affine, from: [&[u8]; 2], flip: u8, to: &mut [u8]);

    /// Returns the sum of the unsigned bytes that a table makes of a plane.
    fn sum(self, table: &Self::Table, affine: Affine, from: &[u8]) -> u32;

    /// Writes a row of activated groups: 4 bytes for each column, and `padding` for all columns
    /// after them that it writes. `affines` has the linear function of each channel.
    fn lay(
        self,
        table: &Self::Table,
        affines: &Affines,
        group: &Group<'_>,
        padding: [u8; 4],
        to: &mut [u8],
    );

    /// Does what [`Engine::lay`] does, for the averages of squares of 2 by 2 activated bytes. What
    /// follows the columns does not matter.
    fn lay_pooled(self, table: &Self::Table, affines: &Affines, group: &Group<'_>, to: &mut [u8]);

    /// Does what [`Engine::lay`] does, for values that are activated already: combines each with
    /// `mask`.
    fn lay_plain(self, group: &Group<'_>, mask: u8, padding: [u8; 4], to: &mut [u8]);

    /// Computes the values of all filters for one vector of columns and stores them in their
    /// planes, if the engine has a way of its own to do so for these taps; else returns `false`.
    /// `taps` has the weights of all tiles.
    ///
    /// # Panics
    /// Panics if a slice is too short.
    #[inline(always)]
    fn filters(
        self,
        _taps: &Taps<'_>,
        _filters: FilterConstants<'_>,
        _place: Place,
        _planes: &mut [u8],
    ) -> bool {
        false
    }

    /// Returns the sums of `FILTERS` filters of a tile from `first` on, for `VECTORS` vectors. By
    /// value, so that they stay in registers.
    fn sums<const FILTERS: usize, const VECTORS: usize>(
        self,
        taps: &Taps<'_>,
        first: usize,
        biases: &[i32; FILTERS],
    ) -> [[Self::Sums; VECTORS]; FILTERS];

    /// Stores the values of sums: as many as fill `to`, which is not longer than a vector.
    fn store(self, sums: Self::Sums, multiplier: i32, to: &mut [u8]);

    /// Stores the values of a filter's vectors in its plane: those of each vector in its place, or
    /// those of its halves if there are twice as many places.
    ///
    /// # Panics
    /// Panics if the plane ends before a place does.
    #[inline(always)]
    fn store_all<const VECTORS: usize>(
        self,
        sums: &[Self::Sums; VECTORS],
        multiplier: i32,
        places: &[Place],
        plane: &mut [u8],
    ) {
        for (sums, place) in sums.iter().zip(places) {
            self.store(*sums, multiplier, &mut plane[place.at..][..place.count]);
        }
    }
}

/// The constants of filters besides their weights.
#[derive(Clone, Copy, Debug)]
pub struct FilterConstants<'a> {
    /// Where the sum of each filter begins, with those of filters that fill up the last tile.
    pub biases: &'a [i32],
    /// The multiplier of each filter's sum, likewise.
    pub multipliers: &'a [i32],
    /// Number of filters.
    pub count: usize,
    /// Length of a filter's plane.
    pub plane: usize,
}

/// The linear function of one channel whose result is an index into a table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Affine {
    /// The factors of the terms; a second one only for sums.
    pub factors: [i16; 2],
    /// The offset.
    pub offset: i16,
    /// Shift from the sum to the index.
    pub shift: u8,
}

/// The most channels in a group.
pub const MOST_CHANNELS: usize = 4;

/// Where the values of neighbouring columns belong in a plane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The first one.
    pub at: usize,
    /// How many there are, perhaps none.
    pub count: usize,
}

/// The rows of a group's channels that become a row of activated groups.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The input, from the first value of the row of the group's first channel on.
    pub from: &'a [u8],
    /// Distance from channel to channel.
    pub plane: usize,
    /// Number of columns of the input.
    pub width: usize,
    /// Channels in the group: less than those of a whole one in the last group, or none.
    pub channels: usize,
}

impl<'a> Group<'a> {
    /// Returns the row of the channel with this index in the group.
    #[inline(always)]
    pub fn row(&self, index: usize) -> &'a [u8] {
        &self.from[index * self.plane..][..self.width]
    }

    /// Returns the row after that of a channel.
    #[inline(always)]
    pub fn next_row(&self, index: usize) -> &'a [u8] {
        &self.from[index * self.plane + self.width..][..self.width]
    }
}

/// The linear functions of a group's channels.
#[derive(Clone, Copy, Debug)]
pub struct Affines {
    /// The factor of each channel.
    pub factors: [i16; MOST_CHANNELS],
    /// The offset of each channel.
    pub offsets: [i16; MOST_CHANNELS],
    /// Shift from the sum to the index.
    pub shift: u8,
}

impl Affines {
    /// Returns the linear function of the channel with this index in the group.
    #[inline(always)]
    pub fn of(&self, lane: usize) -> Affine {
        Affine { factors: [self.factors[lane], 0], offset: self.offsets[lane], shift: self.shift }
    }
}
