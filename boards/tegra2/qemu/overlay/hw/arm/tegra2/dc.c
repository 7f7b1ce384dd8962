/*
 * Tegra 2: display controller, its timing and window A.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Register numbers are word indexes. Display and window registers exist three times: software writes the assembly copy,
 * an update request in STATE_CONTROL passes it on, and the following activation request takes effect with the next
 * vertical blank, when its bit reads 0 again; while the display is stopped that never happens. Windows B and C have
 * their registers but show nothing. Scaling, mirroring and tiled memory are not modelled.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "hw/irq.h"
#include "migration/vmstate.h"
#include "ui/console.h"
#include "hw/display/framebuffer.h"
#include "ui/pixel_ops.h"
#include "tegra2.h"

#define BLOCK_SIZE          0x40000
#define FRAME_NS            (NANOSECONDS_PER_SECOND / 60)
#define MAX_PIXELS          4096

enum {
    CMD_GENERAL_INCR_SYNCPT = 0x000,
    CMD_CONT_SYNCPT_VSYNC = 0x028,
    CMD_DISPLAY_COMMAND = 0x032,
    CMD_INT_STATUS = 0x037,
    CMD_INT_MASK = 0x038,
    CMD_INT_ENABLE = 0x039,
    CMD_STATE_ACCESS = 0x040,
    CMD_STATE_CONTROL = 0x041,
    CMD_WINDOW_HEADER = 0x042,
    CMD_END = 0x080,
    COM_FIRST = 0x300,      /* checksums and pins: only stored */
    COM_END = 0x400,
    DISP_FIRST = 0x400,
    DISP_ACTIVE = 0x409,
    DISP_BORDER_COLOR = 0x435,
    DISP_END = 0x500,
    WIN_FIRST = 0x500,
    WIN_OPTIONS = 0x700,
    WIN_COLOR_DEPTH = 0x703,
    WIN_POSITION = 0x704,
    WIN_SIZE = 0x705,
    WIN_PRESCALED_SIZE = 0x706,
    WIN_DDA_INC = 0x709,
    WIN_LINE_STRIDE = 0x70a,
    WIN_BUFFER_ADDR_MODE = 0x70d,
    WINBUF_START_ADDR = 0x800,
    WINBUF_ADDR_H_OFFSET = 0x806,
    WINBUF_ADDR_V_OFFSET = 0x808,
    WIN_END = 0x900,
    /* Each window's registers once more, without the header: 0x200 words from here. */
    APERTURES = 0xa00,
};

/* INCR_SYNCPT: condition in bits 15..8 (0: at once), number in 7..0. CONT_SYNCPT_VSYNC: enabled by bit 8. */
#define INCR_CONDITION(v)   (((v) >> 8) & 0xff)
#define VSYNC_ENABLE        (1u << 8)
#define SYNCPT_NUMBER(v)    ((v) & 0xff)

#define DISPLAY_COMMAND_MODE(v) (((v) >> 5) & 3)
#define MODE_CONTINUOUS     1

#define INT_FRAME_END       (1u << 1)
#define INT_VBLANK          (1u << 2)

#define ACCESS_READ_ACTIVE  (1u << 0)
#define ACCESS_WRITE_ACTIVE (1u << 2)

/* STATE_CONTROL: bit 0 and 8 for the display, 1 to 3 and 9 to 11 for the windows. */
#define CONTROL_ACTIVATE    0x00f
#define CONTROL_UPDATE_SHIFT 8

#define HEADER_WINDOW_A     (1u << 4)

#define OPTIONS_ENABLE      (1u << 30)
#define OPTIONS_MIRRORED    0x5

enum {
    DEPTH_B5G6R5 = 6,       /* red in the upper bits */
    DEPTH_B8G8R8A8 = 12,    /* 0xAARRGGBB as a word */
    DEPTH_R8G8B8A8 = 13,    /* 0xAABBGGRR as a word */
};

static bool scans(const Tegra2Dc *s)
{
    return DISPLAY_COMMAND_MODE(s->cmd[CMD_DISPLAY_COMMAND]) == MODE_CONTINUOUS;
}

static void update_irq(Tegra2Dc *s)
{
    qemu_set_irq(s->irq, s->cmd[CMD_INT_STATUS] & s->cmd[CMD_INT_ENABLE] & s->cmd[CMD_INT_MASK]);
}

/* Copies what the bits select: bit 0 the display's registers, bits 1 to 3 those of windows A to C. */
static void copy_selected(Tegra2DcCopy *to, const Tegra2DcCopy *from, unsigned bits)
{
    unsigned w;

    if (bits & 1) {
        memcpy(to->disp, from->disp, sizeof(to->disp));
    }
    for (w = 0; w < TEGRA2_DC_WINDOWS; w++) {
        if (bits & (2 << w)) {
            memcpy(to->win[w], from->win[w], sizeof(to->win[w]));
        }
    }
}

