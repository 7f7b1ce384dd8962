/*
 * Motorola Xoom (Tegra 2): the machine.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * docs/xoom-machine.md tells what is modelled and what not.
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/cpu/a9mpcore.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "sysemu/reset.h"
#include "sysemu/sysemu.h"
#include "target/arm/cpu.h"
#include "tegra2.h"

#define TYPE_XOOM_MACHINE MACHINE_TYPE_NAME("xoom")
OBJECT_DECLARE_SIMPLE_TYPE(XoomMachine, XOOM_MACHINE)

struct XoomMachine {
    MachineState parent_obj;
    ARMCPU *cpu[TEGRA2_CPUS];
    Tegra2Cpu1 cpu1;
    XoomBoot boot;
    bool lic_gates_gic;
    uint32_t lic_fiq_cpus;
};

/* ---- What is where ---- */

#define NOT_GATED       UINT_MAX
#define PPI_LEGACY_FIQ  28
#define PPI_LEGACY_IRQ  31

/* Blocks without a model. Where the clock is known, an access without it is complained about. */
static const struct {
    const char *name;
    hwaddr base;
    hwaddr size;
    unsigned periph;
} unmodelled[] = {
    { "MSELECT", 0x50042000, 0x1000, NOT_GATED },
    { "MPE", 0x54040000, 0x40000, 60 },
    { "VI", 0x54080000, 0x40000, 20 },
    { "EPP", 0x540c0000, 0x40000, 19 },
    { "ISP", 0x54100000, 0x40000, 23 },
    { "GR2D", 0x54140000, 0x40000, 21 },
    { "GR3D", 0x54180000, 0x40000, 24 },
    { "DC2", 0x54240000, 0x40000, TEGRA2_PERIPH_DISP2 },
    { "HDMI", 0x54280000, 0x40000, 51 },
    { "TVO", 0x542c0000, 0x40000, 49 },
    { "DSI", 0x54300000, 0x40000, 48 },
    { "GART", 0x58000000, 32 * MiB, NOT_GATED },
    { "AHB DMA", 0x60008000, 0x2000, NOT_GATED },
    { "APB DMA", 0x6000a000, 0x2000, 34 },
    { "STATMON", 0x6000c400, 0x400, NOT_GATED },
    { "BSEA", 0x60010000, 0xa000, NOT_GATED },
    { "VDE", 0x6001a000, 0x4000, 61 },
    { "VFIR", 0x70006100, 0x100, NOT_GATED },
    { "AC97", 0x70002000, 0x200, 3 },
    { "SPDIF", 0x70002400, 0x200, 10 },
    { "I2S1", 0x70002800, 0x200, 11 },
    { "I2S2", 0x70002a00, 0x200, 18 },
    { "NAND", 0x70008000, 0x1000, 13 },
    { "GMI", 0x70009000, 0x1000, 42 },
    { "PWM", 0x7000a000, 0x1000, 17 },
    { "I2C1", 0x7000c000, 0x100, 12 },
    { "TWC", 0x7000c100, 0x100, NOT_GATED },
    { "SPI", 0x7000c380, 0x80, 43 },
    { "I2C2", 0x7000c400, 0x100, 54 },
    { "I2C3", 0x7000c500, 0x100, 67 },
    { "OWR", 0x7000c600, 0x100, NOT_GATED },
    { "DVC", 0x7000d000, 0x200, 47 },
    { "SLINK1", 0x7000d400, 0x200, 41 },
    { "SLINK2", 0x7000d600, 0x200, 44 },
    { "SLINK3", 0x7000d800, 0x200, 46 },
    { "SLINK4", 0x7000da00, 0x200, 68 },
    { "KBC", 0x7000e200, 0x100, 36 },
    { "KFUSE", 0x7000fc00, 0x400, NOT_GATED },
    { "CoreSight", 0x70040000, 0x40000, NOT_GATED },
    { "PCIe", 0x80000000, 1 * GiB, 70 },
    { "USB1", 0xc5000000, 0x4000, TEGRA2_PERIPH_USBD },
    { "USB2", 0xc5004000, 0x4000, TEGRA2_PERIPH_USB2 },
    { "USB3", 0xc5008000, 0x4000, TEGRA2_PERIPH_USB3 },
    { "SDMMC1", 0xc8000000, 0x200, 14 },
    { "SDMMC2", 0xc8000200, 0x200, 9 },
    { "SDMMC3", 0xc8000400, 0x200, 69 },
    { "SDMMC4", 0xc8000600, 0x200, 15 },
    { "NOR", 0xd0000000, 256 * MiB, NOT_GATED },
    { "boot ROM", 0xfff00000, 0xc000, NOT_GATED },
};

