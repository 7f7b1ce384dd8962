/*
 * Tegra 2: the legacy interrupt controller (LIC), four banks of 32 sources.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every source goes to the GIC as well, as the SPI of the same number. What is not known of the hardware is a property:
 *
 *  gates-gic   off: a source reaches the GIC whatever is enabled here; software that enabled it only in the GIC is
 *                   told (guest error), for it would stop working if the hardware gates.
 *              on:  a source reaches the GIC only while enabled here and of class IRQ.
 *  fiq-cpus    the cores whose nFIQ pin gets the sources of class FIQ, a bit for each.
 *
 * Whether the pin then reaches the core or the GIC decides the GIC (arm_gic.c, interrupt signal bypass).
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "tegra2.h"

#define BANK_STRIDE     0x100

enum {
    VIRQ_CPU = 0x00,
    VIRQ_COP = 0x04,
    VFIQ_CPU = 0x08,
    VFIQ_COP = 0x0c,
    ISR = 0x10,
    FIR = 0x14,
    FIR_SET = 0x18,
    FIR_CLR = 0x1c,
    CPU_IER = 0x20,
    CPU_IER_SET = 0x24,
    CPU_IER_CLR = 0x28,
    CPU_IEP_CLASS = 0x2c,
    COP_IER = 0x30,
    COP_IER_SET = 0x34,
    COP_IER_CLR = 0x38,
    COP_IEP_CLASS = 0x3c,
};

static uint32_t asserted(const Tegra2LicBank *b)
{
    return b->line | b->forced;
}

/* A source that is enabled in the GIC but not here does not arrive if the hardware gates; said once for each source. */
static void check_enabled_in_both(Tegra2Lic *s, unsigned n, uint32_t newly)
{
    const Tegra2LicBank *b = &s->bank[n];
    uint32_t suspects = newly & ~b->cpu_enable & ~s->complained[n];
    unsigned i;

    for (i = 0; suspects; i++, suspects >>= 1) {
        if ((suspects & 1) && s->observed_gic && s->observed_gic->irq_state[GIC_INTERNAL + 32 * n + i].enabled) {
            s->complained[n] |= 1u << i;
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: SPI %u is enabled in the GIC but not in the legacy controller\n",
                          32 * n + i);
        }
    }
}

static void update(Tegra2Lic *s)
{
    bool irq = false, fiq = false;
    unsigned n, i;

    for (n = 0; n < ARRAY_SIZE(s->bank); n++) {
        const Tegra2LicBank *b = &s->bank[n];
        uint32_t level = asserted(b);
        uint32_t to_gic = s->gates_gic ? level & b->cpu_enable & ~b->cpu_class : level;

        irq |= level & b->cpu_enable & ~b->cpu_class;
        fiq |= level & b->cpu_enable & b->cpu_class;
        for (i = 0; i < 32; i++) {
            qemu_set_irq(s->gic[32 * n + i], (to_gic >> i) & 1);
        }
    }
    for (i = 0; i < TEGRA2_CPUS; i++) {
        bool fiq_here = fiq && (s->fiq_cpus & (1 << i));

        qemu_set_irq(s->irq[i], irq);
        qemu_set_irq(s->irq_ppi[i], irq);
        qemu_set_irq(s->fiq[i], fiq_here);
        qemu_set_irq(s->fiq_ppi[i], fiq_here);
    }
}

static void lic_set_line(void *opaque, int source, int level)
{
    Tegra2Lic *s = opaque;
    Tegra2LicBank *b = &s->bank[source / 32];
    uint32_t bit = 1u << (source % 32);
    uint32_t before = b->line;

    b->line = level ? before | bit : before & ~bit;
    if (b->line != before) {
        check_enabled_in_both(s, source / 32, b->line & ~before);
        update(s);
    }
}

