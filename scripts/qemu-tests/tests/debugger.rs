//! The FIQ debugger over the serial line, as a person at a terminal uses it.

use nex_qemu_tests::{Machine, Volume, seconds, strings};

const KEYS: &[u8] = b"\x1c\x1c\x1c";
const PROMPT: &str = "fiqdb> ";

/// A hog, and a ticker with a guaranteed slice.
const MANIFEST: &str = r#"
on_idle = "poweroff"
[[domain]]
name = "hog"
kernel = "hog"
memory = "4M"
cmdline = "seconds=0"
[[domain]]
name = "ticker"
kernel = "ticker"
memory = "4M"
cmdline = "count=0"
sched = { period = "10ms", slice = "1ms" }
"#;

struct Session(Machine);

impl Session {
    fn boot(append: &str) -> Session {
        let volume = Volume::with_manifest(MANIFEST);
        Session(Machine::builder().volume(&volume).append(append).boot())
    }

    /// Boots until the ticker has ticked, and enters.
    fn enter() -> Session {
        Session::enter_with("")
    }

    fn enter_with(append: &str) -> Session {
        let mut session = Session::boot(append);
        session.0.expect("tick 2 at", seconds(60));
        session.break_in();
        session
    }

    fn break_in(&mut self) {
        self.0.send(KEYS);
        self.0.expect(PROMPT, seconds(30));
    }

    /// Runs a command; everything up to the next prompt.
    fn command(&mut self, line: &str) -> String {
        self.0.send(line);
        self.0.send("\r");
        self.0.expect(PROMPT, seconds(30))
    }

    /// A command, whose answer must match all of these.
    fn answers(&mut self, line: &str, parts: &[&str]) {
        let answer = self.command(line);
        for part in parts {
            let found = regex_lite::Regex::new(part).unwrap().is_match(&answer);
            assert!(found, "{line}: no {part:?} in {answer:?}");
        }
    }

    fn resume(&mut self) {
        self.0.send("continue\r");
        self.0.expect("continuing", seconds(30));
    }
}

