//! The picture that the boot loader has on the screen: read from the first display controller (DC1, at 0x5420_0000), and
//! checked before anything is drawn there.
//!
//! Register numbers are word indexes. The window's registers exist several times: what is written takes effect when it is
//! activated, and STATE_ACCESS chooses which copy is read; here it is the active one, what the display really shows. A
//! window is chosen by WINDOW_HEADER. Nothing is changed: both are put back.

use crate::regs::Registers;

const DISPLAY_COMMAND: usize = 4 * 0x032;
const STATE_ACCESS: usize = 4 * 0x040;
const WINDOW_HEADER: usize = 4 * 0x042;
const DISP_ACTIVE: usize = 4 * 0x409;
const WIN_OPTIONS: usize = 4 * 0x700;
const COLOR_DEPTH: usize = 4 * 0x703;
const POSITION: usize = 4 * 0x704;
const SIZE: usize = 4 * 0x705;
const PRESCALED_SIZE: usize = 4 * 0x706;
const DDA_INC: usize = 4 * 0x709;
const LINE_STRIDE: usize = 4 * 0x70a;
const BUFFER_ADDR_MODE: usize = 4 * 0x70d;
const START_ADDR: usize = 4 * 0x800;
const ADDR_H_OFFSET: usize = 4 * 0x806;
const ADDR_V_OFFSET: usize = 4 * 0x808;

/// DISPLAY_COMMAND bits 6:5: the display scans without end.
const CONTINUOUS: u32 = 1;
const READ_ACTIVE: u32 = 1 << 0;
const HEADER_WINDOW_A: u32 = 1 << 4;
const OPTIONS_ENABLE: u32 = 1 << 30;
/// OPTIONS: mirrored, either way.
const OPTIONS_MIRRORED: u32 = 1 << 2 | 1 << 0;
/// DDA_INC: as many pixels on the screen as in memory.
const UNSCALED: u32 = 0x1000_1000;

/// COLOR_DEPTH.
const B5G6R5: u32 = 6;
const B8G8R8A8: u32 = 12;
const R8G8B8A8: u32 = 13;

/// The tablet's RAM is here, as on every board with this chip.
const RAM_END: u64 = 1 << 30;

/// Layout of a pixel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// 16 bits, red in the top five.
    Rgb565,
    /// 32 bits, blue in the lowest byte.
    Xrgb8888,
    /// 32 bits, red in the lowest byte.
    Xbgr8888,
}

impl Format {
    /// By its name in a device tree (Linux binding `display/simple-framebuffer.yaml`).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "r5g6b5" => Some(Self::Rgb565),
            "x8r8g8b8" | "a8r8g8b8" => Some(Self::Xrgb8888),
            "x8b8g8r8" | "a8b8g8r8" => Some(Self::Xbgr8888),
            _ => None,
        }
    }

    const fn bytes(self) -> u32 {
        match self {
            Self::Rgb565 => 2,
            Self::Xrgb8888 | Self::Xbgr8888 => 4,
        }
    }
}

/// A picture in memory that is on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Physical address of the first pixel.
    pub base: u32,
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride_bytes: u32,
    /// Layout of a pixel.
    pub format: Format,
}

/// Why there is no picture to write on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoPicture {
    /// The display controller is not scanning.
    Stopped,
    /// Its window A is off.
    NoWindow,
    /// A colour format, tiling, mirroring or scaling that Nex does not draw.
    Layout,
    /// Width, height and stride do not fit each other.
    Size,
    /// It is not in RAM, or only partly in the RAM that the loader has told of.
    NotInRam,
    /// The boot volume or Nex itself is where the picture is.
    InUse,
}

impl NoPicture {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Stopped => "the boot loader has left the display off",
            Self::NoWindow => "the display's window A is off",
            Self::Layout => {
                "the display's window A is in a format, tiled, mirrored or scaled in a way that Nex cannot draw"
            }
            Self::Size => "width, height and stride of the picture do not fit each other",
            Self::NotInRam => "the picture is not in RAM",
            Self::InUse => "the boot volume or Nex itself lies in the picture",
        }
    }
}

