/*
 * Tegra 2: clock and reset controller (CAR).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores what is written; no clock tree. Modelled are: SET and CLR registers, PLLs that lock at once, the oscillator's
 * frequency, the reset of the machine, the watchdog, the second core's reset and clock, and which peripherals may be
 * accessed: on hardware an access to one that is in reset or has no clock hangs the CPU.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "sysemu/runstate.h"
#include "tegra2.h"

enum {
    RST_SOURCE = 0x000,
    RST_DEVICES_L = 0x004,
    RST_DEVICES_U = 0x00c,
    CLK_OUT_ENB_L = 0x010,
    CLK_OUT_ENB_U = 0x018,
    CCLK_BURST_POLICY = 0x020,
    SCLK_BURST_POLICY = 0x028,
    PROG_DLY_CLK = 0x034,
    CLK_CPU_CMPLX = 0x04c,
    OSC_CTRL = 0x050,
    OSC_FREQ_DET = 0x058,
    OSC_FREQ_DET_STATUS = 0x05c,
    PLLE_BASE = 0x0e8,
    PLLE_MISC = 0x0ec,
    PLLS_BASE = 0x0f0,
    CLK_SOURCE_FIRST = 0x100,
    CLK_SOURCE_LAST = 0x1fc,
    RST_DEV_L_SET = 0x300,
    RST_DEV_U_CLR = 0x314,
    CLK_ENB_L_SET = 0x320,
    CLK_ENB_U_CLR = 0x334,
    RST_CPU_CMPLX_SET = 0x340,
    RST_CPU_CMPLX_CLR = 0x344,
};

#define RST_DEVICES_L_TRIGGER_SYS   (1u << 2)

#define WDT_RESETS_ANY              0x7
#define WDT_TIMER                   (1u << 4)
#define WDT_ENABLE                  (1u << 5)
#define RST_SOURCE_STATUS           0x3f00
/* A pair for each of CPU (8, 9), COP (10, 11) and the whole system. */
#define REASON_WATCHDOG             (1u << 12)
#define REASON_SOFTWARE             (1u << 13)

#define PLL_LOCK                    (1u << 27)
#define PLL_ENABLE                  (1u << 30)
#define PLLE_MISC_LOCK              (1u << 11)

/* 26 MHz, PLL reference divider 1; and what the frequency detector counts at 26 MHz. */
#define OSC_CTRL_26_MHZ             0xc00003f1
#define OSC_FREQ_DET_26_MHZ         1587

/* Each of the four kinds of reset has a bit for each core. */
#define CPU1_RESETS                 0x2222
#define CPU0_RESETS                 0x1111
#define CPU1_CLK_STOP               (1u << 9)
#define CPU0_CLK_STOP               (1u << 8)

/* The state that RST_CPU_CMPLX_SET and _CLR change is kept at the SET register's place. */
#define REG(s, offset)              ((s)->regs[(offset) / 4])

static const struct {
    uint32_t offset;
    uint32_t value;
} reset_values[] = {
    { RST_DEVICES_L, 0x3ffffec9 },
    { 0x008, 0xfefffb77 },
    { RST_DEVICES_U, 0x000005ff },
    { CLK_OUT_ENB_L, 0x80000130 },
    { 0x014, 0x00000480 },
    { CLK_OUT_ENB_U, 0x07f00a00 },
    { CCLK_BURST_POLICY, 0x10000000 },
    { SCLK_BURST_POLICY, 0x10000000 },
    { PROG_DLY_CLK, 0x77 },
    { CLK_CPU_CMPLX, 0x3 },
    { OSC_CTRL, OSC_CTRL_26_MHZ },
    /* PLL bases and their MISC; PLLC, M, P, A, U, D, X, and E. */
    { 0x080, 0x10c }, { 0x08c, 0x100 }, { 0x084, 0x3 },
    { 0x090, 0x10c }, { 0x09c, 0x100 }, { 0x094, 0x3 },
    { 0x0a0, 0x10c }, { 0x0ac, 0x100 }, { 0x0a4, 0x30003 }, { 0x0a8, 0x30003 },
    { 0x0b0, 0x10c }, { 0x0bc, 0x100 }, { 0x0b4, 0x3 },
    { 0x0c0, 0x10c }, { 0x0cc, 0x100 },
    { 0x0d0, 0x10c }, { 0x0dc, 0x100 },
    { 0x0e0, 0x10c }, { 0x0e4, 0x00100100 },
    /* M, N and P that are not 0, as Linux divides by them. */
    { PLLE_BASE, 0x0d18c801 }, { PLLE_MISC, 0x100 },
    { RST_CPU_CMPLX_SET, CPU1_RESETS },
};