/* Chip 0x20 revision A04, as Linux knows it. */
static const Tegra2RegisterReset apb_misc_resets[] = {
    { 0x008, 0x00000000, true },
    { 0x804, 0x00042017, true },
};

static const Tegra2RegisterReset proctag_resets[] = {
    { 0x000, 0x55555555, true },
};

/* In the order of -serial: the Xoom's console first, then those of other Tegra 2 boards. */
static const struct {
    const char *name;
    hwaddr base;
    uint32_t size;
    unsigned spi;
    unsigned periph;
} uarts[] = {
    { "UARTB", TEGRA2_UARTB_BASE, 0x40, TEGRA2_SPI_UARTB, TEGRA2_PERIPH_UARTB },
    { "UARTD", TEGRA2_UARTD_BASE, 0x100, TEGRA2_SPI_UARTD, TEGRA2_PERIPH_UARTD },
    { "UARTA", TEGRA2_UARTA_BASE, 0x40, TEGRA2_SPI_UARTA, TEGRA2_PERIPH_UARTA },
    { "UARTC", TEGRA2_UARTC_BASE, 0x100, TEGRA2_SPI_UARTC, TEGRA2_PERIPH_UARTC },
    { "UARTE", TEGRA2_UARTE_BASE, 0x100, TEGRA2_SPI_UARTE, TEGRA2_PERIPH_UARTE },
};

/* ---- Building it ---- */

static void create_cpus(XoomMachine *m)
{
    unsigned i;

    for (i = 0; i < TEGRA2_CPUS; i++) {
        Object *obj = object_new(ARM_CPU_TYPE_NAME("cortex-a9"));
        ARMCPU *cpu = ARM_CPU(obj);

        tegra2_describe_cpu(cpu);
        object_property_set_bool(obj, "neon", false, &error_fatal);
        object_property_set_int(obj, "reset-cbar", TEGRA2_MPCORE_BASE, &error_fatal);
        object_property_set_bool(obj, "start-powered-off", i > 0, &error_fatal);
        qdev_realize(DEVICE(obj), NULL, &error_fatal);
        m->cpu[i] = cpu;
    }
    tegra2_cpu1_init(&m->cpu1, m->cpu[1]);
}

static A9MPPrivState *create_mpcore(XoomMachine *m)
{
    DeviceState *dev = qdev_new(TYPE_A9MPCORE_PRIV);
    unsigned i;

    qdev_prop_set_uint32(dev, "num-cpu", TEGRA2_CPUS);
    qdev_prop_set_uint32(dev, "num-irq", TEGRA2_SPIS + GIC_INTERNAL);
    /* Tests look at its inputs by this name. */
    object_property_add_child(OBJECT(m), "mpcore", OBJECT(dev));
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, TEGRA2_MPCORE_BASE);
    for (i = 0; i < TEGRA2_CPUS; i++) {
        DeviceState *cpu = DEVICE(m->cpu[i]);

        sysbus_connect_irq(SYS_BUS_DEVICE(dev), i, qdev_get_gpio_in(cpu, ARM_CPU_IRQ));
        sysbus_connect_irq(SYS_BUS_DEVICE(dev), TEGRA2_CPUS + i, qdev_get_gpio_in(cpu, ARM_CPU_FIQ));
    }
    return A9MPCORE_PRIV(dev);
}