/// The active state of window A.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    command: u32,
    active: u32,
    options: u32,
    depth: u32,
    position: u32,
    size: u32,
    prescaled: u32,
    dda: u32,
    stride: u32,
    mode: u32,
    start: u32,
    h_offset: u32,
    v_offset: u32,
}

impl Window {
    /// Reads it. The controller and host1x must have their clocks.
    pub fn read(dc: &impl Registers) -> Self {
        let (access, header) = (dc.read(STATE_ACCESS), dc.read(WINDOW_HEADER));
        dc.write(STATE_ACCESS, access | READ_ACTIVE);
        dc.write(WINDOW_HEADER, HEADER_WINDOW_A);
        let window = Window {
            command: dc.read(DISPLAY_COMMAND),
            active: dc.read(DISP_ACTIVE),
            options: dc.read(WIN_OPTIONS),
            depth: dc.read(COLOR_DEPTH),
            position: dc.read(POSITION),
            size: dc.read(SIZE),
            prescaled: dc.read(PRESCALED_SIZE),
            dda: dc.read(DDA_INC),
            stride: dc.read(LINE_STRIDE),
            mode: dc.read(BUFFER_ADDR_MODE),
            start: dc.read(START_ADDR),
            h_offset: dc.read(ADDR_H_OFFSET),
            v_offset: dc.read(ADDR_V_OFFSET),
        };
        dc.write(WINDOW_HEADER, header);
        dc.write(STATE_ACCESS, access);
        window
    }

    /// The picture that it shows.
    ///
    /// # Errors
    /// [`NoPicture`], but for what needs to know the memory.
    pub fn picture(&self) -> Result<Picture, NoPicture> {
        if self.command >> 5 & 3 != CONTINUOUS {
            return Err(NoPicture::Stopped);
        }
        if self.options & OPTIONS_ENABLE == 0 {
            return Err(NoPicture::NoWindow);
        }
        let format = match self.depth {
            B5G6R5 => Format::Rgb565,
            B8G8R8A8 => Format::Xrgb8888,
            R8G8B8A8 => Format::Xbgr8888,
            _ => return Err(NoPicture::Layout),
        };
        if self.options & OPTIONS_MIRRORED != 0 || self.mode & 1 != 0 || self.dda != UNSCALED {
            return Err(NoPicture::Layout);
        }
        let (width, height) = (self.size & 0x1fff, self.size >> 16 & 0x1fff);
        // In memory lines are counted in bytes. What is outside of the screen is not shown.
        if self.prescaled & 0x7fff != width * format.bytes() || self.prescaled >> 16 & 0x1fff != height {
            return Err(NoPicture::Size);
        }
        let cut = |size: u32, position: u32, screen: u32| size.min(screen.saturating_sub(position));
        let width = cut(width, self.position & 0x1fff, self.active & 0x1fff);
        let height = cut(height, self.position >> 16 & 0x1fff, self.active >> 16 & 0x1fff);
        let stride_bytes = self.stride & 0xffff;
        let offset = u64::from(self.h_offset) + u64::from(self.v_offset) * u64::from(stride_bytes);
        let base = u32::try_from(u64::from(self.start) + offset).map_err(|_| NoPicture::NotInRam)?;
        Picture { base, width, height, stride_bytes, format }.checked()
    }

    /// Name and value of each register, as they were read.
    pub fn registers(&self) -> [(&'static str, u32); 13] {
        [
            ("DISPLAY_COMMAND", self.command),
            ("ACTIVE", self.active),
            ("WIN_OPTIONS", self.options),
            ("COLOR_DEPTH", self.depth),
            ("POSITION", self.position),
            ("SIZE", self.size),
            ("PRESCALED_SIZE", self.prescaled),
            ("DDA_INC", self.dda),
            ("LINE_STRIDE", self.stride),
            ("BUFFER_ADDR_MODE", self.mode),
            ("START_ADDR", self.start),
            ("ADDR_H_OFFSET", self.h_offset),
            ("ADDR_V_OFFSET", self.v_offset),
        ]
    }
}

impl Picture {
    /// The picture itself if it can be one.
    ///
    /// # Errors
    /// [`NoPicture::Size`].
    pub fn checked(self) -> Result<Self, NoPicture> {
        let line_bytes = u64::from(self.width) * u64::from(self.format.bytes());
        let aligned = self.base.is_multiple_of(4) && self.stride_bytes.is_multiple_of(4);
        if self.width == 0 || self.height == 0 || line_bytes > u64::from(self.stride_bytes) || !aligned {
            return Err(NoPicture::Size);
        }
        Ok(self)
    }

