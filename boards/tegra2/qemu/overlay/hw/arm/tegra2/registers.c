/*
 * Tegra 2: blocks of registers that only store what is written.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For pin multiplexer and chip identity, fuses, bus arbiters, memory controllers: software configures them and reads
 * them back, and nothing here depends on what they say.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/log.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "tegra2.h"

static const Tegra2RegisterReset *find(const Tegra2Registers *s, hwaddr offset)
{
    unsigned i;

    for (i = 0; i < s->resets_len; i++) {
        if (s->resets[i].offset == offset) {
            return &s->resets[i];
        }
    }
    return NULL;
}

static uint64_t registers_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Registers *s = opaque;

    return s->regs[offset / 4];
}

static void registers_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Registers *s = opaque;
    const Tegra2RegisterReset *reset = find(s, offset);

    if (s->read_only || (reset && reset->read_only)) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: %s: write of 0x%" PRIx64 " to the read-only +0x%" HWADDR_PRIx "\n",
                      s->name, value, offset);
        return;
    }
    s->regs[offset / 4] = value;
}

static const MemoryRegionOps registers_ops = {
    .read = registers_read,
    .write = registers_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void registers_reset(DeviceState *dev)
{
    Tegra2Registers *s = TEGRA2_REGS(dev);
    unsigned i;

    memset(s->regs, 0, s->size);
    for (i = 0; i < s->resets_len; i++) {
        s->regs[s->resets[i].offset / 4] = s->resets[i].value;
    }
}

static void registers_realize(DeviceState *dev, Error **errp)
{
    Tegra2Registers *s = TEGRA2_REGS(dev);

    s->regs = g_malloc0(s->size);
    memory_region_init_io(&s->iomem, OBJECT(dev), &registers_ops, s, s->name, s->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
}

void tegra2_create_registers(MemoryRegion *parent, const char *name, hwaddr base, uint32_t size, bool read_only,
                             const Tegra2RegisterReset *resets, unsigned resets_len)
{
    DeviceState *dev = qdev_new(TYPE_TEGRA2_REGS);
    Tegra2Registers *s = TEGRA2_REGS(dev);

    s->name = g_strdup(name);
    s->size = size;
    s->read_only = read_only;
    s->resets = resets;
    s->resets_len = resets_len;
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    memory_region_add_subregion(parent, base, sysbus_mmio_get_region(SYS_BUS_DEVICE(dev), 0));
}

static const VMStateDescription registers_vmstate = { .name = TYPE_TEGRA2_REGS, .unmigratable = 1 };

static void registers_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 block of plain registers";
    dc->realize = registers_realize;
    dc->reset = registers_reset;
    dc->vmsd = &registers_vmstate;
}

static const TypeInfo registers_info = {
    .name = TYPE_TEGRA2_REGS,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Registers),
    .class_init = registers_class_init,
};

static void registers_register_types(void)
{
    type_register_static(&registers_info);
}

type_init(registers_register_types)
