//! The taps of a convolution in assembly: 2 filters by 4 columns, whose sums stay in registers.
//!
//! A loop is made for one kernel and one length of lines: that length is part of its instructions,
//! since all registers are taken. Two of them LLVM does not hand out, so a loop saves all and is a
//! function of its own.
//!
//! `unsafe` has one reason: assembly, which reads and writes what its job points to.
#![allow(unsafe_code)]

use core::arch::asm;

/// What a loop computes: the values of 4 columns for pairs of filters.
#[repr(C)]
pub struct Job {
    /// The first column's first word, in the first row that is read.
    pub first: *const u8,
    /// Where the sum of each filter begins.
    pub biases: *const i32,
    /// The multiplier of each filter's sum.
    pub multipliers: *const i32,
    /// Where the first filter's values belong.
    pub to: *mut u8,
    /// Distance from a filter's values to those of the next filter.
    pub plane: usize,
    /// Pairs of filters.
    pub tiles: usize,
    /// Bytes of the weights of a pair of filters.
    pub tile: usize,
    /// The first column's first word, in the ring's first row.
    pub bottom: *const u8,
    /// The first column's first word, in the row that would come after the ring's last one.
    pub top: *const u8,
    /// Distance in bytes from row to row of the ring.
    pub slot: usize,
    /// Bytes of the weights of a row of the kernel.
    pub row: usize,
    /// The weights.
    pub weights: *const i8,
    /// Where in a step the groups of a row begin: [`InnerLoop::entry`].
    pub entry: usize,
}

/// A loop over pairs of filters, the rows of a kernel and the groups of a row, some of which are a
/// step.
#[derive(Clone, Copy)]
pub struct InnerLoop {
    /// Computes a job.
    ///
    /// # Safety
    /// What the job points to must be there. All of it but `to` must be aligned to words.
    pub run: unsafe extern "C" fn(&Job),
    /// Groups in a step.
    groups: usize,
    /// Bytes of the instructions for a group.
    group_bytes: usize,
}

impl InnerLoop {
    /// Returns how many groups of a step are left out when a row with so many groups begins: the
    /// pointers of a job are as many lines too low.
    pub const fn skipped(&self, groups: usize) -> usize {
        (self.groups - groups % self.groups) % self.groups
    }

    /// Returns where a row begins if so many groups are left out. The lowest bit says that the
    /// instructions are those of Thumb.
    pub const fn entry(&self, skipped: usize) -> usize {
        skipped * self.group_bytes + 1
    }
}

// In a loop, r4 to r7 have the sums of the first filter and r8 to r11 those of the second one; r0
// and r12 have words of two neighbouring columns, r2 and r3 the weights of a tap for either filter;
// r1 is where the columns of a group begin, lr where the next weights are.

/// Loads weights: four bytes.
macro_rules! weights {
    ($load:literal) => {
        concat!($load, "\n sxtb16 r2, r3\n sxtb16 r3, r3, ror #8\n")
    };
}

/// Loads the words of two columns: `$column` columns after the first one.
macro_rules! load {
    ($group:literal, $column:literal) => {
        concat!("ldrd r0, r12, [r1, #", $group, "*{line}+4*", $column, "]\n")
    };
}

/// Adds products for columns 0 and 1.
macro_rules! left {
    () => {
        "smlad r4, r0, r2, r4\n smlad r8, r0, r3, r8\n
         smlad r5, r12, r2, r5\n smlad r9, r12, r3, r9\n"
    };
}

/// Adds products for columns 2 and 3.
macro_rules! right {
    () => {
        "smlad r6, r0, r2, r6\n smlad r10, r0, r3, r10\n
         smlad r7, r12, r2, r7\n smlad r11, r12, r3, r11\n"
    };
}

/// The first tap.
macro_rules! first_tap {
    ($group:literal, $load:literal) => {
        concat!(weights!($load), load!($group, "0"), left!(), load!($group, "2"), right!())
    };
}

/// An even tap after the one before it, whose columns 2 and 3 are its columns 0 and 1; its column 2
/// is `$column`.
macro_rules! even_tap {
    ($group:literal, $column:literal, $load:literal) => {
        concat!(weights!($load), left!(), load!($group, $column), right!())
    };
}

/// The last odd tap after the last even one, whose column 2 is its column 3; its columns 0 and 2
/// are `$column` and `$third`.
macro_rules! last_odd_tap {
    ($group:literal, $column:literal, $third:literal, $load:literal) => {
        concat!(
            weights!($load),
            "smlad r7, r0, r2, r7\n smlad r11, r0, r3, r11\n",
            concat!("ldr.w r0, [r1, #", $group, "*{line}+4*", $third, "]\n"),
            "smlad r6, r0, r2, r6\n smlad r10, r0, r3, r10\n",
            load!($group, $column),
            left!()
        )
    };
}

/// An odd tap after the next one, whose columns 0 and 1 are its columns 2 and 3; its column 0 is
/// `$column`.
macro_rules! odd_tap {
    ($group:literal, $column:literal, $load:literal) => {
        concat!(weights!($load), right!(), load!($group, $column), left!())
    };
}

/// Makes the value of a sum.
macro_rules! value {
    ($sum:literal, $multiplier:literal) => {
        concat!("smmul ", $sum, ", ", $sum, ", ", $multiplier, "\n ssat ", $sum, ", #8, ", $sum)
    };
}

