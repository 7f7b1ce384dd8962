//! Log records beside text on the one line: what Nex sends, and what the host tool makes of it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use nex_qemu_tests::{Machine, Output, Volume, decoder, default_volume, nex_elf, nextool, seconds, strings};
use nextool::log::records::Decoder;
use nextool::log::view::View;
use nextool::log::wire::{Event, Splitter};
use nextool::log::{Counts, Stream};
use proptest::prelude::*;

/// The default volume: three domains that print while Nex logs.
fn default_run() -> &'static Output {
    static RUN: OnceLock<Output> = OnceLock::new();
    RUN.get_or_init(|| {
        let output = Machine::builder().raw_volume(default_volume()).icount(true).run(seconds(120));
        output.assert_status(0);
        output
    })
}

/// Texts and frames of a run, in order.
fn parts(raw: &[u8]) -> (Vec<u8>, usize) {
    let (mut text, mut frames) = (Vec::new(), 0);
    Splitter::new().feed(raw, &mut |event| match event {
        Event::Text(part) => text.extend(part),
        Event::Frame { .. } => frames += 1,
        Event::Damaged => panic!("a frame that is none"),
    });
    (text, frames)
}

fn shown(decoder: Arc<Decoder>, from_start: bool, chunks: &[&[u8]]) -> (String, Counts) {
    let mut stream = Stream::new(decoder, View::terminal(false, false), from_start);
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| stream.feed(chunk, &mut out));
    stream.finish(&mut out);
    (String::from_utf8_lossy(&out).into_owned(), stream.counts())
}

#[test]
fn every_frame_is_decoded() {
    let output = default_run();
    let (text, frames) = parts(&output.raw);
    assert!(frames >= 8, "only {frames} frames\n{output}");
    assert_eq!(output.counts, Counts { records: frames as u64, damaged: 0, foreign: 0 });
    assert!(!text.contains(&0));
    // No record is sent as text besides.
    assert!(!String::from_utf8_lossy(&text).contains(strings::POWERING_OFF));
    output.assert_shows(strings::POWERING_OFF).assert_shows("Log records are those of build ");
}

#[test]
fn text_is_that_without_the_log() {
    let (text, _) = parts(&default_run().raw);
    let text = String::from_utf8(text).unwrap().replace('\r', "");
    let rest: Vec<&str> = default_run().console.lines().filter(|row| !row.starts_with("[    ")).collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), rest);
}

#[test]
fn attached_late_it_finds_its_way() {
    let raw = &default_run().raw;
    let starts: Vec<usize> =
        (1..raw.len()).filter(|&at| raw[at - 1] == 0 && raw[at] == 1).map(|at| at - 1).collect();
    for cut in (0..raw.len()).step_by(7) {
        let expected = starts.iter().filter(|&&start| start >= cut).count() as u64;
        let (text, counts) = shown(decoder(), false, &[&raw[cut..]]);
        assert_eq!(counts, Counts { records: expected, damaged: 0, foreign: 0 }, "cut at {cut}");
        assert!(expected == 0 || text.ends_with("powering off\r\n"), "cut at {cut}: {text:?}");
    }
}

#[test]
fn another_build_is_refused_once_and_text_passes() {
    let raw = &default_run().raw;
    let mut elf = std::fs::read(nex_elf()).unwrap();
    // In the first segment, the code.
    elf[0x1_1000] ^= 1;
    let other = Arc::new(Decoder::new(&elf, "other.elf").unwrap());
    assert_ne!(other.id(), decoder().id());
    let (text, counts) = shown(other.clone(), true, &[raw]);
    assert_eq!((counts.records, counts.damaged), (0, 0));
    let notice = format!(
        "nextool: these log records are from another build ({:05x}) than other.elf ({:05x}): rebuild, or give the right ELF file\r\n",
        decoder().id(),
        other.id()
    );
    assert_eq!(text.matches("another build").count(), 1);
    assert_eq!(text.replace(&notice, ""), String::from_utf8(parts(raw).0).unwrap());
}