/* Its pins go both to the GIC's bypass and, for when the GIC takes them over, to its PPIs. */
static DeviceState *create_lic(XoomMachine *m, A9MPPrivState *mpcore)
{
    DeviceState *dev = qdev_new(TYPE_TEGRA2_LIC);
    DeviceState *gic = DEVICE(&mpcore->gic);
    unsigned i;

    qdev_prop_set_bit(dev, "gates-gic", m->lic_gates_gic);
    qdev_prop_set_uint8(dev, "fiq-cpus", m->lic_fiq_cpus);
    TEGRA2_LIC(dev)->observed_gic = &mpcore->gic;
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, TEGRA2_LIC_BASE);
    for (i = 0; i < TEGRA2_SPIS; i++) {
        qdev_connect_gpio_out_named(dev, "gic", i, qdev_get_gpio_in(DEVICE(mpcore), i));
    }
    for (i = 0; i < TEGRA2_CPUS; i++) {
        unsigned ppis = TEGRA2_SPIS + GIC_INTERNAL * i;

        qdev_connect_gpio_out_named(dev, "fiq", i, qdev_get_gpio_in_named(gic, "legacy-fiq", i));
        qdev_connect_gpio_out_named(dev, "irq", i, qdev_get_gpio_in_named(gic, "legacy-irq", i));
        qdev_connect_gpio_out_named(dev, "fiq-ppi", i, qdev_get_gpio_in(gic, ppis + PPI_LEGACY_FIQ));
        qdev_connect_gpio_out_named(dev, "irq-ppi", i, qdev_get_gpio_in(gic, ppis + PPI_LEGACY_IRQ));
    }
    return dev;
}

static DeviceState *create_at(DeviceState *dev, hwaddr base)
{
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, base);
    return dev;
}

