/*
 * Motorola Xoom: what its bootloader does, and leaves behind, when software starts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An Android boot image given with -kernel is started as `fastboot boot` does on the tablet: the whole image is in RAM,
 * its kernel runs in place right behind the header page, the load address in the header is ignored; the ramdisk is
 * copied to 0x05000000, and r2 points to ATAGs at 0x100. Any other -kernel is QEMU's usual way for ARM: zImage, flat
 * binary or ELF, ATAGs or -dtb, as if a U-Boot had started it.
 *
 * Hand-over is played by writing to the registers, as a bootloader would.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/loader.h"
#include "sysemu/reset.h"
#include "target/arm/cpu.h"
#include "tegra2.h"

#define ATAGS_BASE          0x100
#define ATAGS_MAX           0x1000
#define RAMDISK_BASE        0x05000000
#define SPLASH_BASE         0x2e800000
#define PANEL_WIDTH         1280
#define PANEL_HEIGHT        800

/* ---- Android boot image, version 0 ---- */

#define HEADER_SIZE         608
#define HEADER_CMDLINE      0x40
#define HEADER_CMDLINE_LEN  512

static uint32_t header_word(const uint8_t *image, unsigned offset)
{
    return ldl_le_p(image + offset);
}

static void refuse(const char *file, const char *why)
{
    error_report("%s: %s", file, why);
    exit(1);
}

/* ---- ATAGs ---- */

#define ATAG_NONE           0
#define ATAG_CORE           0x54410001
#define ATAG_MEM            0x54410002
#define ATAG_SERIAL         0x54410006
#define ATAG_REVISION       0x54410007
#define ATAG_CMDLINE        0x54410009
#define ATAG_INITRD2        0x54420005
#define ATAG_NVIDIA         0x41000801
#define ATAG_BDADDR         0x43294329
#define ATAG_POWERUP_REASON 0xf1000401

typedef struct AtagList {
    uint32_t word[ATAGS_MAX / 4];
    unsigned len;
} AtagList;

static void atag(AtagList *l, uint32_t tag, const uint32_t *data, unsigned words)
{
    if (l->len + words + 4 > ARRAY_SIZE(l->word)) {
        error_report("xoom: no room for all ATAGs: the command line is too long");
        exit(1);
    }
    l->word[l->len++] = cpu_to_le32(tag == ATAG_NONE ? 0 : words + 2);
    l->word[l->len++] = cpu_to_le32(tag);
    while (words--) {
        l->word[l->len++] = cpu_to_le32(*data++);
    }
}

#define ATAG(l, tag, ...) do { \
        const uint32_t data_[] = { __VA_ARGS__ }; \
        atag(l, tag, data_, ARRAY_SIZE(data_)); \
    } while (0)

static void atag_text(AtagList *l, uint32_t tag, const char *text)
{
    unsigned words = strlen(text) / 4 + 1;
    g_autofree uint32_t *data = g_new0(uint32_t, words);
    unsigned i;

    memcpy(data, text, strlen(text));
    for (i = 0; i < words; i++) {
        data[i] = le32_to_cpu(data[i]);
    }
    atag(l, tag, data, words);
}

