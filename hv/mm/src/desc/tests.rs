use super::*;
use proptest::prelude::*;

const RAM: Attrs = Attrs {
    access: Access::PrivRw,
    exec: true,
    memory: MemoryType::NormalWriteBack,
    shareable: true,
    global: true,
};
const REGISTERS: Attrs =
    Attrs { access: Access::PrivRw, exec: false, memory: MemoryType::Device, shareable: false, global: true };

/// Raw values put together by hand from figures B3-4 and B3-5.
#[test]
fn golden_first_level() {
    let section = |hpa, attrs, domain| L1Desc::Section { hpa: Hpa::new(hpa), attrs, domain };
    let golden = [
        // S (16), TEX 001 (12), AP 01 (10), C and B, 0b10.
        (section(0x4000_0000, RAM, 0), 0x4001_140e),
        (section(0x4000_0000, RAM, 15), 0x4001_15ee),
        // XN (4), B.
        (section(0x5000_0000, REGISTERS, 0), 0x5000_0416),
        // nG (17), AP[2] (15), AP[1:0] 11.
        (
            section(0xfff0_0000, Attrs { access: Access::UserRo, global: false, shareable: false, ..RAM }, 1),
            0xfff2_9c2e,
        ),
        (L1Desc::Table { l2: Hpa::new(0x8000_0400), domain: 3 }, 0x8000_0461),
        // PA[35:32] in 23..20, PA[39:36] in 8..5, bit 18.
        (L1Desc::Supersection { hpa: Hpa::new(0x8300_0000), high: 0x5a, attrs: RAM }, 0x83a5_14ae),
        (L1Desc::Fault, 0),
    ];
    for (desc, raw) in golden {
        assert_eq!(desc.encode(), raw, "{desc:x?}");
        assert_eq!(L1Desc::decode(raw), desc);
    }
}

#[test]
fn golden_second_level() {
    let small = |hpa, attrs| L2Desc::Small { hpa: Hpa::new(hpa), attrs };
    let large = |hpa, attrs| L2Desc::Large { hpa: Hpa::new(hpa), attrs };
    let golden = [
        // S (10), TEX 001 (6), AP 01 (4), C and B, 0b10.
        (small(0x4000_1000, RAM), 0x4000_145e),
        // XN (0).
        (small(0x5000_1000, REGISTERS), 0x5000_1017),
        // nG (11), AP[2] (9).
        (small(0xffff_f000, Attrs { access: Access::PrivRo, global: false, ..RAM }), 0xffff_fe5e),
        // TEX (12), XN (15).
        (large(0x4001_0000, Attrs { exec: false, ..RAM }), 0x4001_941d),
        (large(0x4001_0000, Attrs { access: Access::UserRw, ..REGISTERS }), 0x4001_8035),
        (L2Desc::Fault, 0),
    ];
    for (desc, raw) in golden {
        assert_eq!(desc.encode(), raw, "{desc:x?}");
        assert_eq!(L2Desc::decode(raw), desc);
    }
}

#[test]
fn software_bits_of_invalid_entries_are_no_mapping() {
    assert_eq!(L1Desc::decode(0xffff_fffc), L1Desc::Fault);
    assert_eq!(L2Desc::decode(0xffff_fffc), L2Desc::Fault);
}

#[test]
fn reserved_access_permits_nothing() {
    let L2Desc::Small { attrs, .. } = L2Desc::decode(0x1000 | 1 << 9 | 0b10) else {
        panic!("not a small page")
    };
    assert_eq!(attrs.access, Access::None);
    // The deprecated 0b110 is read-only for both, and is written the other way.
    let L2Desc::Small { attrs, .. } = L2Desc::decode(0x1000 | 1 << 9 | 0b10 << 4 | 0b10) else {
        panic!("not a small page")
    };
    assert_eq!(attrs.access, Access::UserRo);
}

#[test]
fn permissions_follow_table_b3_8() {
    // (AP, privileged write, privileged read, user write, user read).
    let table = [
        (0b000, false, false, false, false),
        (0b001, true, true, false, false),
        (0b010, true, true, false, true),
        (0b011, true, true, true, true),
        (0b101, false, true, false, false),
        (0b110, false, true, false, true),
        (0b111, false, true, false, true),
    ];
    for (ap, pw, pr, uw, ur) in table {
        let access = Access::from_bits(ap);
        let allowed =
            [(false, true), (false, false), (true, true), (true, false)].map(|(u, w)| access.allows(u, w));
        assert_eq!(allowed, [pw, pr, uw, ur], "AP {ap:#b}");
        let frozen = access.read_only();
        assert_eq!([(false, false), (true, false)].map(|(u, w)| frozen.allows(u, w)), [pr, ur]);
        assert!(!frozen.allows(false, true) && !frozen.allows(true, true));
    }
}