static void xoom_init(MachineState *machine)
{
    XoomMachine *m = XOOM_MACHINE(machine);
    MemoryRegion *sysmem = get_system_memory();
    MemoryRegion *iram = g_new(MemoryRegion, 1);
    A9MPPrivState *mpcore;
    DeviceState *lic, *dev, *gpio, *rtc, *host1x;
    Tegra2Car *car;
    Tegra2Timers *timers;
    static const unsigned timer_spis[] = { TEGRA2_SPI_TMR1, TEGRA2_SPI_TMR2, TEGRA2_SPI_TMR3, TEGRA2_SPI_TMR4 };
    unsigned i;

    if (machine->ram_size > TEGRA2_RAM_MAX || machine->ram_size < 128 * MiB) {
        error_report("-m: a Tegra 2 has at most 1 GiB, and the bootloader needs 128 MiB");
        exit(1);
    }
    if (m->lic_fiq_cpus < 1 || m->lic_fiq_cpus > 3) {
        error_report("lic-fiq-cpus: a bit for each of two cores: 1, 2 or 3");
        exit(1);
    }

    tegra2_create_void(sysmem);
    memory_region_add_subregion(sysmem, TEGRA2_RAM_BASE, machine->ram);
    memory_region_init_ram(iram, NULL, "tegra2.iram", TEGRA2_IRAM_SIZE, &error_fatal);
    memory_region_add_subregion(sysmem, TEGRA2_IRAM_BASE, iram);

    create_cpus(m);
    mpcore = create_mpcore(m);
    lic = create_lic(m, mpcore);
    create_at(qdev_new(TYPE_TEGRA2_PL310), TEGRA2_PL310_BASE);

    dev = qdev_new(TYPE_TEGRA2_EVP);
    TEGRA2_EVP(dev)->cpu1 = &m->cpu1;
    create_at(dev, TEGRA2_EVP_BASE);
    dev = qdev_new(TYPE_TEGRA2_FLOW);
    TEGRA2_FLOW(dev)->cpu1 = &m->cpu1;
    create_at(dev, TEGRA2_FLOW_BASE);
    dev = qdev_new(TYPE_TEGRA2_CAR);
    car = TEGRA2_CAR(dev);
    car->cpu1 = &m->cpu1;
    create_at(dev, TEGRA2_CAR_BASE);

    timers = TEGRA2_TIMER(create_at(qdev_new(TYPE_TEGRA2_TIMER), TEGRA2_TIMER_BASE));
    timers->expired_twice = tegra2_car_watchdog;
    timers->expired_twice_opaque = car;
    for (i = 0; i < ARRAY_SIZE(timer_spis); i++) {
        sysbus_connect_irq(SYS_BUS_DEVICE(timers), i, qdev_get_gpio_in(lic, timer_spis[i]));
    }
    tegra2_car_add_gate(car, sysmem, "timers", TEGRA2_TIMER_BASE, 0x400, TEGRA2_PERIPH_TMR, DEVICE(timers));

    create_at(qdev_new(TYPE_TEGRA2_PMC), TEGRA2_PMC_BASE);
    gpio = create_at(qdev_new(TYPE_TEGRA2_GPIO), TEGRA2_GPIO_BASE);
    tegra2_car_add_gate(car, sysmem, "GPIO", TEGRA2_GPIO_BASE, memory_region_size(&TEGRA2_GPIO(gpio)->iomem),
                        TEGRA2_PERIPH_GPIO, gpio);
    rtc = create_at(qdev_new(TYPE_TEGRA2_RTC), TEGRA2_RTC_BASE);
    sysbus_connect_irq(SYS_BUS_DEVICE(rtc), 0, qdev_get_gpio_in(lic, TEGRA2_SPI_RTC));
    tegra2_car_add_gate(car, sysmem, "RTC", TEGRA2_RTC_BASE, 0x100, TEGRA2_PERIPH_RTC, NULL);

    for (i = 0; i < ARRAY_SIZE(uarts); i++) {
        dev = qdev_new(TYPE_TEGRA2_UART);
        qdev_prop_set_uint32(dev, "size", uarts[i].size);
        qdev_prop_set_chr(dev, "chardev", serial_hd(i));
        create_at(dev, uarts[i].base);
        sysbus_connect_irq(SYS_BUS_DEVICE(dev), 0, qdev_get_gpio_in(lic, uarts[i].spi));
        tegra2_car_add_gate(car, sysmem, uarts[i].name, uarts[i].base, uarts[i].size, uarts[i].periph, dev);
    }

    host1x = create_at(qdev_new(TYPE_TEGRA2_HOST1X), TEGRA2_HOST1X_BASE);
    sysbus_connect_irq(SYS_BUS_DEVICE(host1x), 0, qdev_get_gpio_in(lic, TEGRA2_SPI_HOST1X_SYNC));
    tegra2_car_add_gate(car, sysmem, "host1x", TEGRA2_HOST1X_BASE, 0x24000, TEGRA2_PERIPH_HOST1X, host1x);

    dev = qdev_new(TYPE_TEGRA2_DC);
    TEGRA2_DC(dev)->host1x = TEGRA2_HOST1X(host1x);
    TEGRA2_DC(dev)->ram_root = sysmem;
    create_at(dev, TEGRA2_DC1_BASE);
    sysbus_connect_irq(SYS_BUS_DEVICE(dev), 0, qdev_get_gpio_in(lic, TEGRA2_SPI_DC1));
    tegra2_car_add_gate(car, sysmem, "DC1", TEGRA2_DC1_BASE, 0x40000, TEGRA2_PERIPH_DISP1, dev);

    tegra2_create_registers(sysmem, "processor tag", TEGRA2_PROCTAG_BASE, 0x1000, true, proctag_resets,
                            ARRAY_SIZE(proctag_resets));
    tegra2_create_registers(sysmem, "semaphores", TEGRA2_SEMA_BASE, 0x2000, false, NULL, 0);
    tegra2_create_registers(sysmem, "AHB arbiter", TEGRA2_AHB_GIZMO_BASE, 0x200, false, NULL, 0);
    tegra2_create_registers(sysmem, "secure boot", TEGRA2_SECURE_BOOT_BASE, 0x100, false, NULL, 0);
    tegra2_create_registers(sysmem, "APB misc", TEGRA2_APB_MISC_BASE, 0x1000, false, apb_misc_resets,
                            ARRAY_SIZE(apb_misc_resets));
    tegra2_create_registers(sysmem, "MC", TEGRA2_MC_BASE, 0x400, false, NULL, 0);
    tegra2_create_registers(sysmem, "EMC", TEGRA2_EMC_BASE, 0x400, false, NULL, 0);
    tegra2_create_registers(sysmem, "fuses", TEGRA2_FUSE_BASE, 0x400, false, NULL, 0);
    for (i = 0; i < ARRAY_SIZE(unmodelled); i++) {
        tegra2_create_unmodelled(sysmem, unmodelled[i].name, unmodelled[i].base, unmodelled[i].size);
        if (unmodelled[i].periph != NOT_GATED) {
            tegra2_car_add_gate(car, sysmem, unmodelled[i].name, unmodelled[i].base, unmodelled[i].size,
                                unmodelled[i].periph, NULL);
        }
    }

    xoom_boot_load(&m->boot, machine, m->cpu);
}

