/*
 * Tegra 2: a UART, QEMU's 16550A with one register in each word and a few additions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers take accesses of 8 to 32 bits. The FIFO is of 16 bytes, not 32; the rate is never checked.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "tegra2.h"

/* Numbers of the words. */
enum {
    THR = 0,
    IER = 1,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    SPR = 7,
    IRDA_CSR = 8,
};

#define FCR_CLEAR       0x06
#define LCR_DLAB        0x80
/* Receive time-out and end of data: interrupt enables that a 16550A does not have. Only stored. */
#define IER_EXTRA       0x30
#define IRDA_CSR_SIR    0x80

#define PLLP_OUT0_HZ    216000000

static uint64_t uart_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Uart *s = opaque;
    unsigned word = offset / 4;
    uint64_t value;

    if (offset & 3) {
        return 0;   /* The upper bytes of a word. */
    }
    if (word <= SPR) {
        value = serial_io_ops.read(&s->serial, word, 1);
        if (word == IER && !(s->serial.lcr & LCR_DLAB)) {
            value |= s->ier_extra;
        }
        return value;
    }
    if (word == IRDA_CSR) {
        return s->irda_csr;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: UART: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void uart_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Uart *s = opaque;
    unsigned word = offset / 4;

    if (offset & 3) {
        return;
    }
    if (word <= SPR) {
        if (word == IER && !(s->serial.lcr & LCR_DLAB)) {
            s->ier_extra = value & IER_EXTRA;
        }
        if (word == THR && !(s->serial.lcr & LCR_DLAB) && (s->irda_csr & IRDA_CSR_SIR)) {
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: UART: sends as infrared\n");
            return;
        }
        serial_io_ops.write(&s->serial, word, value & 0xff, 1);
        return;
    }
    if (word == IRDA_CSR) {
        s->irda_csr = value;
        return;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: UART: write at +0x%" HWADDR_PRIx "\n", offset);
}

static const MemoryRegionOps uart_ops = {
    .read = uart_read,
    .write = uart_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void uart_reset(DeviceState *dev)
{
    Tegra2Uart *s = TEGRA2_UART(dev);

    s->ier_extra = 0;
    s->irda_csr = 0;
    /* The 16550A only knows the reset of the whole machine, not that by the clock and reset controller. */
    serial_io_ops.write(&s->serial, LCR, 0, 1);
    serial_io_ops.write(&s->serial, IER, 0, 1);
    serial_io_ops.write(&s->serial, FCR, FCR_CLEAR, 1);
    serial_io_ops.write(&s->serial, MCR, 0, 1);
}

static void uart_init(Object *obj)
{
    Tegra2Uart *s = TEGRA2_UART(obj);

    object_initialize_child(obj, "serial", &s->serial, TYPE_SERIAL);
    qdev_alias_all_properties(DEVICE(&s->serial), obj);
}

static void uart_realize(DeviceState *dev, Error **errp)
{
    Tegra2Uart *s = TEGRA2_UART(dev);

    qdev_prop_set_uint32(DEVICE(&s->serial), "baudbase", PLLP_OUT0_HZ / 16);
    if (!qdev_realize(DEVICE(&s->serial), NULL, errp)) {
        return;
    }
    memory_region_init_io(&s->iomem, OBJECT(dev), &uart_ops, s, "tegra2.uart", s->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->serial.irq);
}

static Property uart_properties[] = {
    DEFINE_PROP_UINT32("size", Tegra2Uart, size, 0x40),
    DEFINE_PROP_END_OF_LIST(),
};

static const VMStateDescription uart_vmstate = { .name = TYPE_TEGRA2_UART, .unmigratable = 1 };

static void uart_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 UART";
    dc->realize = uart_realize;
    dc->reset = uart_reset;
    dc->vmsd = &uart_vmstate;
    device_class_set_props(dc, uart_properties);
}

static const TypeInfo uart_info = {
    .name = TYPE_TEGRA2_UART,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Uart),
    .instance_init = uart_init,
    .class_init = uart_class_init,
};

static void uart_register_types(void)
{
    type_register_static(&uart_info);
}

type_init(uart_register_types)