#[test]
fn nonsense_in_a_frame_is_damaged_and_no_more() {
    let mut seed = 1u32;
    for length in 0..300 {
        let mut data: Vec<u8> = (0..length % 60)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        data.retain(|&byte| byte != 0);
        // Whatever it is, it comes back.
        let _ = decoder().decode(decoder().id(), &data);
    }
    let (text, counts) = shown(decoder(), true, &[b"a\0\x01@@@\xfe\0b\r\n"]);
    assert_eq!((counts.damaged, counts.records), (1, 0));
    assert!(text.contains("nextool: a log record was damaged on its way\r\n"), "{text:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pieces_make_no_difference(sizes in prop::collection::vec(1usize..400, 1..20)) {
        let raw = &default_run().raw;
        let (mut chunks, mut rest) = (Vec::new(), &raw[..]);
        for &size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, more) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = more;
        }
        prop_assert_eq!(shown(decoder(), true, &chunks), shown(decoder(), true, &[raw]));
    }

    #[test]
    fn text_without_a_zero_passes_unchanged(text in prop::collection::vec(1u8.., 0..300), size in 1usize..50) {
        let mut stream = Stream::new(decoder(), View::terminal(true, true), true);
        let mut out = Vec::new();
        for chunk in text.chunks(size) {
            let before = out.len();
            stream.feed(chunk, &mut out);
            prop_assert_eq!(&out[before..], chunk);
        }
        stream.finish(&mut out);
        prop_assert_eq!(out, text);
    }
}

