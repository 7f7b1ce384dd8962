//! Commands about the CPU and memory: what the seed had.

use core::fmt::Write;

use nex_debugger::hexdump::hexdump;
use nex_debugger::par::Translation;
use nex_debugger::parse::{Args, Width};
use nex_debugger::regs::{Bank, BankedRegs};
use nex_debugger::table::{Command, CommandError};

use super::{Context, Reason, domains, read_own, say};
use crate::arch::boot_args;
use crate::arch::debug::{self, Banks};
use crate::backtrace;
use crate::board::Exit;

type Result = core::result::Result<(), CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[
    Command {
        name: "bt",
        usage: "[dom]",
        help: "backtrace of the interrupted code, or of a domain",
        run: bt,
    },
    Command {
        name: "regs",
        usage: "[dom]",
        help: "registers of the interrupted code, or of a domain",
        run: regs,
    },
    Command { name: "xregs", usage: "", help: "registers, and the banked ones of all modes", run: xregs },
    Command {
        name: "hexdump",
        usage: "1|2|4|8 <hex size>@<hex va>",
        help: "dump memory in units of 1, 2, 4 or 8 bytes",
        run: hexdump_command,
    },
    Command {
        name: "v2p",
        usage: "u|p r|w <hex va>",
        help: "translate an address as the MMU does",
        run: v2p,
    },
    Command {
        name: "sym",
        usage: "<hex va>|<name>",
        help: "name of an address, or address of a name",
        run: sym,
    },
    Command { name: "ver", usage: "", help: "version, platform, revision", run: ver },
    Command {
        name: "hwinfo",
        usage: "",
        help: "the hardware, and what the boot loader made of it",
        run: hwinfo,
    },
    Command { name: "continue", usage: "", help: "let everything go on", run: resume },
    Command { name: "reset", usage: "", help: "reset the machine", run: reset },
    Command {
        name: "exit",
        usage: "[status]",
        help: "end the machine: switch off, or fail if status is not 0",
        run: exit,
    },
];

fn bt(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    if let Some(name) = args.get(0) {
        return domains::backtrace(context, name);
    }
    if let Some(guest) = context.guest() {
        return domains::backtrace_number(context, guest);
    }
    let (pc, sp, fp) = (context.frame.pc, context.frame.sp, context.frame.r[11]);
    let out = &mut context.out;
    backtrace::walk(pc, sp, fp, &mut |line| {
        let _ = writeln!(out, "{line}");
    });
    Ok(())
}

fn regs(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    if let Some(name) = args.get(0) {
        return domains::registers(context, name);
    }
    let spsr = (context.frame.cpsr & 0x1f == 0x13).then(|| Banks::read().svc[2]);
    say!(context, "{}", context.frame.core_regs(spsr));
    Ok(())
}

fn xregs(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    regs(context, args)?;
    let banks = Banks::read();
    let bank = |[sp, lr, spsr]: debug::Bank| Bank { sp, lr, spsr };
    let all = BankedRegs {
        usr_sp: banks.usr[0],
        usr_lr: banks.usr[1],
        svc: bank(banks.svc),
        abt: bank(banks.abt),
        und: bank(banks.und),
        irq: bank(banks.irq),
        fiq_r8: banks.fiq_r8,
        fiq: bank(banks.fiq),
    };
    say!(context, "{all}");
    Ok(())
}

fn hexdump_command(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    let (width, range) = (args.width(0)?, args.size_at(1)?);
    let mut read = |at: u32, width: Width| read_own(at, width.bytes() as u32);
    hexdump(&mut context.out, width, range, &mut read).map_err(|_| CommandError::Message("interrupted"))
}

fn v2p(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(3)?;
    let (access, va) = (args.access(0)?, args.hex(2)?);
    let par = debug::translate(va, access.privileged, access.write);
    say!(context, "{}", Translation { access, va, par });
    Ok(())
}

fn sym(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    let word = args.word(0)?;
    if let Some(address) = backtrace::find(word) {
        say!(context, "{address:08x} {word}");
        return Ok(());
    }
    // Not a name: an address, if it is a number at all.
    let address = args.hex(0).map_err(|_| CommandError::Message("no such symbol"))?;
    say!(context, "{address:08x} {}", backtrace::Where(address));
    Ok(())
}

fn ver(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    say!(context, "Nex {}, {}", env!("CARGO_PKG_VERSION"), env!("NEX_COMPILER"));
    say!(context, "platform {}", crate::board_in_use().map_or("unknown", |board| board.name()));
    say!(context, "git {}", env!("NEX_GIT_REVISION"));
    say!(context, "image at {:08x}, {} bytes", boot_args().desired, boot_args().image_bytes);
    Ok(())
}

fn hwinfo(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let boot = boot_args();
    say!(context, "entry {:08x}  cpsr {:08x}  sctlr {:08x}", boot.actual, boot.cpsr, boot.sctlr);
    say!(context, "r0 {:08x}  r1 {:08x}  r2 {:08x}", boot.r0, boot.machine, boot.tags);
    let Some(board) = crate::board_in_use() else { return Ok(()) };
    board.describe_hardware(&mut context.out).map_err(|_| CommandError::Message("interrupted"))
}

fn resume(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    if matches!(context.reason, Reason::Panic) {
        return Err(CommandError::Message("there is no way on after a panic: reset, or exit"));
    }
    context.leave = true;
    Ok(())
}

fn reset(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    say!(context, "resetting");
    crate::end(Exit::Reset)
}

fn exit(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    let failed = matches!(context.reason, Reason::Panic);
    let status = if args.is_empty() { u32::from(failed) } else { args.decimal(0)? };
    crate::end(if status == 0 { Exit::PowerOff } else { Exit::Failed })
}