static void build_atags(AtagList *l, const XoomBoot *boot, const MachineState *machine, const char *cmdline)
{
    uint32_t ram_size = machine->ram_size;

    ATAG(l, ATAG_CORE, 0, 4096, 0);
    if (!strcmp(boot->atag_mem, "full")) {
        ATAG(l, ATAG_MEM, ram_size, 0);
    } else if (!strcmp(boot->atag_mem, "split")) {
        /* As the tablet's kernel describes its memory to itself: a hole for the graphics, RAM console at the top. */
        ATAG(l, ATAG_MEM, MIN(ram_size, 448 * MiB), 0);
        if (ram_size > 513 * MiB) {
            ATAG(l, ATAG_MEM, ram_size - 512 * MiB - 256 * KiB, 512 * MiB);
        }
    }
    ATAG(l, ATAG_SERIAL, 0x89abcdef, 0x01234567);
    ATAG(l, ATAG_REVISION, 0x8300);
    /* NVIDIA's own, of key, length and bytes; here one of the resource manager and one of the framebuffer. */
    ATAG(l, ATAG_NVIDIA, 1, 8, 0x11111111, 0x22222222);
    ATAG(l, ATAG_NVIDIA, 3, 12, 0, PANEL_WIDTH, PANEL_HEIGHT);
    ATAG(l, ATAG_BDADDR, 0x04030201, 0x00000605);
    ATAG(l, ATAG_POWERUP_REASON, 0x00000080);
    if (boot->ramdisk_size) {
        ATAG(l, ATAG_INITRD2, RAMDISK_BASE, boot->ramdisk_size);
    }
    if (*cmdline) {
        atag_text(l, ATAG_CMDLINE, cmdline);
    }
    atag(l, ATAG_NONE, NULL, 0);
}

/* ---- Loading, once ---- */

static void load_android(XoomBoot *boot, MachineState *machine, const uint8_t *image, gsize image_len)
{
    const char *file = machine->kernel_filename;
    g_autofree AtagList *atags = g_new0(AtagList, 1);
    g_autofree char *cmdline = NULL;
    uint64_t ramdisk_at;

    if (image_len < HEADER_SIZE) {
        refuse(file, "Android boot image: shorter than its header");
    }
    boot->kernel_size = header_word(image, 0x08);
    boot->ramdisk_size = header_word(image, 0x10);
    boot->page_size = header_word(image, 0x24);
    if (boot->page_size < 1024 || boot->page_size > 16384 || !is_power_of_2(boot->page_size)) {
        refuse(file, "Android boot image: a page size that no bootloader takes");
    }
    ramdisk_at = boot->page_size + ROUND_UP((uint64_t)boot->kernel_size, boot->page_size);
    if (!boot->kernel_size || ramdisk_at - boot->page_size > image_len ||
        (uint64_t)boot->page_size + boot->kernel_size > image_len ||
        (boot->ramdisk_size && ramdisk_at + boot->ramdisk_size > image_len)) {
        refuse(file, "Android boot image: shorter than what its header says");
    }
    if (machine->initrd_filename || machine->dtb) {
        error_report("an Android boot image brings its ramdisk, and gets no device tree: -initrd and -dtb are for others");
        exit(1);
    }
    if (boot->entry < boot->page_size || boot->entry & 3 ||
        (uint64_t)boot->entry - boot->page_size + image_len > machine->ram_size) {
        error_report("entry=0x%x: the image does not fit there", boot->entry);
        exit(1);
    }
    if ((uint64_t)RAMDISK_BASE + boot->ramdisk_size > machine->ram_size) {
        error_report("-m: too little for a ramdisk at 0x%08x", RAMDISK_BASE);
        exit(1);
    }
    cmdline = g_strndup((const char *)image + HEADER_CMDLINE, HEADER_CMDLINE_LEN);
    if (machine->kernel_cmdline && *machine->kernel_cmdline) {
        char *both = g_strdup_printf("%s%s%s", cmdline, *cmdline ? " " : "", machine->kernel_cmdline);

        g_free(cmdline);
        cmdline = both;
    }
    build_atags(atags, boot, machine, cmdline);
    rom_add_blob_fixed("xoom.boot-image", image, image_len, boot->entry - boot->page_size);
    rom_add_blob_fixed("xoom.atags", atags->word, atags->len * 4, ATAGS_BASE);
    if (boot->ramdisk_size) {
        rom_add_blob_fixed("xoom.ramdisk", image + ramdisk_at, boot->ramdisk_size, RAMDISK_BASE);
    }
}

