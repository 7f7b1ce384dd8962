use super::*;
use nex_mm::fault::Level;
use proptest::prelude::*;

fn shown(privileged: bool, write: bool, va: u32, par: u32) -> String {
    Translation { access: Access { privileged, write }, va, par }.to_string()
}

#[test]
fn mapped() {
    // SH and NOS, both caches write-back and write-allocate: memory that cores of one cluster share.
    assert_eq!(
        shown(true, false, 0x8000_8123, 0x4010_04d4),
        "privileged read: va 80008123 -> pa 40100123\n\
         par 401004d4: sh nos, outer write-back write-allocate, inner write-back write-allocate"
    );
    // A device's registers.
    assert_eq!(
        shown(true, true, 0xf900_0004, 0x0900_0230),
        "privileged write: va f9000004 -> pa 09000004\n\
         par 09000230: ns, outer non-cacheable, inner device"
    );
    assert_eq!(
        shown(false, false, 0, 0),
        "user read: va 00000000 -> pa 00000000\npar 00000000: -, outer non-cacheable, inner non-cacheable"
    );
    assert_eq!(
        shown(false, true, 0xfff, 0xffff_f7ec),
        "user write: va 00000fff -> pa ffffffff\n\
         par fffff7ec: sh nos ns, outer write-back no-write-allocate, inner write-through"
    );
}

#[test]
fn supersection() {
    // PA[31:24] = 80, PA[39:32] = 12; the VA gives 24 bits.
    assert_eq!(
        shown(true, false, 0xab34_5678, 0x8012_007a),
        "privileged read: va ab345678 -> pa 1280345678\n\
         par 8012007a: ss, outer write-through, inner write-back no-write-allocate"
    );
}

#[test]
fn attributes() {
    let inner = |bits: u32| match Par::decode(bits << 4, 0) {
        Par::Mapped(mapping) => mapping.inner,
        Par::Fault { .. } => panic!("F is clear"),
    };
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 6, 7].map(inner),
        [
            Inner::NonCacheable,
            Inner::StronglyOrdered,
            Inner::Reserved(2),
            Inner::Device,
            Inner::Reserved(4),
            Inner::WriteBackWriteAllocate,
            Inner::WriteThrough,
            Inner::WriteBack,
        ]
    );
    assert_eq!(inner(2).to_string(), "reserved");
    assert_eq!(inner(1).to_string(), "strongly-ordered");
}

#[test]
fn faults() {
    // FS[3:0] in bits 4..1, FS[4] in bit 5, ExT in bit 6.
    assert_eq!(
        shown(false, false, 0x1234_5678, 0x0000_000b),
        "user read: va 12345678 -> fault\npar 0000000b: section translation fault"
    );
    assert_eq!(
        Par::decode(0x1f, 0),
        Par::Fault { kind: FaultKind::Permission(Level::Page), external: false }
    );
    assert_eq!(
        Par::decode(0x79, 0),
        Par::Fault { kind: FaultKind::ParityOnWalk(Level::Section), external: true }
    );
    assert_eq!(
        shown(true, true, 0, 0x0000_0059),
        "privileged write: va 00000000 -> fault\n\
         par 00000059: external abort on first-level walk, external qualifier set"
    );
}

proptest! {
    #[test]
    fn any_value_decodes(raw: u32, va: u32) {
        match Par::decode(raw, va) {
            Par::Fault { kind, external } => {
                prop_assert_eq!(raw & 1, 1);
                prop_assert_eq!((u32::from(external) << 6) | (u32::from(kind.fs()) << 1) | 1, raw & 0x7f);
            }
            Par::Mapped(mapping) => {
                prop_assert_eq!(raw & 1, 0);
                let untranslated = if mapping.supersection { 0xff_ffff } else { 0xfff };
                prop_assert_eq!(mapping.pa as u32 & untranslated, va & untranslated);
                prop_assert!(mapping.pa < 1 << 40);
                prop_assert!(mapping.supersection || mapping.pa < 1 << 32);
            }
        }
        prop_assert!(shown(true, true, va, raw).lines().count() == 2);
    }
}