static bool is_pll_base(hwaddr offset)
{
    switch (offset) {
    case 0x080:
    case 0x090:
    case 0x0a0:
    case 0x0b0:
    case 0x0c0:
    case 0x0d0:
    case 0x0e0:
    case PLLS_BASE:
        return true;
    }
    return false;
}

/* ---- Peripherals that must not be accessed ---- */

/* A peripheral's bit in one of the rows of registers L, H and U. */
static bool periph_bit(const Tegra2Car *s, unsigned row, unsigned periph)
{
    return s->regs[row / 4 + periph / 32] & (1u << (periph % 32));
}

static const char *why_closed(const Tegra2Car *s, unsigned periph)
{
    if (!periph_bit(s, CLK_OUT_ENB_L, periph)) {
        return "has no clock";
    }
    if (periph_bit(s, RST_DEVICES_L, periph)) {
        return "is in reset";
    }
    return NULL;
}

static void update_gates(Tegra2Car *s)
{
    unsigned i;

    memory_region_transaction_begin();
    for (i = 0; i < s->gates->len; i++) {
        Tegra2Gate *g = g_ptr_array_index(s->gates, i);

        memory_region_set_enabled(&g->iomem, why_closed(s, g->periph) != NULL);
    }
    memory_region_transaction_commit();
    for (i = 0; i < s->gates->len; i++) {
        Tegra2Gate *g = g_ptr_array_index(s->gates, i);
        bool in_reset = periph_bit(s, RST_DEVICES_L, g->periph);

        if (in_reset && !g->was_in_reset && g->dev) {
            device_cold_reset(g->dev);
        }
        g->was_in_reset = in_reset;
    }
}

static uint64_t gate_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Gate *g = opaque;

    tegra2_complain("gated access: %s %s, the hardware would hang: read at +0x%" HWADDR_PRIx, g->name,
                    why_closed(g->car, g->periph) ?: "was just opened", offset);
    return 0;
}

static void gate_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Gate *g = opaque;

    tegra2_complain("gated access: %s %s, the hardware would hang: write of 0x%" PRIx64 " at +0x%" HWADDR_PRIx, g->name,
                    why_closed(g->car, g->periph) ?: "was just opened", value, offset);
}

static const MemoryRegionOps gate_ops = {
    .read = gate_read,
    .write = gate_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
};

void tegra2_car_add_gate(Tegra2Car *s, MemoryRegion *parent, const char *name, hwaddr base, hwaddr size,
                         unsigned periph, DeviceState *dev)
{
    Tegra2Gate *g = g_new0(Tegra2Gate, 1);

    g_ptr_array_add(s->gates, g);
    g->name = g_strdup(name);
    g->periph = periph;
    g->dev = dev;
    g->was_in_reset = true;
    g->car = s;
    memory_region_init_io(&g->iomem, OBJECT(s), &gate_ops, g, name, size);
    memory_region_add_subregion_overlap(parent, base, &g->iomem, 100);
    update_gates(s);
}

/* ---- Resets ---- */

static void reset_machine(Tegra2Car *s, uint32_t reason)
{
    s->reset_reason = reason;
    qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
}

void tegra2_car_watchdog(void *opaque, unsigned timer)
{
    Tegra2Car *s = opaque;
    uint32_t config = REG(s, RST_SOURCE);

    if ((config & WDT_ENABLE) && (config & WDT_RESETS_ANY) && timer == !!(config & WDT_TIMER)) {
        warn_report("xoom: the watchdog resets the machine");
        reset_machine(s, REASON_WATCHDOG);
    }
}

static void update_cpus(Tegra2Car *s)
{
    s->cpu1->in_reset = REG(s, RST_CPU_CMPLX_SET) & CPU1_RESETS;
    s->cpu1->clock_stopped = REG(s, CLK_CPU_CMPLX) & CPU1_CLK_STOP;
    tegra2_cpu1_update(s->cpu1);
    if ((REG(s, RST_CPU_CMPLX_SET) & CPU0_RESETS) || (REG(s, CLK_CPU_CMPLX) & CPU0_CLK_STOP)) {
        tegra2_complain("CPU0 stops itself, which is not modelled");
    }
}

/* ---- Registers ---- */

