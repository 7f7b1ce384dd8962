//! The machine under kernels that nobody here wrote: Debian's for ARMv7 as it is, and the same source with Tegra 2 support.
//!
//! Both with what a friendly and a hostile boot loader leaves. Nothing may be accessed that is not there.

use nex_xoom_tests::{Machine, prepared, seconds};

const PROMPT: &str = "\nxoom# ";

/// Boots a kernel with a device tree to a shell, and returns what it printed on the way.
fn boot(kernel: &str, dtb: &str, options: &str, arguments: &[&str]) -> (Machine, String) {
    let (kernel, dtb, initrd) = (prepared(kernel), prepared(dtb), prepared("initrd.gz"));
    let mut all: Vec<&std::ffi::OsStr> = vec!["-no-reboot".as_ref()];
    all.extend(["-kernel".as_ref(), kernel.as_os_str(), "-dtb".as_ref(), dtb.as_os_str()]);
    all.extend([
        "-initrd".as_ref(),
        initrd.as_os_str(),
        "-append".as_ref(),
        "console=tty0 console=ttyS0".as_ref(),
    ]);
    all.extend(arguments.iter().map(std::ffi::OsStr::new));
    let mut machine = Machine::start(options, all);
    let log = machine.expect(PROMPT, seconds(180));
    (machine, log)
}

/// Types a command and returns what it prints.
fn run(machine: &mut Machine, command: &str) -> String {
    machine.send(&format!("{command}\n"));
    machine.expect(PROMPT, seconds(60))
}

#[track_caller]
fn assert_log(log: &str, lines: &[&str]) {
    for line in lines {
        assert!(log.contains(line), "not in the log: {line:?}\n{log}");
    }
}

/// Counts of an interrupt on each CPU, from `/proc/interrupts`; `name` is the controller with the hardware number.
fn interrupts(table: &str, name: &str) -> Vec<u64> {
    let line =
        table.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name:?}:\n{table}"));
    line.split_whitespace().skip(1).map_while(|word| word.parse().ok()).collect()
}

// ---- Debian's kernel ----

fn generic(options: &str) {
    let (mut machine, log) = boot("vmlinuz", "xoom-generic.dtb", options, &[]);
    assert_log(
        &log,
        &[
            "CPU: ARMv7 Processor [411fc090] revision 0 (ARMv7)",
            "128 interrupts forwarded to /interrupt-controller@50041000",
            "sched_clock: 32 bits at 1000kHz",
            "All CPU(s) started in SVC mode",
            "framebuffer at 0x2e800000",
            "70006040.serial: ttyS0 at MMIO 0x70006040",
            "tegra_rtc 7000e000.rtc: setting system clock to 20",
        ],
    );
    if !options.contains("hostile") {
        assert_log(&log, &["L2C-310: CACHE_ID 0x410000c4", "8 ways, 1024 kB"]);
    }
    assert_log(&run(&mut machine, "uname -v -m"), &["Debian 6.1.", "armv7l"]);
    assert_log(
        &run(&mut machine, "cat /proc/cpuinfo"),
        &["Features\t: half thumb fastmult vfp edsp thumbee vfpv3 vfpv3d16 tls \n", "CPU variant\t: 0x1"],
    );
    assert!(interrupts(&run(&mut machine, "cat /proc/interrupts"), "LIC   0 Level")[0] > 0, "TMR1 ticks");
    let before: u64 = uptime_ms(&mut machine);
    run(&mut machine, "sleep 2");
    let slept = uptime_ms(&mut machine) - before;
    assert!((2000..20_000).contains(&slept), "2 seconds of sleep took {slept} ms");
    assert_well(&machine);

    // Its console on the frame buffer: the boot loader's picture is gone, and there is text.
    let picture = machine.screen().picture();
    assert_eq!((picture.width, picture.height), (1280, 800));
    let dark = picture.pixels.iter().filter(|&&pixel| pixel == [0; 3]).count();
    assert!(dark > picture.pixels.len() / 2 && dark < picture.pixels.len(), "{dark} dark pixels");
}

fn uptime_ms(machine: &mut Machine) -> u64 {
    let shown = run(machine, "cat /proc/uptime");
    let word = shown.lines().find_map(|line| line.split(' ').next().filter(|word| word.contains('.')));
    word.and_then(|word| word.replace('.', "").parse::<u64>().ok()).expect("an uptime") * 10
}

#[track_caller]
fn assert_well(machine: &Machine) {
    assert_eq!(machine.complaints(), "", "QEMU complains");
}

#[test]
fn debians_kernel() {
    generic("");
}

#[test]
fn debians_kernel_after_a_hostile_boot_loader() {
    generic("hostile=on");
}

#[test]
fn debians_kernel_if_the_legacy_controller_gates() {
    generic("lic-gates-gic=on,lic-fiq-cpus=1");
}