    /// Its memory: address and bytes, whole lines.
    pub fn range(&self) -> (u64, u64) {
        (u64::from(self.base), u64::from(self.stride_bytes) * u64::from(self.height))
    }

    /// Whether Nex may write there. `banks` is the RAM by the loader's word, `taken` what is in use: ranges as (start,
    /// bytes).
    ///
    /// A loader may leave the picture out of the RAM that it tells of; then it has to be between or behind the banks, in
    /// memory that is there: RAM chips have sizes that are powers of two.
    ///
    /// # Errors
    /// [`NoPicture::NotInRam`], [`NoPicture::InUse`].
    pub fn is_usable(
        &self,
        banks: impl Iterator<Item = (u64, u64)> + Clone,
        mut taken: impl Iterator<Item = (u64, u64)>,
    ) -> Result<(), NoPicture> {
        let (start, bytes) = self.range();
        let end = start + bytes;
        let meets = |(other, length): (u64, u64)| other < end && start < other + length;
        let within = banks.clone().any(|(bank, length)| bank <= start && end <= bank + length);
        let outside = !banks.clone().any(meets);
        let top = banks.map(|(bank, length)| bank + length).max().unwrap_or(0).next_power_of_two();
        if !(within || outside && end <= top.min(RAM_END)) {
            return Err(NoPicture::NotInRam);
        }
        if taken.any(meets) { Err(NoPicture::InUse) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    const WIN_A: [(usize, u32); 12] = [
        (DISPLAY_COMMAND, 1 << 5),
        (DISP_ACTIVE, 800 << 16 | 1280),
        (WIN_OPTIONS, 1 << 30),
        (COLOR_DEPTH, 13),
        (SIZE, 800 << 16 | 1280),
        (PRESCALED_SIZE, 800 << 16 | 5120),
        (DDA_INC, 0x1000_1000),
        (LINE_STRIDE, 5120),
        (START_ADDR, 0x2e80_0000),
        (STATE_ACCESS, 0),
        (WINDOW_HEADER, 1 << 5),
        (POSITION, 0),
    ];
    const XOOM: Picture =
        Picture { base: 0x2e80_0000, width: 1280, height: 800, stride_bytes: 5120, format: Format::Xbgr8888 };

    fn with(changes: &[(usize, u32)]) -> Result<Picture, NoPicture> {
        let dc = Fake::new(&WIN_A);
        changes.iter().for_each(|&(offset, value)| dc.put(offset, value));
        Window::read(&dc).picture()
    }

    #[test]
    fn as_the_xooms_boot_loader_leaves_it() {
        assert_eq!(with(&[]), Ok(XOOM));
        // Byte offsets by the documents: index 0x700 is at 0x1c00, START_ADDR at 0x2000.
        assert_eq!((WIN_OPTIONS, START_ADDR, DISP_ACTIVE), (0x1c00, 0x2000, 0x1024));
    }

    #[test]
    fn reading_changes_nothing() {
        let dc = Fake::new(&WIN_A);
        Window::read(&dc);
        let (access, header) = (0x100, 0x108);
        assert_eq!(dc.writes(), [(access, 1), (header, 1 << 4), (header, 1 << 5), (access, 0)]);
    }

    #[test]
    fn formats_and_offsets() {
        assert_eq!(with(&[(COLOR_DEPTH, 12)]).map(|p| p.format), Ok(Format::Xrgb8888));
        let sixteen = with(&[(COLOR_DEPTH, 6), (LINE_STRIDE, 2560), (PRESCALED_SIZE, 800 << 16 | 2560)]);
        assert_eq!(sixteen, Ok(Picture { stride_bytes: 2560, format: Format::Rgb565, ..XOOM }));
        let moved = with(&[(ADDR_H_OFFSET, 64), (ADDR_V_OFFSET, 2)]).map(|p| p.base);
        assert_eq!(moved, Ok(0x2e80_0000 + 64 + 2 * 5120));
        let cut = with(&[(POSITION, 100 << 16 | 80)]).map(|p| (p.width, p.height));
        assert_eq!(cut, Ok((1200, 700)), "the rest is outside of the screen");
    }

    #[test]
    fn what_cannot_be_drawn_on() {
        for (changes, why) in [
            (&[(DISPLAY_COMMAND, 0)][..], NoPicture::Stopped),
            (&[(DISPLAY_COMMAND, 2 << 5)], NoPicture::Stopped),
            (&[(WIN_OPTIONS, 0)], NoPicture::NoWindow),
            (&[(WIN_OPTIONS, 1 << 30 | 1)], NoPicture::Layout),
            (&[(WIN_OPTIONS, 1 << 30 | 4)], NoPicture::Layout),
            (&[(COLOR_DEPTH, 3)], NoPicture::Layout),
            (&[(COLOR_DEPTH, 18)], NoPicture::Layout),
            (&[(BUFFER_ADDR_MODE, 1)], NoPicture::Layout),
            (&[(DDA_INC, 0x0800_1000)], NoPicture::Layout),
            (&[(PRESCALED_SIZE, 400 << 16 | 5120)], NoPicture::Size),
            (&[(PRESCALED_SIZE, 800 << 16 | 2560)], NoPicture::Size),
            (&[(LINE_STRIDE, 5116)], NoPicture::Size),
            (&[(LINE_STRIDE, 0)], NoPicture::Size),
            (&[(DISP_ACTIVE, 0)], NoPicture::Size),
            (&[(START_ADDR, 0x2e80_0001)], NoPicture::Size),
            (&[(SIZE, 0), (PRESCALED_SIZE, 0)], NoPicture::Size),
            (&[(START_ADDR, 0xffff_f000), (ADDR_V_OFFSET, 0xffff)], NoPicture::NotInRam),
        ] {
            assert_eq!(with(changes), Err(why), "{changes:x?}");
        }
    }

    #[test]
    fn memory() {
        const MIB: u64 = 1 << 20;
        let usable = |banks: &[(u64, u64)], taken: &[(u64, u64)]| {
            XOOM.is_usable(banks.iter().copied(), taken.iter().copied())
        };
        assert_eq!(usable(&[(0, 1024 * MIB)], &[]), Ok(()));
        assert_eq!(usable(&[(0, 448 * MIB), (512 * MIB, 512 * MIB)], &[]), Ok(()));
        assert_eq!(usable(&[(0, 0x2e80_0000)], &[]), Ok(()), "left out at the top");
        assert_eq!(usable(&[(0, 512 * MIB)], &[]), Err(NoPicture::NotInRam), "no memory there");
        assert_eq!(usable(&[(0, 0x2e90_0000)], &[]), Err(NoPicture::NotInRam), "half in a bank");
        assert_eq!(usable(&[], &[]), Err(NoPicture::NotInRam));
        assert_eq!(usable(&[(0, 1024 * MIB)], &[(0x2ebe_7000, 4096)]), Err(NoPicture::InUse));
        assert_eq!(
            usable(&[(0, 1024 * MIB)], &[(0x2ebe_8000, 4096), (0x2e7f_f000, 4096)]),
            Ok(()),
            "beside it"
        );
        let high = Picture { base: 0x3fff_f000, ..XOOM };
        let banks = [(0, 1024 * MIB - 65536)];
        assert_eq!(high.is_usable(banks.into_iter(), [].into_iter()), Err(NoPicture::NotInRam));
    }

    #[test]
    fn names_in_device_trees() {
        assert_eq!(Format::from_name("a8b8g8r8"), Some(Format::Xbgr8888));
        assert_eq!(Format::from_name("x8r8g8b8"), Some(Format::Xrgb8888));
        assert_eq!(Format::from_name("r5g6b5"), Some(Format::Rgb565));
        assert_eq!(Format::from_name("a2r10g10b10"), None);
    }
}
