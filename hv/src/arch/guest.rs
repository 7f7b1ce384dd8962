//! The vCPUs, where the vectors can reach them: in the window, which every address space has.

use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, offset_of};

use nex_vcpu::{Privilege, Profile, Regs, Vcpu};

use super::raw::Raw;
use super::vectors::{Trap, nex_enter_guest};
use super::{cp15, irq, percpu};
use crate::domain::MAX_DOMAINS;

// The vectors save and load the first 17 words of a vCPU as a frame.
const _: () = assert!(offset_of!(Vcpu, regs) == 0 && Regs::CPSR_OFFSET_BYTES == super::frame::CPSR + 4);

/// An address space to run a guest in: its view of kernel or user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct World {
    /// TTBR0: a table that maps the window as Nex's own does, and nothing of Nex's memory with User access.
    pub ttbr0: u32,
    /// CONTEXTIDR: an ASID that no other address space has.
    pub contextidr: u32,
    /// DACR: with Nex's own domain a client.
    pub dacr: u32,
}

/// What first-level handling ([`super::fast`]) needs to know, kept up to date by whoever changes it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fast {
    /// TTBR0 and CONTEXTIDR of the kernel's view; zeros: not to be entered so.
    pub kernel: [u32; 2],
    /// Those of the user's view.
    pub user: [u32; 2],
    /// Bits of DACR that may not change without a change of shadow tables.
    pub dacr_fixed: u32,
    /// T and E bits of the CPSR at exception entry.
    pub entry_psr: u32,
    /// Address of the vector table.
    pub vectors: u32,
}

impl Fast {
    /// Everything goes the long way.
    pub const NONE: Fast = Fast { kernel: [0; 2], user: [0; 2], dacr_fixed: !0, entry_psr: 0, vectors: 0 };
}

/// A vCPU as the vectors see it.
#[repr(C)]
pub struct GuestCpu {
    /// The vCPU; its registers come first.
    pub vcpu: Vcpu,
    /// For first-level handling.
    pub fast: Fast,
}

static VCPUS: [Raw<MaybeUninit<GuestCpu>>; MAX_DOMAINS] =
    [const { Raw::new(MaybeUninit::uninit()) }; MAX_DOMAINS];

/// A vCPU's place in the window. One for each domain number; whoever has it has it alone.
pub struct VcpuPlace(&'static UnsafeCell<GuestCpu>);

// SAFETY: the place is reached by the one owner of this value.
unsafe impl Send for VcpuPlace {}

impl VcpuPlace {
    /// Puts a vCPU that was just reset into the place of domain `number`.
    ///
    /// # Safety
    /// No other `VcpuPlace` of this number exists.
    pub unsafe fn new(number: u8, profile: Profile) -> Self {
        let place = VCPUS[usize::from(number)].as_ptr();
        // SAFETY: nobody else has the place, by the caller's promise; `UnsafeCell` has the layout of what is in it.
        unsafe {
            (*place).write(GuestCpu { vcpu: Vcpu::new(profile), fast: Fast::NONE });
            VcpuPlace(&*place.cast::<UnsafeCell<GuestCpu>>())
        }
    }

    /// The vCPU.
    pub fn get(&self) -> &Vcpu {
        // SAFETY: only `run` changes it behind a reference, and that borrows mutably.
        unsafe { &(*self.0.get()).vcpu }
    }

    /// The vCPU, to change.
    pub fn get_mut(&mut self) -> &mut Vcpu {
        // SAFETY: as above.
        unsafe { &mut (*self.0.get()).vcpu }
    }

    /// What first-level handling is to know from now on.
    pub fn set_fast(&mut self, fast: Fast) {
        // SAFETY: the guest does not run, as it borrows mutably when it does.
        unsafe { (*self.0.get()).fast = fast };
    }

    /// Runs the guest until it traps. Its registers are then those at the trap, with PC at the instruction that trapped (for
    /// an interrupt, the next one). An interrupt is still pending. IRQs are masked, and stay so.
    ///
    /// Also gives the instruction that trapped: an A32 word, or T32 halfwords, the first one low; 0 where there is none.
    ///
    /// # Safety
    /// - `world` is what its fields' descriptions say.
    /// - IRQs are masked.
    pub unsafe fn run(&mut self, world: World) -> (Trap, u32) {
        let cpu = percpu::this_cpu();
        let vcpu = self.get_mut();
        vcpu.regs.enter(irq::fiq_mask_bit());
        let user = vcpu.privilege() == Privilege::Pl0;
        // SAFETY: the register is the guest's alone; see `fast`. Entering synchronises.
        unsafe { cp15::set_tpidrurw(if user { vcpu.cp15.tpidrurw } else { vcpu.cp15.tpidrprw }) };
        if cp15::dacr() != world.dacr {
            // SAFETY: Nex's own domain is a client in it.
            unsafe { cp15::set_dacr(world.dacr) };
            // The change of address space synchronises.
        }
        // SAFETY: the registers belong to this value, which is borrowed for the time. The assembly saves and restores all
        // callee-saved registers; the address space is right by the caller's promise.
        let vector = unsafe { nex_enter_guest(cpu, self.0.get().cast(), world.ttbr0, world.contextidr) };
        let vcpu = self.get_mut();
        vcpu.regs.leave();
        if vcpu.privilege() == Privilege::Pl0 {
            vcpu.cp15.tpidrurw = cp15::tpidrurw();
        }
        (Trap::from_vector(vector), cpu.instruction.get())
    }
}
