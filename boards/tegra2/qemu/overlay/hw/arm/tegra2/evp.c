/*
 * Tegra 2: exception vectors (EVP).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A core that leaves reset starts in the boot ROM, whose reset entry jumps to the first of these vectors. The ROM is
 * not modelled: the core starts at the vector (cpu1.c). The other vectors only matter with high vectors in the ROM,
 * which no software here uses.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "tegra2.h"

enum {
    CPU_VECTORS = 0x100,
    COP_VECTORS = 0x200,
    BLOCK_SIZE = 0x1000,
};

#define BOOT_ROM        0xfff00000

static uint32_t *vector_at(Tegra2Evp *s, hwaddr offset)
{
    if (offset >= CPU_VECTORS && offset < CPU_VECTORS + sizeof(s->cpu)) {
        return &s->cpu[(offset - CPU_VECTORS) / 4];
    }
    if (offset >= COP_VECTORS && offset < COP_VECTORS + sizeof(s->cop)) {
        return &s->cop[(offset - COP_VECTORS) / 4];
    }
    return NULL;
}

static uint64_t evp_read(void *opaque, hwaddr offset, unsigned size)
{
    uint32_t *vector = vector_at(opaque, offset);

    if (vector) {
        return *vector;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: exception vectors: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void evp_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Evp *s = opaque;
    uint32_t *vector = vector_at(s, offset);

    if (vector) {
        *vector = value;
        s->cpu1->vector = s->cpu[0];
        return;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: exception vectors: write at +0x%" HWADDR_PRIx "\n", offset);
}

static const MemoryRegionOps evp_ops = {
    .read = evp_read,
    .write = evp_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void evp_reset(DeviceState *dev)
{
    Tegra2Evp *s = TEGRA2_EVP(dev);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(s->cpu); i++) {
        s->cpu[i] = BOOT_ROM + 4 * i;
        s->cop[i] = BOOT_ROM + 4 * i;
    }
    s->cpu1->vector = s->cpu[0];
}

static void evp_init(Object *obj)
{
    Tegra2Evp *s = TEGRA2_EVP(obj);

    memory_region_init_io(&s->iomem, obj, &evp_ops, s, "tegra2.evp", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription evp_vmstate = { .name = TYPE_TEGRA2_EVP, .unmigratable = 1 };

static void evp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 exception vectors";
    dc->reset = evp_reset;
    dc->vmsd = &evp_vmstate;
}

static const TypeInfo evp_info = {
    .name = TYPE_TEGRA2_EVP,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Evp),
    .instance_init = evp_init,
    .class_init = evp_class_init,
};

static void evp_register_types(void)
{
    type_register_static(&evp_info);
}

type_init(evp_register_types)
