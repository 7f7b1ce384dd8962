/*
 * Tegra 2: the second core's reset, clock and halt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The clock and reset controller keeps the core in reset or stops its clock, and the flow controller keeps it from
 * starting after reset. (It would also keep it asleep in WFI, which is not modelled; a core that is awake goes on: Linux
 * has a core that goes off halt itself first, and then put itself into reset.) Software may release them in any
 * order, also within a few instructions, while the core itself is run by another thread; so a change only queues work
 * for that thread, which then looks at what holds at that time.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/log.h"
#include "hw/core/cpu.h"
#include "target/arm/arm-powerctl.h"
#include "target/arm/cpu.h"
#include "tegra2.h"

static void apply(CPUState *cs, run_on_cpu_data data)
{
    Tegra2Cpu1 *c = data.host_ptr;
    bool runs = !c->in_reset && !c->clock_stopped && !(c->halted && c->was_reset);

    if (!runs) {
        c->cpu->power_state = PSCI_OFF;
        cs->halted = 1;
        cs->exception_index = EXCP_HLT;
        return;
    }
    if (c->cpu->power_state == PSCI_ON && !c->was_reset) {
        return;
    }
    if (c->was_reset) {
        /* Secure SVC, MMU and caches off: as the core leaves reset. The boot ROM's reset entry jumps to the vector. */
        c->was_reset = false;
        cpu_reset(cs);
        cpu_set_pc(cs, c->vector);
        c->cpu->env.thumb = c->vector & 1;
        arm_rebuild_hflags(&c->cpu->env);
        qemu_log_mask(CPU_LOG_RESET, "xoom: CPU1 starts at 0x%08x\n", c->vector);
    }
    c->cpu->power_state = PSCI_ON;
    cs->halted = 0;
    cs->exception_index = -1;
}

void tegra2_cpu1_init(Tegra2Cpu1 *c, ARMCPU *cpu)
{
    c->cpu = cpu;
}

void tegra2_cpu1_update(Tegra2Cpu1 *c)
{
    if (c->in_reset) {
        c->was_reset = true;
    }
    async_run_on_cpu(CPU(c->cpu), apply, RUN_ON_CPU_HOST_PTR(c));
}
