//! Laws between the constants, which the compiler does not check.

use super::*;

/// Every id in the ranges Nex answers, and a little around them.
fn ids() -> impl Iterator<Item = u32> {
    [0x8000_0000u32, 0x8400_0000, 0x8600_0000, 0xc400_0000, 0]
        .into_iter()
        .flat_map(|base| base..base + 0x1_0000)
}

#[test]
fn ids_and_calls_invert_each_other() {
    let known: Vec<u32> = ids().filter(|&id| Call::try_from(id).is_ok()).collect();
    assert_eq!(known.len(), 19);
    for id in ids() {
        match Call::try_from(id) {
            Ok(call) => assert_eq!(call as u32, id),
            Err(unknown) => assert_eq!(unknown, UnknownCall(id)),
        }
    }
}

#[test]
fn call_count_counts_the_vendor_range() {
    let vendor = ids().filter(|id| id >> 16 == 0x8600 && Call::try_from(*id).is_ok()).count();
    assert_eq!(vendor, nex::CALLS as usize);
}

/// All are fast 32-bit calls (DEN 0028, function identifiers): bit 31 set, bit 30 clear, bits 23..16 zero.
#[test]
fn all_calls_are_fast_32_bit_calls() {
    for id in ids().filter(|&id| Call::try_from(id).is_ok()) {
        assert_eq!(id & 0xc0ff_0000, 0x8000_0000, "{id:#x}");
    }
}

#[test]
fn sixty_four_bit_psci_ids_are_unknown() {
    assert_eq!(Call::try_from(psci::CPU_ON | 1 << 30), Err(UnknownCall(0xc400_0003)));
}

#[test]
fn errors_and_codes_invert_each_other() {
    let mut known = 0;
    for code in -20..=20 {
        if let Ok(error) = CallError::try_from(code) {
            assert_eq!(error.to_r0() as i32, code);
            assert!(code < 0);
            known += 1;
        }
    }
    assert_eq!(known, 5);
    assert_eq!(CallError::NotSupported.to_r0(), 0xffff_ffff);
    assert_eq!(CallError::try_from(-5), Err(UnknownError(-5)));
}

#[test]
fn uid_words_are_little_endian_and_not_an_error() {
    assert_eq!(nex::UID_WORDS, [0x1dc0_8122, 0xa14d_4c2e, 0x01c3_4dbc, 0x4545_adc9]);
    assert!(nex::UID_WORDS[0] as i32 >= 0);
    // Random (version 4) and of RFC 4122's variant.
    assert_eq!((nex::UID[6] >> 4, nex::UID[8] >> 6), (4, 2));
}
