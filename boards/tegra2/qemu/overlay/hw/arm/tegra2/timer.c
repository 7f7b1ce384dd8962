/*
 * Tegra 2: the four timers TMR1 to TMR4, and the microsecond counter TIMERUS.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All count at the rate that USEC_CFG makes of the oscillator: 1 MHz when set right. TMRn counts n + 1 ticks for a
 * present trigger value n.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "tegra2.h"

#define OSCILLATOR_MHZ  26

enum {
    CNTR_1US = 0x10,
    USEC_CFG = 0x14,
    CNTR_FREEZE = 0x4c,
    BLOCK_SIZE = 0x400,
};

#define PTV_EN          (1u << 31)
#define PTV_PER         (1u << 30)
#define PTV_COUNT       0x1fffffff
#define PCR_INTR_CLR    (1u << 30)

/* USEC_CFG: (dividend - 1) << 8 | (divisor - 1), so this many ticks in a period of the oscillator. */
static unsigned dividend(const Tegra2Timers *s)
{
    return ((s->usec_cfg >> 8) & 0xff) + 1;
}

static unsigned divisor(const Tegra2Timers *s)
{
    return (s->usec_cfg & 0xff) + 1;
}

static uint64_t ticks_to_ns(const Tegra2Timers *s, uint64_t ticks)
{
    return muldiv64(ticks * divisor(s), 1000, OSCILLATOR_MHZ * dividend(s));
}

static uint64_t ns_to_ticks(const Tegra2Timers *s, uint64_t ns)
{
    return muldiv64(ns, OSCILLATOR_MHZ * dividend(s), 1000 * divisor(s));
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static uint32_t counter(const Tegra2Timers *s)
{
    return s->counter_base + ns_to_ticks(s, now_ns() - s->counter_base_ns);
}

static bool runs(const Tegra2Timer *t)
{
    return t->ptv & PTV_EN;
}

static void start(Tegra2Timer *t, int64_t from_ns)
{
    t->deadline_ns = from_ns + ticks_to_ns(t->owner, (uint64_t)(t->ptv & PTV_COUNT) + 1);
    timer_mod(t->timer, t->deadline_ns);
}

static void expired(void *opaque)
{
    Tegra2Timer *t = opaque;
    Tegra2Timers *s = t->owner;

    if (t->pending && s->expired_twice) {
        s->expired_twice(s->expired_twice_opaque, t - s->timer);
    }
    t->pending = true;
    if (t->ptv & PTV_PER) {
        int64_t period_ns = ticks_to_ns(s, (uint64_t)(t->ptv & PTV_COUNT) + 1);
        int64_t from_ns = t->deadline_ns;

        /* Periods that passed while the host did not run this are lost, as one interrupt line cannot tell them. */
        if (now_ns() - from_ns > period_ns) {
            from_ns += (now_ns() - from_ns) / period_ns * period_ns;
        }
        start(t, from_ns);
    } else {
        t->ptv &= ~PTV_EN;
    }
    qemu_irq_raise(t->irq);
}

static uint32_t remaining(const Tegra2Timer *t)
{
    int64_t left_ns = t->deadline_ns - now_ns();

    if (!runs(t) || left_ns <= 0) {
        return 0;
    }
    return MIN(ns_to_ticks(t->owner, left_ns), t->ptv & PTV_COUNT);
}

/* Finds the timer at an offset, and which of its two registers: 0 or 4. NULL: no timer there. */
static Tegra2Timer *timer_at(Tegra2Timers *s, hwaddr offset, unsigned *reg)
{
    static const unsigned bases[] = { 0x00, 0x08, 0x50, 0x58 };
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(bases); i++) {
        if (offset >= bases[i] && offset < bases[i] + 8) {
            *reg = offset - bases[i];
            return &s->timer[i];
        }
    }
    return NULL;
}

static uint64_t timers_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Timers *s = opaque;
    unsigned reg;
    Tegra2Timer *t = timer_at(s, offset, &reg);

    if (t) {
        return reg == 0 ? t->ptv : remaining(t);
    }
    switch (offset) {
    case CNTR_1US:
        return counter(s);
    case USEC_CFG:
        return s->usec_cfg;
    case CNTR_FREEZE:
        return s->freeze;
    }
    qemu_log_mask(LOG_GUEST_ERROR, "xoom: timers: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void timers_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Timers *s = opaque;
    unsigned reg;
    Tegra2Timer *t = timer_at(s, offset, &reg);

    if (t && reg == 0) {
        t->ptv = value & (PTV_EN | PTV_PER | PTV_COUNT);
        if (runs(t)) {
            start(t, now_ns());
        } else {
            timer_del(t->timer);
        }
        return;
    }
    if (t) {
        if (value & PCR_INTR_CLR) {
            t->pending = false;
            qemu_irq_lower(t->irq);
        }
        return;
    }
    switch (offset) {
    case USEC_CFG:
        s->counter_base = counter(s);
        s->counter_base_ns = now_ns();
        s->usec_cfg = value & 0xffff;
        return;
    case CNTR_FREEZE:
        s->freeze = value;
        return;
    }
    qemu_log_mask(LOG_GUEST_ERROR, "xoom: timers: write at +0x%" HWADDR_PRIx "\n", offset);
}

static const MemoryRegionOps timers_ops = {
    .read = timers_read,
    .write = timers_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void timers_reset(DeviceState *dev)
{
    Tegra2Timers *s = TEGRA2_TIMER(dev);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(s->timer); i++) {
        timer_del(s->timer[i].timer);
        s->timer[i].ptv = 0;
        s->timer[i].pending = false;
        qemu_irq_lower(s->timer[i].irq);
    }
    s->usec_cfg = 0x000c;   /* for 13 MHz */
    s->freeze = 0;
    s->counter_base = 0;
    s->counter_base_ns = now_ns();
}

static void timers_init(Object *obj)
{
    Tegra2Timers *s = TEGRA2_TIMER(obj);
    unsigned i;

    memory_region_init_io(&s->iomem, obj, &timers_ops, s, "tegra2.timers", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    for (i = 0; i < ARRAY_SIZE(s->timer); i++) {
        s->timer[i].owner = s;
        s->timer[i].timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, expired, &s->timer[i]);
        sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->timer[i].irq);
    }
}

static const VMStateDescription timers_vmstate = { .name = TYPE_TEGRA2_TIMER, .unmigratable = 1 };

static void timers_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 timers";
    dc->reset = timers_reset;
    dc->vmsd = &timers_vmstate;
}

static const TypeInfo timers_info = {
    .name = TYPE_TEGRA2_TIMER,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Timers),
    .instance_init = timers_init,
    .class_init = timers_class_init,
};

static void timers_register_types(void)
{
    type_register_static(&timers_info);
}

type_init(timers_register_types)
