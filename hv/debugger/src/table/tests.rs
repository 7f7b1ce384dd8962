use super::*;
use proptest::prelude::*;

type Log = Vec<String>;

fn note(log: &mut Log, args: &Args<'_>) -> Result<(), CommandError> {
    log.push(format!("{} {}", args.command(), args.len()));
    Ok(())
}

const fn command(
    name: &'static str,
    usage: &'static str,
    help: &'static str,
    run: fn(&mut Log, &Args<'_>) -> Result<(), CommandError>,
) -> Command<Log> {
    Command { name, usage, help, run }
}

static CORE: [Command<Log>; 5] = [
    command("regs", "[<dom>]", "registers", note),
    command("reset", "", "restart the machine", |_, _| Err(CommandError::Message("no reset here"))),
    command("xregs", "", "banked registers", |_, _| Err(CommandError::Usage)),
    command("re", "", "another", note),
    command("?", "[<command>]", "this list", note),
];

static MEMORY: [Command<Log>; 3] = [
    command("hexdump", "1|2|4|8 <hex size>@<hex va>", "memory", |_, args| {
        args.width(0)?;
        args.size_at(1)?;
        args.at_most(2)?;
        Err(CommandError::Fault)
    }),
    command("regs", "", "never seen", |_, _| unreachable!()),
    command("help", "[<command>]", "this list", note),
];

static TABLES: [&[Command<Log>]; 2] = [&CORE, &MEMORY];

fn run(line: &str) -> Result<Log, String> {
    let mut log = vec![];
    match Registry::new(&TABLES).run(line, &mut log) {
        Ok(()) => Ok(log),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn names_and_prefixes() {
    let registry = Registry::new(&TABLES);
    let find = |name| registry.find(name).map(|command| command.name);
    assert_eq!(find("regs"), Ok("regs"));
    assert_eq!(find("reg"), Ok("regs"), "two of one name are one");
    assert_eq!(find("re"), Ok("re"), "the whole name goes before longer ones");
    assert_eq!(find("r"), Err(FindError::Ambiguous));
    assert_eq!(find("he"), Err(FindError::Ambiguous));
    assert_eq!(find("x"), Ok("xregs"));
    assert_eq!(find("xregss"), Err(FindError::Unknown));
    assert_eq!(find(""), Err(FindError::Unknown));
}

#[test]
fn runs_and_errors() {
    assert_eq!(run("reg dom0"), Ok(vec!["reg 1".into()]));
    assert_eq!(run("  "), Ok(vec![]));
    assert_eq!(run("foo 1"), Err("foo: no such command, try help".into()));
    assert_eq!(run("r"), Err("r: several commands begin like that, press TAB for a list".into()));
    assert_eq!(run("reset"), Err("no reset here".into()));
    assert_eq!(run("xregs"), Err("usage: xregs".into()));
    assert_eq!(run("hexdump 4 4@0"), Err("fault".into()));
    assert_eq!(
        run("hexdump 3 4@0"),
        Err("width must be 1, 2, 4 or 8\nusage: hexdump 1|2|4|8 <hex size>@<hex va>".into())
    );
    assert_eq!(run(&"x ".repeat(17)), Err("too many words".into()));
    let error = Registry::new(&TABLES).run("reset", &mut vec![]).unwrap_err();
    assert_eq!(format!("{error:?}"), "Command(\"reset\", Message(\"no reset here\"))");
}

#[test]
fn help() {
    let help = |name| {
        let mut out = String::new();
        Registry::new(&TABLES).help(name, &mut out).unwrap();
        out
    };
    assert_eq!(
        help(None),
        "? [<command>]                           this list\n\
         help [<command>]                        this list\n\
         hexdump 1|2|4|8 <hex size>@<hex va>     memory\n\
         re                                      another\n\
         regs [<dom>]                            registers\n\
         reset                                   restart the machine\n\
         xregs                                   banked registers\n"
    );
    assert_eq!(help(Some("hex")), "usage: hexdump 1|2|4|8 <hex size>@<hex va>\nmemory\n");
    assert_eq!(help(Some("nope")), "nope: no such command, try help\n");
}

#[test]
fn completion() {
    let complete = |before| {
        let mut names = vec![];
        Registry::new(&TABLES).complete(before, &mut |name| names.push(name.to_string()));
        names
    };
    assert_eq!(complete("re"), ["re", "regs", "reset"]);
    assert_eq!(complete("help x"), ["xregs"]);
    assert_eq!(complete("?  x"), ["xregs"]);
    assert_eq!(complete("").len(), 7);
    assert_eq!(complete("help ").len(), 7);
    assert_eq!(complete("regs x"), [""; 0]);
    assert_eq!(complete("help x y"), [""; 0]);
}

proptest! {
    #[test]
    fn any_line(line in "(re|reg|hexdump|xregs|help|\\PC{0,5})[ \\PC]{0,40}") {
        let lines = run(&line).map_or_else(|text| text.lines().count(), |_| 0);
        prop_assert!(lines <= 2);
    }
}
