//! The registers that answer what nobody could find out without a tablet: as the boot loader left them, and as they are.

use core::fmt;

use crate::clocks::device::{DISP1, GPIO, HOST1X, TIMERS};

/// What a register needs to be accessible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Nothing.
    Always,
    /// Clock and reset of a device.
    Device(u32),
}

/// A register.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name in Linux or NVIDIA's documents.
    pub name: &'static str,
    /// Its physical address.
    pub address: u32,
    /// What it needs.
    pub gate: Gate,
}

const fn always(name: &'static str, address: u32) -> Entry {
    Entry { name, address, gate: Gate::Always }
}

const fn gated(name: &'static str, address: u32, device: u32) -> Entry {
    Entry { name, address, gate: Gate::Device(device) }
}

/// All of them, by address. None changes by being read.
pub const REGISTERS: [Entry; 91] = [
    always("SCU_CONTROL", 0x5004_0000),
    always("SCU_CONFIG", 0x5004_0004),
    always("SCU_CPU_STATUS", 0x5004_0008),
    always("SCU_DIAGNOSTIC", 0x5004_0030),
    always("GICC_CTLR", 0x5004_0100),
    always("GICC_PMR", 0x5004_0104),
    always("GICD_CTLR", 0x5004_1000),
    always("GICD_TYPER", 0x5004_1004),
    always("GICD_IGROUPR0", 0x5004_1080),
    always("GICD_IGROUPR1", 0x5004_1084),
    always("GICD_ISENABLER0", 0x5004_1100),
    always("GICD_ISENABLER1", 0x5004_1104),
    always("GICD_ISENABLER2", 0x5004_1108),
    always("GICD_ISENABLER3", 0x5004_110c),
    always("GICD_ISENABLER4", 0x5004_1110),
    always("L2_CACHE_ID", 0x5004_3000),
    always("L2_CTRL", 0x5004_3100),
    always("L2_AUX_CTRL", 0x5004_3104),
    always("L2_TAG_LATENCY", 0x5004_3108),
    always("L2_DATA_LATENCY", 0x5004_310c),
    always("L2_PREFETCH_CTRL", 0x5004_3f60),
    gated("DC_DISPLAY_COMMAND", 0x5420_00c8, DISP1),
    always("LIC0_ISR", 0x6000_4010),
    always("LIC0_CPU_IER", 0x6000_4020),
    always("LIC0_CPU_CLASS", 0x6000_402c),
    always("LIC0_COP_IER", 0x6000_4030),
    always("LIC1_ISR", 0x6000_4110),
    always("LIC1_CPU_IER", 0x6000_4120),
    always("LIC1_CPU_CLASS", 0x6000_412c),
    always("LIC1_COP_IER", 0x6000_4130),
    always("LIC2_ISR", 0x6000_4210),
    always("LIC2_CPU_IER", 0x6000_4220),
    always("LIC2_CPU_CLASS", 0x6000_422c),
    always("LIC2_COP_IER", 0x6000_4230),
    always("LIC3_ISR", 0x6000_4310),
    always("LIC3_CPU_IER", 0x6000_4320),
    always("LIC3_CPU_CLASS", 0x6000_432c),
    always("LIC3_COP_IER", 0x6000_4330),
    gated("TMR1_PTV", 0x6000_5000, TIMERS),
    gated("TMR2_PTV", 0x6000_5008, TIMERS),
    gated("TIMERUS_USEC_CFG", 0x6000_5014, TIMERS),
    gated("TMR3_PTV", 0x6000_5050, TIMERS),
    gated("TMR4_PTV", 0x6000_5058, TIMERS),
    always("RST_SOURCE", 0x6000_6000),
    always("RST_DEVICES_L", 0x6000_6004),
    always("RST_DEVICES_H", 0x6000_6008),
    always("RST_DEVICES_U", 0x6000_600c),
    always("CLK_OUT_ENB_L", 0x6000_6010),
    always("CLK_OUT_ENB_H", 0x6000_6014),
    always("CLK_OUT_ENB_U", 0x6000_6018),
    always("CCLK_BURST_POLICY", 0x6000_6020),
    always("SCLK_BURST_POLICY", 0x6000_6028),
    always("CLK_CPU_CMPLX", 0x6000_604c),
    always("OSC_CTRL", 0x6000_6050),
    always("PLLC_BASE", 0x6000_6080),
    always("PLLM_BASE", 0x6000_6090),
    always("PLLP_BASE", 0x6000_60a0),
    always("PLLD_BASE", 0x6000_60d0),
    always("PLLX_BASE", 0x6000_60e0),
    always("CLK_SOURCE_DISP1", 0x6000_6138),
    always("CLK_SOURCE_UARTA", 0x6000_6178),
    always("CLK_SOURCE_UARTB", 0x6000_617c),
    always("CLK_SOURCE_HOST1X", 0x6000_6180),
    always("RST_CPU_CMPLX", 0x6000_6340),
    always("HALT_CPU0_EVENTS", 0x6000_7000),
    always("HALT_COP_EVENTS", 0x6000_7004),
    always("CPU0_CSR", 0x6000_7008),
    always("COP_CSR", 0x6000_700c),
    always("HALT_CPU1_EVENTS", 0x6000_7014),
    always("CPU1_CSR", 0x6000_7018),
    always("SB_CSR", 0x6000_c200),
    gated("GPIO_CNF_G", 0x6000_d088, GPIO),
    gated("GPIO_OE_G", 0x6000_d098, GPIO),
    gated("GPIO_OUT_G", 0x6000_d0a8, GPIO),
    gated("GPIO_IN_G", 0x6000_d0b8, GPIO),
    gated("GPIO_CNF_V", 0x6000_d284, GPIO),
    gated("GPIO_OE_V", 0x6000_d294, GPIO),
    gated("GPIO_OUT_V", 0x6000_d2a4, GPIO),
    gated("GPIO_IN_V", 0x6000_d2b4, GPIO),
    always("EVP_CPU_RESET", 0x6000_f100),
    always("STRAP_OPT_A", 0x7000_0008),
    always("PIN_TRISTATE_B", 0x7000_0018),
    always("PIN_MUX_A", 0x7000_0080),
    always("PIN_PULL_D", 0x7000_00ac),
    always("HIDREV", 0x7000_0804),
    gated("UARTB_LCR", 0x7000_604c, 7),
    gated("UARTB_MCR", 0x7000_6050, 7),
    always("PMC_CNTRL", 0x7000_e400),
    always("PMC_PWRGATE_STATUS", 0x7000_e438),
    always("PMC_SCRATCH0", 0x7000_e450),
    always("MC_PROTECTED_APERTURE", 0x7000_f07c),
];

