/*
 * Tegra 2: flow controller.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * HALT_CPU1_EVENTS with a mode other than 0 keeps the second core from starting after its reset. That a halted core
 * stays in WFI until one of the selected events is not modelled.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "tegra2.h"

enum {
    HALT_CPU0_EVENTS = 0x00,
    HALT_COP_EVENTS = 0x04,
    CPU0_CSR = 0x08,
    COP_CSR = 0x0c,
    XRQ_EVENTS = 0x10,
    HALT_CPU1_EVENTS = 0x14,
    CPU1_CSR = 0x18,
    BLOCK_SIZE = 0x1000,
};

#define HALT_MODE           0xe0000000
#define HALT_WAKE_EVENTS    0x07ffff00
/* Written 1 to clear. */
#define CSR_FLAGS           0x0000c000

static uint64_t flow_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Flow *s = opaque;

    if (offset < sizeof(s->regs)) {
        return s->regs[offset / 4];
    }
    qemu_log_mask(LOG_GUEST_ERROR, "xoom: flow controller: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void flow_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Flow *s = opaque;

    switch (offset) {
    case HALT_CPU0_EVENTS:
        if (value & HALT_MODE) {
            qemu_log_mask(LOG_UNIMP, "xoom: flow controller: halting CPU0 is not modelled\n");
        }
        s->regs[offset / 4] = value;
        break;
    case HALT_COP_EVENTS:
    case XRQ_EVENTS:
        s->regs[offset / 4] = value;
        break;
    case HALT_CPU1_EVENTS:
        if ((value & HALT_MODE) && (value & HALT_WAKE_EVENTS)) {
            qemu_log_mask(LOG_UNIMP, "xoom: flow controller: events for CPU1 are not modelled\n");
        }
        s->regs[offset / 4] = value;
        s->cpu1->halted = value & HALT_MODE;
        tegra2_cpu1_update(s->cpu1);
        break;
    case CPU0_CSR:
    case COP_CSR:
    case CPU1_CSR: {
        uint32_t flags = s->regs[offset / 4] & CSR_FLAGS & ~value;

        s->regs[offset / 4] = (value & ~CSR_FLAGS) | flags;
        break;
    }
    default:
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: flow controller: write at +0x%" HWADDR_PRIx "\n", offset);
        break;
    }
}

static const MemoryRegionOps flow_ops = {
    .read = flow_read,
    .write = flow_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void flow_reset(DeviceState *dev)
{
    Tegra2Flow *s = TEGRA2_FLOW(dev);

    memset(s->regs, 0, sizeof(s->regs));
    s->cpu1->halted = false;
    tegra2_cpu1_update(s->cpu1);
}

static void flow_init(Object *obj)
{
    Tegra2Flow *s = TEGRA2_FLOW(obj);

    memory_region_init_io(&s->iomem, obj, &flow_ops, s, "tegra2.flow", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription flow_vmstate = { .name = TYPE_TEGRA2_FLOW, .unmigratable = 1 };

static void flow_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 flow controller";
    dc->reset = flow_reset;
    dc->vmsd = &flow_vmstate;
}

static const TypeInfo flow_info = {
    .name = TYPE_TEGRA2_FLOW,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Flow),
    .instance_init = flow_init,
    .class_init = flow_class_init,
};

static void flow_register_types(void)
{
    type_register_static(&flow_info);
}

type_init(flow_register_types)
