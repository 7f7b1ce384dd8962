//! The GDB remote protocol on the console's line, with gdb-multiarch at the other end, and steps at the prompt.
//!
//! gdb connects to a socket of the test, which passes bytes on between gdb and the machine's serial line.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nex_qemu_tests::{Machine, Volume, guest_elf, nex_elf, seconds, strings};

const KEYS: &[u8] = b"\x1c\x1c\x1c";
const PROMPT: &str = "fiqdb> ";
const STUB: &str = "this line speaks the GDB remote protocol now";

/// A ticker that gdb looks at, and a hog with its code at the same addresses, which must not notice.
const MANIFEST: &str = r#"
on_idle = "poweroff"
[[domain]]
name = "ticker"
kernel = "ticker"
memory = "4M"
cmdline = "count=40 period=50"
sched = { period = "10ms", slice = "1ms" }
[[domain]]
name = "hog"
kernel = "hog"
memory = "4M"
cmdline = "seconds=1"
"#;

fn boot(volume: &Volume) -> Machine {
    Machine::builder().volume(volume).append("log=text").boot()
}

fn boot_ticker() -> Machine {
    let mut machine = boot(&Volume::with_manifest(MANIFEST));
    machine.expect("tick 2 at", seconds(60));
    enter(&mut machine);
    machine
}

fn enter(machine: &mut Machine) {
    machine.send(KEYS);
    machine.expect(PROMPT, seconds(30));
}

/// Runs a command of the debugger; all up to the next prompt.
fn command(machine: &mut Machine, line: &str) -> String {
    machine.send(line);
    machine.send("\r");
    machine.expect(PROMPT, seconds(30))
}

/// gdb-multiarch, and the socket that it has connected to.
struct Gdb {
    child: Child,
    socket: TcpStream,
    output: Vec<JoinHandle<String>>,
    /// Bytes of the machine's output that gdb has got.
    passed: usize,
}

impl Gdb {
    /// Switches the line over (`command` is `gdb` and a domain, or not) and starts gdb with these commands of its own.
    fn attach(machine: &mut Machine, command: &str, elf: &Path, commands: &[&str]) -> Gdb {
        machine.send(format!("{command}\r"));
        machine.expect(STUB, seconds(30));
        Gdb::connect(machine, elf, commands)
    }

    /// Starts gdb on a line that speaks its protocol already.
    fn connect(machine: &mut Machine, elf: &Path, commands: &[&str]) -> Gdb {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut gdb = Command::new("gdb-multiarch");
        gdb.args(["-nx", "-batch", "-ex", "set pagination off", "-ex", "set remotetimeout 60"]);
        gdb.args(["-ex", &format!("target remote {address}")]);
        gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
        gdb.arg(elf).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = gdb.spawn().expect("gdb-multiarch, which scripts/setup.sh installs");
        fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = from.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        }
        let output =
            vec![reader(child.stdout.take().expect("piped")), reader(child.stderr.take().expect("piped"))];

        listener.set_nonblocking(true).expect("a socket can be");
        let end = Instant::now() + seconds(60);
        let socket = loop {
            match listener.accept() {
                Ok((socket, _)) => break socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < end => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("gdb has not connected: {error}"),
            }
        };
        socket.set_nonblocking(false).expect("a socket can be");
        socket.set_read_timeout(Some(Duration::from_millis(2))).expect("more than nothing");
        socket.set_nodelay(true).expect("a socket can be");
        Gdb { child, socket, output, passed: machine.raw().len() }
    }

    /// Passes bytes on until gdb has ended; returns what it printed.
    fn finish(mut self, machine: &mut Machine) -> String {
        let end = Instant::now() + seconds(40);
        while self.child.try_wait().expect("it was started").is_none() {
            if Instant::now() >= end {
                let _ = self.child.kill();
                let said: Vec<String> = self.output.into_iter().map(|o| o.join().unwrap()).collect();
                panic!("gdb does not end: {said:#?}");
            }
            self.pass(machine);
        }
        let said: Vec<String> = self.output.into_iter().map(|o| o.join().expect("it only reads")).collect();
        said.concat()
    }

    fn pass(&mut self, machine: &mut Machine) {
        let mut buffer = [0; 4096];
        // Nothing to read, or gdb has just gone: its exit is noticed by `finish`.
        let count = self.socket.read(&mut buffer).unwrap_or(0);
        if count > 0 {
            machine.send(&buffer[..count]);
        }
        let raw = machine.raw();
        if self.socket.write_all(&raw[self.passed..]).is_ok() {
            self.passed = raw.len();
        }
    }
}

/// Runs gdb with these commands from attaching to its end.
fn gdb(machine: &mut Machine, command: &str, elf: &Path, commands: &[&str]) -> String {
    Gdb::attach(machine, command, elf, commands).finish(machine)
}