/// Values of [`REGISTERS`] at one moment; `None` where a register could not be accessed.
pub type Values = [Option<u32>; REGISTERS.len()];

/// Reads them. `read` takes the address.
pub fn capture(is_running: impl Fn(u32) -> bool, mut read: impl FnMut(u32) -> Option<u32>) -> Values {
    REGISTERS.map(|entry| {
        let open = match entry.gate {
            Gate::Always => true,
            // The display controllers are behind host1x.
            Gate::Device(DISP1) => is_running(DISP1) && is_running(HOST1X),
            Gate::Device(device) => is_running(device),
        };
        if open { read(entry.address) } else { None }
    })
}

/// Writes a line for each: address, as found, as it is now if that is different, name.
///
/// # Errors
/// When `out` refuses.
pub fn show(out: &mut dyn fmt::Write, found: &Values, now: &Values) -> fmt::Result {
    writeln!(out, "address  as found  now       register (- : without clock, not accessed)")?;
    for (entry, (found, now)) in REGISTERS.iter().zip(found.iter().zip(now)) {
        write!(out, "{:08x}  ", entry.address)?;
        for (value, is_shown) in [(found, true), (now, now != found)] {
            match value {
                _ if !is_shown => write!(out, "          ")?,
                Some(value) => write!(out, "{value:08x}  ")?,
                None => write!(out, "-         ")?,
            }
        }
        writeln!(out, "{}", entry.name)?;
    }
    Ok(())
}

