//! Dispatch of interrupts to their handlers.

use core::sync::atomic::Ordering;

use arrayvec::ArrayVec;

use crate::arch::this_cpu;
use crate::board::{Interrupt, InterruptController};
use crate::sync::{IrqLock, Stopped};

/// An interrupt's handler; runs with IRQs masked and must not block.
pub type Handler = fn();

static CONTROLLER: spin::Once<&'static dyn InterruptController> = spin::Once::new();

/// Who handles what.
static HANDLERS: IrqLock<ArrayVec<Attached, 16>> = IrqLock::new(ArrayVec::new_const());

struct Attached {
    interrupt: Interrupt,
    name: &'static str,
    handler: Handler,
    count: u64,
}

/// Takes the controller into use on the boot CPU.
pub(crate) fn init(controller: &'static dyn InterruptController) {
    CONTROLLER.call_once(|| controller).init_cpu();
}

/// Routes `interrupt` to `handler` and lets it through. `name` is for people.
///
/// # Panics
/// When the table is full or the interrupt has a handler: both are wrong at build time.
pub fn attach(interrupt: Interrupt, name: &'static str, handler: Handler) {
    let mut handlers = HANDLERS.lock();
    assert!(handlers.iter().all(|h| h.interrupt != interrupt), "{interrupt:?} has a handler already");
    handlers.push(Attached { interrupt, name, handler, count: 0 });
    if let Some(controller) = CONTROLLER.get() {
        controller.enable(interrupt);
    }
}

/// Calls `f` with each attached interrupt, its name and count.
pub(crate) fn peek_all(stopped: &Stopped, f: &mut dyn FnMut(Interrupt, &str, u64)) {
    HANDLERS.peek(stopped).iter().for_each(|h| f(h.interrupt, h.name, h.count));
}

/// Software interrupt by which FIQ handlers hand work to IRQ level.
pub(crate) const SOFT: Interrupt = Interrupt(0);

/// Routes `interrupt` to FIQ; `false` if the controller cannot.
pub(crate) fn route_to_fiq(interrupt: Interrupt) -> bool {
    CONTROLLER.get().is_some_and(|controller| controller.route_to_fiq(interrupt))
}

/// In an FIQ: calls `f` with each pending interrupt that was routed there, and ends it, until none is left or `f` says
/// `false`. Takes no lock.
pub(crate) fn for_each_fiq(mut f: impl FnMut(Interrupt) -> bool) {
    let Some(controller) = CONTROLLER.get() else { return };
    while let Some(interrupt) = controller.acknowledge_fiq() {
        let go_on = f(interrupt);
        controller.end(interrupt);
        if !go_on {
            return;
        }
    }
}

/// Raises [`SOFT`] on this CPU. Takes no lock.
pub(crate) fn raise_soft() {
    if let Some(controller) = CONTROLLER.get() {
        controller.raise_here(SOFT.0);
    }
}

/// Software interrupt that calls the screen's painting thread, from wherever something is printed.
#[cfg(nex_framebuffer)]
pub(crate) const PAINT: Interrupt = Interrupt(1);

/// Raises a software interrupt on this CPU. Takes no lock.
#[cfg(nex_framebuffer)]
pub(crate) fn raise(interrupt: Interrupt) {
    if let Some(controller) = CONTROLLER.get() {
        controller.raise_here(interrupt.0);
    }
}

/// Handles everything that is pending. IRQs are masked.
pub(crate) fn handle() {
    let cpu = this_cpu();
    let Some(controller) = CONTROLLER.get() else { return };
    cpu.irq_depth.fetch_add(1, Ordering::Relaxed);
    while let Some(interrupt) = controller.acknowledge() {
        cpu.irq_count.fetch_add(1, Ordering::Relaxed);
        crate::debugger::watchdog::alive();
        let handler = HANDLERS.lock().iter_mut().find(|h| h.interrupt.0 == interrupt.0 & 0x3ff).map(|h| {
            h.count += 1;
            h.handler
        });
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