static void schedule_vblank(Tegra2Dc *s)
{
    if (!scans(s)) {
        timer_del(s->vblank);
    } else if (!timer_pending(s->vblank)) {
        timer_mod(s->vblank, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + FRAME_NS);
    }
}

static void vblank(void *opaque)
{
    Tegra2Dc *s = opaque;
    unsigned activate = s->cmd[CMD_STATE_CONTROL] & CONTROL_ACTIVATE;

    if (activate) {
        copy_selected(&s->active, &s->armed, activate);
        s->cmd[CMD_STATE_CONTROL] &= ~CONTROL_ACTIVATE;
        s->redraw = true;
    }
    if (s->cmd[CMD_CONT_SYNCPT_VSYNC] & VSYNC_ENABLE) {
        tegra2_host1x_increment(s->host1x, SYNCPT_NUMBER(s->cmd[CMD_CONT_SYNCPT_VSYNC]));
    }
    s->cmd[CMD_INT_STATUS] |= INT_FRAME_END | INT_VBLANK;
    update_irq(s);
    schedule_vblank(s);
}

/* ---- Registers ---- */

/* The place of a register that is not in the command block; `windows` are the headers' bits 4 to 6, shifted to 0. */
static uint32_t *buffered(Tegra2Dc *s, Tegra2DcCopy *copy, unsigned index, unsigned window)
{
    static const unsigned aperture_parts[] = { 0x500, 0x700, 0x800 };

    if (index >= DISP_FIRST && index < DISP_END) {
        return &copy->disp[index - DISP_FIRST];
    }
    if (index >= WIN_FIRST && index < WIN_END) {
        return &copy->win[window][index - WIN_FIRST];
    }
    if (index >= APERTURES && index < APERTURES + TEGRA2_DC_WINDOWS * 0x200) {
        unsigned in = (index - APERTURES) % 0x200;
        unsigned part = in < 0x180 ? 0 : in < 0x1c0 ? 1 : 2;
        unsigned from = part == 0 ? 0 : part == 1 ? 0x180 : 0x1c0;

        return &copy->win[(index - APERTURES) / 0x200][aperture_parts[part] + in - from - WIN_FIRST];
    }
    return NULL;
}

static unsigned header(const Tegra2Dc *s)
{
    return (s->cmd[CMD_WINDOW_HEADER] / HEADER_WINDOW_A) & 7;
}

static uint64_t dc_read(void *opaque, hwaddr offset, unsigned size)
{
    Tegra2Dc *s = opaque;
    unsigned index = offset / 4;
    Tegra2DcCopy *copy = s->cmd[CMD_STATE_ACCESS] & ACCESS_READ_ACTIVE ? &s->active : &s->assembly;
    uint32_t *reg;

    if (index < CMD_END) {
        return s->cmd[index];
    }
    if (index >= COM_FIRST && index < COM_END) {
        return s->com[index - COM_FIRST];
    }
    if (index >= WIN_FIRST && index < WIN_END && !header(s)) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: display: window register 0x%03x is read, but the header selects none\n",
                      index);
        return 0;
    }
    reg = buffered(s, copy, index, ctz32(header(s)) % 32);
    if (reg) {
        return *reg;
    }
    qemu_log_mask(LOG_UNIMP, "xoom: display: read of register 0x%03x\n", index);
    return 0;
}

static void write_command(Tegra2Dc *s, unsigned index, uint32_t value)
{
    switch (index) {
    case CMD_GENERAL_INCR_SYNCPT:
        if (INCR_CONDITION(value)) {
            qemu_log_mask(LOG_UNIMP, "xoom: display: increment of a synchronization point on condition %u\n",
                          INCR_CONDITION(value));
        }
        tegra2_host1x_increment(s->host1x, SYNCPT_NUMBER(value));
        break;
    case CMD_INT_STATUS:
        s->cmd[index] &= ~value;
        update_irq(s);
        break;
    case CMD_INT_MASK:
    case CMD_INT_ENABLE:
        s->cmd[index] = value;
        update_irq(s);
        break;
    case CMD_STATE_CONTROL:
        copy_selected(&s->armed, &s->assembly, (value >> CONTROL_UPDATE_SHIFT) & CONTROL_ACTIVATE);
        s->cmd[index] |= value & CONTROL_ACTIVATE;
        if ((value & CONTROL_ACTIVATE) && !scans(s)) {
            qemu_log_mask(LOG_GUEST_ERROR, "xoom: display: activation is requested, but the display is stopped\n");
        }
        break;
    case CMD_DISPLAY_COMMAND:
        s->cmd[index] = value;
        s->redraw = true;
        schedule_vblank(s);
        break;
    default:
        s->cmd[index] = value;
        break;
    }
}

