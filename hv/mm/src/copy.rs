//! Guest buffers, cut at page borders.
//!
//! A guest names a buffer by start and length, and neighbouring guest pages need not be neighbours in host memory, so a
//! copy goes page by page. The range is checked once, here.

use crate::addr::PAGE_BYTES;

/// A part of a buffer that lies within one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PagePart {
    /// Address of the page, a multiple of 4096.
    pub page: u32,
    /// Where the part begins within the page: 0..=4095.
    pub offset: u32,
    /// Length of the part: 1..=4096 bytes; `offset + len_bytes` is at most 4096.
    pub len_bytes: u32,
}

/// The parts of a buffer in ascending order; made by [`split_pages`].
#[derive(Clone, Debug)]
pub struct PageParts {
    next: u32,
    left_bytes: u32,
}

/// Cuts the `len_bytes` bytes from `start` (guest physical or guest virtual) at page borders.
///
/// Returns `None` if the range runs past 4 GiB: an address that wraps round is always a guest's mistake. A range that
/// ends exactly at 4 GiB is good; an empty range has no parts.
#[inline]
pub const fn split_pages(start: u32, len_bytes: u32) -> Option<PageParts> {
    if len_bytes > 0 && start.checked_add(len_bytes - 1).is_none() {
        return None;
    }
    Some(PageParts { next: start, left_bytes: len_bytes })
}

impl Iterator for PageParts {
    type Item = PagePart;

    #[inline]
    fn next(&mut self) -> Option<PagePart> {
        if self.left_bytes == 0 {
            return None;
        }
        let offset = self.next % PAGE_BYTES;
        let len_bytes = (PAGE_BYTES - offset).min(self.left_bytes);
        let part = PagePart { page: self.next - offset, offset, len_bytes };
        // Wraps to zero only after the last part of a range that ends at 4 GiB.
        self.next = self.next.wrapping_add(len_bytes);
        self.left_bytes -= len_bytes;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_only_what_wraps() {
        assert!(split_pages(0xffff_f000, 0x1001).is_none());
        assert!(
            split_pages(1, u32::MAX)
                .is_some_and(|p| p.map(|p| u64::from(p.len_bytes)).sum::<u64>() == 0xffff_ffff)
        );
        assert!(split_pages(2, u32::MAX).is_none());
        assert_eq!(split_pages(0xffff_ffff, 0).map(Iterator::count), Some(0));
        let last: Vec<_> = split_pages(0xffff_fffe, 2).into_iter().flatten().collect();
        assert_eq!(last, [PagePart { page: 0xffff_f000, offset: 0xffe, len_bytes: 2 }]);
    }

    proptest! {
        #[test]
        fn parts_cover_the_range_in_order(start: u32, len in 0u32..70_000) {
            let Some(parts) = split_pages(start, len) else {
                prop_assert!(u64::from(start) + u64::from(len) > 1 << 32);
                return Ok(());
            };
            let mut at = u64::from(start);
            for part in parts {
                prop_assert_eq!(u64::from(part.page) + u64::from(part.offset), at);
                prop_assert_eq!(part.page % PAGE_BYTES, 0);
                prop_assert!(part.len_bytes > 0 && part.offset + part.len_bytes <= PAGE_BYTES);
                at += u64::from(part.len_bytes);
            }
            prop_assert_eq!(at, u64::from(start) + u64::from(len));
        }
    }
}
