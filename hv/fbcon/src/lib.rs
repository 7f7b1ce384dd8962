//! A text console on a framebuffer, without the framebuffer: what the cells show, and what the pixels are.
//!
//! ```text
//! bytes ──► Decoder ──► Terminal (cells, cursor, colours) ──► Painter ──► pixels, as 32-bit words
//!           UTF-8, escape sequences                           font, pixel format
//! ```
//!
//! Writing and painting are apart. [`Terminal::write`] changes cells and is cheap: scrolling moves no cell.
//! [`Painter::paint_row`] draws the cells that differ from what is shown, one row of text at a time, so that the caller
//! may let others run in between. However many lines came meanwhile, a screen is drawn once.
//!
//! Only cells that differ from what is shown are drawn, so blank stays blank. When text has moved up, each row is either copied
//! from below or drawn, whichever is less work, so that a scroll costs at most about a copy of the screen. Where pixels are
//! slow to read (a framebuffer that is mapped uncached), they are never read: all that differs is drawn.
//!
//! Memory is allocated when a [`Terminal`] or [`Painter`] is made, and never later. Nothing here panics, whatever the
//! bytes are and however small the pixel buffer is.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod brush;
mod colour;
mod decoder;
pub mod font;
mod paint;
mod terminal;

pub use colour::{BLACK, Colour, LIGHT_GREY, Rgb};
pub use decoder::{Decoder, Event, Sequence};
pub use paint::{Copy, Geometry, GeometryError, Painted, Painter, PixelFormat};
pub use terminal::{Cell, TAB_COLUMNS, Terminal};
