//! The snoop control unit (SCU, ARM DDI 0407, at 0x5004_0000), which keeps the first-level data caches of the cores coherent;
//! and the question whether this is Secure state, where it may be set up.

use crate::regs::Registers;

const GICD_IGROUPR1: usize = 0x84;

const SCU_CONTROL: usize = 0x00;
const SCU_INVALIDATE_ALL: usize = 0x0c;
/// Not in the manual; Linux's name for it is SCU diagnostic.
const SCU_DIAGNOSTIC: usize = 0x30;
const SCU_ENABLE: u32 = 1 << 0;
/// Erratum 764369 (all A9 with more than one core): cache maintenance by address may not reach all of them.
const SCU_DIAGNOSTIC_764369: u32 = 1 << 0;
/// SCU_INVALIDATE_ALL: four ways for each of four cores.
const ALL_WAYS: u32 = 0xffff;

/// Switches coherency between the cores on. Only while a single core runs, in Secure state. `empty_l1` completes all writes,
/// and writes this core's first-level data cache back and empties it: the SCU knows only lines that were fetched since it
/// is on, so the others would never be seen by another core.
pub fn start(scu: &impl Registers, empty_l1: impl FnOnce()) {
    let diagnostic = scu.read(SCU_DIAGNOSTIC);
    if diagnostic & SCU_DIAGNOSTIC_764369 == 0 {
        scu.write(SCU_DIAGNOSTIC, diagnostic | SCU_DIAGNOSTIC_764369);
    }
    let control = scu.read(SCU_CONTROL);
    if control & SCU_ENABLE == 0 {
        scu.write(SCU_INVALIDATE_ALL, ALL_WAYS);
        scu.write(SCU_CONTROL, control | SCU_ENABLE);
        empty_l1();
    }
}

/// Whether this is Secure state. There is no register that says so; but the interrupt groups of the GIC can be written in
/// Secure state only, and read as zero otherwise (ARM IHI 0048B 4.3.4). Interrupts are masked, the register is restored.
pub fn is_secure(distributor: &impl Registers) -> bool {
    let groups = distributor.read(GICD_IGROUPR1);
    distributor.write(GICD_IGROUPR1, !groups);
    let secure = distributor.read(GICD_IGROUPR1) == !groups;
    distributor.write(GICD_IGROUPR1, groups);
    secure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    #[test]
    fn switched_on_once() {
        let scu = Fake::new(&[(0x00, 0x20)]);
        start(&scu, || assert_eq!(scu.read(0), 0x21, "caches are emptied after it is on"));
        assert_eq!(scu.writes(), [(0x30, 1), (0x0c, 0xffff), (0x00, 0x21)]);
        scu.forget();
        start(&scu, || unreachable!());
        assert_eq!(scu.writes(), [], "what a loader has done is left");
    }

    #[test]
    fn state() {
        let secure = Fake::new(&[(0x84, 0x0f)]);
        assert!(is_secure(&secure));
        assert_eq!(secure.read(0x84), 0x0f);
        let other = Fake::new(&[]).with_effect(|_, _, _| {});
        assert!(!is_secure(&other));
    }
}
