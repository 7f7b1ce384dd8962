//! The CPU's registers as `regs` and `xregs` show them.

use core::fmt;

/// The name of the mode that a status register's bits 4..0 hold (DDI 0406C B1.3.1, table B1-1); `???` for none.
pub const fn mode_name(psr: u32) -> &'static str {
    match psr & 0x1f {
        0x10 => "USR",
        0x11 => "FIQ",
        0x12 => "IRQ",
        0x13 => "SVC",
        0x16 => "MON",
        0x17 => "ABT",
        0x1a => "HYP",
        0x1b => "UND",
        0x1f => "SYS",
        _ => "???",
    }
}

/// The registers of the code that was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CoreRegs {
    /// r0 to r15 as that code's mode sees them.
    pub r: [u32; 16],
    /// Its CPSR.
    pub cpsr: u32,
    /// Its SPSR; `None` in User and System mode, which have none.
    pub spsr: Option<u32>,
}

const NAMES: [&str; 16] =
    ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc"];

impl fmt::Display for CoreRegs {
    /// Four registers a line, then a line for CPSR and one for SPSR if there is one; no line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in NAMES.iter().zip(&self.r).enumerate() {
            let after = if index % 4 == 3 { "\n" } else { "  " };
            write!(f, "{name:3} {value:08x}{after}")?;
        }
        write!(f, "cpsr {:08x} mode {}", self.cpsr, mode_name(self.cpsr))?;
        match self.spsr {
            Some(spsr) => write!(f, "\nspsr {spsr:08x} mode {}", mode_name(spsr)),
            None => Ok(()),
        }
    }
}

/// What a mode other than User and System has of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bank {
    /// Stack pointer.
    pub sp: u32,
    /// Link register.
    pub lr: u32,
    /// Status register of what the mode interrupted.
    pub spsr: u32,
}

impl fmt::Display for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sp, lr, spsr } = *self;
        write!(f, "sp {sp:08x}  lr {lr:08x}  spsr {spsr:08x}  mode {}", mode_name(spsr))
    }
}

/// The banked registers of all modes, except Monitor and Hyp mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BankedRegs {
    /// Stack pointer of User and System mode.
    pub usr_sp: u32,
    /// Link register of User and System mode.
    pub usr_lr: u32,
    /// Supervisor mode.
    pub svc: Bank,
    /// Abort mode.
    pub abt: Bank,
    /// Undefined mode.
    pub und: Bank,
    /// IRQ mode.
    pub irq: Bank,
    /// FIQ mode's r8 to r12.
    pub fiq_r8: [u32; 5],
    /// FIQ mode's other registers.
    pub fiq: Bank,
}

impl fmt::Display for BankedRegs {
    /// A line for each bank, two for FIQ mode's; no line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "usr sp {:08x}  lr {:08x}", self.usr_sp, self.usr_lr)?;
        for (name, bank) in [("svc", self.svc), ("abt", self.abt), ("und", self.und), ("irq", self.irq)] {
            writeln!(f, "{name} {bank}")?;
        }
        f.write_str("fiq")?;
        let mut before = " ";
        for (name, value) in NAMES.iter().skip(8).zip(&self.fiq_r8) {
            write!(f, "{before}{name} {value:08x}")?;
            before = "  ";
        }
        write!(f, "\nfiq {}", self.fiq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regs() {
        let r = core::array::from_fn(|i| 0x1111_1111 * i as u32);
        let regs = CoreRegs { r, cpsr: 0x6000_01d3, spsr: Some(0x10) };
        assert_eq!(
            regs.to_string(),
            "r0  00000000  r1  11111111  r2  22222222  r3  33333333\n\
             r4  44444444  r5  55555555  r6  66666666  r7  77777777\n\
             r8  88888888  r9  99999999  r10 aaaaaaaa  r11 bbbbbbbb\n\
             r12 cccccccc  sp  dddddddd  lr  eeeeeeee  pc  ffffffff\n\
             cpsr 600001d3 mode SVC\n\
             spsr 00000010 mode USR"
        );
        let user = CoreRegs { r, cpsr: 0x10, spsr: None };
        assert!(user.to_string().ends_with("\ncpsr 00000010 mode USR"));
    }

    #[test]
    fn xregs() {
        let bank = |n| Bank { sp: n, lr: n + 1, spsr: n + 2 };
        let regs = BankedRegs {
            usr_sp: 1,
            usr_lr: 2,
            svc: bank(0x10e),
            abt: bank(0x20f),
            und: bank(0x310),
            irq: bank(0x411),
            fiq_r8: [8, 9, 10, 11, 12],
            fiq: bank(0x51d),
        };
        assert_eq!(
            regs.to_string(),
            "usr sp 00000001  lr 00000002\n\
             svc sp 0000010e  lr 0000010f  spsr 00000110  mode USR\n\
             abt sp 0000020f  lr 00000210  spsr 00000211  mode FIQ\n\
             und sp 00000310  lr 00000311  spsr 00000312  mode IRQ\n\
             irq sp 00000411  lr 00000412  spsr 00000413  mode SVC\n\
             fiq r8 00000008  r9 00000009  r10 0000000a  r11 0000000b  r12 0000000c\n\
             fiq sp 0000051d  lr 0000051e  spsr 0000051f  mode SYS"
        );
    }

    #[test]
    fn modes() {
        let named = (0..32).filter(|&mode| mode_name(mode) != "???").count();
        assert_eq!(named, 9);
        assert_eq!(["MON", "ABT", "HYP", "UND"], [0x16, 0x17, 0x1a, 0x1b].map(mode_name));
        assert_eq!(mode_name(0), "???");
    }
}