/* RAM is not zero after power-on. The pattern differs from word to word, so no two wrong reads look alike. */
static void fill_ram(MachineState *machine, uint32_t pattern)
{
    uint32_t *ram = memory_region_get_ram_ptr(machine->ram);
    size_t i;

    for (i = 0; i < machine->ram_size / 4; i++) {
        ram[i] = cpu_to_le32(pattern ^ (uint32_t)i * 0x9e3779b1u);
    }
}

/* The second core is in reset, where the clock and reset controller holds it. */
static void no_secondary_boot(ARMCPU *cpu, const struct arm_boot_info *info)
{
}

void xoom_boot_load(XoomBoot *boot, MachineState *machine, ARMCPU *cpus[TEGRA2_CPUS])
{
    g_autofree char *image = NULL;
    gsize image_len = 0;

    if (boot->hostile) {
        boot->ram_pattern = boot->ram_pattern ?: 0xa5c3e187;
        boot->l2 = boot->icache = boot->timers = boot->uart_irq = boot->gic = true;
    }
    if (boot->ram_pattern) {
        fill_ram(machine, boot->ram_pattern);
    }
    if (machine->kernel_filename) {
        g_autoptr(GError) error = NULL;

        if (!g_file_get_contents(machine->kernel_filename, &image, &image_len, &error)) {
            error_report("%s", error->message);
            exit(1);
        }
        boot->is_android = image_len >= 8 && !memcmp(image, "ANDROID!", 8);
    }
    if (boot->is_android) {
        load_android(boot, machine, (const uint8_t *)image, image_len);
        return;
    }
    boot->info = (struct arm_boot_info) {
        .ram_size = machine->ram_size,
        .loader_start = TEGRA2_RAM_BASE,
        .board_id = boot->r1,
        .secure_boot = true,
        .write_secondary_boot = no_secondary_boot,
        .secondary_cpu_reset_hook = no_secondary_boot,
    };
    arm_load_kernel(cpus[0], machine, &boot->info);
}

/* ---- Hand-over, at each reset ---- */

/* The bootloader runs in Secure state, as all software on the tablet. */
static void poke(hwaddr address, uint32_t value)
{
    address_space_stl_le(&address_space_memory, address, value, (MemTxAttrs) { .secure = 1 }, NULL);
}

static void enable_peripheral(unsigned periph)
{
    poke(TEGRA2_CAR_BASE + 0x320 + periph / 32 * 8, 1u << periph % 32);
    poke(TEGRA2_CAR_BASE + 0x304 + periph / 32 * 8, 1u << periph % 32);
}

/* With the oscillator's 26 MHz: PLLP 216 MHz, PLLX 1 GHz for the CPUs, PLLM for the memory. */
static void hand_over_clocks(void)
{
    poke(TEGRA2_CAR_BASE + 0x0a0, 0x4011b01a | 1u << 28);   /* PLLP_BASE, with base override */
    poke(TEGRA2_CAR_BASE + 0x0ac, 0x00000800);              /* PLLP_MISC */
    poke(TEGRA2_CAR_BASE + 0x0a4, 0x07030d03);              /* PLLP_OUTA: 48 and 28.8 MHz */
    poke(TEGRA2_CAR_BASE + 0x0a8, 0x10030403);              /* PLLP_OUTB: 24 and 72 MHz */
    poke(TEGRA2_CAR_BASE + 0x0e0, 0x4003e81a);              /* PLLX_BASE */
    poke(TEGRA2_CAR_BASE + 0x090, 0x4001580d);              /* PLLM_BASE */
    poke(TEGRA2_CAR_BASE + 0x020, 0x20008888);              /* CCLK_BURST_POLICY: running, from PLLX */
    poke(TEGRA2_CAR_BASE + 0x028, 0x20002222);              /* SCLK_BURST_POLICY: running */
    poke(TEGRA2_TIMER_BASE + 0x14, 0x0019);                 /* USEC_CFG */
}

