//! What the virtual CPU says it is: identification registers, and the choices they depend on.
//!
//! The values of the three cores are those that QEMU 7.2 shows to a guest without the Security and Virtualization
//! Extensions (`-M virt`, `-M vexpress-a9,secure=off`), so that software sees the same natively and under Nex. Changed is
//! what Nex does not offer, each at its field below. All fields may be edited before the CPU is made: the hypervisor
//! puts in the host's own MIDR, CTR and cache geometry, since cache maintenance and errata go by them.

/// Which core's implementation-defined registers there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Core {
    /// Cortex-A9: power control, diagnostic and TLB lockdown registers.
    A9,
    /// Cortex-A15: L2CTLR, L2ECTLR; the rest of c15 is RAZ/WI.
    A15,
    /// Cortex-A7: as A15.
    A7,
}

/// Identification of a virtual CPU, and what it offers. Register layouts: DDI 0406C B4.1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The core.
    pub core: Core,
    /// Long descriptors (LPAE) are offered: TTBCR.EAE, 64-bit TTBR0, TTBR1 and PAR.
    pub lpae: bool,
    /// The generic timer is offered; ID_PFR1 agrees.
    pub generic_timer: bool,
    /// Main ID.
    pub midr: u32,
    /// Revision ID. Where a core has none it reads as MIDR.
    pub revidr: u32,
    /// Cache type.
    pub ctr: u32,
    /// Multiprocessor affinity: bit 31 set, bit 30 (U) set if the domain has one CPU, bits 7..0 the number of the CPU. A
    /// kernel that finds U set patches itself to clean the data cache at each change of a page table entry, which is answered
    /// quickly; one that finds it clear may invalidate the whole TLB at each fork instead (Linux, for erratum 720789 of
    /// Cortex-A9), and its mappings have to be found again.
    pub mpidr: u32,
    /// Processor features 0.
    pub id_pfr0: u32,
    /// Processor features 1. No Security (7..4) and no Virtualization Extensions (15..12).
    pub id_pfr1: u32,
    /// Debug features. No memory-mapped debug (11..8) and no memory-mapped trace (19..16), which QEMU claims and has not.
    pub id_dfr0: u32,
    /// Memory model features 0 to 3.
    pub id_mmfr: [u32; 4],
    /// Instruction sets 0 to 5.
    pub id_isar: [u32; 6],
    /// Cache levels.
    pub clidr: u32,
    /// Geometry of the caches by CSSELR: L1 data, L1 instruction, L2. Zero where there is none.
    pub ccsidr: [u32; 3],
    /// Physical base of the core's private peripherals, as c15 CBAR reads. Zero on a Cortex-A9 lets an SMP Linux patch
    /// itself to its uniprocessor form.
    pub cbar: u32,
    /// CPUs in the domain, 1 to 4, for L2CTLR.
    pub cpus: u8,
    /// FPSID; zero if there is no VFP.
    pub fpsid: u32,
    /// Media and VFP features 0 and 1.
    pub mvfr: [u32; 2],
    /// PMCR: implementer, identification and number of event counters (15..11); other bits are ignored.
    pub pmcr: u32,
}

impl Profile {
    /// What a Cortex-A15 r4p0 is in QEMU.
    pub const CORTEX_A15: Self = Self {
        core: Core::A15,
        lpae: true,
        generic_timer: true,
        midr: 0x414f_c0f0,
        revidr: 0x414f_c0f0,
        ctr: 0x8444_c004,
        mpidr: 0x8000_0000,
        id_pfr0: 0x0000_1131,
        id_pfr1: 0x0001_0001,
        id_dfr0: 0x0200_0005,
        id_mmfr: [0x1020_1105, 0x2000_0000, 0x0124_0000, 0x0210_2211],
        id_isar: [0x0210_1110, 0x1311_2111, 0x2123_2041, 0x1111_2131, 0x1001_1142, 0],
        clidr: 0x0a20_0023,
        ccsidr: [0x701f_e00a, 0x201f_e00a, 0x711f_e07a],
        cbar: 0x0800_0000,
        cpus: 1,
        fpsid: 0x4104_30f0,
        mvfr: [0x1011_0222, 0x1111_1111],
        pmcr: 0x410f_3000,
    };

    /// What a Cortex-A7 r0p5 is in QEMU.
    pub const CORTEX_A7: Self = Self {
        core: Core::A7,
        midr: 0x410f_c075,
        revidr: 0x410f_c075,
        ctr: 0x8444_8003,
        id_mmfr: [0x1010_1105, 0x4000_0000, 0x0124_0000, 0x0210_2211],
        fpsid: 0x4102_3075,
        pmcr: 0x4107_2000,
        ..Self::CORTEX_A15
    };