#[test]
fn every_command_answers() {
    // The greeters sleep, whatever the domains are doing at the moment.
    let mut s = Session::enter_with("greet");
    s.answers("?", &["hexdump 1\\|2\\|4\\|8 <hex size>@<hex va>", "continue"]);
    s.answers("help v2p", &["usage: v2p u\\|p r\\|w <hex va>"]);
    s.answers("bt", &["sp [0-9a-f]{8} fp [0-9a-f]{8} pc [0-9a-f]{8}"]);
    s.answers("regs", &["r0  [0-9a-f]{8}  r1  ", "cpsr [0-9a-f]{8} mode (USR|SVC|UND|ABT|IRQ)"]);
    s.answers("xregs", &["svc sp", "abt sp fff", "und sp", "irq sp", "fiq r8", "fiq sp fff"]);
    s.answers("ver", &["Nex 0\\.", "platform qemu-virt", "git "]);
    s.answers("doms", &["0 .*hog", "1 .*ticker"]);
    s.answers("regs hog", &["pc  4001"]);
    s.answers("regs 1", &["cpsr [0-9a-f]{8} mode SVC"]);
    s.answers("bt ticker", &["pc 4001[0-9a-f]{4}"]);
    s.answers("hexdump 4 20@fff00020", &["fff00020: [0-9a-f]{8} 016f2818"]);
    s.answers("hexdump 1 10@fff00024", &["fff00024: 18 28 6f 01 "]);
    s.answers("hexdump 8 8@fff00020", &["fff00020: 016f2818[0-9a-f]{8} "]);
    s.answers("v2p p r fff00000", &["privileged read: va fff00000 -> pa 40010000", "par "]);
    s.answers("v2p u r fff00000", &["fault", "page permission fault"]);
    s.answers("v2p p w fff00000", &["fault", "page permission fault"]);
    s.answers("gdump hog 10@40010000", &["40010000: [0-9a-f]{8} "]);
    s.answers("threads", &["domains", "hog", "ticker"]);
    s.answers("sched", &["10\\.0000 % reserved", "hog"]);
    s.answers("timers", &["62500000 Hz", "in .* us  greet-2s"]);
    let mem = s.command("mem");
    let kib = |owner: &str| -> u32 {
        let row = mem.lines().find(|line| line.contains(&format!(" KiB  {owner}")));
        let number = row.and_then(|row| row.trim().split(' ').next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no {owner} in {mem}"))
    };
    assert_eq!(kib("domain 0"), 4096);
    assert!(kib("free") > 0);
    let own = ["image", "heap", "stack", "table", "frame table"];
    assert_eq!(kib("Nex itself"), own.iter().map(|owner| kib(owner)).sum::<u32>());
    s.answers("mem", &["domain 0 hog: \\d+ shadow tables, \\d+ KiB; \\d+ pages of code", "heap: "]);
    s.answers("traps", &["undefined", "hog"]);
    s.answers("irq", &["30 .* timer"]);
    s.answers("sym fff00000", &["fff00000 \\("]);
    s.answers("sym nex_hv::debugger::enter", &["fff[0-9a-f]{5} nex_hv::debugger::enter"]);
    s.answers("set", &["watchdog \\d+ s"]);
    s.answers("break", &["0 of \\d+ in use"]);
    s.answers("watch", &["0 of \\d+ in use"]);
    s.resume();
    s.0.expect("tick 4 at", seconds(30));
    s.break_in();
    s.0.send("exit\r");
    s.0.wait_exit(seconds(30)).assert_status(0);
}

#[test]
fn mistakes_are_answered() {
    let mut s = Session::enter();
    s.answers("hexdump 1 10@0", &["00000000: fault"]);
    s.answers("hexdump 4 2000@d0000000", &["fault"]);
    s.answers("gdump hog 10@0", &["fault"]);
    s.answers("hexdump 3 10@fff00000", &["usage: hexdump"]);
    s.answers("hexdump", &["usage: hexdump"]);
    s.answers("hexdump 1 0@fff00000", &["usage"]);
    s.answers("hexdump 1 100@ffffffff", &["usage"]);
    s.answers("hexdump 4 99999999999@1", &["usage"]);
    s.answers("v2p x r 0", &["usage: v2p"]);
    s.answers("regs nobody", &["no such domain"]);
    s.answers("kill", &["usage: kill"]);
    s.answers("frobnicate", &["no such command"]);
    s.answers("sym nonsense", &["no such symbol"]);
    s.resume();
    s.0.expect("tick 4 at", seconds(30));
}

#[test]
fn stepping_gets_through_a_lock() {
    let mut s = Session::enter();
    // The scheduler's lock is taken with LDREX and STREX: a stop between them would make it try again for ever.
    let answer = s.command("sym nex_hv::thread::reschedule");
    let at = answer
        .lines()
        .find(|line| line.starts_with("fff"))
        .and_then(|line| line.split(' ').next())
        .expect("a symbol");
    s.command(&format!("break {at}"));
    s.resume();
    s.0.expect("debugger (breakpoint)", seconds(60));
    s.0.expect(PROMPT, seconds(10));
    s.command("break off");
    // Taking a free lock is a few dozen instructions.
    let answer = s.command("step 400");
    assert!(answer.contains("debugger (step)") && !answer.contains("IrqLock"), "{answer}");
    s.resume();
    s.0.expect("[ticker] ticker: tick", seconds(30));
}

#[test]
fn a_pause_is_not_seen_by_guests() {
    let mut s = Session::enter();
    std::thread::sleep(seconds(3));
    s.resume();
    // Late by as little as before: 3 s of prompt are no part of the ticker's time.
    for _ in 0..3 {
        let row = s.0.expect_match(r"tick \d+ at \d+ ms, late \d+ us", seconds(30));
        let late_us: u64 = row.rsplit_once("late ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        assert!(late_us < 1_000_000, "{row}");
    }
}

#[test]
fn domains_are_paused_and_killed() {
    let mut s = Session::enter();
    s.command("pause ticker");
    s.resume();
    std::thread::sleep(seconds(1));
    s.break_in();
    s.answers("doms", &["1 paused .*ticker"]);
    s.command("unpause ticker");
    s.command("kill hog");
    s.resume();
    s.0.expect("domain hog was killed", seconds(30));
    s.0.expect("[ticker] ticker: tick", seconds(30));
    s.break_in();
    s.command("kill 1");
    s.resume();
    s.0.expect("domain ticker was killed", seconds(30));
    s.0.wait_exit(seconds(30)).assert_status(0);
}

#[test]
fn with_interrupts_masked() {
    let mut s = Session::boot(&strings::selftest("spin"));
    s.0.expect("spinning with interrupts masked", seconds(60));
    s.0.send(KEYS);
    s.0.expect("mode SVC", seconds(10));
    s.0.expect(PROMPT, seconds(10));
    s.answers("bt", &["nex_hv::selftest::spin"]);
    s.resume();
    s.0.expect("interrupts are open again", seconds(60));
    s.0.expect("[ticker] ticker: tick", seconds(30));
}

#[test]
fn the_watchdog_bites() {
    let mut s = Session::boot(&format!("{} watchdog=1", strings::selftest("hang")));
    s.0.expect("debugger (watchdog", seconds(60));
    s.0.expect(PROMPT, seconds(10));
    s.answers("bt", &["nex_hv::selftest::hang"]);
}

/// Breaks Nex; the prompt comes, `bt` names the function, and there is no way on but out.
fn crashes(how: &str, cause: &str, function: &str) {
    let mut s = Session::boot(&format!("{} panic=debugger", strings::selftest(how)));
    s.0.expect(strings::PANIC, seconds(60));
    s.0.expect(cause, seconds(10));
    s.0.expect("debugger (panic)", seconds(10));
    s.0.expect(PROMPT, seconds(10));
    if !function.is_empty() {
        s.answers("bt", &[function]);
    }
    s.answers("continue", &["no way on after a panic"]);
    s.answers("threads", &["domains"]);
    s.0.send("exit\r");
    s.0.wait_exit(seconds(30)).assert_status(1);
}

#[test]
fn a_wild_pointer() {
    crashes("null", "data abort: read of 0x00000004", "nex_hv::selftest::read_null");
}

#[test]
fn a_stack_overflow() {
    crashes("overflow", "(stack overflow)", "nex_hv::selftest::overflow");
}

#[test]
fn a_lock_taken_twice() {
    // Who has it and who wants it.
    crashes(
        "deadlock",
        "a lock is held for ever: CPU 0 took it at hv/src/selftest.rs:",
        "nex_hv::selftest::deadlock",
    );
}

#[test]
fn a_panic_within_a_panic() {
    crashes("nested", "and while reporting that: the message of a panic panics", "nex_hv::selftest::nested");
}

#[test]
fn rubbish_is_survived() {
    let mut s = Session::boot("");
    s.0.expect("tick 2 at", seconds(60));
    // Among rubbish there may be a line "c", which is short for continue: what comes then goes to a domain.
    s.0.send("\x01\x01\x01");
    s.0.expect("input to hog", seconds(30));
    s.break_in();
    // 64 KiB from a generator with a fixed seed: control bytes included.
    let mut state = 0x2545_f491u32;
    let mut rubbish = Vec::new();
    while rubbish.len() < 64 * 1024 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        rubbish.push(state as u8);
    }
    for piece in rubbish.chunks(64) {
        s.0.send(piece);
    }
    s.0.send("\x03");
    s.0.send("x".repeat(5000));
    // There have been many prompts by now: go on behind an answer that nothing else gives.
    s.0.send("\x15\r");
    s.0.send(KEYS);
    s.0.send("sym 12345678\r");
    s.0.expect("12345678 (?)", seconds(60));
    s.0.expect(PROMPT, seconds(30));
    s.answers("ver", &["platform qemu-virt"]);
    s.resume();
    s.0.expect("[ticker] ticker: tick", seconds(30));
}

#[test]
fn ctrl_a_and_single_keys_reach_the_console() {
    let mut s = Session::boot("");
    s.0.expect("tick 2 at", seconds(60));
    // One press of the debugger's key is a key like any other; Nex has the input and knows no such key.
    s.0.send("\x1ch");
    s.0.expect("d domains", seconds(30));
    s.0.send("\x01\x01\x01");
    s.0.expect("input to hog", seconds(30));
}
