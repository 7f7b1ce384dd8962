//! What kconfiglib makes of the Kconfig files, and that its files are read as it meant them.
//!
//! These tests need kconfiglib, which takes a connection to PyPI, so they are not among the ordinary ones:
//!
//!     scripts/menuconfig.sh target/kconfiglib .config install
//!     cargo test -p nex-config --test menuconfig -- --ignored

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use nex_config::Config;

const SCRIPT: &str = "scripts/menuconfig.sh";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn virtual_environment() -> String {
    env::var("NEX_KCONFIGLIB").unwrap_or_else(|_| "target/kconfiglib".into())
}

/// A file of this test's own, which does not exist yet.
fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

fn run(file: &Path, arguments: &[&Path]) {
    let out = Command::new(root().join(SCRIPT))
        .arg(virtual_environment())
        .arg(file)
        .args(arguments)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && !said.contains("warning"), "{arguments:?}: {said}");
}

fn read(file: &Path) -> Config {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    Config::parse(&text).unwrap_or_else(|errors| panic!("{errors:?} in\n{text}"))
}

#[test]
#[ignore = "needs kconfiglib"]
fn its_defaults_are_the_defaults() {
    let file = fresh("default.config");
    run(&file, &["defconfig".as_ref()]);
    assert_eq!(read(&file), Config::default());
}

#[test]
#[ignore = "needs kconfiglib"]
fn configurations_survive_it() {
    let odd = fresh("odd-in.config");
    let text = "CONFIG_BOARD_TEGRA2=y\nCONFIG_CPU_CORTEX_A9=y\nCONFIG_TEGRA2_CONSOLE_UARTE=y\nCONFIG_DEBUGGER_KEY=\"Z\"\n\
                CONFIG_LOG_LEVEL_WARN=y\nCONFIG_DEFAULT_CMDLINE=\"a=\\\"b\\\\c\\\"  #d\"\n";
    fs::write(&odd, text).unwrap();
    let examples =
        ["smallest.config", "largest.config"].map(|name| root().join("scripts/configs").join(name));
    for (n, from) in examples.into_iter().chain([odd]).enumerate() {
        let (whole, short) = (fresh(&format!("whole{n}.config")), fresh(&format!("short{n}.config")));
        run(&whole, &["defconfig".as_ref(), &from]);
        assert_eq!(read(&whole), read(&from), "{}", from.display());
        run(&whole, &["savedefconfig".as_ref(), &short]);
        assert_eq!(read(&short), read(&from), "{}", from.display());
    }
}

/// Types into the real thing, on a terminal that script(1) makes.
#[test]
#[ignore = "needs kconfiglib"]
fn a_number_is_changed_in_the_terminal() {
    let file = fresh("typed.config");
    let command = format!("{SCRIPT} {} {} menuconfig", virtual_environment(), file.display());
    let mut child = Command::new("script")
        .args(["-qfec", &command, "/dev/null"])
        .current_dir(root())
        .envs([("TERM", "xterm"), ("COLUMNS", "100"), ("LINES", "40")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    // Jump to the option, edit it, leave, and save when asked.
    for key in ["/", "HEAP_INITIAL", "\r", "\r", "\x7f\x7f\x7f", "512", "\r", "q", "y"] {
        sleep(Duration::from_secs(1));
        keys.write_all(key.as_bytes()).unwrap();
        keys.flush().unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    assert_eq!(read(&file), Config::parse("CONFIG_HEAP_INITIAL_KIB=512").unwrap());
}
