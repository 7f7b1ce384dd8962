/*
 * Tegra 2: real-time clock, with its first alarm.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "sysemu/rtc.h"
#include "sysemu/sysemu.h"
#include "tegra2.h"

enum {
    BUSY = 0x04,
    SECONDS = 0x08,
    SHADOW_SECONDS = 0x0c,
    MILLISECONDS = 0x10,
    SECONDS_ALARM0 = 0x14,
    INTR_MASK = 0x28,
    INTR_STATUS = 0x2c,
    BLOCK_SIZE = 0x100,
};

#define INTR_SEC_ALARM0     (1u << 0)

static uint32_t seconds(const Tegra2Rtc *s)
{
    return qemu_clock_get_ns(rtc_clock) / NANOSECONDS_PER_SECOND + s->offset_s;
}

static uint32_t milliseconds(void)
{
    return qemu_clock_get_ns(rtc_clock) / SCALE_MS % 1000;
}

static void update_irq(Tegra2Rtc *s)
{
    qemu_set_irq(s->irq, s->status & s->mask);
}

static void arm_alarm(Tegra2Rtc *s)
{
    if (s->alarm0_s > seconds(s)) {
        timer_mod(s->timer, ((int64_t)s->alarm0_s - s->offset_s) * NANOSECONDS_PER_SECOND);
    } else {
        timer_del(s->timer);
    }
}

static void alarm0(void *opaque)
{
    Tegra2Rtc *s = opaque;

    s->status |= INTR_SEC_ALARM0;
    update_irq(s);
}

static uint64_t rtc_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Rtc *s = opaque;

    switch (offset) {
    case BUSY:
        return 0;
    case SECONDS:
        return seconds(s);
    case SHADOW_SECONDS:
        return s->shadow_s;
    case MILLISECONDS:
        /* Reading these fixes the seconds that belong to them. */
        s->shadow_s = seconds(s);
        return milliseconds();
    case SECONDS_ALARM0:
        return s->alarm0_s;
    case INTR_MASK:
        return s->mask;
    case INTR_STATUS:
        return s->status;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: RTC: read at +0x%" HWADDR_PRIx "\n", offset);
    return 0;
}

static void rtc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Rtc *s = opaque;

    switch (offset) {
    case SECONDS:
        s->offset_s += (int64_t)(uint32_t)value - seconds(s);
        arm_alarm(s);
        break;
    case SECONDS_ALARM0:
        s->alarm0_s = value;
        arm_alarm(s);
        break;
    case INTR_MASK:
        s->mask = value;
        update_irq(s);
        break;
    case INTR_STATUS:
        s->status &= ~value;
        update_irq(s);
        break;
    default:
        qemu_log_mask(LOG_UNIMP, "xoom: RTC: write at +0x%" HWADDR_PRIx "\n", offset);
        break;
    }
}

static const MemoryRegionOps rtc_ops = {
    .read = rtc_read,
    .write = rtc_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

static void rtc_reset(DeviceState *dev)
{
    Tegra2Rtc *s = TEGRA2_RTC(dev);

    /* The time goes on over a reset. */
    s->mask = 0;
    s->status = 0;
    s->alarm0_s = 0;
    timer_del(s->timer);
    update_irq(s);
}

static void rtc_init(Object *obj)
{
    Tegra2Rtc *s = TEGRA2_RTC(obj);
    struct tm tm;

    memory_region_init_io(&s->iomem, obj, &rtc_ops, s, "tegra2.rtc", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    s->timer = timer_new_ns(rtc_clock, alarm0, s);
    qemu_get_timedate(&tm, 0);
    s->offset_s = mktimegm(&tm) - qemu_clock_get_ns(rtc_clock) / NANOSECONDS_PER_SECOND;
}

static const VMStateDescription rtc_vmstate = { .name = TYPE_TEGRA2_RTC, .unmigratable = 1 };

static void rtc_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 real-time clock";
    dc->reset = rtc_reset;
    dc->vmsd = &rtc_vmstate;
}

static const TypeInfo rtc_info = {
    .name = TYPE_TEGRA2_RTC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Rtc),
    .instance_init = rtc_init,
    .class_init = rtc_class_init,
};

static void rtc_register_types(void)
{
    type_register_static(&rtc_info);
}

type_init(rtc_register_types)
