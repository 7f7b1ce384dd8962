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
//! Pixels are never read: on real hardware a framebuffer is often mapped uncached, where reads are many times slower than
//! writes. So a scroll is not a copy of pixels but a redrawing of the cells that have changed; blank stays blank.
//!
//! Memory is allocated when a [`Terminal`] or [`Painter`] is made, and never later. Nothing here panics, whatever the
//! bytes are and however small the pixel buffer is.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod colour;
mod decoder;
pub mod font;
mod paint;
mod terminal;

pub use colour::{BLACK, Colour, LIGHT_GREY, Rgb};
pub use decoder::{Decoder, Event, Sequence};
pub use paint::{Geometry, GeometryError, Painted, Painter, PixelFormat};
pub use terminal::{Cell, TAB_COLUMNS, Terminal};
