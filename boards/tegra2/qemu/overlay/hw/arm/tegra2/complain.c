/*
 * Tegra 2: accesses to what is not there, and blocks that have no model.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/host-utils.h"
#include "qemu/log.h"
#include "qemu/units.h"
#include "exec/exec-all.h"
#include "hw/core/cpu.h"
#include "tegra2.h"

#define PRINTED_ALL     50

/* The CPU's state is not up to date within a translated block; this finds the PC without changing it. */
static uint32_t current_pc(void)
{
    uint64_t data[TARGET_INSN_START_WORDS] = { 0 };
    uint32_t pc = ARM_CPU(current_cpu)->env.regs[15];

    if (!cpu_unwind_state_data(current_cpu, current_cpu->mem_io_pc, data)) {
        return pc;
    }
    return TARGET_TB_PCREL ? (pc & TARGET_PAGE_MASK) | data[0] : data[0];
}

void tegra2_complain(const char *fmt, ...)
{
    static unsigned count;
    g_autofree char *what = NULL;
    va_list ap;

    count++;
    if (count > PRINTED_ALL && !is_power_of_2(count)) {
        return;
    }
    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);

    if (current_cpu) {
        warn_report("xoom: %s, by CPU%d at pc 0x%08x", what, current_cpu->cpu_index, current_pc());
    } else {
        warn_report("xoom: %s", what);
    }
}

static MemTxResult void_read(void *opaque, hwaddr addr, uint64_t *value, unsigned size, MemTxAttrs attrs)
{
    tegra2_complain("wild read of %u bytes at 0x%08" HWADDR_PRIx, size, addr);
    *value = 0;
    return MEMTX_DECODE_ERROR;
}

static MemTxResult void_write(void *opaque, hwaddr addr, uint64_t value, unsigned size, MemTxAttrs attrs)
{
    tegra2_complain("wild write of %u bytes, 0x%" PRIx64 ", at 0x%08" HWADDR_PRIx, size, value, addr);
    return MEMTX_DECODE_ERROR;
}

static const MemoryRegionOps void_ops = {
    .read_with_attrs = void_read,
    .write_with_attrs = void_write,
    .valid.unaligned = true,
    .impl.unaligned = true,
    .endianness = DEVICE_LITTLE_ENDIAN,
};

void tegra2_create_void(MemoryRegion *parent)
{
    MemoryRegion *mr = g_new0(MemoryRegion, 1);

    memory_region_init_io(mr, NULL, &void_ops, NULL, "tegra2.void", 4 * GiB);
    memory_region_add_subregion_overlap(parent, 0, mr, -2000);
}

typedef struct Unmodelled {
    MemoryRegion iomem;
    char *name;
} Unmodelled;

static uint64_t unmodelled_read(void *opaque, hwaddr offset, unsigned size)
{
    Unmodelled *u = opaque;

    qemu_log_mask(LOG_UNIMP, "xoom: %s has no model: read of %u bytes at +0x%" HWADDR_PRIx "\n", u->name, size, offset);
    return 0;
}

static void unmodelled_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Unmodelled *u = opaque;

    qemu_log_mask(LOG_UNIMP, "xoom: %s has no model: write of 0x%" PRIx64 " at +0x%" HWADDR_PRIx "\n", u->name, value,
                  offset);
}

static const MemoryRegionOps unmodelled_ops = {
    .read = unmodelled_read,
    .write = unmodelled_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
};

void tegra2_create_unmodelled(MemoryRegion *parent, const char *name, hwaddr base, hwaddr size)
{
    Unmodelled *u = g_new0(Unmodelled, 1);

    u->name = g_strdup(name);
    memory_region_init_io(&u->iomem, NULL, &unmodelled_ops, u, name, size);
    memory_region_add_subregion_overlap(parent, base, &u->iomem, -1000);
}
