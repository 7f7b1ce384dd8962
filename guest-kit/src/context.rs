//! What a guest's main function gets and what it gives back.

use core::cell::OnceCell;
use core::fmt;
use core::ops::Range;

use crate::arch;
use crate::device_tree::{DeviceTree, DeviceTreeError, Memory};
use crate::options::{NotANumber, Options};

/// Everything the guest was started with.
///
/// The device tree is checked when it is first asked for, so that a guest which does not care starts at once.
pub struct Context {
    dtb: u32,
    tree: OnceCell<Result<DeviceTree<'static>, DeviceTreeError>>,
}

impl Context {
    /// A context for the device tree at guest physical address `dtb`.
    ///
    /// # Safety
    ///
    /// As for [`DeviceTree::at`], for as long as the program runs.
    #[cfg_attr(not(target_os = "none"), allow(dead_code))]
    pub(crate) unsafe fn new(dtb: u32) -> Context {
        Context { dtb, tree: OnceCell::new() }
    }

    /// The device tree.
    ///
    /// # Errors
    ///
    /// [`DeviceTreeError`] if there is none or it is damaged.
    pub fn device_tree(&self) -> Result<DeviceTree<'static>, DeviceTreeError> {
        *self.tree.get_or_init(|| {
            // SAFETY: promised to `new`.
            unsafe { DeviceTree::at(self.dtb) }
        })
    }

    /// The domain's command line, `cmdline` in `nex.toml`. Empty if there is none or it cannot be read;
    /// [`DeviceTree::bootargs`] tells which.
    pub fn cmdline(&self) -> &'static str {
        self.device_tree().and_then(|tree| tree.bootargs()).ok().flatten().unwrap_or("")
    }

    /// The value of an option in the command line: see [`Options::get`].
    pub fn option(&self, name: &str) -> Option<&'static str> {
        Options::new(self.cmdline()).get(name)
    }

    /// The value of a numeric option in the command line, or `default`: see [`Options::number`].
    ///
    /// # Errors
    ///
    /// [`NotANumber`] if it is there and not a number.
    pub fn number(&self, name: &'static str, default: u64) -> Result<u64, NotANumber<'static>> {
        Options::new(self.cmdline()).number(name, default)
    }

    /// The domain's RAM.
    ///
    /// # Errors
    ///
    /// [`DeviceTreeError`] if the device tree does not say.
    pub fn memory(&self) -> Result<Memory, DeviceTreeError> {
        self.device_tree()?.memory()
    }

    /// Guest physical addresses of the RAM that is nobody's: from the end of this program, page aligned, to the initrd or
    /// else the end of RAM, down to a multiple of 4 KiB. Zero when the domain starts.
    ///
    /// # Errors
    ///
    /// [`DeviceTreeError`] if the device tree does not say.
    pub fn free_memory(&self) -> Result<Range<u32>, DeviceTreeError> {
        let tree = self.device_tree()?;
        let memory = tree.memory()?;
        // RAM may end at 4 GiB, which does not fit; its last page is then left out.
        let top = memory.base.saturating_add(memory.bytes);
        let start = arch::image_end();
        let end = match tree.initrd()? {
            Some(initrd) if initrd.start >= start => initrd.start,
            _ => top,
        };
        let end = end & !(nex_abi::platform::PAGE_BYTES - 1);
        Ok(start..end.max(start))
    }
}

/// What a domain does when its guest is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Power off.
    PowerOff,
    /// Start afresh.
    Reset,
}

/// What a guest's main function may return.
pub trait Termination {
    /// Says goodbye if need be and decides how to end.
    fn exit(self) -> Exit;
}

impl Termination for Exit {
    fn exit(self) -> Exit {
        self
    }
}

/// Powers off.
impl Termination for () {
    fn exit(self) -> Exit {
        Exit::PowerOff
    }
}

/// On an error, prints it and powers off.
impl<T: Termination, E: fmt::Display> Termination for Result<T, E> {
    fn exit(self) -> Exit {
        match self {
            Ok(value) => value.exit(),
            Err(error) => {
                crate::println!("error: {error}");
                Exit::PowerOff
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_device_tree_there_are_no_options_and_no_memory() {
        // SAFETY: 0 is not read.
        let context = unsafe { Context::new(0) };
        assert_eq!(context.cmdline(), "");
        assert_eq!(context.option("mode"), None);
        assert_eq!(context.number("count", 3), Ok(3));
        assert_eq!(context.memory(), Err(DeviceTreeError::NoAddress(0)));
        assert_eq!(context.free_memory(), Err(DeviceTreeError::NoAddress(0)));
    }

    #[test]
    fn how_a_guest_ends() {
        assert_eq!(().exit(), Exit::PowerOff);
        assert_eq!(Ok::<Exit, &str>(Exit::Reset).exit(), Exit::Reset);
        assert_eq!(Err::<Exit, &str>("no").exit(), Exit::PowerOff);
    }
}
