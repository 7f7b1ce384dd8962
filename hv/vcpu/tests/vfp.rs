//! VFP and Advanced SIMD access rules (DDI 0406C B1.11), over all settings.

use nex_vcpu::vfp::{CPACR_ASEDIS, CPACR_D32DIS, FPEXC_EN, allowed};
use nex_vcpu::{Coord, Effect, Privilege, Profile, Vcpu, VfpReg, VfpUse};

use Privilege::{Pl0, Pl1};

const CPACR: Coord = Coord::word(15, 1, 0, 0, 2);

fn cpu_with(profile: Profile, cpacr: u32) -> Vcpu {
    let mut cpu = Vcpu::new(profile);
    let _ = cpu.write_register(CPACR, cpacr.into(), &|| 0);
    cpu
}

#[test]
fn all_settings() {
    let uses = |high_registers| [VfpUse::Vfp { high_registers }, VfpUse::Simd { high_registers }];
    for setting in 0..256_u32 {
        let cpacr = (setting & 0xf) << 20 | (setting >> 4 & 3) << 30;
        let fields = [cpacr >> 20 & 3, cpacr >> 22 & 3];
        let fpexc = if setting >> 6 & 1 == 1 { FPEXC_EN } else { 0 };
        for privilege in [Pl0, Pl1] {
            // 01 is PL1 only, 11 both; 00 and the reserved 10 nobody (B4.1.40).
            let may = fields.iter().all(|field| *field == 3 || *field == 1 && privilege == Pl1);
            let on = may && fpexc != 0;
            for high in [false, true] {
                let [vfp, simd] = uses(high).map(|wanted| allowed(wanted, privilege, cpacr, fpexc));
                let d32 = !high || cpacr & CPACR_D32DIS == 0;
                assert_eq!(vfp, on && d32);
                assert_eq!(simd, on && d32 && cpacr & CPACR_ASEDIS == 0);
            }
            let system = |reg| allowed(VfpUse::System(reg), privilege, cpacr, fpexc);
            assert_eq!(system(VfpReg::Fpscr), on);
            for reg in [VfpReg::Fpsid, VfpReg::Mvfr0, VfpReg::Mvfr1, VfpReg::Fpexc] {
                assert_eq!(system(reg), may && privilege == Pl1, "whatever FPEXC.EN is");
            }
        }
    }
}

#[test]
fn system_registers() {
    let mut cpu = cpu_with(Profile::CORTEX_A15, 0);
    assert_eq!(cpu.cp15.vfp_read(VfpReg::Fpsid, Pl1), None, "CPACR is closed at reset");
    assert!(matches!(cpu.cp15.vfp_write(VfpReg::Fpexc, FPEXC_EN, Pl1), Effect::Denied(_)));
    let mut cpu = cpu_with(Profile::CORTEX_A15, 0xf << 20);
    let read = |cpu: &Vcpu, number| cpu.cp15.vfp_read(VfpReg::from_number(number).unwrap(), Pl1);
    assert_eq!(
        [0, 6, 7, 8].map(|number| read(&cpu, number)),
        [0x4104_30f0, 0x1111_1111, 0x1011_0222, 0].map(Some)
    );
    assert_eq!(cpu.cp15.vfp_write(VfpReg::Fpexc, 0xffff_ffff, Pl1), Effect::VfpChanged);
    assert_eq!(read(&cpu, 8), Some(FPEXC_EN));
    assert_eq!(cpu.cp15.vfp_write(VfpReg::Fpexc, FPEXC_EN, Pl1), Effect::None);
    assert_eq!(cpu.cp15.vfp_write(VfpReg::Mvfr0, 0, Pl1), Effect::None, "read-only, ignored");
    assert_eq!(read(&cpu, 7), Some(0x1011_0222));
    assert_eq!(cpu.cp15.vfp_read(VfpReg::Fpsid, Pl0), None);
    assert!(cpu.cp15.vfp_allowed(VfpUse::System(VfpReg::Fpscr), Pl0));
    assert_eq!(cpu.cp15.vfp_read(VfpReg::Fpscr, Pl0), None, "in the real unit");
    let numbers: Vec<_> = (0..=255).filter(|number| VfpReg::from_number(*number).is_some()).collect();
    assert_eq!(numbers, [0, 1, 6, 7, 8], "no MVFR2, FPINST, FPINST2");
}

#[test]
fn cpacr_follows_the_unit() {
    let d16 = Profile { mvfr: [0x1011_0221, 0x1111_1111], ..Profile::CORTEX_A9 };
    let no_simd = Profile { mvfr: [0x1011_0221, 0], ..Profile::CORTEX_A9 };
    let no_vfp = Profile { fpsid: 0, mvfr: [0, 0], ..Profile::CORTEX_A9 };
    let cases = [
        (Profile::CORTEX_A9, 0, 0xc0f0_0000),
        (d16, 1 << 30, 0xc0f0_0000),
        (no_simd, 3 << 30, 0xc0f0_0000),
        (no_vfp, 0, 0),
    ];
    for (profile, zeros, ones) in cases {
        let cpu = cpu_with(profile.clone(), 0);
        assert_eq!(cpu.cp15.cpacr, zeros);
        assert_eq!(cpu, {
            let mut reset = cpu.clone();
            reset.reset();
            reset
        });
        assert_eq!(cpu_with(profile, 0xffff_ffff).cp15.cpacr, ones);
    }
    let without = Profile { fpsid: 0, ..Profile::CORTEX_A9 };
    let cpu = cpu_with(without, 0xffff_ffff);
    assert!(!cpu.cp15.vfp_allowed(VfpUse::Vfp { high_registers: false }, Pl1));
}
