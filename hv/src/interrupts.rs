//! Dispatch of interrupts to their handlers.

use core::sync::atomic::Ordering;

use arrayvec::ArrayVec;

use crate::arch::this_cpu;
use crate::board::{Interrupt, InterruptController};
use crate::sync::IrqLock;

/// An interrupt's handler; runs with IRQs masked and must not block.
pub type Handler = fn();

static CONTROLLER: spin::Once<&'static dyn InterruptController> = spin::Once::new();

/// Who handles what.
static HANDLERS: IrqLock<ArrayVec<(Interrupt, Handler), 16>> = IrqLock::new(ArrayVec::new_const());

/// Takes the controller into use on the boot CPU.
pub(crate) fn init(controller: &'static dyn InterruptController) {
    CONTROLLER.call_once(|| controller).init_cpu();
}

/// Routes `interrupt` to `handler` and lets it through.
///
/// # Panics
/// When the table is full or the interrupt has a handler: both are wrong at build time.
pub fn attach(interrupt: Interrupt, handler: Handler) {
    let mut handlers = HANDLERS.lock();
    assert!(handlers.iter().all(|h| h.0 != interrupt), "{interrupt:?} has a handler already");
    handlers.push((interrupt, handler));
    if let Some(controller) = CONTROLLER.get() {
        controller.enable(interrupt);
    }
}

/// Handles everything that is pending. IRQs are masked.
pub(crate) fn handle() {
    let cpu = this_cpu();
    let Some(controller) = CONTROLLER.get() else { return };
    cpu.irq_depth.fetch_add(1, Ordering::Relaxed);
    while let Some(interrupt) = controller.acknowledge() {
        cpu.irq_count.fetch_add(1, Ordering::Relaxed);
        let handler = HANDLERS.lock().iter().find(|h| h.0.0 == interrupt.0 & 0x3ff).map(|h| h.1);
        match handler {
            Some(handler) => handler(),
            None => {
                controller.disable(interrupt);
                crate::warning!("interrupt {} has no handler and is now disabled", interrupt.0);
            }
        }
        controller.end(interrupt);
    }
    cpu.irq_depth.fetch_sub(1, Ordering::Relaxed);
}
