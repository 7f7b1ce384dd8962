//! The table of options. A new option goes here, into a Kconfig file, into `docs/configuration.md`, and, unless it is a
//! choice, into `scripts/configs`; the tests name what was forgotten.

/// Who goes by an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The Makefile only: no constant is made.
    Make,
    /// The hypervisor core, as `nex_hv::config`.
    Core,
    /// The board crate of that name.
    Board(&'static str),
}

/// An option.
#[derive(Debug)]
pub struct Opt {
    /// The name, without [`PREFIX`](crate::PREFIX). A choice has its name only here and in Kconfig: `.config` has the
    /// names of its alternatives.
    pub name: &'static str,
    /// Who goes by it.
    pub user: User,
    /// What values it takes.
    pub kind: Kind,
    /// Documentation of the constant.
    pub doc: &'static str,
}

/// What values an option takes.
#[derive(Debug)]
pub enum Kind {
    /// `y` or `n`. The constant is a `bool`.
    Bool {
        /// The value when `.config` says nothing.
        default: bool,
        /// The `cfg` that is set for the crate when it is `y`.
        cfg: &'static str,
    },
    /// A decimal number. The constant is a `u32`.
    Number {
        /// The value when `.config` says nothing.
        default: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Printable ASCII in quotes. The constant is a `&str`.
    Text {
        /// The value when `.config` says nothing.
        default: &'static str,
        /// The longest, in bytes.
        max_bytes: usize,
    },
    /// One of some characters, in quotes, typed together with Ctrl. The constant is the `u8` that a terminal sends for it,
    /// 1 to 31.
    CtrlKey {
        /// The character when `.config` says nothing.
        default: char,
        /// The characters that may be chosen.
        characters: &'static str,
    },
    /// One alternative of several. The constant is a value of the enum `enum_name`, which the crate defines.
    Choice {
        /// The enum.
        enum_name: &'static str,
        /// The alternatives; the first, or the first that can be had, is the default.
        alternatives: &'static [Alternative],
    },
}

/// An alternative of a choice.
#[derive(Debug)]
pub struct Alternative {
    /// The name in `.config`, without the prefix.
    pub name: &'static str,
    /// The variant of the enum.
    pub variant: &'static str,
    /// The alternative of another choice without which this one cannot be had, or `""`.
    pub needs: &'static str,
}

const fn alternative(name: &'static str, variant: &'static str) -> Alternative {
    Alternative { name, variant, needs: "" }
}

const fn dependent(name: &'static str, variant: &'static str, needs: &'static str) -> Alternative {
    Alternative { name, variant, needs }
}

const fn number(name: &'static str, default: u32, min: u32, max: u32, doc: &'static str) -> Opt {
    Opt { name, user: User::Core, kind: Kind::Number { default, min, max }, doc }
}

/// All options, in the order of the menus.
pub const OPTIONS: &[Opt] = &[
    Opt {
        name: "BOARD",
        user: User::Make,
        kind: Kind::Choice {
            enum_name: "Board",
            alternatives: &[
                alternative("BOARD_QEMU_VIRT", "QemuVirt"),
                alternative("BOARD_TEGRA2", "Tegra2"),
            ],
        },
        doc: "The board that is built for.",
    },
    Opt {
        name: "CPU",
        user: User::Make,
        kind: Kind::Choice {
            enum_name: "Cpu",
            alternatives: &[
                dependent("CPU_CORTEX_A15", "CortexA15", "BOARD_QEMU_VIRT"),
                dependent("CPU_CORTEX_A7", "CortexA7", "BOARD_QEMU_VIRT"),
                dependent("CPU_CORTEX_A9", "CortexA9", "BOARD_TEGRA2"),
            ],
        },
        doc: "The CPU of the machine.",
    },
    Opt {
        name: "TEGRA2_CONSOLE",
        user: User::Board("tegra2"),
        kind: Kind::Choice {
            enum_name: "ConsoleUart",
            alternatives: &[
                alternative("TEGRA2_CONSOLE_UARTB", "UartB"),
                alternative("TEGRA2_CONSOLE_UARTA", "UartA"),
                alternative("TEGRA2_CONSOLE_UARTC", "UartC"),
                alternative("TEGRA2_CONSOLE_UARTD", "UartD"),
                alternative("TEGRA2_CONSOLE_UARTE", "UartE"),
            ],
        },
        doc: "The UART that Nex's console is on.",
    },
    Opt {
        name: "DEFAULT_CMDLINE",
        user: User::Core,
        kind: Kind::Text { default: "", max_bytes: 255 },
        doc: "Words that go before the loader's on Nex's command line.",
    },
    number("MAX_DOMAINS", 32, 1, 64, "Domains at a time, at most."),
    number("HEAP_INITIAL_KIB", 128, 64, 8192, "What the heap begins with, in KiB."),
    number("HEAP_GROWTH_KIB", 128, 16, 4096, "What the heap grows by at least, in KiB."),
    number("THREAD_STACK_PAGES", 4, 3, 16, "Pages of 4 KiB that each thread's stack has."),
    Opt {
        name: "DEBUGGER",
        user: User::Core,
        kind: Kind::Bool { default: true, cfg: "nex_debugger" },
        doc: "Whether the debugger is in the image. `cfg(nex_debugger)` says the same.",
    },
    Opt {
        name: "DEBUGGER_KEY",
        user: User::Core,
        // Not A, which moves the input focus; nor H, I, J, M and [, which are backspace, tab, newline, return and escape; nor
        // Q and S, which terminals and serial lines keep for flow control; nor ], which is QEMU's own.
        kind: Kind::CtrlKey { default: '\\', characters: "BCDEFGKLNOPRTUVWXYZ\\^_" },
        doc: "The byte of the key that, typed several times in a row, enters the debugger.",
    },
    number(
        "WATCHDOG_SECONDS",
        10,
        0,
        3600,
        "Seconds that a CPU may go without scheduling before the watchdog acts; 0: there is no watchdog.",
    ),
    Opt {
        name: "LOG_LEVEL",
        user: User::Core,
        kind: Kind::Choice {
            enum_name: "LogLevel",
            alternatives: &[
                alternative("LOG_LEVEL_INFO", "Info"),
                alternative("LOG_LEVEL_OFF", "Off"),
                alternative("LOG_LEVEL_ERROR", "Error"),
                alternative("LOG_LEVEL_WARN", "Warn"),
                alternative("LOG_LEVEL_DEBUG", "Debug"),
                alternative("LOG_LEVEL_TRACE", "Trace"),
            ],
        },
        doc: "What is logged until somebody says otherwise at run time.",
    },
    Opt {
        name: "FRAMEBUFFER",
        user: User::Core,
        kind: Kind::Bool { default: true, cfg: "nex_framebuffer" },
        doc: "Whether the console on the framebuffer is in the image, with its font. `cfg(nex_framebuffer)` says the same.",
    },
];