/// All parts must be there, in this order.
#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => panic!("no {part:?}, in its place, in:\n{text}"),
        }
    }
}

#[test]
fn gdb_debugs_a_guest() {
    let mut machine = boot_ticker();
    let said = gdb(
        &mut machine,
        "gdb ticker",
        &guest_elf("ticker"),
        &[
            "break ticker.rs:23",
            "continue",
            "backtrace",
            "info locals",
            "print tick",
            "continue",
            "print tick",
            "stepi",
            "stepi",
            "x/i $pc",
            "next",
            "print/x *(0x10 as *mut u32)",
            "print/x $sp == $r11",
            "info breakpoints",
            "detach",
        ],
    );
    assert_in_order(
        &said,
        &[
            "Breakpoint 1, ticker::main",
            "#0  ticker::main",
            "nex_guest::arch::arm::nex_guest_start",
            "max_late_us = ",
            "$1 = ",
            "Breakpoint 1, ticker::main",
            "$2 = ",
            "=> 0x4001",
            "breakpoint already hit 2 times",
            "detached",
        ],
    );
    assert!(said.contains("Cannot access memory at address 0x10"), "{said}");
    // The value of a local moves on from hit to hit.
    let value = |name: &str| {
        let (_, rest) = said.split_once(name).expect("asserted above");
        rest.split_whitespace().next().and_then(|word| word.parse::<u32>().ok()).expect("a number")
    };
    assert_eq!(value("$2 = "), value("$1 = ") + 1, "{said}");
    // What the guests printed meanwhile came through gdb.
    assert!(said.contains("[ticker] ticker: tick "), "{said}");

    // Back at the prompt, with gdb's breakpoint gone, and on to the end.
    machine.expect(PROMPT, seconds(30));
    assert!(command(&mut machine, "break").contains("0 of "));
    machine.send("continue\r");
    machine.expect_match(&strings::ticker_result(40), seconds(120));
    machine.expect(strings::POWERING_OFF, seconds(120));
    machine.wait_exit(seconds(30)).assert_status(0);
}

#[test]
fn gdb_sees_a_guest_end() {
    let mut machine = boot_ticker();
    let said = gdb(&mut machine, "gdb ticker", &guest_elf("ticker"), &["continue"]);
    assert!(said.contains("ticker: 40 ticks"), "{said}");
    assert!(said.contains("[Inferior 1 (process 1) exited normally]"), "{said}");
    machine.expect(PROMPT, seconds(30));
    machine.send("continue\r");
    machine.expect(&strings::powered_off("ticker"), seconds(60));
}

#[test]
fn gdb_watches_and_changes_a_guest() {
    let mut machine = boot_ticker();
    let said = gdb(
        &mut machine,
        "gdb ticker",
        &guest_elf("ticker"),
        &[
            "break ticker.rs:23",
            "continue",
            "set $word = $sp - 64",
            "set *($word as *mut u32) = 0x12345678",
            "print/x *($word as *mut u32)",
            "set $old = $r12",
            "set $r12 = 0xcafe",
            "print/x $r12",
            "set $r12 = $old",
            // Below the stack pointer, so the next call writes there.
            "set $here = $sp - 8",
            "watch *($here as *mut u32)",
            "continue",
            "continue",
            "delete",
            "detach",
        ],
    );
    assert_in_order(
        &said,
        &["$1 = 0x12345678", "$2 = 0xcafe", "Hardware watchpoint 2", "Old value = ", "New value = "],
    );
    machine.expect(PROMPT, seconds(30));
    machine.send("continue\r");
    machine.expect_match(&strings::ticker_result(40), seconds(120));
}

#[test]
fn gdb_debugs_nex() {
    let mut machine = boot_ticker();
    let said = gdb(
        &mut machine,
        "gdb",
        &nex_elf(),
        &[
            "break nex_hv::domain::hypercall::handle",
            "continue",
            "backtrace",
            "info locals",
            "stepi 5",
            "next",
            "next",
            "set *($pc as *mut u32) = 0",
            "print/x *(0x10 as *mut u32)",
            "delete",
            // Written at each trap of the domain.
            "watch -location (*vcpu).regs.r[15]",
            "continue",
            "backtrace 1",
            "detach",
        ],
    );
    assert_in_order(
        &said,
        &[
            "Breakpoint 1, nex_hv::domain::hypercall::handle",
            "#0  nex_hv::domain::hypercall::handle",
            "nex_hv::domain::vcpu::run",
            "nex_hv::thread::thread_main",
            "Hardware watchpoint 2",
            "New value = ",
            "detached",
        ],
    );
    // Nex's text is read-only, and nothing is at 16.
    assert_eq!(said.matches("Cannot access memory at address 0x").count(), 2, "{said}");
    machine.expect(PROMPT, seconds(30));
    machine.send("continue\r");
    machine.expect_match(&strings::ticker_result(40), seconds(120));
    machine.expect(strings::POWERING_OFF, seconds(120));
}