/* 115200 baud from PLLP, 8n1, FIFOs on. */
static void hand_over_uart(unsigned periph, hwaddr base, hwaddr clk_source)
{
    poke(TEGRA2_CAR_BASE + clk_source, 0);                  /* PLLP_OUT0 */
    enable_peripheral(periph);
    poke(base + 0x0c, 0x83);                                /* LCR, with DLAB */
    poke(base + 0x00, 117);                                 /* DLL */
    poke(base + 0x04, 0);                                   /* DLM */
    poke(base + 0x0c, 0x03);                                /* LCR */
    poke(base + 0x08, 0x07);                                /* FCR */
    poke(base + 0x10, 0x03);                                /* MCR: DTR, RTS */
}

/* Draws a frame and a gradient with a circle: enough to see whether, and which way round, it is shown. */
static void draw_splash(hwaddr base)
{
    g_autofree uint32_t *line = g_new(uint32_t, PANEL_WIDTH);
    int x, y;

    for (y = 0; y < PANEL_HEIGHT; y++) {
        for (x = 0; x < PANEL_WIDTH; x++) {
            int dx = x - PANEL_WIDTH / 2, dy = y - PANEL_HEIGHT / 2;
            bool frame = x < 4 || y < 4 || x >= PANEL_WIDTH - 4 || y >= PANEL_HEIGHT - 4;
            uint32_t red = x * 96 / PANEL_WIDTH, blue = y * 96 / PANEL_HEIGHT;

            if (frame) {
                line[x] = cpu_to_le32(0xffffffff);
            } else if (dx * dx + dy * dy < 160 * 160 && dx * dx + dy * dy > 140 * 140) {
                line[x] = cpu_to_le32(0xff0000ff);      /* red, which is the low byte */
            } else {
                line[x] = cpu_to_le32(0xff000000 | blue << 16 | red);
            }
        }
        address_space_write(&address_space_memory, base + y * PANEL_WIDTH * 4, MEMTXATTRS_UNSPECIFIED, line,
                            PANEL_WIDTH * 4);
    }
}

static void dc(unsigned index, uint32_t value)
{
    poke(TEGRA2_DC1_BASE + 4 * index, value);
}

/* The panel's timing, and window A in red-low 32-bit pixels. */
static void hand_over_display(uint64_t ram_size)
{
    hwaddr splash = ram_size >= SPLASH_BASE + 8 * MiB ? SPLASH_BASE : ram_size - 8 * MiB;
    const struct {
        unsigned index;
        uint32_t value;
    } regs[] = {
        { 0x406, 1 << 16 | 11 },                        /* REF_TO_SYNC */
        { 0x407, 6 << 16 | 26 },                        /* SYNC_WIDTH */
        { 0x408, 3 << 16 | 12 },                        /* BACK_PORCH */
        { 0x409, PANEL_HEIGHT << 16 | PANEL_WIDTH },    /* ACTIVE */
        { 0x40a, 3 << 16 | 50 },                        /* FRONT_PORCH */
        { 0x703, 13 },                                  /* COLOR_DEPTH */
        { 0x704, 0 },                                   /* POSITION */
        { 0x705, PANEL_HEIGHT << 16 | PANEL_WIDTH },    /* SIZE */
        { 0x706, PANEL_HEIGHT << 16 | PANEL_WIDTH * 4 },/* PRESCALED_SIZE, in bytes */
        { 0x709, 0x10001000 },                          /* DDA_INC */
        { 0x70a, PANEL_WIDTH * 4 },                     /* LINE_STRIDE */
        { 0x800, splash },                              /* START_ADDR */
        { 0x700, 1u << 30 },                            /* OPTIONS: enabled */
    };
    unsigned active, i;

    draw_splash(splash);
    poke(TEGRA2_CAR_BASE + 0x180, 0x80000004);      /* CLK_SOURCE_HOST1X: PLLP / 3 */
    enable_peripheral(TEGRA2_PERIPH_HOST1X);
    enable_peripheral(TEGRA2_PERIPH_DISP1);
    dc(0x042, 1 << 4);      /* WINDOW_HEADER: window A */
    /* Both into the assembly and the active copy, as if the panel had been on for a while. */
    for (active = 0; active < 2; active++) {
        dc(0x040, active << 2);     /* STATE_ACCESS */
        for (i = 0; i < ARRAY_SIZE(regs); i++) {
            dc(regs[i].index, regs[i].value);
        }
    }
    dc(0x040, 0);
    dc(0x041, 0xf << 8);    /* STATE_CONTROL: update */
    dc(0x042, 0);
    dc(0x036, 0x50155);     /* DISPLAY_POWER_CONTROL */
    dc(0x032, 1 << 5);      /* DISPLAY_COMMAND: continuous */
}

