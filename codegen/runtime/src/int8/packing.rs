//! How constants and activated rows lie in memory, which differs from platform to platform.

/// How a platform's kernels want weights and activated rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Channels of a pixel that lie side by side in an activated row: a group.
    pub group: usize,
    /// Bytes of a channel's value in an activated row; a group has 4 bytes.
    pub bytes: usize,
    /// Whether the weights of neighbouring filters alternate within a group: channel by channel
    /// and not filter by filter.
    pub filters_alternate: bool,
    /// The most filters that are computed together.
    pub most_filters: usize,
    /// Columns that are computed together: rows are laid out for a multiple of it.
    pub columns: usize,
    /// What an activated byte is combined with (exclusive or): 128 for engines whose bytes are
    /// signed, 0 for others.
    pub flip: u8,
}

impl Packing {
    /// The packing of x86-64: `vpdpbusd` and its like on groups of four.
    pub const X86_64: Packing = Packing {
        group: 4,
        bytes: 1,
        filters_alternate: false,
        most_filters: 12,
        columns: 16,
        flip: 0,
    };

    /// The packing of the platform `aarch64`: `sdot`, or `smull` and `smlal`, on groups of four
    /// signed bytes.
    pub const AARCH64: Packing = Packing {
        group: 4,
        bytes: 1,
        filters_alternate: false,
        most_filters: 12,
        columns: 4,
        flip: 0x80,
    };

    /// The packing of the platform `armv7`: `vmull.s8` and `vmlal.s8` on groups of four signed
    /// bytes.
    pub const ARMV7: Packing = Packing::AARCH64;

    /// The packing of ARM microcontrollers: `SMLAD` on pairs of channels, whose bytes take 16 bits each.
    pub const CORTEX_M: Packing = Packing {
        group: 2,
        bytes: 2,
        filters_alternate: true,
        most_filters: 2,
        columns: 1,
        flip: 0,
    };

    /// The packing of the processor that this is compiled for.
    #[cfg(target_arch = "aarch64")]
    pub const HERE: Packing = Packing::AARCH64;
    /// The packing of the processor that this is compiled for.
    #[cfg(all(target_arch = "arm", not(target_os = "none")))]
    pub const HERE: Packing = Packing::ARMV7;
    /// The packing of the processor that this is compiled for.
    #[cfg(all(target_arch = "arm", target_os = "none"))]
    pub const HERE: Packing = Packing::CORTEX_M;
    /// The packing of the processor that this is compiled for.
    #[cfg(not(any(target_arch = "aarch64", target_arch = "arm")))]
    pub const HERE: Packing = Packing::X86_64;

    /// Returns the number of groups of so many channels.
    pub const fn groups(&self, channels: usize) -> usize {
        channels.div_ceil(self.group)
    }

    /// Returns the filters that are computed together for so many filters: as few tiles as
    /// possible, all of one size.
    pub const fn tile(&self, filters: usize) -> usize {
        let tile = filters.div_ceil(filters.div_ceil(self.most_filters));
        if self.filters_alternate { tile.next_multiple_of(self.most_filters) } else { tile }
    }
}