#[test]
fn nextool_run_decodes_and_keeps_the_status() {
    let wire = std::env::temp_dir().join(format!("nex-wire-{}", std::process::id()));
    std::fs::write(&wire, &default_run().raw).unwrap();
    let run = |options: &[&str]| {
        let output = Command::new(nextool())
            .args(["run", "--elf"])
            .arg(nex_elf())
            .args(options)
            .args(["--", "sh", "-c", "cat \"$0\"; exit 7"])
            .arg(&wire)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make build` first", nextool().display()));
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&[]).replace('\r', ""), default_run().console);
    assert!(run(&["--locations"]).contains("powering off  (hv/src/domain/mod.rs:"));
    assert!(run(&["--color=always"]).contains("\x1b[2m[ "));

    let mut messages = 0;
    for line in run(&["--json"]).lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        if object["text"].is_string() {
            continue;
        }
        messages += 1;
        assert!(object["time_us"].is_u64() && object["line"].as_u64() > Some(0), "{line}");
        assert!(object["level"] == "info" && object["message"].is_string(), "{line}");
        assert!(object["file"].as_str().unwrap().starts_with("hv/src/"), "{line}");
        assert!(object["module"].as_str().unwrap().starts_with("nex_hv::"), "{line}");
    }
    assert_eq!(messages, default_run().counts.records);
    std::fs::remove_file(wire).unwrap();
}

#[test]
fn nextool_log_on_a_serial_port() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let machine = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&machine).unwrap();
    unlockpt(&machine).unwrap();
    let port = ptsname(&machine, Vec::new()).unwrap().into_string().unwrap();
    let mut tool = Command::new(nextool())
        .args(["log", "--elf"])
        .arg(nex_elf())
        .arg(&port)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A key comes out of the port once it is set up.
    tool.stdin.as_mut().unwrap().write_all(b"h\x03").unwrap();
    let mut machine = std::fs::File::from(machine);
    let mut keys = [0; 2];
    machine.read_exact(&mut keys).unwrap();
    assert_eq!(&keys, b"h\x03");
    // A prompt is shown though no line ends and nothing follows.
    let mut stdout = tool.stdout.take().unwrap();
    let mut prompt = [0; 8];
    machine.write_all(b"prompt> ").unwrap();
    stdout.read_exact(&mut prompt).unwrap();
    assert_eq!(&prompt, b"prompt> ");
    machine.write_all(b"\r\n").unwrap();
    machine.write_all(&default_run().raw).unwrap();
    let (expected, _) = shown(decoder(), true, &[&default_run().raw]);
    let mut text = vec![0; expected.len() + 2];
    stdout.read_exact(&mut text).unwrap();
    assert_eq!(String::from_utf8_lossy(&text[2..]), expected);
    tool.stdin.take().unwrap().write_all(b"\x1dx").unwrap();
    assert!(tool.wait().unwrap().success());
}

const HELLO: &str =
    "on_idle = \"poweroff\"\n[[domain]]\nname = \"hello\"\nkernel = \"hello\"\nmemory = \"4M\"\n";

fn run_with(words: &str) -> Output {
    let output = Machine::builder().volume(&Volume::with_manifest(HELLO)).append(words).run(seconds(60));
    output.assert_status(0).assert_shows(strings::HELLO);
    output
}

#[test]
fn log_text_needs_no_tool() {
    let output = run_with("log=text");
    assert!(!output.raw.contains(&0));
    assert_eq!(output.counts, Counts::default());
    output.assert_shows(&strings::powered_off("hello")).assert_shows(strings::POWERING_OFF);
    assert!(
        output.console.lines().any(|row| row.starts_with("[    ") && row.ends_with(strings::POWERING_OFF))
    );
}

#[test]
fn levels_by_module() {
    let quiet = run_with("log=error");
    assert_eq!(quiet.counts.records, 0, "{quiet}");
    let some = run_with("log=off,domain=info");
    some.assert_shows(strings::POWERING_OFF).assert_shows_not("CPU(s), timer");
    // The longer name counts.
    let fewer = run_with("log=domain=off,domain::vcpu=info");
    fewer.assert_shows("CPU(s), timer").assert_shows("first guest instruction");
    fewer.assert_shows_not(strings::POWERING_OFF);
    run_with("log=loud").assert_shows("log=loud: not `text`, a level, or module=level");
}

#[test]
fn the_debugger_shows_the_last_records_again() {
    let manifest = HELLO.replace("poweroff", "debugger");
    let mut machine = Machine::builder().volume(&Volume::with_manifest(&manifest)).boot();
    machine.expect(strings::STAYS, seconds(60));
    let enter = |machine: &mut Machine| {
        machine.send("\x1c\x1c\x1c");
        machine.expect("fiqdb> ", seconds(30));
    };
    enter(&mut machine);
    machine.send("log 2\r");
    let again = machine.expect("fiqdb> ", seconds(30));
    assert!(again.contains(&strings::powered_off("hello")) && again.contains(strings::STAYS), "{again}");
    assert_eq!(again.lines().filter(|row| row.starts_with("[    ")).count(), 2, "{again}");
    machine.send("log level warn monitor\r");
    machine.expect("fiqdb> ", seconds(30));
    machine.send("log level\r");
    let levels = machine.expect("fiqdb> ", seconds(30));
    assert!(levels.contains("info     (all others)\n") && levels.contains("warn     monitor\n"), "{levels}");
    machine.send("log level loud\r");
    machine.expect("log [<count> | level", seconds(30));
    machine.send("continue\r");
    machine.expect("continuing", seconds(30));
}

/// What the person with nothing but a dump of the memory gets.
#[test]
fn a_memory_dump_tells_the_story() {
    let directory = std::env::temp_dir().join(format!("nex-dump-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (socket, memory) = (directory.join("qmp"), directory.join("memory"));
    let mut machine = Machine::builder()
        .mem_mib(128)
        .volume(&Volume::with_manifest(HELLO))
        .append(&strings::selftest("panic"))
        .append("panic=debugger")
        .argument("-qmp")
        .argument(&format!("unix:{},server=on,wait=off", socket.display()))
        .boot();
    machine.expect(strings::PANIC, seconds(60));
    machine.expect("fiqdb> ", seconds(30));
    let mut qmp = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    qmp.set_read_timeout(Some(seconds(30))).unwrap();
    let mut ask = |request: String| {
        qmp.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut byte) = (String::new(), [0]);
        // Answers and events are lines.
        while !answer.contains("\"return\"") || !answer.ends_with('\n') {
            qmp.read_exact(&mut byte).unwrap();
            answer.push(byte[0].into());
            assert!(!answer.contains("\"error\""), "{answer}");
        }
    };
    ask("{\"execute\": \"qmp_capabilities\"}".into());
    ask(format!(
        "{{\"execute\": \"pmemsave\", \"arguments\": {{\"val\": {}, \"size\": {}, \"filename\": \"{}\"}}}}",
        0x4000_0000u32,
        128 << 20,
        memory.display()
    ));
    let dump = Command::new(nextool())
        .args(["dump", "--base", "0x40000000", "--elf"])
        .arg(nex_elf())
        .arg(&memory)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let story = String::from_utf8(dump.stdout).unwrap();
    assert!(dump.status.success(), "{story}\n{}", String::from_utf8_lossy(&dump.stderr));
    let transcript = machine.transcript();
    // All that was logged, and all of the report.
    for row in transcript.lines().filter(|row| row.starts_with("[    ")) {
        assert!(story.contains(row), "{row:?} is not in the dump\n{story}");
    }
    let report = &transcript[transcript.find(strings::PANIC).unwrap()..];
    let end = report.find("\n*** debugger").unwrap();
    assert!(story.replace('\r', "").contains(report[..end].trim()), "{story}\n--- console:\n{report}");
    assert!(story.starts_with("Nex lies at 0x4001"), "{story}");
}
