//! What an x86-64 processor has, found when the program runs.
//!
//! `unsafe` has one reason: an instruction that must be enabled, which is checked just before.
#![allow(unsafe_code)]

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// The instructions that processor and operating system support. Reading takes long on some virtual
/// machines.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    leaf_1_ecx: u32,
    leaf_7_ebx: u32,
    leaf_7_ecx: u32,
    leaf_7_1_eax: u32,
    /// The registers that the operating system saves: XCR0.
    registers: u64,
}

impl Cpu {
    /// Reads the properties of this processor.
    pub fn read() -> Cpu {
        // Miri does not know the instruction CPUID.
        let most = if cfg!(miri) { 0 } else { __cpuid(0).eax };
        let mut cpu =
            Cpu { leaf_1_ecx: 0, leaf_7_ebx: 0, leaf_7_ecx: 0, leaf_7_1_eax: 0, registers: 0 };
        if most >= 1 {
            cpu.leaf_1_ecx = __cpuid(1).ecx;
            cpu.registers = enabled_registers(cpu.leaf_1_ecx);
        }
        if most >= 7 {
            let leaf_7 = __cpuid_count(7, 0);
            (cpu.leaf_7_ebx, cpu.leaf_7_ecx) = (leaf_7.ebx, leaf_7.ecx);
            if leaf_7.eax >= 1 {
                cpu.leaf_7_1_eax = __cpuid_count(7, 1).eax;
            }
        }
        cpu
    }

    /// Tells whether AVX2 and FMA can be used.
    pub fn avx2(self) -> bool {
        // Bits 1 and 2: the operating system saves the 128 and 256 bit registers.
        self.leaf_1_ecx & 1 << 12 != 0
            && self.leaf_7_ebx & 1 << 5 != 0
            && self.registers & 0x06 == 0x06
    }

    /// Tells whether AVX2 and AVX-VNNI, its products of bytes, can be used.
    pub fn avx_vnni(self) -> bool {
        self.avx2() && self.leaf_7_1_eax & 1 << 4 != 0
    }

    /// Tells whether AVX-512F, AVX2 and FMA can be used.
    pub fn avx512(self) -> bool {
        // Bits 5 to 7: the operating system saves the mask and 512 bit registers.
        self.avx2() && self.leaf_7_ebx & 1 << 16 != 0 && self.registers & 0xe6 == 0xe6
    }

    /// Tells whether AVX-512F, BW, DQ, VL and VNNI, AVX2 and FMA can be used.
    pub fn avx512_vnni(self) -> bool {
        const DQ_BW_VL: u32 = 1 << 17 | 1 << 30 | 1 << 31;
        self.avx512() && self.leaf_7_ebx & DQ_BW_VL == DQ_BW_VL && self.leaf_7_ecx & 1 << 11 != 0
    }

    /// Tells whether AVX-512VBMI can be used besides those.
    pub fn avx512_vbmi(self) -> bool {
        self.avx512_vnni() && self.leaf_7_ecx & 1 << 1 != 0
    }
}

/// Returns the bits of XCR0, the registers that the operating system saves; 0 if the processor has
/// no XCR0 or no AVX.
fn enabled_registers(leaf_1_ecx: u32) -> u64 {
    const OSXSAVE_AND_AVX: u32 = 1 << 27 | 1 << 28;
    if leaf_1_ecx & OSXSAVE_AND_AVX != OSXSAVE_AND_AVX {
        return 0;
    }
    // SAFETY: the OSXSAVE bit says that this instruction is enabled.
    unsafe { _xgetbv(0) }
}
