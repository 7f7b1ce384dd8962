/*
 * PL310 (L2C-310) cache controller, revision r2p0, as in the Tegra 2: 1 MiB, 8 ways of 128 KiB, 32-byte lines.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU has no caches, so operations complete at once and do nothing. What is kept is what a driver can get wrong
 * without caches: the order of configuration and switching on.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "tegra2.h"

enum {
    CACHE_ID = 0x000,
    CACHE_TYPE = 0x004,
    CTRL = 0x100,
    AUX_CTRL = 0x104,
    TAG_LATENCY = 0x108,
    DATA_LATENCY = 0x10c,
    EVENT_CTRL = 0x200,
    INT_MASK = 0x214,
    INT_MASK_STATUS = 0x218,
    INT_RAW_STATUS = 0x21c,
    INT_CLEAR = 0x220,
    MAINTENANCE = 0x730,        /* CACHE_SYNC, the first of the operations */
    INV_WAY = 0x77c,
    CLEAN_INV_WAY = 0x7fc,      /* the last */
    LOCKDOWN = 0x900,
    LOCKDOWN_END = 0x940,
    FILTER_START = 0xc00,
    FILTER_END = 0xc04,
    DEBUG_CTRL = 0xf40,
    PREFETCH_CTRL = 0xf60,
    POWER_CTRL = 0xf80,
    BLOCK_SIZE = 0x1000,
};

#define ID_R2P0             0x410000c4
/* 8 ways of 128 KiB, the reset value of a PL310 with these. */
#define AUX_RESET           0x02080000
#define AUX_16_WAYS         (1u << 16)
#define AUX_WAY_SIZE        (7u << 17)
#define LATENCY_RESET       0x00000777

static uint32_t cache_type(const Tegra2Pl310 *s)
{
    /* The same way size and associativity for data and for instructions. */
    uint32_t one = (s->aux & AUX_WAY_SIZE) >> 17 << 2 | !!(s->aux & AUX_16_WAYS);

    return 0x1c100100 | one << 18 | one << 6;
}

static uint64_t pl310_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Pl310 *s = opaque;

    switch (offset) {
    case CACHE_ID:
        return ID_R2P0;
    case CACHE_TYPE:
        return cache_type(s);
    case CTRL:
        return s->ctrl;
    case AUX_CTRL:
        return s->aux;
    case TAG_LATENCY:
        return s->tag;
    case DATA_LATENCY:
        return s->data;
    case INT_MASK:
        return s->int_mask;
    case EVENT_CTRL ... INT_MASK - 4:
    case INT_MASK_STATUS:
    case INT_RAW_STATUS:
    case INT_CLEAR:
    case MAINTENANCE ... CLEAN_INV_WAY:
        return 0;
    case LOCKDOWN ... LOCKDOWN_END - 4:
        return s->lockdown[(offset - LOCKDOWN) / 4];
    case FILTER_START:
        return s->filter_start;
    case FILTER_END:
        return s->filter_end;
    case DEBUG_CTRL:
        return s->debug;
    case PREFETCH_CTRL:
        return s->prefetch;
    }
    qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static MemTxResult pl310_read_with_attrs(void *opaque, hwaddr offset, uint64_t *value, unsigned size, MemTxAttrs attrs)
{
    *value = pl310_read(opaque, offset, size);
    return MEMTX_OK;
}

/* What only Secure state may write. */
static bool is_configuration(hwaddr offset)
{
    return offset == CTRL || offset == AUX_CTRL || offset == TAG_LATENCY || offset == DATA_LATENCY ||
           (offset >= FILTER_START && offset <= FILTER_END) || offset >= DEBUG_CTRL;
}

static MemTxResult pl310_write(void *opaque, hwaddr offset, uint64_t value, unsigned size, MemTxAttrs attrs)
{
    Tegra2Pl310 *s = opaque;

    /* Tests of registers have no state at all. */
    if (!attrs.secure && !attrs.unspecified && is_configuration(offset)) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: +0x%" HWADDR_PRIx " is written in Non-secure state\n", offset);
        return MEMTX_DECODE_ERROR;
    }
    switch (offset) {
    case AUX_CTRL:
    case TAG_LATENCY:
    case DATA_LATENCY:
        if (s->ctrl & 1) {
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: +0x%" HWADDR_PRIx " is written while the cache is on\n",
                          offset);
        }
        *(offset == AUX_CTRL ? &s->aux : offset == TAG_LATENCY ? &s->tag : &s->data) = value;
        break;
    case CTRL:
        s->ctrl = value & 1;
        break;
    case INT_MASK:
        s->int_mask = value & 0x1ff;
        break;
    case INT_CLEAR:
    case EVENT_CTRL ... INT_MASK - 4:
        break;
    case MAINTENANCE ... CLEAN_INV_WAY:
        if (offset == INV_WAY && (s->ctrl & 1)) {
            /* Throws away what was written and not cleaned: only right while the cache is off. */
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: all is invalidated while the cache is on\n");
        }
        if (offset == CLEAN_INV_WAY && s->debug != 3) {
            /* Erratum 727915 of r2p0: line fills and write-back have to be disabled meanwhile. */
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: all is cleaned and invalidated with DEBUG_CTRL not 3\n");
        }
        break;
    case LOCKDOWN ... LOCKDOWN_END - 4:
        s->lockdown[(offset - LOCKDOWN) / 4] = value & 0xff;
        break;
    case FILTER_START:
        s->filter_start = value;
        break;
    case FILTER_END:
        s->filter_end = value;
        break;
    case DEBUG_CTRL:
        s->debug = value & 7;
        break;
    case PREFETCH_CTRL:
        s->prefetch = value;
        break;
    default:
        /* POWER_CTRL too: it came with r3p0. */
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: L2 cache: write of 0x%" PRIx64 " at +0x%" HWADDR_PRIx "\n", value,
                      offset);
        break;
    }
    return MEMTX_OK;
}

static const MemoryRegionOps pl310_ops = {
    .read_with_attrs = pl310_read_with_attrs,
    .write_with_attrs = pl310_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void pl310_reset(DeviceState *dev)
{
    Tegra2Pl310 *s = TEGRA2_PL310(dev);

    s->ctrl = 0;
    s->aux = AUX_RESET;
    s->tag = LATENCY_RESET;
    s->data = LATENCY_RESET;
    s->int_mask = 0;
    s->filter_start = 0;
    s->filter_end = 0;
    s->debug = 0;
    s->prefetch = 0;
    memset(s->lockdown, 0, sizeof(s->lockdown));
}

static void pl310_init(Object *obj)
{
    Tegra2Pl310 *s = TEGRA2_PL310(obj);

    memory_region_init_io(&s->iomem, obj, &pl310_ops, s, "tegra2.pl310", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription pl310_vmstate = { .name = TYPE_TEGRA2_PL310, .unmigratable = 1 };

static void pl310_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "PL310 cache controller, r2p0";
    dc->reset = pl310_reset;
    dc->vmsd = &pl310_vmstate;
}

static const TypeInfo pl310_info = {
    .name = TYPE_TEGRA2_PL310,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Pl310),
    .instance_init = pl310_init,
    .class_init = pl310_class_init,
};

static void pl310_register_types(void)
{
    type_register_static(&pl310_info);
}

type_init(pl310_register_types)