#[test]
fn ctrl_c_interrupts_and_the_keys_end_the_session() {
    let mut machine = boot(&Volume::with_manifest(&MANIFEST.replace("count=40", "count=0")));
    machine.expect("tick 2 at", seconds(60));
    enter(&mut machine);
    let mut gdb = Gdb::attach(&mut machine, "gdb", &nex_elf(), &["continue", "backtrace 1", "continue"]);
    // The protocol's own interrupt, as gdb sends it for Ctrl-C; it may not have let Nex go on yet.
    let mut stops = 0;
    let end = Instant::now() + seconds(60);
    while stops == 0 && Instant::now() < end {
        for _ in 0..100 {
            gdb.pass(&mut machine);
        }
        machine.send([3]);
        for _ in 0..100 {
            gdb.pass(&mut machine);
        }
        // T02 or S02: SIGINT.
        let raw = String::from_utf8_lossy(&machine.raw()).into_owned();
        stops = raw.matches("$S02#").count() + raw.matches("$T02").count();
    }
    assert!(stops > 0, "no stop by Ctrl-C");
    // gdb goes on by itself; the keys end that.
    for _ in 0..200 {
        gdb.pass(&mut machine);
    }
    machine.send(KEYS);
    machine.expect(PROMPT, seconds(30));
    let _ = gdb.child.kill();
    let _ = gdb.child.wait();
    machine.send("continue\r");
    machine.expect_match(r"^\[ticker\] ticker: tick \d+ at", seconds(60));
}

#[test]
fn rubbish_does_not_end_the_session() {
    let mut machine = boot_ticker();
    machine.send("gdb ticker\r");
    machine.expect(STUB, seconds(30));
    // Broken checksums, a packet longer than any buffer, bytes that are none of the protocol's.
    machine.send("$g#00$m0,zz#xx$vCont;c#--+-+-$");
    machine.send(vec![b'A'; 5000]);
    machine.send("#00\x00\x7f\x03\x03");
    let gdb = Gdb::connect(&mut machine, &guest_elf("ticker"), &["info registers pc", "detach"]);
    let said = gdb.finish(&mut machine);
    assert_in_order(&said, &["pc ", "0x4001", "detached"]);
    machine.expect(PROMPT, seconds(30));
}

#[test]
fn the_prompt_steps_in_both_instruction_sets() {
    // T32, in a loop: movs r0, #0; loop: adds r0, #1; cmp r0, #3; it eq; moveq r0, #0; b loop.
    let code: [u16; 6] = [0x2000, 0x3001, 0x2803, 0xbf08, 0x2000, 0xe7fa];
    let mut bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
    bytes.resize(0x100, 0);
    let manifest = r#"
[[domain]]
name = "thumb"
kernel = "thumb.bin"
memory = "4M"
load = 0x4001_0000
entry = 0x4001_0001
"#;
    let mut machine = boot(&Volume::with_manifest(manifest).file("thumb.bin", bytes));
    machine.expect("thumb", seconds(60));
    machine.expect("first guest instruction", seconds(60));
    enter(&mut machine);
    let pc = |answer: &str| {
        let (_, rest) = answer.split_once(" at pc ").expect("the greeting has it");
        u32::from_str_radix(&rest[..8], 16).expect("hexadecimal")
    };
    // To the top of the loop, by a breakpoint; from there every step is known.
    command(&mut machine, "break 40010002 thumb");
    assert_eq!(pc(&command(&mut machine, "continue")), 0x4001_0002);
    assert_eq!(pc(&command(&mut machine, "continue")), 0x4001_0002, "it hits again each time round");
    for next in [0x4001_0004, 0x4001_0006, 0x4001_0008, 0x4001_000a, 0x4001_0002, 0x4001_0004] {
        let answer = command(&mut machine, "step");
        assert_eq!(pc(&answer), next, "{answer}");
    }
    command(&mut machine, "break off");
    // Six instructions a round, so six times ten are where we were.
    let answer = command(&mut machine, "step 50");
    assert_eq!(pc(&answer), 0x4001_0004, "{answer}");
    assert!(answer.contains("(step)"), "{answer}");

    // A32, over the hypercalls of a guest that prints, and with another guest at the same addresses.
    let mut machine = boot_ticker();
    command(&mut machine, "watch 40017f00 w");
    let answer = command(&mut machine, "continue");
    assert!(answer.contains("(watchpoint)"), "{answer}");
    command(&mut machine, "watch off");
    let answer = command(&mut machine, "step 3000");
    assert!(answer.contains("(step)"), "{answer}");
    machine.send("continue\r");
    machine.expect_match(&strings::ticker_result(40), seconds(120));
}