/// Writes an ATAG list, a line for each tag: number, then its words; a command line as text.
///
/// # Errors
/// When `out` refuses.
pub fn show_atags(out: &mut dyn fmt::Write, list: &[u32]) -> fmt::Result {
    const COMMAND_LINE: u32 = 0x5441_0009;
    let mut rest = list;
    while let [words, tag, ..] = *rest
        && words >= 2
        && let Some(data) = rest.get(2..words as usize)
    {
        write!(out, "ATAG {tag:08x} ")?;
        if tag == COMMAND_LINE {
            let bytes = data.iter().flat_map(|word| word.to_le_bytes()).take_while(|&byte| byte != 0);
            bytes
                .map(|byte| if byte.is_ascii_graphic() { byte as char } else { ' ' })
                .try_for_each(|c| out.write_char(c))?;
        } else {
            data.iter().try_for_each(|word| write!(out, " {word:08x}"))?;
        }
        writeln!(out)?;
        rest = &rest[words as usize..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_register_once_and_aligned() {
        let mut addresses: Vec<u32> = REGISTERS.iter().map(|entry| entry.address).collect();
        addresses.sort_unstable();
        assert!(addresses.windows(2).all(|pair| pair[0] < pair[1]), "twice");
        assert!(addresses.iter().all(|address| address % 4 == 0));
        // What would hang without its clock is gated.
        for entry in REGISTERS {
            let block = entry.address >> 12;
            let needs = matches!(block, 0x6000d | 0x60005 | 0x70006 | 0x54200);
            assert_eq!(entry.gate != Gate::Always, needs, "{}", entry.name);
        }
    }

    #[test]
    fn nothing_without_clock_is_read() {
        let values = capture(
            |device| device == TIMERS || device == DISP1,
            |address| {
                assert!(!(0x6000_d000..0x6000_e000).contains(&address) && address >> 16 != 0x5420);
                Some(address)
            },
        );
        let gated = REGISTERS.iter().zip(values).filter(|(_, value)| value.is_none()).count();
        assert_eq!(gated, 8 + 2 + 1, "GPIO, UARTB, and the display behind host1x");
    }

    #[test]
    fn shown() {
        let mut found: Values = [Some(1); REGISTERS.len()];
        let mut now = found;
        now[1] = Some(0xabcd);
        found[2] = None;
        let mut text = String::new();
        show(&mut text, &found, &now).expect("room");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "50040000  00000001            SCU_CONTROL");
        assert_eq!(lines[2], "50040004  00000001  0000abcd  SCU_CONFIG");
        assert_eq!(lines[3], "50040008  -         00000001  SCU_CPU_STATUS");
        assert_eq!(lines.len(), REGISTERS.len() + 1);
    }

    #[test]
    fn atags() {
        let list = [2, 0x5441_0001, 4, 0x5441_0002, 0x4000_0000, 0, 3, 0x5441_0009, 0x0062_3d61, 0, 0, 7, 7];
        let mut text = String::new();
        show_atags(&mut text, &list).expect("room");
        assert_eq!(text, "ATAG 54410001 \nATAG 54410002  40000000 00000000\nATAG 54410009 a=b\n");
        for broken in [&[][..], &[5], &[9, 1, 2], &[1, 7, 7], &[u32::MAX, 1]] {
            let mut text = String::new();
            show_atags(&mut text, broken).expect("room");
            assert_eq!(text, "");
        }
    }
}