// ---- The same source with Tegra 2 support, and the device trees of boards ----

/// `console` is the number of the serial port among those of the machine.
fn tegra20(board: &str, model: &str, console: usize, options: &str) -> Machine {
    let others = ["-serial", "null"].repeat(console);
    let (mut machine, log) = boot("zImage", &format!("{board}.dtb"), options, &others);
    assert_log(
        &log,
        &[
            model,
            "128 interrupts forwarded to /interrupt-controller@50041000",
            "Tegra Revision: A04",
            "smp: Brought up 1 node, 2 CPUs",
            "All CPU(s) started in SVC mode",
        ],
    );
    for _ in 0..20 {
        run(&mut machine, "ls / > /dev/null & ls /proc > /dev/null & wait");
    }
    run(&mut machine, "sleep 1");
    let table = run(&mut machine, "cat /proc/interrupts");
    assert!(interrupts(&table, "LIC   0 Level")[0] > 0, "TMR1 on the first core:\n{table}");
    assert!(interrupts(&table, "LIC   1 Level")[1] > 0, "TMR2 on the second core:\n{table}");
    let rescheduling = interrupts(&table, "Rescheduling");
    assert!(rescheduling.iter().all(|&count| count > 0), "both cores interrupt each other:\n{table}");

    // The second core goes and comes back.
    for _ in 0..3 {
        run(&mut machine, "echo 0 > /sys/devices/system/cpu/cpu1/online");
        assert_log(&run(&mut machine, "cat /sys/devices/system/cpu/online"), &["\n0\n"]);
        run(&mut machine, "echo 1 > /sys/devices/system/cpu/cpu1/online");
        assert_log(&run(&mut machine, "cat /sys/devices/system/cpu/online"), &["\n0-1\n"]);
    }
    assert_well(&machine);
    machine
}

/// With a device tree that gives the drivers of display and power management what they want: the display is set up by
/// Linux's own driver, and the machine is reset through the PMC.
#[test]
fn tegra20_with_display_and_reset() {
    let mut machine = tegra20("xoom-tegra20", "Emulated Xoom", 0, "");
    run(&mut machine, "mount -t debugfs debugfs /sys/kernel/debug");
    for (clock, hertz) in [("clk_m", 26_000_000), ("pll_x", 1_000_000_000), ("uartb", 216_000_000)] {
        let rate = run(&mut machine, &format!("cat /sys/kernel/debug/clk/{clock}/clk_rate"));
        assert_log(&rate, &[&format!("\n{hertz}\n")]);
    }
    assert_log(&run(&mut machine, "ls /sys/class/drm"), &["card0-DPI-1"]);
    assert_log(&run(&mut machine, "cat /sys/class/graphics/fb0/virtual_size"), &["1280,800"]);
    assert!(
        interrupts(&run(&mut machine, "cat /proc/interrupts"), "LIC  73 Level")[0] > 0,
        "vertical blanks"
    );
    let picture = machine.screen().picture();
    assert_eq!((picture.width, picture.height), (1280, 800));
    let dark = picture.pixels.iter().filter(|&&pixel| pixel == [0; 3]).count();
    assert!(dark > picture.pixels.len() / 2 && dark < picture.pixels.len(), "text: {dark} dark pixels");
    // All of the screen in one colour: blue, in the format of the driver's choice.
    run(&mut machine, "echo 0 > /sys/class/graphics/fbcon/cursor_blink");
    run(&mut machine, "printf '\\033[44m\\033[2J\\033[?25l' > /dev/tty0; sleep 1");
    let picture = machine.screen().picture();
    let blue =
        picture.pixels.iter().filter(|&&[red, green, blue]| red < 8 && green < 8 && blue > 100).count();
    assert_eq!(blue, picture.pixels.len(), "all of it is blue");
    assert_well(&machine);

    machine.send("reboot -f\n");
    let output = machine.wait_exit(seconds(60));
    assert_eq!((output.status, output.complaints.as_str()), (Some(0), ""), "{}", output.console);
}

#[test]
fn tegra20_harmony() {
    tegra20("tegra20-harmony", "NVIDIA Tegra20 Harmony", 1, "");
}

#[test]
fn tegra20_harmony_after_a_hostile_boot_loader() {
    tegra20("tegra20-harmony", "NVIDIA Tegra20 Harmony", 1, "hostile=on");
}

#[test]
fn tegra20_ventana_if_the_legacy_controller_gates() {
    tegra20("tegra20-ventana", "NVIDIA Tegra20 Ventana", 1, "lic-gates-gic=on,lic-fiq-cpus=2");
}

#[test]
fn tegra20_trimslice() {
    tegra20("tegra20-trimslice", "Compulab TrimSlice", 2, "");
}
