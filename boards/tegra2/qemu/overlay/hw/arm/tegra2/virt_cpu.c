/*
 * The Tegra 2's Cortex-A9 for QEMU's machine `virt`, which needs a generic timer: with that, and with long descriptors.
 *
 * No such CPU was ever made. It is what a hypervisor for the Cortex-A9 may offer to guests that are made for `virt`; they then
 * run with the same CPU and devices natively, to be compared.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "cpu.h"
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
    /* Without the feature there is no property "neon" either, and realizing the CPU takes NEON out of the rest. */
    unset_feature(&cpu->env, ARM_FEATURE_NEON);
    set_feature(&cpu->env, ARM_FEATURE_GENERIC_TIMER);
    cpu->isar.id_pfr1 |= 0x00010000;
    set_feature(&cpu->env, ARM_FEATURE_LPAE);
    cpu->isar.id_mmfr0 = (cpu->isar.id_mmfr0 & ~0xf) | 5;
    cpu->isar.id_mmfr3 |= 0x02000000;
}

static const TypeInfo virt_cpu_info = {
    .name = ARM_CPU_TYPE_NAME("tegra2-virt"),
    .parent = ARM_CPU_TYPE_NAME("cortex-a9"),
    .instance_init = virt_cpu_init,
};

static void register_types(void)
{
    type_register_static(&virt_cpu_info);
}

type_init(register_types)