/// The taps of a group in a row of the kernel.
macro_rules! group {
    (1, $group:literal) => {
        first_tap!($group, "ldr r3, [lr], #4")
    };
    (3, $group:literal) => {
        concat!(
            first_tap!($group, "ldr r3, [lr], #12"),
            even_tap!($group, "4", "ldr r3, [lr, #-4]"),
            last_odd_tap!($group, "1", "3", "ldr r3, [lr, #-8]")
        )
    };
    (5, $group:literal) => {
        concat!(
            first_tap!($group, "ldr r3, [lr], #20"),
            even_tap!($group, "4", "ldr r3, [lr, #-12]"),
            even_tap!($group, "6", "ldr r3, [lr, #-4]"),
            last_odd_tap!($group, "3", "5", "ldr r3, [lr, #-8]"),
            odd_tap!($group, "1", "ldr r3, [lr, #-16]")
        )
    };
}

/// Defines the loop of a kernel: `$instructions` of four bytes for each group, `$group` in a step.
macro_rules! inner_loop {
    (
        $name:ident, $kernel:tt, $instructions:literal, $groups:literal, [$($group:literal)*],
        $doc:literal
    ) => {
        #[doc = $doc]
        pub const fn $name<const LINE: usize>() -> InnerLoop {
            #[inline(never)]
            unsafe extern "C" fn run<const LINE: usize>(job: &Job) {
                // SAFETY: the caller vouches for the pointers. The registers that are not named
                // here, and the stack, are afterwards what they were.
                unsafe {
                    asm!(
                        "push {{r4-r11}}",
                        "ldmia r0!, {{r4-r10}}",
                        "push {{r4-r10}}",
                        "ldmia r0, {{r4-r9}}",
                        "push {{r4-r8}}",
                        "sub sp, #12",
                        "adr.w r0, 3f",
                        "add r9, r0",
                        "str r9, [sp, #8]",
                        "mov lr, r8",
                        // A pair of filters.
                        "1:",
                        "ldrd r0, r1, [sp, #28]",
                        "ldr r2, [sp, #56]",
                        "ldr r12, [sp, #36]",
                        "add r0, r2",
                        "str r0, [sp, #28]",
                        "ldrd r4, r8, [r12], #8",
                        "str r12, [sp, #36]",
                        "mov r5, r4",
                        "mov r6, r4",
                        "mov r7, r4",
                        "mov r9, r8",
                        "mov r10, r8",
                        "mov r11, r8",
                        // A row of the kernel: where the next one begins, and its own weights end.
                        "2:",
                        "ldrd r2, r3, [sp, #12]",
                        "ldrd r0, r12, [sp, #20]",
                        "add r0, r1",
                        "cmp r0, r3",
                        "it eq",
                        "moveq r0, r2",
                        "add r12, lr",
                        "strd r0, r12, [sp]",
                        "ldr.w pc, [sp, #8]",
                        // A step.
                        ".balign 4",
                        "3:",
                        $(group!($kernel, $group),)*
                        concat!("addw r1, r1, #", $groups, "*{line}"),
                        "ldr r0, [sp, #4]",
                        "cmp lr, r0",
                        "bne.w 3b",
                        "ldr r1, [sp]",
                        "ldr r0, [sp, #28]",
                        "cmp lr, r0",
                        "bne.w 2b",
                        // The values.
                        "ldrd r0, r1, [sp, #40]",
                        "ldr r12, [sp, #48]",
                        "ldrd r2, r3, [r0], #8",
                        value!("r4", "r2"), value!("r5", "r2"),
                        value!("r6", "r2"), value!("r7", "r2"),
                        value!("r8", "r3"), value!("r9", "r3"),
                        value!("r10", "r3"), value!("r11", "r3"),
                        "strb r4, [r1]",
                        "strb r5, [r1, #1]",
                        "strb r6, [r1, #2]",
                        "strb r7, [r1, #3]",
                        "add r1, r12",
                        "strb r8, [r1]",
                        "strb r9, [r1, #1]",
                        "strb r10, [r1, #2]",
                        "strb r11, [r1, #3]",
                        "add r1, r12",
                        "strd r0, r1, [sp, #40]",
                        "ldr r0, [sp, #52]",
                        "subs r0, #1",
                        "str r0, [sp, #52]",
                        "bne.w 1b",
                        "add sp, #60",
                        "pop {{r4-r11}}",
                        in("r0") job, lateout("r0") _, out("r1") _, out("r2") _, out("r3") _,
                        out("r12") _, out("lr") _, line = const LINE,
                    );
                }
            }
            InnerLoop { run: run::<LINE>, groups: $groups, group_bytes: 4 * $instructions }
        }
    };
}

inner_loop!(one, 1, 13, 4, ["0" "1" "2" "3"], "Returns the loop of kernels of 1.");
inner_loop!(three, 3, 38, 4, ["0" "1" "2" "3"], "Returns the loop of kernels of 3.");
inner_loop!(five, 5, 62, 4, ["0" "1" "2" "3"], "Returns the loop of kernels of 5.");
inner_loop!(one_of_wide, 1, 13, 1, ["0"], "Returns the loop of kernels of 1, for long lines.");
inner_loop!(three_of_wide, 3, 38, 1, ["0"], "Returns the loop of kernels of 3, for long lines.");
inner_loop!(five_of_wide, 5, 62, 1, ["0"], "Returns the loop of kernels of 5, for long lines.");
