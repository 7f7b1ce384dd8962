//! Device registers as the drivers here see them: so that they run on the host, on a recording of what they do.

/// A block of 32-bit registers, by offset in bytes.
pub trait Registers {
    /// Reads the register at `offset`.
    fn read(&self, offset: usize) -> u32;
    /// Writes the register at `offset`.
    fn write(&self, offset: usize, value: u32);

    /// Sets `bits` by reading and writing.
    fn set(&self, offset: usize, bits: u32) {
        self.write(offset, self.read(offset) | bits);
    }
}

/// Registers that remember, and every write to them in order.
#[cfg(test)]
pub(crate) mod fake {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use super::Registers;

    /// (block, offset, value) of every write, to all blocks that share it.
    pub(crate) type Log = Rc<RefCell<Vec<(&'static str, usize, u32)>>>;

    /// What else a write does: given all values, the offset and the value.
    type Effect = fn(&mut BTreeMap<usize, u32>, usize, u32);

    /// A block of registers.
    #[derive(Clone)]
    pub(crate) struct Fake {
        name: &'static str,
        values: Rc<RefCell<BTreeMap<usize, u32>>>,
        log: Log,
        effect: Effect,
    }

    impl Fake {
        /// Registers with these values; all others are 0.
        pub(crate) fn new(values: &[(usize, u32)]) -> Self {
            Self::in_log("", values, &Log::default())
        }

        /// The same, with what it does in a log that others share.
        pub(crate) fn in_log(name: &'static str, values: &[(usize, u32)], log: &Log) -> Self {
            let values = Rc::new(RefCell::new(values.iter().copied().collect()));
            Self {
                name,
                values,
                log: Rc::clone(log),
                effect: |values, offset, value| {
                    values.insert(offset, value);
                },
            }
        }

        /// Writes do this instead of just storing the value.
        pub(crate) fn with_effect(mut self, effect: Effect) -> Self {
            self.effect = effect;
            self
        }

        /// Changes a register from outside.
        pub(crate) fn put(&self, offset: usize, value: u32) {
            self.values.borrow_mut().insert(offset, value);
        }

        /// The writes so far, (offset, value).
        pub(crate) fn writes(&self) -> Vec<(usize, u32)> {
            self.log.borrow().iter().filter(|w| w.0 == self.name).map(|w| (w.1, w.2)).collect()
        }

        /// Forgets them.
        pub(crate) fn forget(&self) {
            self.log.borrow_mut().clear();
        }
    }

    impl Registers for Fake {
        fn read(&self, offset: usize) -> u32 {
            self.values.borrow().get(&offset).copied().unwrap_or(0)
        }

        fn write(&self, offset: usize, value: u32) {
            self.log.borrow_mut().push((self.name, offset, value));
            (self.effect)(&mut self.values.borrow_mut(), offset, value);
        }
    }
}