/* TMR3 fires every 10 ms, enabled as far as the legacy interrupt controller. */
static void leave_timers(void)
{
    poke(TEGRA2_TIMER_BASE + 0x50, 0xc0000000 | (10000 - 1));
    poke(TEGRA2_LIC_BASE + 0x100 + 0x24, 1u << (TEGRA2_SPI_TMR3 - 32));
}

static void leave_uart_irq(void)
{
    poke(TEGRA2_UARTB_BASE + 0x04, 0x07);
    poke(TEGRA2_LIC_BASE + 0x100 + 0x24, 1u << (TEGRA2_SPI_UARTB - 32));
}

/* Both of the above also in the GIC, which is on and has one pending that nobody took. */
static void leave_gic(ARMCPU *cpu0)
{
    CPUState *was = current_cpu;
    hwaddr gicd = TEGRA2_MPCORE_BASE + 0x1000, gicc = TEGRA2_MPCORE_BASE + 0x100;

    /* The GIC asks which CPU is talking to it. */
    current_cpu = CPU(cpu0);
    /* Interrupts 64 to 95 are SPIs 32 to 63. */
    poke(gicd + 0x108, 1u << (TEGRA2_SPI_UARTB - 32) | 1u << (TEGRA2_SPI_TMR3 - 32));
    /* To the first core. */
    poke(gicd + 0x820 + TEGRA2_SPI_UARTB / 4 * 4, 0x01010101);
    poke(gicd + 0x820 + TEGRA2_SPI_TMR3 / 4 * 4, 0x01010101);
    poke(gicd + 0x100, 0x0000ffff);     /* software interrupts */
    poke(gicd + 0x208, 1u << (TEGRA2_SPI_TMR3 - 32));
    poke(gicd, 1);
    poke(gicc + 0x04, 0xf0);            /* PMR */
    poke(gicc, 1);
    current_cpu = was;
}

static void leave_l2(void)
{
    poke(TEGRA2_PL310_BASE + 0x104, 0x7e080001);    /* AUX_CTRL */
    poke(TEGRA2_PL310_BASE + 0x108, 0x331);         /* tag and data latency */
    poke(TEGRA2_PL310_BASE + 0x10c, 0x441);
    poke(TEGRA2_PL310_BASE + 0x100, 1);             /* CTRL: on */
}

/* As a bootloader that forgot to clean up: everything mapped one to one by sections, RAM write-back cached. */
static void leave_mmu(ARMCPU *cpu0, uint64_t ram_size)
{
    CPUARMState *env = &cpu0->env;
    uint32_t table = ram_size - 64 * KiB;
    uint32_t i;

    for (i = 0; i < 4096; i++) {
        bool is_ram = ((uint64_t)i << 20) < ram_size;

        /* Section, domain 0, all access; C and B for RAM. */
        poke(table + 4 * i, i << 20 | 3 << 10 | (is_ram ? 3 << 2 : 0) | 2);
    }
    env->cp15.ttbr0_s = table;
    env->cp15.tcr_el[3] = 0;
    env->cp15.dacr_s = 0xffffffff;
    env->cp15.sctlr_s |= SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_Z;
}

/*
 * Firmware in Secure state that keeps nothing for itself: all interrupts in group 1, FIQ not taken over, its mask bit and
 * the floating point unit left to Non-secure state. It has set the cores up as U-Boot does: SMP bit and SCU.
 */