static void xoom_reset(MachineState *machine, ShutdownCause reason)
{
    XoomMachine *m = XOOM_MACHINE(machine);
    unsigned i;

    qemu_devices_reset(reason);
    if (m->boot.is_android) {
        /* Otherwise QEMU's loader does that. */
        for (i = 0; i < TEGRA2_CPUS; i++) {
            cpu_reset(CPU(m->cpu[i]));
        }
    }
    xoom_boot_hand_over(&m->boot, m->cpu[0]);
}

/* ---- Options ---- */

#define BOOL_OPTION(field, member) \
    static bool get_##field(Object *obj, Error **errp) \
    { \
        return XOOM_MACHINE(obj)->member; \
    } \
    static void set_##field(Object *obj, bool value, Error **errp) \
    { \
        XOOM_MACHINE(obj)->member = value; \
    }

BOOL_OPTION(display, boot.display)
BOOL_OPTION(l2, boot.l2)
BOOL_OPTION(icache, boot.icache)
BOOL_OPTION(timers, boot.timers)
BOOL_OPTION(uart_irq, boot.uart_irq)
BOOL_OPTION(gic, boot.gic)
BOOL_OPTION(mmu, boot.mmu)
BOOL_OPTION(nonsecure, boot.nonsecure)
BOOL_OPTION(hostile, boot.hostile)
BOOL_OPTION(lic_gates_gic, lic_gates_gic)

static char *get_mode(Object *obj, Error **errp)
{
    return g_strdup(XOOM_MACHINE(obj)->boot.cpsr_mode == ARM_CPU_MODE_SYS ? "sys" : "svc");
}

static void set_mode(Object *obj, const char *value, Error **errp)
{
    if (!strcmp(value, "sys")) {
        XOOM_MACHINE(obj)->boot.cpsr_mode = ARM_CPU_MODE_SYS;
    } else if (!strcmp(value, "svc")) {
        XOOM_MACHINE(obj)->boot.cpsr_mode = ARM_CPU_MODE_SVC;
    } else {
        error_setg(errp, "entry-mode: sys or svc");
    }
}

static char *get_atag_mem(Object *obj, Error **errp)
{
    return g_strdup(XOOM_MACHINE(obj)->boot.atag_mem);
}

static void set_atag_mem(Object *obj, const char *value, Error **errp)
{
    if (strcmp(value, "full") && strcmp(value, "split") && strcmp(value, "none")) {
        error_setg(errp, "atag-mem: full, split or none");
        return;
    }
    g_free(XOOM_MACHINE(obj)->boot.atag_mem);
    XOOM_MACHINE(obj)->boot.atag_mem = g_strdup(value);
}

