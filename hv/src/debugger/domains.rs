//! Commands about domains.

use nex_debugger::hexdump::hexdump;
use nex_debugger::parse::{Args, Width};
use nex_debugger::table::{Command, CommandError};

use super::{Context, say};
use crate::arch::Frame;
use crate::domain::{self, Control, Domain};

type Result<T = ()> = core::result::Result<T, CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[
    Command { name: "doms", usage: "", help: "the domains", run: doms },
    Command { name: "traps", usage: "", help: "traps of each domain by reason", run: traps },
    Command {
        name: "gdump",
        usage: "<dom> <hex size>@<hex gpa>",
        help: "dump memory of a domain by guest physical address",
        run: gdump,
    },
    Command { name: "pause", usage: "<dom>", help: "keep a domain from running", run: pause },
    Command { name: "unpause", usage: "<dom>", help: "let a paused domain run again", run: unpause },
    Command { name: "kill", usage: "<dom>", help: "stop a domain for good", run: kill },
];

const INTERRUPTED: CommandError = CommandError::Message("interrupted");

/// Calls `f` with the domain that has this name or number.
pub(super) fn with_domain<T>(context: &Context, name: &str, f: &mut dyn FnMut(&Domain) -> T) -> Result<T> {
    let mut found = None;
    domain::peek_all(&context.stopped, &mut |domain| {
        if domain.name() == name || name.parse() == Ok(domain.number()) {
            found = Some(f(domain));
        }
    });
    found.ok_or(CommandError::Message("no such domain: doms lists them"))
}

fn doms(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let running = context.guest();
    let Context { out, stopped, .. } = context;
    let mut result = Ok(());
    domain::peek_all(stopped, &mut |d| {
        let state = match (d.control(), running == Some(d.number())) {
            (Control::Pause, _) => "paused",
            (Control::Kill, _) => "dying",
            (_, true) => "running",
            _ => "-",
        };
        let privilege = if d.is_privileged() { "priv" } else { "-" };
        let row = format_args!(
            "{:3} {state:8} {privilege:5} guest {:5} MiB {}\n",
            d.number(),
            d.memory_bytes() >> 20,
            d.name()
        );
        result = result.and(core::fmt::Write::write_fmt(out, row));
    });
    result.map_err(|_| INTERRUPTED)
}

fn traps(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    say!(context, " undefined       svc  prefetch      data       irq name");
    let Context { out, stopped, .. } = context;
    let mut result = Ok(());
    domain::peek_all(stopped, &mut |d| {
        let t = d.trap_counts();
        let row = format_args!("{:10}{:10}{:10}{:10}{:10} {}\n", t[1], t[2], t[3], t[4], t[6], d.name());
        result = result.and(core::fmt::Write::write_fmt(out, row));
    });
    result.map_err(|_| INTERRUPTED)
}

/// A domain's registers: those just interrupted, or those of its last trap.
fn frame_of(context: &Context, name: &str) -> Result<(u8, Frame)> {
    let running = context.guest();
    let interrupted = context.frame;
    with_domain(context, name, &mut |d| {
        let here = running == Some(d.number());
        (d.number(), if here { interrupted } else { domain::vcpu::frame_of(d.peek(&context.stopped)) })
    })
}

/// `regs <dom>`.
pub(super) fn registers(context: &mut Context, name: &str) -> Result {
    let (_, frame) = frame_of(context, name)?;
    say!(context, "{}", frame.core_regs(None));
    Ok(())
}

/// `bt <dom>`.
pub(super) fn backtrace(context: &mut Context, name: &str) -> Result {
    let (number, _) = frame_of(context, name)?;
    backtrace_number(context, number)
}

/// Frames shown at most.
const MAX_FRAMES: usize = 32;

/// Backtrace of a domain along r11, which guests made by Rust and by GCC with -marm keep as frame pointer.
pub(super) fn backtrace_number(context: &mut Context, number: u8) -> Result {
    let mut text = arrayvec::ArrayString::<3>::new();
    let _ = core::fmt::Write::write_fmt(&mut text, format_args!("{number}"));
    let (_, frame) = frame_of(context, &text)?;
    let (mut sp, mut fp) = (frame.sp, frame.r[11]);
    say!(context, "sp {sp:08x} fp {fp:08x} pc {:08x}", frame.pc);
    for _ in 0..MAX_FRAMES {
        let word = |at: u32| {
            with_domain(context, &text, &mut |d| d.peek(&context.stopped).parts.peek_virtual(at, 4))
                .ok()
                .flatten()
        };
        if fp % 4 != 0 || fp < sp {
            break;
        }
        let (Some(caller_fp), Some(lr)) = (word(fp), word(fp.wrapping_add(4))) else { break };
        let (caller_fp, lr) = (caller_fp as u32, lr as u32);
        if lr == 0 {
            break;
        }
        sp = fp.wrapping_add(8);
        say!(context, "sp {sp:08x} fp {caller_fp:08x} pc {lr:08x}");
        if caller_fp <= fp {
            break;
        }
        fp = caller_fp;
    }
    Ok(())
}

fn gdump(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    let (name, range) = (args.word(0)?, args.size_at(1)?);
    let (number, _) = frame_of(context, name)?;
    let Context { out, stopped, .. } = context;
    let mut result = Ok(());
    domain::peek_all(stopped, &mut |d| {
        if d.number() == number {
            let memory = &d.peek(stopped).parts.memory;
            let mut read = |at: u32, width: Width| memory.peek(at, width.bytes() as u32);
            result = hexdump(out, Width::Word, range, &mut read);
        }
    });
    result.map_err(|_| INTERRUPTED)
}

fn control(context: &mut Context, args: &Args<'_>, wanted: Control) -> Result {
    args.at_most(1)?;
    let name = args.word(0)?;
    with_domain(context, name, &mut |d| d.set_control(wanted))
}

fn pause(context: &mut Context, args: &Args<'_>) -> Result {
    control(context, args, Control::Pause)
}

fn unpause(context: &mut Context, args: &Args<'_>) -> Result {
    control(context, args, Control::Run)
}

fn kill(context: &mut Context, args: &Args<'_>) -> Result {
    control(context, args, Control::Kill)
}