static void enter_nonsecure(ARMCPU *cpu0)
{
    CPUARMState *env = &cpu0->env;
    CPUState *was = current_cpu;
    hwaddr gicd = TEGRA2_MPCORE_BASE + 0x1000, gicc = TEGRA2_MPCORE_BASE + 0x100;
    unsigned i;

    current_cpu = CPU(cpu0);
    for (i = 0; i < 5; i++) {
        poke(gicd + 0x080 + 4 * i, 0xffffffff);
    }
    poke(gicd, 3);
    poke(gicc + 0x04, 0xff);
    poke(gicc, 2);
    current_cpu = was;
    poke(TEGRA2_MPCORE_BASE, 1);
    env->cp15.scr_el3 |= SCR_NS | SCR_FW | SCR_AW;
    env->cp15.nsacr |= 3 << 10 | 1 << 18;
}

/* The kernel's entry: all the boot protocol promises is r0, r1, r2, and MMU and D-cache off. */
static void enter_android_kernel(const XoomBoot *boot, ARMCPU *cpu0)
{
    CPUARMState *env = &cpu0->env;
    unsigned i;

    cpsr_write(env, boot->cpsr_mode | CPSR_I | CPSR_F | CPSR_A, CPSR_M | CPSR_I | CPSR_F | CPSR_A, CPSRWriteRaw);
    for (i = 3; i < 15; i++) {
        env->regs[i] = 0xb0070000 + i;
    }
    /* As the register dump of a real boot shows: r9 is the entry, and the stack was low in RAM. */
    env->regs[9] = boot->entry;
    env->regs[13] = 0x00156c80;
    env->regs[0] = 0;
    env->regs[1] = boot->r1;
    env->regs[2] = ATAGS_BASE;
    env->thumb = 0;
    cpu_set_pc(CPU(cpu0), boot->entry);
}

void xoom_boot_hand_over(XoomBoot *boot, ARMCPU *cpu0)
{
    static const struct {
        unsigned periph;
        hwaddr base;
        hwaddr clk_source;
    } uarts[] = {
        { TEGRA2_PERIPH_UARTB, TEGRA2_UARTB_BASE, 0x17c },
        { TEGRA2_PERIPH_UARTA, TEGRA2_UARTA_BASE, 0x178 },
        { TEGRA2_PERIPH_UARTD, TEGRA2_UARTD_BASE, 0x1c0 },
    };
    MachineState *machine = MACHINE(qdev_get_machine());
    /* Other boards have their consoles at A and D; a U-Boot leaves its own on. The Xoom only has B. */
    unsigned used = boot->is_android ? 1 : ARRAY_SIZE(uarts);
    unsigned i;

    hand_over_clocks();
    for (i = 0; i < used; i++) {
        hand_over_uart(uarts[i].periph, uarts[i].base, uarts[i].clk_source);
    }
    if (boot->display) {
        hand_over_display(machine->ram_size);
    }
    if (boot->timers) {
        leave_timers();
    }
    if (boot->uart_irq) {
        leave_uart_irq();
    }
    if (boot->gic) {
        leave_gic(cpu0);
    }
    if (boot->l2) {
        leave_l2();
    }
    if (boot->is_android) {
        enter_android_kernel(boot, cpu0);
    }
    if (boot->icache) {
        /* Instruction cache and branch prediction on; vectors somewhere in the bootloader; a stale translation base. */
        cpu0->env.cp15.sctlr_s |= SCTLR_I | SCTLR_Z;
        cpu0->env.cp15.vbar_s = 0x00120000;
        cpu0->env.cp15.ttbr0_s = 0x00150000;
        cpu0->env.cp15.dacr_s = 0xffffffff;
    }
    if (boot->mmu) {
        leave_mmu(cpu0, machine->ram_size);
    }
    if (boot->nonsecure) {
        enter_nonsecure(cpu0);
    }
    arm_rebuild_hflags(&cpu0->env);
}
