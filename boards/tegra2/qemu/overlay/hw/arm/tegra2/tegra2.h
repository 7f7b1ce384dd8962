/*
 * NVIDIA Tegra 2 (Tegra20, T20): what its device models share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The facts are those of boards/tegra2/qemu/README.md: register layouts as the drivers of Linux and U-Boot use them,
 * and observations on real devices. The models are written for this machine.
 */
#ifndef HW_ARM_TEGRA2_H
#define HW_ARM_TEGRA2_H

#include "exec/memory.h"
#include "hw/arm/boot.h"
#include "hw/char/serial.h"
#include "hw/intc/arm_gic_common.h"
#include "hw/sysbus.h"
#include "qemu/timer.h"
#include "qom/object.h"
#include "target/arm/cpu.h"

#define TEGRA2_CPUS             2

/* ---- Physical addresses ---- */

#define TEGRA2_RAM_BASE         0x00000000
#define TEGRA2_RAM_MAX          0x40000000
#define TEGRA2_IRAM_BASE        0x40000000
#define TEGRA2_IRAM_SIZE        0x00040000
#define TEGRA2_HOST1X_BASE      0x50000000
#define TEGRA2_MPCORE_BASE      0x50040000
#define TEGRA2_PL310_BASE       0x50043000
#define TEGRA2_DC1_BASE         0x54200000
#define TEGRA2_SEMA_BASE        0x60001000
#define TEGRA2_PROCTAG_BASE     0x60000000
#define TEGRA2_LIC_BASE         0x60004000
#define TEGRA2_TIMER_BASE       0x60005000
#define TEGRA2_CAR_BASE         0x60006000
#define TEGRA2_FLOW_BASE        0x60007000
#define TEGRA2_AHB_GIZMO_BASE   0x6000C000
#define TEGRA2_SECURE_BOOT_BASE 0x6000C200
#define TEGRA2_GPIO_BASE        0x6000D000
#define TEGRA2_EVP_BASE         0x6000F000
#define TEGRA2_APB_MISC_BASE    0x70000000
#define TEGRA2_UARTA_BASE       0x70006000
#define TEGRA2_UARTB_BASE       0x70006040
#define TEGRA2_UARTC_BASE       0x70006200
#define TEGRA2_UARTD_BASE       0x70006300
#define TEGRA2_UARTE_BASE       0x70006400
#define TEGRA2_RTC_BASE         0x7000E000
#define TEGRA2_PMC_BASE         0x7000E400
#define TEGRA2_MC_BASE          0x7000F000
#define TEGRA2_EMC_BASE         0x7000F400
#define TEGRA2_FUSE_BASE        0x7000F800

/* ---- Interrupts: number of the GIC's SPI, and bit of the legacy controller's bank number / 32 ---- */

#define TEGRA2_SPIS             128
#define TEGRA2_SPI_TMR1         0
#define TEGRA2_SPI_TMR2         1
#define TEGRA2_SPI_RTC          2
#define TEGRA2_SPI_UARTA        36
#define TEGRA2_SPI_UARTB        37
#define TEGRA2_SPI_TMR3         41
#define TEGRA2_SPI_TMR4         42
#define TEGRA2_SPI_UARTC        46
#define TEGRA2_SPI_HOST1X_SYNC  65
#define TEGRA2_SPI_DC1          73
#define TEGRA2_SPI_UARTD        90
#define TEGRA2_SPI_UARTE        91

/* ---- Peripheral numbers: bit number % 32 of the clock and reset registers L (0), H (1), U (2) ---- */

#define TEGRA2_PERIPH_RTC       4
#define TEGRA2_PERIPH_TMR       5
#define TEGRA2_PERIPH_UARTA     6
#define TEGRA2_PERIPH_UARTB     7
#define TEGRA2_PERIPH_GPIO      8
#define TEGRA2_PERIPH_USBD      22
#define TEGRA2_PERIPH_DISP2     26
#define TEGRA2_PERIPH_DISP1     27
#define TEGRA2_PERIPH_HOST1X    28
#define TEGRA2_PERIPH_FUSE      39
#define TEGRA2_PERIPH_UARTC     55
#define TEGRA2_PERIPH_USB2      58
#define TEGRA2_PERIPH_USB3      59
#define TEGRA2_PERIPH_UARTD     65
#define TEGRA2_PERIPH_UARTE     66

/* ---- complain.c: accesses that a real Tegra 2 answers with an abort, or hangs at ---- */