static void xoom_instance_init(Object *obj)
{
    XoomMachine *m = XOOM_MACHINE(obj);

    m->boot.entry = 0x00a00800;
    m->boot.r1 = 0xdeadbeef;
    m->boot.cpsr_mode = ARM_CPU_MODE_SYS;
    m->boot.display = true;
    m->boot.atag_mem = g_strdup("full");
    m->lic_fiq_cpus = 3;

    object_property_add_uint32_ptr(obj, "entry", &m->boot.entry, OBJ_PROP_FLAG_READWRITE);
    object_property_set_description(obj, "entry", "Address of an Android image's kernel in RAM (default 0x00A00800)");
    object_property_add_uint32_ptr(obj, "r1", &m->boot.r1, OBJ_PROP_FLAG_READWRITE);
    object_property_set_description(obj, "r1", "What r1 holds at the entry (default 0xDEADBEEF)");
    object_property_add_uint32_ptr(obj, "ram-pattern", &m->boot.ram_pattern, OBJ_PROP_FLAG_READWRITE);
    object_property_set_description(obj, "ram-pattern", "Fills RAM with a pattern made of this; 0: RAM is zero (default)");
    object_property_add_uint32_ptr(obj, "lic-fiq-cpus", &m->lic_fiq_cpus, OBJ_PROP_FLAG_READWRITE);
    object_property_set_description(obj, "lic-fiq-cpus",
                                    "Cores that get the legacy controller's FIQ, a bit for each (default 3)");
    object_property_add_bool(obj, "lic-gates-gic", get_lic_gates_gic, set_lic_gates_gic);
    object_property_set_description(obj, "lic-gates-gic",
                                    "The GIC only sees what is enabled in the legacy controller (default off)");
    object_property_add_bool(obj, "display", get_display, set_display);
    object_property_set_description(obj, "display", "The bootloader left the display on (default on)");
    object_property_add_str(obj, "entry-mode", get_mode, set_mode);
    object_property_set_description(obj, "entry-mode", "CPU mode at an Android image's entry: sys (default) or svc");
    object_property_add_str(obj, "atag-mem", get_atag_mem, set_atag_mem);
    object_property_set_description(obj, "atag-mem", "Memory in the ATAGs: full (default), split or none");
    object_property_add_bool(obj, "left-l2", get_l2, set_l2);
    object_property_set_description(obj, "left-l2", "The bootloader left the L2 cache on");
    object_property_add_bool(obj, "left-icache", get_icache, set_icache);
    object_property_set_description(obj, "left-icache", "... instruction cache, branch prediction, and CP15 garbage");
    object_property_add_bool(obj, "left-timer", get_timers, set_timers);
    object_property_set_description(obj, "left-timer", "... TMR3 running, its interrupt enabled");
    object_property_add_bool(obj, "left-uart", get_uart_irq, set_uart_irq);
    object_property_set_description(obj, "left-uart", "... the UART's interrupts enabled");
    object_property_add_bool(obj, "left-gic", get_gic, set_gic);
    object_property_set_description(obj, "left-gic", "... the GIC on, with interrupts enabled and pending");
    object_property_add_bool(obj, "left-mmu", get_mmu, set_mmu);
    object_property_set_description(obj, "left-mmu",
                                    "... MMU and data cache on, one to one, against the boot protocol");
    object_property_add_bool(obj, "nonsecure", get_nonsecure, set_nonsecure);
    object_property_set_description(obj, "nonsecure",
                                    "Enters in Non-secure state, with all interrupts left to it (default off)");
    object_property_add_bool(obj, "hostile", get_hostile, set_hostile);
    object_property_set_description(obj, "hostile", "All of the left-* options but left-mmu, and a RAM pattern");
}

static void xoom_class_init(ObjectClass *klass, void *data)
{
    MachineClass *mc = MACHINE_CLASS(klass);

    mc->desc = "Motorola Xoom (Tegra 2, two Cortex-A9)";
    mc->init = xoom_init;
    mc->reset = xoom_reset;
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-a9");
    mc->min_cpus = TEGRA2_CPUS;
    mc->max_cpus = TEGRA2_CPUS;
    mc->default_cpus = TEGRA2_CPUS;
    mc->default_ram_size = TEGRA2_RAM_MAX;
    mc->default_ram_id = "xoom.ram";
    mc->no_cdrom = true;
    mc->no_floppy = true;
    mc->no_parallel = true;
}

static const TypeInfo xoom_info = {
    .name = TYPE_XOOM_MACHINE,
    .parent = TYPE_MACHINE,
    .instance_size = sizeof(XoomMachine),
    .instance_init = xoom_instance_init,
    .class_init = xoom_class_init,
};

static void xoom_register_types(void)
{
    type_register_static(&xoom_info);
}

type_init(xoom_register_types)