static uint64_t car_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Car *s = opaque;
    uint32_t value = REG(s, offset);

    if (is_pll_base(offset)) {
        return value & PLL_ENABLE ? value | PLL_LOCK : value & ~PLL_LOCK;
    }
    switch (offset) {
    case RST_SOURCE:
        return (value & ~RST_SOURCE_STATUS) | s->reset_reason;
    case OSC_FREQ_DET_STATUS:
        return OSC_FREQ_DET_26_MHZ;     /* bit 31, busy, is never seen set */
    case PLLE_MISC:
        return REG(s, PLLE_BASE) & PLL_ENABLE ? value | PLLE_MISC_LOCK : value & ~PLLE_MISC_LOCK;
    case RST_CPU_CMPLX_CLR:
        return REG(s, RST_CPU_CMPLX_SET);
    }
    if (offset >= RST_DEV_L_SET && offset <= RST_DEV_U_CLR) {
        return s->regs[RST_DEVICES_L / 4 + (offset - RST_DEV_L_SET) / 8];
    }
    if (offset >= CLK_ENB_L_SET && offset <= CLK_ENB_U_CLR) {
        return s->regs[CLK_OUT_ENB_L / 4 + (offset - CLK_ENB_L_SET) / 8];
    }
    return value;
}

/* SET at the even, CLR at the odd words of a row of pairs. */
static void write_set_or_clear(uint32_t *reg, hwaddr offset_in_row, uint32_t value)
{
    if (offset_in_row & 4) {
        *reg &= ~value;
    } else {
        *reg |= value;
    }
}

static void car_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Car *s = opaque;

    if (offset >= RST_DEV_L_SET && offset <= RST_DEV_U_CLR) {
        hwaddr at = offset - RST_DEV_L_SET;

        write_set_or_clear(&s->regs[RST_DEVICES_L / 4 + at / 8], at, value);
        if (offset == RST_DEV_L_SET && (value & RST_DEVICES_L_TRIGGER_SYS)) {
            reset_machine(s, REASON_SOFTWARE);
        }
        update_gates(s);
        return;
    }
    if (offset >= CLK_ENB_L_SET && offset <= CLK_ENB_U_CLR) {
        hwaddr at = offset - CLK_ENB_L_SET;

        write_set_or_clear(&s->regs[CLK_OUT_ENB_L / 4 + at / 8], at, value);
        update_gates(s);
        return;
    }
    switch (offset) {
    case RST_DEVICES_L ... CLK_OUT_ENB_U:
        REG(s, offset) = value;
        if (offset == RST_DEVICES_L && (value & RST_DEVICES_L_TRIGGER_SYS)) {
            reset_machine(s, REASON_SOFTWARE);
        }
        update_gates(s);
        break;
    case OSC_CTRL:
        /* The frequency comes from straps; the rest is drive strength and the reference divider. */
        REG(s, offset) = (value & 0x3fffffff) | (OSC_CTRL_26_MHZ & 0xc0000000);
        break;
    case OSC_FREQ_DET_STATUS:
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: clocks: write to the read-only +0x05c\n");
        break;
    case CLK_CPU_CMPLX:
        REG(s, offset) = value;
        update_cpus(s);
        break;
    case RST_CPU_CMPLX_SET:
    case RST_CPU_CMPLX_CLR:
        write_set_or_clear(&REG(s, RST_CPU_CMPLX_SET), offset - RST_CPU_CMPLX_SET, value);
        update_cpus(s);
        break;
    default:
        REG(s, offset) = value;
        break;
    }
}

static const MemoryRegionOps car_ops = {
    .read = car_read,
    .write = car_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void car_reset(DeviceState *dev)
{
    Tegra2Car *s = TEGRA2_CAR(dev);
    unsigned i;

    memset(s->regs, 0, sizeof(s->regs));
    for (i = CLK_SOURCE_FIRST; i <= CLK_SOURCE_LAST; i += 4) {
        REG(s, i) = 0xc0000000;
    }
    for (i = 0; i < ARRAY_SIZE(reset_values); i++) {
        REG(s, reset_values[i].offset) = reset_values[i].value;
    }
    update_gates(s);
    update_cpus(s);
}

static void car_init(Object *obj)
{
    Tegra2Car *s = TEGRA2_CAR(obj);

    s->gates = g_ptr_array_new();
    memory_region_init_io(&s->iomem, obj, &car_ops, s, "tegra2.car", sizeof(s->regs));
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription car_vmstate = { .name = TYPE_TEGRA2_CAR, .unmigratable = 1 };

static void car_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 clock and reset controller";
    dc->reset = car_reset;
    dc->vmsd = &car_vmstate;
}

static const TypeInfo car_info = {
    .name = TYPE_TEGRA2_CAR,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Car),
    .instance_init = car_init,
    .class_init = car_class_init,
};

static void car_register_types(void)
{
    type_register_static(&car_info);
}

type_init(car_register_types)