static uint64_t lic_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Lic *s = opaque;
    const Tegra2LicBank *b = &s->bank[offset / BANK_STRIDE];

    switch (offset % BANK_STRIDE) {
    case VIRQ_CPU:
        return asserted(b) & b->cpu_enable & ~b->cpu_class;
    case VFIQ_CPU:
        return asserted(b) & b->cpu_enable & b->cpu_class;
    case VIRQ_COP:
        return asserted(b) & b->cop_enable & ~b->cop_class;
    case VFIQ_COP:
        return asserted(b) & b->cop_enable & b->cop_class;
    case ISR:
        return b->line;
    case FIR:
        return b->forced;
    case CPU_IER:
        return b->cpu_enable;
    case CPU_IEP_CLASS:
        return b->cpu_class;
    case COP_IER:
        return b->cop_enable;
    case COP_IEP_CLASS:
        return b->cop_class;
    case FIR_SET:
    case FIR_CLR:
    case CPU_IER_SET:
    case CPU_IER_CLR:
    case COP_IER_SET:
    case COP_IER_CLR:
        return 0;
    }
    /* From 0x40 on: the arbiter's grant registers, and nothing. */
    qemu_log_mask(LOG_UNIMP, "xoom: legacy interrupt controller: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void lic_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Lic *s = opaque;
    Tegra2LicBank *b = &s->bank[offset / BANK_STRIDE];

    switch (offset % BANK_STRIDE) {
    case FIR:
        b->forced = value;
        break;
    case FIR_SET:
        b->forced |= value;
        check_enabled_in_both(s, offset / BANK_STRIDE, value);
        break;
    case FIR_CLR:
        b->forced &= ~value;
        break;
    case CPU_IER:
        b->cpu_enable = value;
        break;
    case CPU_IER_SET:
        b->cpu_enable |= value;
        break;
    case CPU_IER_CLR:
        b->cpu_enable &= ~value;
        break;
    case CPU_IEP_CLASS:
        b->cpu_class = value;
        break;
    case COP_IER:
        b->cop_enable = value;
        break;
    case COP_IER_SET:
        b->cop_enable |= value;
        break;
    case COP_IER_CLR:
        b->cop_enable &= ~value;
        break;
    case COP_IEP_CLASS:
        b->cop_class = value;
        break;
    case VIRQ_CPU:
    case VIRQ_COP:
    case VFIQ_CPU:
    case VFIQ_COP:
    case ISR:
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: legacy interrupt controller: write to the read-only +0x%" HWADDR_PRIx
                      "\n", offset);
        return;
    default:
        qemu_log_mask(LOG_UNIMP, "xoom: legacy interrupt controller: write at +0x%" HWADDR_PRIx "\n", offset);
        return;
    }
    update(s);
}

static const MemoryRegionOps lic_ops = {
    .read = lic_read,
    .write = lic_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void lic_reset(DeviceState *dev)
{
    Tegra2Lic *s = TEGRA2_LIC(dev);
    unsigned n;

    for (n = 0; n < ARRAY_SIZE(s->bank); n++) {
        uint32_t line = s->bank[n].line;

        memset(&s->bank[n], 0, sizeof(s->bank[n]));
        s->bank[n].line = line;
        s->complained[n] = 0;
    }
    update(s);
}

static void lic_init(Object *obj)
{
    Tegra2Lic *s = TEGRA2_LIC(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->iomem, obj, &lic_ops, s, "tegra2.lic", ARRAY_SIZE(s->bank) * BANK_STRIDE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    qdev_init_gpio_in(dev, lic_set_line, TEGRA2_SPIS);
    qdev_init_gpio_out_named(dev, s->gic, "gic", TEGRA2_SPIS);
    qdev_init_gpio_out_named(dev, s->fiq, "fiq", TEGRA2_CPUS);
    qdev_init_gpio_out_named(dev, s->irq, "irq", TEGRA2_CPUS);
    qdev_init_gpio_out_named(dev, s->fiq_ppi, "fiq-ppi", TEGRA2_CPUS);
    qdev_init_gpio_out_named(dev, s->irq_ppi, "irq-ppi", TEGRA2_CPUS);
}

static Property lic_properties[] = {
    DEFINE_PROP_BOOL("gates-gic", Tegra2Lic, gates_gic, false),
    DEFINE_PROP_UINT8("fiq-cpus", Tegra2Lic, fiq_cpus, 3),
    DEFINE_PROP_END_OF_LIST(),
};

static const VMStateDescription lic_vmstate = { .name = TYPE_TEGRA2_LIC, .unmigratable = 1 };

static void lic_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 legacy interrupt controller";
    dc->reset = lic_reset;
    dc->vmsd = &lic_vmstate;
    device_class_set_props(dc, lic_properties);
}

static const TypeInfo lic_info = {
    .name = TYPE_TEGRA2_LIC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Lic),
    .instance_init = lic_init,
    .class_init = lic_class_init,
};

static void lic_register_types(void)
{
    type_register_static(&lic_info);
}

type_init(lic_register_types)
