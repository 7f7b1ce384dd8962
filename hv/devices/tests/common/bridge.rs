//! QEMU's `virt` machine as the other side: stopped before its first instruction, its devices reached by physical
//! address through the gdb stub.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use super::{LINES, Op};

/// Where the CPU is while it steps: the start of RAM.
const LOOP: u32 = 0x4000_0000;

pub struct Qemu {
    child: Child,
    line: UnixStream,
    received: Vec<u8>,
}

impl Qemu {
    /// Starts QEMU; `None` if there is none.
    pub fn start() -> Option<Qemu> {
        let (ours, theirs) = (std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(format!("nex-devices-{ours}-{theirs:?}.sock"));
        let gdb = format!("unix:{},server=on,wait=off", path.display());
        let machine = "-M virt -cpu cortex-a15 -m 64 -nic none -display none -serial null -monitor none -S";
        let child = Command::new("qemu-system-arm")
            .args(machine.split(' '))
            .args(["-gdb", &gdb])
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        let line = (0..100).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            UnixStream::connect(&path).ok()
        })?;
        let _ = std::fs::remove_file(&path);
        let mut qemu = Qemu { child, line, received: Vec::new() };
        qemu.command("qSupported");
        // Single registers can be accessed once their description has been asked for.
        qemu.command("qXfer:features:read:target.xml:0,ffb");
        assert_eq!(qemu.command("Qqemu.PhyMemMode:1"), "OK", "physical memory mode");
        // Single steps take interrupts, but no time passes for timers.
        assert_eq!(qemu.command("Qqemu.sstep=5"), "OK", "interrupts while stepping");
        qemu.run(Op::write(LOOP, 0xeaff_fffe)); // b .
        Some(qemu)
    }

    pub fn run(&mut self, op: Op) -> u32 {
        let Op { gpa, bytes, write } = op;
        if gpa == LINES {
            // FIQ goes first, so it is tried with IRQ masked, and the other way round.
            let (irq, fiq) = (self.step_enters(0x53, 0x12), self.step_enters(0x93, 0x11));
            return u32::from(irq) | u32::from(fiq) << 1;
        }
        let Some(value) = write else {
            let digits = self.command(&format!("m{gpa:x},{bytes:x}"));
            return (0..bytes as usize).fold(0, |value, byte| {
                value | u32::from_str_radix(&digits[2 * byte..2 * byte + 2], 16).unwrap() << (8 * byte)
            });
        };
        let digits: String =
            value.to_le_bytes()[..bytes as usize].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(self.command(&format!("M{gpa:x},{bytes:x}:{digits}")), "OK");
        0
    }

    /// Lets the CPU make one step with `cpsr`; whether it is in `mode` then.
    fn step_enters(&mut self, cpsr: u32, mode: u32) -> bool {
        for (register, value) in [(0x19, cpsr), (0x0f, LOOP)] {
            assert_eq!(self.command(&format!("P{register:x}={:08x}", value.swap_bytes())), "OK");
        }
        let stopped = self.command("s");
        assert!(stopped.starts_with("T05") || stopped.starts_with("S05"), "stopped by {stopped}");
        let cpsr = u32::from_str_radix(&self.command("p19"), 16).unwrap().swap_bytes();
        cpsr & 0x1f == mode
    }

    /// The GDB remote serial protocol: `$text#checksum`, each side acknowledges with `+`.
    fn command(&mut self, text: &str) -> String {
        let sum = text.bytes().fold(0u8, u8::wrapping_add);
        write!(self.line, "+${text}#{sum:02x}").unwrap();
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'#')
                && self.received.len() >= end + 3
            {
                let packet: Vec<u8> = self.received.drain(..end + 3).collect();
                let start = packet.iter().position(|&byte| byte == b'$').expect("a packet");
                return String::from_utf8(packet[start + 1..end].to_vec()).unwrap();
            }
            let mut chunk = [0; 4096];
            let count = self.line.read(&mut chunk).unwrap();
            assert_ne!(count, 0, "QEMU has ended");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
