/*
 * The Tegra 2's Cortex-A9 for QEMU's machine `virt`, which needs a generic timer: with that, and with long descriptors.
 *
 * No such CPU was ever made. It is what a hypervisor for the Cortex-A9 may offer to guests that are made for `virt`; they then
 * run with the same CPU and devices natively, to be compared.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "internals.h"
#include "hw/qdev-properties.h"
#include "tegra2.h"

void tegra2_describe_cpu(ARMCPU *cpu)
{
    /* r1p0, L1 caches of 32 KiB. VFPv3-D16: QEMU 7.2 has no property for the number of registers. */
    cpu->midr = 0x411fc090;
    cpu->isar.mvfr0 = 0x10110221;
    cpu->ccsidr[0] = 0x701fe019;
    cpu->ccsidr[1] = 0x201fe019;
}

static void virt_cpu_init(Object *obj)
{
    ARMCPU *cpu = ARM_CPU(obj);

    tegra2_describe_cpu(cpu);
    object_property_set_bool(obj, "neon", false, &error_fatal);
    set_feature(&cpu->env, ARM_FEATURE_GENERIC_TIMER);
    cpu->isar.id_pfr1 |= 0x00010000;
    /* The chip has performance monitors; QEMU gives them to newer CPUs only. */
    set_feature(&cpu->env, ARM_FEATURE_PMU);
    cpu->has_pmu = true;
    cpu->isar.id_dfr0 |= 0x01000000;
    /* Works if it is used, and is not in the ID registers: they would promise more than the format of page tables. */
    set_feature(&cpu->env, ARM_FEATURE_LPAE);
}

/* QEMU adds the property of this name to CPUs that have the timer from the beginning. */
static Property virt_cpu_properties[] = {
    DEFINE_PROP_UINT64("cntfrq", ARMCPU, gt_cntfrq_hz, NANOSECONDS_PER_SECOND / GTIMER_SCALE),
    DEFINE_PROP_END_OF_LIST(),
};

static void virt_cpu_class_init(ObjectClass *class, void *data)
{
    device_class_set_props(DEVICE_CLASS(class), virt_cpu_properties);
}

static const TypeInfo virt_cpu_info = {
    .name = ARM_CPU_TYPE_NAME("tegra2-virt"),
    .parent = ARM_CPU_TYPE_NAME("cortex-a9"),
    .instance_init = virt_cpu_init,
    .class_init = virt_cpu_class_init,
};

static void register_types(void)
{
    type_register_static(&virt_cpu_info);
}

type_init(register_types)
