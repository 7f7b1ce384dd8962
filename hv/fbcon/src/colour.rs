//! Sixteen colours, as ECMA-48's and their bright forms.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// One of the 16 colours: 0 to 7 are black, red, green, yellow, blue, magenta, cyan, grey (ECMA-48 8.3.117, SGR 30 to 37),
/// 8 to 15 the bright ones (SGR 90 to 97).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour(u8);

/// The background at first.
pub const BLACK: Colour = Colour(0);
/// The text at first.
pub const LIGHT_GREY: Colour = Colour(7);

/// Easy on the eyes on black: blue is lightened, since pure dark blue can hardly be read.
const PALETTE: [Rgb; 16] = [
    [0x00, 0x00, 0x00],
    [0xcc, 0x33, 0x33],
    [0x33, 0xaa, 0x33],
    [0xbb, 0x88, 0x22],
    [0x44, 0x66, 0xdd],
    [0xaa, 0x44, 0xaa],
    [0x22, 0xaa, 0xaa],
    [0xcc, 0xcc, 0xcc],
    [0x77, 0x77, 0x77],
    [0xff, 0x66, 0x66],
    [0x66, 0xee, 0x66],
    [0xff, 0xee, 0x66],
    [0x77, 0x99, 0xff],
    [0xee, 0x77, 0xee],
    [0x66, 0xee, 0xee],
    [0xff, 0xff, 0xff],
];

impl Colour {
    /// Colour number `n`, of which the lowest four bits count.
    pub const fn new(n: u8) -> Self {
        Self(n & 0xf)
    }

    /// 0 to 15.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The bright form; bright stays bright.
    pub const fn bright(self) -> Self {
        Self(self.0 | 8)
    }

    /// What is displayed.
    pub const fn rgb(self) -> Rgb {
        PALETTE[(self.0 & 0xf) as usize]
    }
}
