//! The command about the log.

use core::fmt::Write;

use nex_debugger::parse::Args;
use nex_debugger::table::{Command, CommandError};

use super::{Context, say};
use crate::log;

type Result = core::result::Result<(), CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[Command {
    name: "log",
    usage: "[<count> | level [off|error|warn|info|debug|trace|default [<module>]]]",
    help: "the last records (all without a count), or how much is logged from now on",
    run: show,
}];

fn show(context: &mut Context, args: &Args<'_>) -> Result {
    if args.get(0) == Some("level") {
        return level(context, args);
    }
    args.at_most(1)?;
    let count = match args.get(0) {
        Some(_) => args.decimal(0)?,
        None => u32::MAX,
    };
    if log::text_mode() {
        say!(
            context,
            "records are kept as frames, which only nextool can read: nextool dump, or boot without log=text"
        );
        return Ok(());
    }
    log::for_each_recent(count as usize, &mut |bytes| context.out.raw(bytes));
    if log::lost() > 0 {
        say!(context, "{} records were lost", log::lost());
    }
    Ok(())
}

fn level(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(3)?;
    let module = args.get(2).unwrap_or("");
    match args.get(1) {
        None => {
            let mut result = Ok(());
            let out = &mut context.out;
            log::filters(&mut |module, limit| {
                let module = if module.is_empty() { "(all others)" } else { module };
                result = result.and(writeln!(out, "{limit:8} {module}"));
            });
            result.map_err(|_| CommandError::Message("interrupted"))
        }
        Some("default") if !module.is_empty() => match log::clear_filter(module) {
            true => Ok(()),
            false => Err(CommandError::Message("this module has no level of its own")),
        },
        Some(name) => {
            let limit = log::limit_from_name(name).ok_or(CommandError::Usage)?;
            log::set_filter(module, limit).map_err(|error| CommandError::Message(error.text()))
        }
    }
}