/*
 * Prints a warning with the PC of the CPU that is at work, whatever -d says. Such an access is always a mistake of the
 * software (or a gap of the machine), so it is never silent; after 50 of them only the 64th, 128th and so on are printed.
 */
void tegra2_complain(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* A window without anything behind it, below everything else: complains, and answers with a decode error. */
void tegra2_create_void(MemoryRegion *parent);

/* A block that exists but has no model: reads 0, ignores writes, and says so with -d unimp. */
void tegra2_create_unmodelled(MemoryRegion *parent, const char *name, hwaddr base, hwaddr size);

/* ---- cpu1.c: what holds the second core, as clock and reset, flow controller and exception vectors see it ---- */

typedef struct Tegra2Cpu1 {
    ARMCPU *cpu;
    bool in_reset;
    bool clock_stopped;
    bool halted;
    /* Was in reset since it last ran, so it starts at the vector. */
    bool was_reset;
    uint32_t vector;
} Tegra2Cpu1;

void tegra2_cpu1_init(Tegra2Cpu1 *c, ARMCPU *cpu);

/* Makes a new Cortex-A9 that of the Tegra 2, but for NEON, which is a property. */
void tegra2_describe_cpu(ARMCPU *cpu);
/* Call after any change of the fields above. */
void tegra2_cpu1_update(Tegra2Cpu1 *c);

/* ---- The devices; each is a sysbus device with one region ---- */

#define TYPE_TEGRA2_LIC "tegra2-lic"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Lic, TEGRA2_LIC)

typedef struct Tegra2LicBank {
    uint32_t line;          /* levels of the devices' lines */
    uint32_t forced;        /* FIR */
    uint32_t cpu_enable;
    uint32_t cpu_class;     /* 1: FIQ */
    uint32_t cop_enable;
    uint32_t cop_class;
} Tegra2LicBank;

struct Tegra2Lic {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    Tegra2LicBank bank[TEGRA2_SPIS / 32];
    qemu_irq gic[TEGRA2_SPIS];
    qemu_irq fiq[TEGRA2_CPUS];
    qemu_irq irq[TEGRA2_CPUS];
    qemu_irq fiq_ppi[TEGRA2_CPUS];
    qemu_irq irq_ppi[TEGRA2_CPUS];
    GICState *observed_gic; /* only for the check of a source enabled in one controller */
    uint32_t complained[TEGRA2_SPIS / 32];
    /* Properties: hardware facts that are not settled. */
    bool gates_gic;
    uint8_t fiq_cpus;
};

#define TYPE_TEGRA2_TIMER "tegra2-timer"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Timers, TEGRA2_TIMER)

typedef struct Tegra2Timer {
    Tegra2Timers *owner;
    QEMUTimer *timer;
    qemu_irq irq;
    uint32_t ptv;
    int64_t deadline_ns;    /* while running */
    bool pending;
} Tegra2Timer;

struct Tegra2Timers {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    Tegra2Timer timer[4];
    uint32_t usec_cfg;
    uint32_t freeze;
    int64_t counter_base_ns;
    uint32_t counter_base;
    void (*expired_twice)(void *opaque, unsigned timer);
    void *expired_twice_opaque;
};

#define TYPE_TEGRA2_CAR "tegra2-car"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Car, TEGRA2_CAR)

typedef struct Tegra2Gate {
    MemoryRegion iomem;
    char *name;
    unsigned periph;
    DeviceState *dev;
    bool was_in_reset;
    Tegra2Car *car;
} Tegra2Gate;

struct Tegra2Car {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t regs[0x400 / 4];
    uint32_t reset_reason;
    Tegra2Cpu1 *cpu1;
    GPtrArray *gates;       /* of Tegra2Gate */
};

/*
 * While the peripheral is in reset or its clock is off, accesses to that window are complained about and do nothing.
 * When its reset begins, so is `dev` reset, which may be NULL.
 */
void tegra2_car_add_gate(Tegra2Car *s, MemoryRegion *parent, const char *name, hwaddr base, hwaddr size,
                         unsigned periph, DeviceState *dev);
/* The watchdog: TMR1 (0) or TMR2 (1) expired while its previous interrupt was still pending. */
void tegra2_car_watchdog(void *opaque, unsigned timer);

#define TYPE_TEGRA2_FLOW "tegra2-flow"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Flow, TEGRA2_FLOW)

struct Tegra2Flow {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t regs[7];
    Tegra2Cpu1 *cpu1;
};

#define TYPE_TEGRA2_EVP "tegra2-evp"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Evp, TEGRA2_EVP)

struct Tegra2Evp {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t cpu[8];
    uint32_t cop[8];
    Tegra2Cpu1 *cpu1;
};

#define TYPE_TEGRA2_PMC "tegra2-pmc"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Pmc, TEGRA2_PMC)

struct Tegra2Pmc {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t regs[0x100 / 4];
    uint32_t scratch[0x100 / 4];
};

#define TYPE_TEGRA2_REGS "tegra2-registers"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Registers, TEGRA2_REGS)

typedef struct Tegra2RegisterReset {
    uint32_t offset;
    uint32_t value;
    bool read_only;
} Tegra2RegisterReset;

/* A block that only stores what is written to it. */
struct Tegra2Registers {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    char *name;
    uint32_t size;
    uint32_t *regs;
    const Tegra2RegisterReset *resets;
    unsigned resets_len;
    bool read_only;
};

void tegra2_create_registers(MemoryRegion *parent, const char *name, hwaddr base, uint32_t size, bool read_only,
                             const Tegra2RegisterReset *resets, unsigned resets_len);

#define TYPE_TEGRA2_GPIO "tegra2-gpio"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Gpio, TEGRA2_GPIO)

#define TEGRA2_GPIO_BANKS 7

struct Tegra2Gpio {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t regs[TEGRA2_GPIO_BANKS][0x80 / 4];
};

#define TYPE_TEGRA2_RTC "tegra2-rtc"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Rtc, TEGRA2_RTC)

struct Tegra2Rtc {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    qemu_irq irq;
    QEMUTimer *timer;
    int64_t offset_s;       /* of the counter to the host's time */
    uint32_t shadow_s;
    uint32_t alarm0_s;
    uint32_t mask;
    uint32_t status;
};

#define TYPE_TEGRA2_UART "tegra2-uart"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Uart, TEGRA2_UART)

struct Tegra2Uart {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    SerialState serial;
    uint32_t size;
    uint8_t ier_extra;
    uint8_t irda_csr;
};

#define TYPE_TEGRA2_PL310 "tegra2-pl310"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Pl310, TEGRA2_PL310)

struct Tegra2Pl310 {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    uint32_t ctrl, aux, tag, data, int_mask, filter_start, filter_end, debug, prefetch;
    uint32_t lockdown[16];
};

#define TYPE_TEGRA2_HOST1X "tegra2-host1x"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Host1x, TEGRA2_HOST1X)

#define TEGRA2_SYNCPTS 32

struct Tegra2Host1x {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    qemu_irq irq;
    uint32_t regs[0x24000 / 4];
    uint32_t enabled;       /* threshold interrupts, a bit for each synchronization point */
};

void tegra2_host1x_increment(Tegra2Host1x *s, unsigned syncpt);

#define TYPE_TEGRA2_DC "tegra2-dc"
OBJECT_DECLARE_SIMPLE_TYPE(Tegra2Dc, TEGRA2_DC)

#define TEGRA2_DC_WINDOWS 3

/* The registers that are double-buffered, by index: display 0x400..0x4ff, and for each window 0x500..0x8ff. */
typedef struct Tegra2DcCopy {
    uint32_t disp[0x100];
    uint32_t win[TEGRA2_DC_WINDOWS][0x400];
} Tegra2DcCopy;

struct Tegra2Dc {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    MemoryRegion *ram_root;
    Tegra2Host1x *host1x;
    MemoryRegionSection fb;
    QemuConsole *con;
    QEMUTimer *vblank;
    qemu_irq irq;
    uint32_t cmd[0x80];
    uint32_t com[0x100];
    Tegra2DcCopy assembly, armed, active;
    bool redraw;
};

/* ---- bootloader.c: how software is started, and what the bootloader leaves ---- */

typedef struct XoomBoot {
    /* Options, see docs/xoom-machine.md. */
    uint32_t entry;
    uint32_t r1;
    uint32_t ram_pattern;
    uint32_t cpsr_mode;
    bool display;
    bool l2;
    bool icache;
    bool timers;
    bool uart_irq;
    bool gic;
    bool mmu;
    bool nonsecure;
    bool hostile;
    char *atag_mem;
    /* What was found. */
    bool is_android;
    uint32_t page_size;
    uint32_t kernel_size;
    uint32_t ramdisk_size;
    struct arm_boot_info info;
} XoomBoot;

/* Called once, when RAM and devices are there. */
void xoom_boot_load(XoomBoot *boot, MachineState *machine, ARMCPU *cpus[TEGRA2_CPUS]);
/* Called at each reset of the machine, after the devices were reset. */
void xoom_boot_hand_over(XoomBoot *boot, ARMCPU *cpu0);

#endif