#[test]
fn pxn_is_where_the_format_has_it() {
    assert!(L1Desc::pxn(0x8000_0405) && !L1Desc::pxn(0x8000_0401));
    assert!(L1Desc::pxn(0x4000_0003) && !L1Desc::pxn(0x4000_0002));
    assert!(!L1Desc::pxn(0xffff_fffc));
    // Bit 2 of a section is B.
    assert!(!L1Desc::pxn(0x4000_0006));
}

#[test]
fn normal_memory() {
    let normal = |bits| MemoryType::from_bits(bits).is_normal();
    // Table B3-10: 0b0_01_00 and up to 0b0_01_11 except the reserved ones, 0b0_00_1x, and 0b1_xx_xx.
    assert!([0b00010, 0b00011, 0b00100, 0b00111].into_iter().all(normal));
    assert!((0b10000..=0b11111).all(normal));
    assert!(![0b00000, 0b00001, 0b01000].into_iter().any(normal));
}

fn any_attrs() -> impl Strategy<Value = Attrs> {
    let access = prop::sample::select(vec![
        Access::None,
        Access::PrivRw,
        Access::PrivRo,
        Access::PrivRwUserRo,
        Access::UserRw,
        Access::UserRo,
    ]);
    (access, any::<bool>(), 0u32..32, any::<bool>(), any::<bool>()).prop_map(
        |(access, exec, texcb, shareable, global)| Attrs {
            access,
            exec,
            memory: MemoryType::from_bits(texcb),
            shareable,
            global,
        },
    )
}

proptest! {
    #[test]
    fn decode_inverts_encode(attrs in any_attrs(), address: u32, domain in 0u8..16, high: u8) {
        let at = Hpa::new(address);
        for desc in [
            L1Desc::Table { l2: at.align_down(L2_TABLE_BYTES), domain },
            L1Desc::Section { hpa: at.align_down(SECTION_BYTES), attrs, domain },
            L1Desc::Supersection { hpa: at.align_down(SUPERSECTION_BYTES), high, attrs },
        ] {
            prop_assert_eq!(L1Desc::decode(desc.encode()), desc);
        }
        for desc in [
            L2Desc::Large { hpa: at.align_down(LARGE_BYTES), attrs },
            L2Desc::Small { hpa: at.align_down(PAGE_BYTES), attrs },
        ] {
            prop_assert_eq!(L2Desc::decode(desc.encode()), desc);
        }
    }

    #[test]
    fn encode_inverts_decode_but_for_bits_without_meaning(raw: u32) {
        // AP[2:0] as UserRo and None are written.
        let ap = |raw: u32, ap10: u32, ap2: u32| match (raw >> ap2 & 1, raw >> ap10 & 3) {
            (1, 0b10) => raw | 3 << ap10,
            (1, 0b00) => raw & !(1 << ap2),
            _ => raw,
        };
        let first = match raw & 3 {
            0b00 => 0,
            0b01 => raw & !(1 << 9 | 1 << 4 | 1 << 3 | 1 << 2),
            // PXN (bit 0), IMP (9) and NS (19) are dropped.
            _ => ap(raw & !(1 << 19 | 1 << 9 | 1), 10, 15),
        };
        prop_assert_eq!(L1Desc::decode(raw).encode(), first);
        let second = match raw & 3 {
            0b00 => 0,
            0b01 => ap(raw & !(7 << 6), 4, 9),
            _ => ap(raw, 4, 9),
        };
        prop_assert_eq!(L2Desc::decode(raw).encode(), second);
    }

    #[test]
    fn other_memory_types_have_no_name(bits in 0u32..32) {
        let memory = MemoryType::from_bits(bits);
        prop_assert_eq!(memory.bits(), bits);
        if let MemoryType::Other(other) = memory {
            prop_assert_eq!(u32::from(other), bits);
            prop_assert!(![0, 1, 2, 3, 4, 7, 8].contains(&bits));
        }
    }
}