    /// What a Cortex-A9 r0p0 is in QEMU: no long descriptors, no generic timer. See [`offer_lpae`](Self::offer_lpae) and
    /// [`offer_generic_timer`](Self::offer_generic_timer). The PMU (PMUv1) is named in ID_DFR0, which QEMU leaves 0.
    pub const CORTEX_A9: Self = Self {
        core: Core::A9,
        lpae: false,
        generic_timer: false,
        midr: 0x410f_c090,
        revidr: 0x410f_c090,
        ctr: 0x8003_8003,
        mpidr: 0x8000_0000,
        id_pfr0: 0x0000_1031,
        id_pfr1: 0x0000_0001,
        id_dfr0: 0x0100_0000,
        id_mmfr: [0x0010_0103, 0x2000_0000, 0x0123_0000, 0x0000_2111],
        id_isar: [0x0010_1111, 0x1311_2111, 0x2123_2041, 0x1111_2131, 0x0011_1142, 0],
        clidr: 0x0900_0003,
        ccsidr: [0xe00f_e019, 0x200f_e019, 0],
        cbar: 0,
        cpus: 1,
        fpsid: 0x4103_3090,
        mvfr: [0x1111_0222, 0x0111_1111],
        pmcr: 0x4109_3000,
    };

    /// The profile for a host with this MIDR, revision included, or `None` for a core that is not one of the three.
    /// MIDR and REVIDR are then the host's; CTR and cache geometry are the caller's to put in.
    pub fn for_host(midr: u32) -> Option<Self> {
        let base = match midr & 0xff00_fff0 {
            0x4100_c090 => Self::CORTEX_A9,
            0x4100_c0f0 => Self::CORTEX_A15,
            0x4100_c070 => Self::CORTEX_A7,
            _ => return None,
        };
        Some(Self { midr, revidr: midr, ..base })
    }

    /// Offers long descriptors on a core that has none: Nex only walks them. They are there for software that uses them
    /// without asking, as Debian's U-Boot for QEMU's `virt` does. ID_MMFR0.VMSA does not name them on such a core: for
    /// Linux that would also mean that LDRD and STRD are single accesses (A3.5.3), which it would tell programs (`lpae` in
    /// `/proc/cpuinfo`), and on a Cortex-A9 they are not.
    #[must_use]
    pub const fn offer_lpae(mut self) -> Self {
        self.lpae = true;
        self
    }

    /// Says in ID_MMFR0.VMSA that there are long descriptors, for kernels that ask. See [`offer_lpae`](Self::offer_lpae) for what
    /// else that means.
    #[must_use]
    pub const fn name_lpae(mut self) -> Self {
        self = self.offer_lpae();
        self.id_mmfr[0] = self.id_mmfr[0] & !0xf | 5;
        self
    }

    /// Offers the generic timer on a core that has none: ID_PFR1 bits 19..16 become 1.
    #[must_use]
    pub const fn offer_generic_timer(mut self) -> Self {
        self.generic_timer = true;
        self.id_pfr1 = self.id_pfr1 & !0x000f_0000 | 0x0001_0000;
        self
    }

    /// For CPU number `cpu` of `cpus` (1 to 4) in the domain: MPIDR with U set for a single CPU, and L2CTLR's count.
    #[must_use]
    pub const fn numbered(mut self, cpu: u8, cpus: u8) -> Self {
        self.cpus = cpus;
        self.mpidr = 1 << 31 | ((cpus == 1) as u32) << 30 | (cpu & 3) as u32;
        self
    }

    /// With cache lines of 2^`log2_words` words (2 to 10) in CTR, for a hypervisor that makes one step of what a guest does for each
    /// line. The field in CCSIDR is too narrow to agree, and the caches stay as they are for operations by set and way.
    #[must_use]
    pub const fn with_cache_lines(mut self, log2_words: u32) -> Self {
        self.ctr = self.ctr & !0x000f_000f | log2_words << 16 | log2_words;
        self
    }

    /// Whether VFP instructions are there.
    pub const fn has_vfp(&self) -> bool {
        self.fpsid != 0
    }

    /// Whether there are d16 to d31 (MVFR0 bits 3..0).
    pub const fn has_d32(&self) -> bool {
        self.mvfr[0] & 0xf == 2
    }

    /// Whether there is Advanced SIMD (MVFR1 bits 11..8, load and store instructions).
    pub const fn has_simd(&self) -> bool {
        self.mvfr[1] >> 8 & 0xf != 0
    }

    /// Debug architecture 7.1 with its extended CP14 interface, or the baseline registers only.
    pub(crate) const fn has_debug_v7_1(&self) -> bool {
        self.id_dfr0 & 0xf == 5
    }

    /// Whether PMUv2 (event filters, PMCEID, PMOVSSET) is offered.
    pub(crate) const fn has_pmu_v2(&self) -> bool {
        self.id_dfr0 >> 24 & 0xf >= 2
    }

    /// ThumbEE (ID_PFR0 bits 15..12).
    pub(crate) const fn has_thumb_ee(&self) -> bool {
        self.id_pfr0 >> 12 & 0xf != 0
    }

    /// DBGDIDR (DDI 0406C C11.11.15): the fewest that it can say, two breakpoints (one with context) and one watchpoint,
    /// and no Security Extensions. They do nothing: DBGDSCR reads as zero, monitor debug mode cannot be switched on.
    /// Version 7.1 (5), or 4, "baseline registers only", as on Cortex-A9. Variant and revision are MIDR's.
    pub(crate) const fn dbgdidr(&self) -> u32 {
        let version = if self.has_debug_v7_1() { 5 } else { 4 };
        1 << 24 | version << 16 | (self.midr >> 16 & 0xf0) | self.midr & 0xf
    }
}
