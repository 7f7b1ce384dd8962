/*
 * Tegra 2: host1x, as far as it counts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Synchronization points are counters that devices and CPUs increment; reaching a threshold interrupts. A display driver
 * counts vertical blanks with one. The channels, through which graphics engines get commands, are not modelled: their
 * registers are only stored.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "tegra2.h"

#define SYNC                0x3000

enum {
    THRESH_CPU0_INT_STATUS = SYNC + 0x040,
    THRESH_INT_DISABLE = SYNC + 0x060,
    THRESH_INT_ENABLE_CPU0 = SYNC + 0x068,
    SYNCPT = SYNC + 0x400,
    INT_THRESH = SYNC + 0x500,
    CPU_INCR = SYNC + 0x700,
};

#define REG(s, offset)      ((s)->regs[(offset) / 4])

static bool is_array(hwaddr offset, hwaddr base)
{
    return offset >= base && offset < base + 4 * TEGRA2_SYNCPTS;
}

/* Thresholds have 16 bits, and compare like sequence numbers. */
static void update(Tegra2Host1x *s)
{
    unsigned i;

    for (i = 0; i < TEGRA2_SYNCPTS; i++) {
        int16_t beyond = REG(s, SYNCPT + 4 * i) - REG(s, INT_THRESH + 4 * i);

        if ((s->enabled & (1u << i)) && beyond >= 0) {
            REG(s, THRESH_CPU0_INT_STATUS) |= 1u << i;
        }
    }
    qemu_set_irq(s->irq, REG(s, THRESH_CPU0_INT_STATUS) & s->enabled);
}

void tegra2_host1x_increment(Tegra2Host1x *s, unsigned syncpt)
{
    if (syncpt < TEGRA2_SYNCPTS) {
        REG(s, SYNCPT + 4 * syncpt)++;
        update(s);
    }
}

static uint64_t host1x_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Host1x *s = opaque;

    switch (offset) {
    case THRESH_INT_DISABLE:
    case THRESH_INT_ENABLE_CPU0:
        return s->enabled;
    }
    return REG(s, offset);
}

static void host1x_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Host1x *s = opaque;
    unsigned i;

    switch (offset) {
    case THRESH_CPU0_INT_STATUS:
        REG(s, offset) &= ~value;
        break;
    case THRESH_INT_DISABLE:
        s->enabled &= ~value;
        break;
    case THRESH_INT_ENABLE_CPU0:
        s->enabled |= value;
        break;
    case CPU_INCR:
        for (i = 0; i < TEGRA2_SYNCPTS; i++) {
            REG(s, SYNCPT + 4 * i) += (value >> i) & 1;
        }
        break;
    default:
        if (offset < SYNC) {
            qemu_log_mask(LOG_UNIMP, "xoom: host1x: channels have no model: write at +0x%" HWADDR_PRIx "\n", offset);
        }
        REG(s, offset) = is_array(offset, INT_THRESH) ? value & 0xffff : value;
        break;
    }
    update(s);
}

static const MemoryRegionOps host1x_ops = {
    .read = host1x_read,
    .write = host1x_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void host1x_reset(DeviceState *dev)
{
    Tegra2Host1x *s = TEGRA2_HOST1X(dev);

    memset(s->regs, 0, sizeof(s->regs));
    s->enabled = 0;
    update(s);
}

static void host1x_init(Object *obj)
{
    Tegra2Host1x *s = TEGRA2_HOST1X(obj);

    memory_region_init_io(&s->iomem, obj, &host1x_ops, s, "tegra2.host1x", sizeof(s->regs));
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
}

static const VMStateDescription host1x_vmstate = { .name = TYPE_TEGRA2_HOST1X, .unmigratable = 1 };

static void host1x_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 host1x";
    dc->reset = host1x_reset;
    dc->vmsd = &host1x_vmstate;
}

static const TypeInfo host1x_info = {
    .name = TYPE_TEGRA2_HOST1X,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Host1x),
    .instance_init = host1x_init,
    .class_init = host1x_class_init,
};

static void host1x_register_types(void)
{
    type_register_static(&host1x_info);
}

type_init(host1x_register_types)