static void dc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Tegra2Dc *s = opaque;
    unsigned index = offset / 4;
    bool to_active = s->cmd[CMD_STATE_ACCESS] & ACCESS_WRITE_ACTIVE;
    Tegra2DcCopy *copy = to_active ? &s->active : &s->assembly;
    unsigned windows = index >= WIN_FIRST && index < WIN_END ? header(s) : 1;
    unsigned w;

    if (index < CMD_END) {
        write_command(s, index, value);
        return;
    }
    if (index >= COM_FIRST && index < COM_END) {
        s->com[index - COM_FIRST] = value;
        return;
    }
    if (!windows) {
        qemu_log_mask(LOG_GUEST_ERROR, "xoom: display: window register 0x%03x is written, but the header selects none\n",
                      index);
        return;
    }
    /* The header may select several windows at once. */
    for (w = 0; w < TEGRA2_DC_WINDOWS; w++) {
        uint32_t *reg = windows & (1 << w) ? buffered(s, copy, index, w) : NULL;

        if (reg) {
            *reg = value;
            s->redraw |= to_active;
        } else if (windows & (1 << w)) {
            qemu_log_mask(LOG_UNIMP, "xoom: display: write of register 0x%03x\n", index);
        }
    }
}

static const MemoryRegionOps dc_ops = {
    .read = dc_read,
    .write = dc_write,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .endianness = DEVICE_LITTLE_ENDIAN,
};

/* ---- The picture ---- */

typedef struct Window {
    unsigned x, y, width, height;
    unsigned stride;
    unsigned pixel_bytes;
    unsigned depth;
    hwaddr start;
} Window;

static unsigned pixel_bytes(unsigned depth)
{
    switch (depth) {
    case DEPTH_B5G6R5:
        return 2;
    case DEPTH_B8G8R8A8:
    case DEPTH_R8G8B8A8:
        return 4;
    }
    return 0;
}

/* Window A as it is active, cut to the display; false if it shows nothing. */
static bool active_window(Tegra2Dc *s, unsigned display_width, unsigned display_height, Window *w)
{
    const uint32_t *regs = s->active.win[0];
    uint32_t size = regs[WIN_SIZE - WIN_FIRST];
    uint32_t position = regs[WIN_POSITION - WIN_FIRST];

    if (!(regs[WIN_OPTIONS - WIN_FIRST] & OPTIONS_ENABLE)) {
        return false;
    }
    w->depth = regs[WIN_COLOR_DEPTH - WIN_FIRST];
    w->pixel_bytes = pixel_bytes(w->depth);
    if (!w->pixel_bytes || (regs[WIN_OPTIONS - WIN_FIRST] & OPTIONS_MIRRORED) ||
        (regs[WIN_BUFFER_ADDR_MODE - WIN_FIRST] & 1)) {
        qemu_log_mask(LOG_UNIMP, "xoom: display: colour depth %u, options 0x%08x or tiling\n", w->depth,
                      regs[WIN_OPTIONS - WIN_FIRST]);
        return false;
    }
    w->x = position & 0x1fff;
    w->y = (position >> 16) & 0x1fff;
    w->width = size & 0x1fff;
    w->height = (size >> 16) & 0x1fff;
    if (w->x >= display_width || w->y >= display_height) {
        return false;
    }
    w->width = MIN(w->width, display_width - w->x);
    w->height = MIN(w->height, display_height - w->y);
    w->stride = regs[WIN_LINE_STRIDE - WIN_FIRST] & 0xffff;
    w->start = (hwaddr)regs[WINBUF_START_ADDR - WIN_FIRST] + regs[WINBUF_ADDR_H_OFFSET - WIN_FIRST] +
               (hwaddr)regs[WINBUF_ADDR_V_OFFSET - WIN_FIRST] * w->stride;
    return w->width && w->height && w->stride >= w->width * w->pixel_bytes;
}

static void draw_line(const Window *w, uint32_t *to, const uint8_t *from)
{
    unsigned i;

    for (i = 0; i < w->width; i++, from += w->pixel_bytes) {
        uint32_t v = w->pixel_bytes == 2 ? lduw_le_p(from) : ldl_le_p(from);

        switch (w->depth) {
        case DEPTH_B5G6R5:
            to[i] = rgb_to_pixel32((v >> 8) & 0xf8, (v >> 3) & 0xfc, (v << 3) & 0xf8);
            break;
        case DEPTH_B8G8R8A8:
            to[i] = rgb_to_pixel32((v >> 16) & 0xff, (v >> 8) & 0xff, v & 0xff);
            break;
        default:
            to[i] = rgb_to_pixel32(v & 0xff, (v >> 8) & 0xff, (v >> 16) & 0xff);
            break;
        }
    }
}

