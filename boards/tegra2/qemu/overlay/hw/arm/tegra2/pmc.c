/*
 * Tegra 2: power management controller (PMC).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Modelled are the reset of the machine, and the scratch registers, which keep their values across it. All power
 * partitions are on; switching them is only stored.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "sysemu/runstate.h"
#include "tegra2.h"

enum {
    CNTRL = 0x00,
    STATUS = 0x14,
    DPD_PADS_ORIDE = 0x1c,
    PWRGATE_TIMER_OFF = 0x28,
    PWRGATE_TIMER_ON = 0x2c,
    PWRGATE_TOGGLE = 0x30,
    REMOVE_CLAMPING = 0x34,
    PWRGATE_STATUS = 0x38,
    SCRATCH0 = 0x50,
    SCRATCH23 = 0xac,
    SCRATCH24 = 0xfc,
    SCRATCH42 = 0x144,
    BLOCK_SIZE = 0x400,
};

#define CNTRL_MAIN_RST          (1u << 4)
#define PWRGATE_TOGGLE_START    (1u << 8)
#define PWRGATE_ALL_ON          0x7f

static bool is_scratch(hwaddr offset)
{
    return (offset >= SCRATCH0 && offset <= SCRATCH23) || (offset >= SCRATCH24 && offset <= SCRATCH42);
}

static uint64_t pmc_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Pmc *s = opaque;

    if (is_scratch(offset)) {
        return s->scratch[(offset - SCRATCH0) / 4];
    }
    if (offset < sizeof(s->regs)) {
        return s->regs[offset / 4];
    }
    qemu_log_mask(LOG_UNIMP, "xoom: PMC: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void pmc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Pmc *s = opaque;

    if (is_scratch(offset)) {
        s->scratch[(offset - SCRATCH0) / 4] = value;
        return;
    }
    if (offset >= sizeof(s->regs)) {
        qemu_log_mask(LOG_UNIMP, "xoom: PMC: write at +0x%" HWADDR_PRIx "\n", offset);
        return;
    }
    switch (offset) {
    case CNTRL:
        s->regs[offset / 4] = value & ~CNTRL_MAIN_RST;
        if (value & CNTRL_MAIN_RST) {
            qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
        }
        break;
    case STATUS:
    case REMOVE_CLAMPING:
        break;
    case PWRGATE_TOGGLE:
        if (value & PWRGATE_TOGGLE_START) {
            s->regs[PWRGATE_STATUS / 4] ^= (1u << (value & 7)) & PWRGATE_ALL_ON;
        }
        break;
    case PWRGATE_STATUS:
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: PMC: write to the read-only +0x038\n");
        break;
    default:
        s->regs[offset / 4] = value;
        break;
    }
}

static const MemoryRegionOps pmc_ops = {
    .read = pmc_read,
    .write = pmc_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void pmc_reset(DeviceState *dev)
{
    Tegra2Pmc *s = TEGRA2_PMC(dev);

    memset(s->regs, 0, sizeof(s->regs));
    s->regs[DPD_PADS_ORIDE / 4] = 0x200000;
    s->regs[PWRGATE_TIMER_OFF / 4] = 0xeca97531;
    s->regs[PWRGATE_TIMER_ON / 4] = 0xeca97531;
    s->regs[PWRGATE_STATUS / 4] = PWRGATE_ALL_ON;
}

static void pmc_init(Object *obj)
{
    Tegra2Pmc *s = TEGRA2_PMC(obj);

    memory_region_init_io(&s->iomem, obj, &pmc_ops, s, "tegra2.pmc", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription pmc_vmstate = { .name = TYPE_TEGRA2_PMC, .unmigratable = 1 };

static void pmc_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 power management controller";
    dc->reset = pmc_reset;
    dc->vmsd = &pmc_vmstate;
}

static const TypeInfo pmc_info = {
    .name = TYPE_TEGRA2_PMC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Pmc),
    .instance_init = pmc_init,
    .class_init = pmc_class_init,
};

static void pmc_register_types(void)
{
    type_register_static(&pmc_info);
}

type_init(pmc_register_types)
