//! How a row is measured and printed.

use core::arch::naked_asm;

use crate::memory_map::USER_TEXT_VA;
use crate::platform::ticks;
use crate::println;
use crate::vectors::{self, Handler, Vector};

/// A loop in assembly: `(iterations, three arguments)`. What it returns matters for [`How::Own`] only.
pub(crate) type Loop = unsafe extern "C" fn(u32, u32, u32, u32) -> u32;

/// One row of the table.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    /// Passes through the loop.
    pub(crate) iterations: u32,
    /// Operations in one pass.
    pub(crate) operations: u32,
    pub(crate) arguments: [u32; 3],
    pub(crate) how: How,
    /// A handler that this row needs.
    pub(crate) handler: Option<(Vector, Handler)>,
}

/// What is timed.
#[derive(Clone, Copy)]
pub(crate) enum How {
    /// The first loop, less what the second takes, which is the same without the operation.
    Net(Loop, Loop),
    /// The whole loop.
    Whole(Loop),
    /// The whole loop, after it has run once to warm up.
    Warm(Loop),
    /// The loop in User mode that begins at this label, less the empty one.
    User(unsafe extern "C" fn()),
    /// The loop measures by itself, and returns ticks.
    Own(Loop),
}

impl Row {
    /// A row without arguments or handler: `iterations` of one operation.
    pub(crate) const fn new(group: &'static str, name: &'static str, iterations: u32, how: How) -> Self {
        Self { group, name, iterations, operations: 1, arguments: [0; 3], how, handler: None }
    }

    pub(crate) const fn arguments(mut self, arguments: [u32; 3]) -> Self {
        self.arguments = arguments;
        self
    }

    /// Says that one pass through the loop is more than one operation.
    pub(crate) const fn operations(mut self, operations: u32) -> Self {
        self.operations = operations;
        self
    }

    pub(crate) const fn handler(mut self, vector: Vector, handler: Handler) -> Self {
        self.handler = Some((vector, handler));
        self
    }

    /// Measures the row and prints it: ticks of the timer, and the number of operations they are for.
    pub(crate) fn run(&self) {
        if let Some((vector, handler)) = self.handler {
            vectors::set(vector, handler);
        }
        let taken = match self.how {
            How::Net(run, without) => self.time(run).saturating_sub(self.time(without)),
            How::Whole(run) => self.time(run),
            How::Warm(run) => {
                self.call(run, 1);
                self.time(run)
            }
            How::User(label) => {
                let start = ticks();
                self.call_user(label);
                let middle = ticks();
                self.call_user(crate::rows::user::empty);
                (middle - start).saturating_sub(ticks() - middle)
            }
            How::Own(run) => self.call(run, self.iterations).into(),
        };
        if let Some((vector, _)) = self.handler {
            vectors::reset(vector);
        }
        let operations = u64::from(self.iterations) * u64::from(self.operations);
        println!("row {} {} {taken} {operations}", self.group, self.name);
    }

    /// Ticks that a loop takes.
    fn time(&self, run: Loop) -> u64 {
        let start = ticks();
        self.call(run, self.iterations);
        ticks() - start
    }

    fn call(&self, run: Loop, iterations: u32) -> u32 {
        let [a, b, c] = self.arguments;
        // SAFETY: every row is in `rows`, where its arguments are those that its loop is made for.
        unsafe { run(iterations, a, b, c) }
    }

    fn call_user(&self, label: unsafe extern "C" fn()) {
        unsafe extern "C" {
            /// From bench.ld: the page that User mode's code is in.
            static __user: u8;
        }
        let offset = label as usize - (&raw const __user).addr();
        let [a, b, _] = self.arguments;
        // SAFETY: the label is of a loop in the page that is mapped at USER_TEXT_VA, which ends by a jump to 0.
        unsafe { enter_user(self.iterations, USER_TEXT_VA + offset as u32, a, b) }
    }
}

/// Enters User mode at `pc`, with the same in r0, r2 and r3. Returns when that jumps to 0, which `vectors::user_done`
/// takes as the end: SVC mode's stack is then as it is left here.
#[unsafe(naked)]
unsafe extern "C" fn enter_user(iterations: u32, pc: u32, a: u32, b: u32) {
    naked_asm!("push {{r4-r11, lr}}", "mov r12, #0x10", "msr spsr_cxsf, r12", "mov lr, r1", "movs pc, lr",)
}