static void fill(DisplaySurface *ds, uint32_t colour)
{
    unsigned x, y;

    for (y = 0; y < surface_height(ds); y++) {
        uint32_t *line = (uint32_t *)((uint8_t *)surface_data(ds) + y * surface_stride(ds));

        for (x = 0; x < surface_width(ds); x++) {
            line[x] = colour;
        }
    }
}

/* Draws the changed lines of the window, or all; returns whether there are any. */
static bool draw_window(Tegra2Dc *s, DisplaySurface *ds, const Window *w, bool all)
{
    hwaddr length = (hwaddr)w->height * w->stride;
    DirtyBitmapSnapshot *dirty;
    const uint8_t *ram;
    hwaddr at;
    bool any = false;
    unsigned y;

    if (all) {
        framebuffer_update_memory_section(&s->fb, s->ram_root, w->start, w->height, w->stride);
    }
    if (!s->fb.mr) {
        return false;
    }
    ram = memory_region_get_ram_ptr(s->fb.mr);
    at = s->fb.offset_within_region;
    dirty = memory_region_snapshot_and_clear_dirty(s->fb.mr, at, length, DIRTY_MEMORY_VGA);
    for (y = 0; y < w->height; y++, at += w->stride) {
        if (all || memory_region_snapshot_get_dirty(s->fb.mr, dirty, at, w->width * w->pixel_bytes)) {
            uint8_t *line = (uint8_t *)surface_data(ds) + (w->y + y) * surface_stride(ds);

            draw_line(w, (uint32_t *)line + w->x, ram + at);
            any = true;
        }
    }
    g_free(dirty);
    return any;
}

static void dc_update_display(void *opaque)
{
    Tegra2Dc *s = opaque;
    uint32_t active = s->active.disp[DISP_ACTIVE - DISP_FIRST];
    unsigned width = active & 0x1fff, height = (active >> 16) & 0x1fff;
    DisplaySurface *ds = qemu_console_surface(s->con);
    bool all = s->redraw;
    Window w;

    if (!scans(s) || !width || !height || width > MAX_PIXELS || height > MAX_PIXELS) {
        if (all) {
            fill(ds, 0);
            dpy_gfx_update_full(s->con);
            s->redraw = false;
        }
        return;
    }
    if (surface_width(ds) != width || surface_height(ds) != height) {
        qemu_console_resize(s->con, width, height);
        ds = qemu_console_surface(s->con);
        all = true;
    }
    if (all) {
        uint32_t border = s->active.disp[DISP_BORDER_COLOR - DISP_FIRST];

        fill(ds, rgb_to_pixel32(border & 0xff, (border >> 8) & 0xff, (border >> 16) & 0xff));
    }
    if (active_window(s, width, height, &w) ? draw_window(s, ds, &w, all) || all : all) {
        dpy_gfx_update_full(s->con);
    }
    s->redraw = false;
}

static void dc_invalidate_display(void *opaque)
{
    Tegra2Dc *s = opaque;

    s->redraw = true;
}

static const GraphicHwOps dc_gfx_ops = {
    .invalidate = dc_invalidate_display,
    .gfx_update = dc_update_display,
};

/* ---- The device ---- */

static void dc_reset(DeviceState *dev)
{
    Tegra2Dc *s = TEGRA2_DC(dev);

    memset(s->cmd, 0, sizeof(s->cmd));
    memset(s->com, 0, sizeof(s->com));
    memset(&s->assembly, 0, sizeof(s->assembly));
    memset(&s->armed, 0, sizeof(s->armed));
    memset(&s->active, 0, sizeof(s->active));
    s->redraw = true;
    timer_del(s->vblank);
    update_irq(s);
}

static void dc_realize(DeviceState *dev, Error **errp)
{
    Tegra2Dc *s = TEGRA2_DC(dev);

    s->con = graphic_console_init(dev, 0, &dc_gfx_ops, s);
    s->vblank = timer_new_ns(QEMU_CLOCK_VIRTUAL, vblank, s);
}

static void dc_init(Object *obj)
{
    Tegra2Dc *s = TEGRA2_DC(obj);

    memory_region_init_io(&s->iomem, obj, &dc_ops, s, "tegra2.dc", BLOCK_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
}

static const VMStateDescription dc_vmstate = { .name = TYPE_TEGRA2_DC, .unmigratable = 1 };

static void dc_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Tegra 2 display controller";
    dc->realize = dc_realize;
    dc->reset = dc_reset;
    dc->vmsd = &dc_vmstate;
}

static const TypeInfo dc_info = {
    .name = TYPE_TEGRA2_DC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Tegra2Dc),
    .instance_init = dc_init,
    .class_init = dc_class_init,
};

static void dc_register_types(void)
{
    type_register_static(&dc_info);
}

type_init(dc_register_types)
