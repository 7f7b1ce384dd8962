/*
 * Tegra 2: GPIO controller, seven banks of four ports of eight pins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is connected: an input reads what the same pin drives, or 0. So no interrupt ever comes from outside.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "tegra2.h"

#define BANK_STRIDE     0x80
/* The same registers again, written with a mask of pins in bits 15..8. */
#define MASKED          0x800
#define BLOCK_SIZE      0x1000

enum {
    CNF = 0x00,
    OE = 0x10,
    OUT = 0x20,
    IN = 0x30,
    INT_STA = 0x40,
    INT_ENB = 0x50,
    INT_LVL = 0x60,
    INT_CLR = 0x70,
};

static uint32_t *register_at(Tegra2Gpio *s, hwaddr offset)
{
    unsigned bank = (offset & (MASKED - 1)) / BANK_STRIDE;

    return bank < TEGRA2_GPIO_BANKS ? &s->regs[bank][offset % BANK_STRIDE / 4] : NULL;
}

static uint64_t gpio_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Gpio *s = opaque;
    uint32_t *reg = register_at(s, offset);

    if (!reg) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: GPIO: read at +0x%" HWADDR_PRIx "\n", offset);
        return 0;
    }
    if ((offset & 0x70) == IN) {
        return reg[-(IN - OUT) / 4] & reg[-(IN - OE) / 4] & reg[-(IN - CNF) / 4];
    }
    return *reg;
}

static void gpio_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Gpio *s = opaque;
    uint32_t *reg = register_at(s, offset);
    uint32_t pins = 0xff;

    if (!reg) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: GPIO: write at +0x%" HWADDR_PRIx "\n", offset);
        return;
    }
    if (offset & MASKED) {
        pins = (value >> 8) & 0xff;
    }
    switch (offset & 0x70) {
    case IN:
        break;
    case INT_STA:
        *reg &= ~(value & pins);
        break;
    case INT_CLR:
        reg[-(INT_CLR - INT_STA) / 4] &= ~(value & pins);
        break;
    case INT_LVL:
        /* Three bits for each pin: level, edge, both edges. */
        *reg = offset & MASKED ? (*reg & ~pins) | (value & pins) : value;
        break;
    default:
        *reg = (*reg & ~pins) | (value & pins);
        break;
    }
}

static const MemoryRegionOps gpio_ops = {
    .read = gpio_read,
    .write = gpio_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void gpio_reset(DeviceState *dev)
{
    Tegra2Gpio *s = TEGRA2_GPIO(dev);

    memset(s->regs, 0, sizeof(s->regs));
}

static void gpio_init(Object *obj)
{
    Tegra2Gpio *s = TEGRA2_GPIO(obj);

    memory_region_init_io(&s->iomem, obj, &gpio_ops, s, "tegra2.gpio", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription gpio_vmstate = { .name = TYPE_TEGRA2_GPIO, .unmigratable = 1 };

static void gpio_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 GPIO controller";
    dc->reset = gpio_reset;
    dc->vmsd = &gpio_vmstate;
}

static const TypeInfo gpio_info = {
    .name = TYPE_TEGRA2_GPIO,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Gpio),
    .instance_init = gpio_init,
    .class_init = gpio_class_init,
};

static void gpio_register_types(void)
{
    type_register_static(&gpio_info);
}

type_init(gpio_register_types)
