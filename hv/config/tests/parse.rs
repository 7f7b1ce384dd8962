//! What the reader of `.config` takes, and what it refuses.

use nex_config::{Config, ConfigError, OPTIONS, Problem, User};
use proptest::prelude::*;

fn value(text: &str, name: &str) -> String {
    Config::parse(text).unwrap().expression(name).unwrap()
}

/// The one thing wrong with `text`: line and message.
fn complaint(text: &str) -> (usize, String) {
    match Config::parse(text).unwrap_err().as_slice() {
        [one] => (one.line, one.problem.to_string()),
        several => panic!("{several:?}"),
    }
}

#[test]
fn nothing_set_is_the_default() {
    assert_eq!(Config::parse("").unwrap(), Config::default());
    assert_eq!(Config::parse("\n  \n# a comment\n#\n# CONFIG_ is nice\n").unwrap(), Config::default());
}

#[test]
fn values_of_each_kind() {
    assert_eq!(value("CONFIG_DEBUGGER=n", "DEBUGGER"), "false");
    assert_eq!(value("# CONFIG_DEBUGGER is not set", "DEBUGGER"), "false");
    assert_eq!(value("CONFIG_DEBUGGER=y\r\n", "DEBUGGER"), "true");
    assert_eq!(value("CONFIG_MAX_DOMAINS=7", "MAX_DOMAINS"), "7");
    assert_eq!(value("CONFIG_DEBUGGER_KEY=\"Z\"", "DEBUGGER_KEY"), "0x1a");
    assert_eq!(value("CONFIG_DEBUGGER_KEY=\"B\"", "DEBUGGER_KEY"), "0x02");
    assert_eq!(value(r#"CONFIG_DEBUGGER_KEY="\\""#, "DEBUGGER_KEY"), "0x1c");
    assert_eq!(value("CONFIG_DEFAULT_CMDLINE=\"greet  x=1\"", "DEFAULT_CMDLINE"), "\"greet  x=1\"");
    assert_eq!(value(r#"CONFIG_DEFAULT_CMDLINE="a\"b\\c""#, "DEFAULT_CMDLINE"), r#""a\"b\\c""#);
    assert_eq!(value("CONFIG_LOG_LEVEL_WARN=y", "LOG_LEVEL"), "LogLevel::Warn");
    assert_eq!(
        value("# CONFIG_LOG_LEVEL_INFO is not set\nCONFIG_LOG_LEVEL_OFF=y", "LOG_LEVEL"),
        "LogLevel::Off"
    );
}

#[test]
fn the_line_and_the_reason_are_told() {
    let cases = [
        ("CONFIG_MAX_DOMAIN=3", "there is no option CONFIG_MAX_DOMAIN"),
        ("# CONFIG_MAX_DOMAIN is not set", "there is no option CONFIG_MAX_DOMAIN"),
        ("CONFIG_LOG_LEVEL=y", "there is no option CONFIG_LOG_LEVEL:"),
        ("MAX_DOMAINS=3", "expected `CONFIG_NAME=value`"),
        ("CONFIG_MAX_DOMAINS", "expected `CONFIG_NAME=value`"),
        ("CONFIG_MAX_DOMAINS=", "must be a decimal number from 1 to 64"),
        ("CONFIG_MAX_DOMAINS=0", "must be a decimal number from 1 to 64"),
        ("CONFIG_MAX_DOMAINS=65", "must be a decimal number from 1 to 64"),
        ("CONFIG_MAX_DOMAINS=+5", "must be a decimal number"),
        ("CONFIG_MAX_DOMAINS=0x10", "must be a decimal number"),
        ("CONFIG_MAX_DOMAINS=4294967298", "must be a decimal number"),
        ("CONFIG_MAX_DOMAINS= 5", "must be a decimal number"),
        ("# CONFIG_MAX_DOMAINS is not set", "CONFIG_MAX_DOMAINS=n: must be a decimal number"),
        ("CONFIG_DEBUGGER=yes", "CONFIG_DEBUGGER=yes: must be y or n"),
        ("CONFIG_DEBUGGER=m", "must be y or n"),
        ("CONFIG_LOG_LEVEL_OFF=1", "must be y or n"),
        ("CONFIG_DEBUGGER_KEY=\"A\"", "must be one of BCD"),
        ("CONFIG_DEBUGGER_KEY=\"BC\"", "must be one of BCD"),
        ("CONFIG_DEBUGGER_KEY=\"\"", "must be one of BCD"),
        ("CONFIG_DEBUGGER_KEY=B", "must be one of BCD"),
        ("CONFIG_DEFAULT_CMDLINE=greet", "must be at most 255 printable ASCII characters in double quotes"),
        ("CONFIG_DEFAULT_CMDLINE=\"", "in double quotes"),
        ("CONFIG_DEFAULT_CMDLINE=\"a\"b\"", "in double quotes"),
        ("CONFIG_DEFAULT_CMDLINE=\"a\\\"", "in double quotes"),
        ("CONFIG_DEFAULT_CMDLINE=\"\\n\"", "in double quotes"),
        ("CONFIG_DEFAULT_CMDLINE=\"é\"", "in double quotes"),
        ("CONFIG_CPU_CORTEX_A9=y", "CONFIG_CPU_CORTEX_A9=y needs CONFIG_BOARD_TEGRA2=y"),
    ];
    for (text, reason) in cases {
        let (line, message) = complaint(&format!("# a comment\n\n{text}\n"));
        assert!(line == 3 && message.contains(reason), "{text}: line {line}: {message}");
    }
}

#[test]
fn a_long_text_is_refused() {
    let line = |n| format!("CONFIG_DEFAULT_CMDLINE=\"{}\"", "x".repeat(n));
    assert!(Config::parse(&line(255)).is_ok());
    assert!(complaint(&line(256)).1.contains("at most 255"));
}

#[test]
fn contradictions_are_refused() {
    let (line, message) = complaint("CONFIG_MAX_DOMAINS=3\n\nCONFIG_MAX_DOMAINS=3");
    assert_eq!((line, &*message), (3, "CONFIG_MAX_DOMAINS is already set in line 1: remove one"));
    let (line, message) = complaint("CONFIG_LOG_LEVEL_OFF=y\nCONFIG_LOG_LEVEL_WARN=y");
    let expected =
        "CONFIG_LOG_LEVEL_WARN=y, but CONFIG_LOG_LEVEL_OFF=y in line 1: only one of them can be chosen";
    assert_eq!((line, &*message), (2, expected));
    // Whichever comes first in the file.
    assert_eq!(complaint("CONFIG_CPU_CORTEX_A15=y\nCONFIG_BOARD_TEGRA2=y").0, 1);
    assert_eq!(complaint("CONFIG_BOARD_TEGRA2=y\nCONFIG_CPU_CORTEX_A15=y").0, 2);
    assert!(Config::parse("CONFIG_BOARD_TEGRA2=y\nCONFIG_CPU_CORTEX_A9=y").is_ok());
}

#[test]
fn a_choice_not_made_adapts_itself() {
    assert_eq!(value("CONFIG_BOARD_TEGRA2=y", "CPU"), "Cpu::CortexA9");
    assert_eq!(value("CONFIG_BOARD_QEMU_VIRT=y", "CPU"), "Cpu::CortexA15");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = Config::parse("CONFIG_X=1\nCONFIG_DEBUGGER=y\nfoo\nCONFIG_CPU_CORTEX_A9=y\n!").unwrap_err();
    assert_eq!(errors.iter().map(|e| e.line).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(errors[1], ConfigError { line: 3, problem: Problem::NoAssignment });
}

#[test]
fn constants_go_to_who_uses_them() {
    let config =
        Config::parse("CONFIG_MAX_DOMAINS=5\nCONFIG_DEBUGGER=n\nCONFIG_TEGRA2_CONSOLE_UARTD=y").unwrap();
    let core = config.constants(User::Core);
    assert!(core.contains("\npub const MAX_DOMAINS: u32 = 5;\n"), "{core}");
    assert!(core.contains("\npub const DEFAULT_CMDLINE: &str = \"\";\n"), "{core}");
    assert!(core.contains("\npub const DEBUGGER_KEY: u8 = 0x1c;\n"), "{core}");
    assert!(!core.contains("BOARD") && !core.contains("TEGRA2"), "{core}");
    let board = config.constants(User::Board("tegra2"));
    let expected = "/// The UART that Nex's console is on.\npub const TEGRA2_CONSOLE: ConsoleUart = ConsoleUart::UartD;\n";
    assert_eq!(board, expected);
    assert_eq!(config.constants(User::Board("another")), "");
    let cfgs: Vec<_> = config.cfgs(User::Core).collect();
    assert_eq!(cfgs, [("nex_debugger", false), ("nex_framebuffer", true)]);
}

#[test]
fn every_option_has_a_constant_or_is_for_make() {
    let users = [User::Make, User::Core, User::Board("tegra2")];
    let constants: String = users.iter().map(|&user| Config::default().constants(user)).collect();
    for option in OPTIONS {
        assert!(constants.contains(&format!("pub const {}: ", option.name)), "{}", option.name);
    }
}

proptest! {
    #[test]
    fn rubbish_never_panics(text in "(CONFIG_|# |=|y|n|\"|\\\\|[0-9]|MAX_DOMAINS|DEBUGGER|LOG_LEVEL_OFF| is not set|\n|\\PC){0,40}") {
        let lines = text.lines().count();
        if let Err(errors) = Config::parse(&text) {
            prop_assert!(errors.iter().all(|e| (1..=lines).contains(&e.line)));
        }
    }

    /// What is written as Kconfig's tools write it is read as it was.
    #[test]
    fn text_survives(text in "[ -~]{0,255}") {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        let read = value(&format!("CONFIG_DEFAULT_CMDLINE=\"{escaped}\""), "DEFAULT_CMDLINE");
        prop_assert_eq!(read, format!("{text:?}"));
    }
}
