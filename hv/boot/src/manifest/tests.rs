use proptest::prelude::*;

use super::*;
use crate::testing::{changes, damaged};

const LIMITS: Limits = Limits { ram_bytes: 512 << 20, max_domains: 4 };

/// A newc archive of files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, data) in files.iter().chain(&[("TRAILER!!!", &[][..])]) {
        let fields = [1, 0o100_644, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0];
        bytes.extend(b"070701");
        bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(*data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// What `look` sees of the manifest for these files.
fn with_files<T>(
    files: &[(&str, &[u8])],
    limits: &Limits,
    look: impl FnOnce(Result<Manifest<'_>, ConfigError>) -> T,
) -> T {
    let bytes = archive(files);
    look(read_manifest(&BootVolume::parse(&bytes).unwrap(), limits))
}

fn with_toml<T>(text: &[u8], look: impl FnOnce(Result<Manifest<'_>, ConfigError>) -> T) -> T {
    let files = [
        ("nex.toml", text),
        ("vmlinuz", b"kernel"),
        ("initrd.gz", b"initrd"),
        ("u-boot.bin", b"fw"),
        ("board.dtb", BOARD_DTB),
        ("none", b""),
    ];
    with_files(&files, &LIMITS, look)
}

/// Texts of the errors, whether about the file or about domains; "ok NAME" for domains that are right.
fn outcome(text: &str) -> Vec<String> {
    with_toml(text.as_bytes(), |result| match result {
        Err(error) => vec![error.to_string()],
        Ok(manifest) => manifest
            .domains
            .iter()
            .map(|domain| match domain {
                Ok(domain) => format!("ok {}", domain.name),
                Err(error) => error.to_string(),
            })
            .collect(),
    })
}

const BOARD_DTB: &[u8] = include_bytes!("../../fixtures/board.dtb");

/// The example of the user's reference.
const EXAMPLE: &str = r#"on_idle = "poweroff"              # or "debugger", "halt"
strict  = true

[[domain]]
name    = "dom0"
kernel  = "vmlinuz"
initrd  = "initrd.gz"
cmdline = "console=ttyAMA0"
memory  = "256M"
vcpus   = 2
privileged = true
lpae = true
input = true
sched   = { period = "10ms", slice = "4ms", weight = 512, extratime = false }

[[domain]]
name     = "fw"
firmware = "u-boot.bin"
memory   = 67108864

[[domain]]
name   = "flat"
kernel = "./vmlinuz"
memory = "1M"
load   = 0x4020_0000
entry  = 0x4020_0001
"#;

#[test]
fn every_key_is_read() {
    with_toml(EXAMPLE.as_bytes(), |manifest| {
        let manifest = manifest.unwrap();
        assert_eq!((manifest.on_idle, manifest.strict), (OnIdle::Poweroff, true));
        let [Ok(first), Ok(second), Ok(third)] = &manifest.domains[..] else { panic!("{manifest:?}") };
        let vmlinuz = File { name: "vmlinuz", data: b"kernel" };
        let expected = DomainConfig {
            name: "dom0".into(),
            payload: Payload::Kernel { file: vmlinuz, load: None, entry: None },
            initrd: Some(File { name: "initrd.gz", data: b"initrd" }),
            dtb: None,
            cmdline: "console=ttyAMA0".into(),
            memory_bytes: 256 << 20,
            vcpus: 2,
            privileged: true,
            lpae: true,
            input: true,
            sched: SchedConfig { period_ns: 10_000_000, slice_ns: 4_000_000, extratime: false, weight: 512 },
        };
        assert_eq!(*first, expected);
        let expected = DomainConfig {
            name: "fw".into(),
            payload: Payload::Firmware { file: File { name: "u-boot.bin", data: b"fw" } },
            initrd: None,
            dtb: None,
            cmdline: String::new(),
            memory_bytes: 64 << 20,
            vcpus: 1,
            privileged: false,
            lpae: false,
            input: false,
            sched: SchedConfig { period_ns: 10_000_000, slice_ns: 0, extratime: true, weight: 256 },
        };
        assert_eq!(*second, expected);
        let payload = Payload::Kernel { file: vmlinuz, load: Some(0x4020_0000), entry: Some(0x4020_0001) };
        assert_eq!(third.payload, payload);
    });
}

#[test]
fn a_device_tree_goes_with_either_payload_and_must_be_one() {
    let about = |lines: &str| {
        let text = format!("[[domain]]\nname = \"a\"\nmemory = \"1M\"\n{lines}");
        with_toml(text.as_bytes(), |manifest| match &manifest.unwrap().domains[0] {
            Ok(domain) => format!("{:?}", domain.dtb.map(|file| file.name)),
            Err(error) => error.to_string(),
        })
    };
    assert_eq!(about("kernel = \"vmlinuz\"\ndtb = \"board.dtb\""), "Some(\"board.dtb\")");
    assert_eq!(about("firmware = \"u-boot.bin\"\ndtb = \"board.dtb\""), "Some(\"board.dtb\")");
    assert_eq!(about("kernel = \"vmlinuz\""), "None");
    assert_eq!(
        about("kernel = \"vmlinuz\"\ndtb = \"vmlinuz\""),
        "nex.toml:5: domain \"a\": \"dtb\" names vmlinuz: no device tree: first word is not d00dfeed"
    );
    assert!(about("kernel = \"vmlinuz\"\ndtb = \"nowhere\"").contains("not in the boot volume"));
    assert!(about("kernel = \"vmlinuz\"\ndtb = 1").contains("expected a string"));

    let files = [("dom0", &b"k"[..]), ("dtb0", BOARD_DTB), ("dom1", b"k"), ("dtb1", b"d"), ("dtb2", b"d")];
    let said = with_files(&files, &LIMITS, |manifest| {
        let domains = manifest.unwrap().domains.into_iter();
        domains
            .map(|domain| domain.map(|domain| domain.dtb.is_some()).map_err(|e| e.to_string()))
            .collect::<Vec<_>>()
    });
    let expected = [
        Ok(true),
        Err("dtb1: domain \"dom1\": \"dtb\" names dtb1: device tree is cut short".into()),
        Err("dtb2: no use without a kernel dom2; add it, or remove this".into()),
    ];
    assert_eq!(said, expected);
}

#[test]
fn on_idle_has_three_values_and_a_default() {
    let on_idle = |text: &str| {
        let text = format!("{text}\n[[domain]]\nname = \"a\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"");
        with_toml(text.as_bytes(), |manifest| {
            manifest.map(|manifest| manifest.on_idle).map_err(|e| e.to_string())
        })
    };
    assert_eq!(on_idle(""), Ok(OnIdle::Debugger));
    assert_eq!(on_idle("on_idle = \"debugger\""), Ok(OnIdle::Debugger));
    assert_eq!(on_idle("on_idle = \"halt\""), Ok(OnIdle::Halt));
    let bad = "nex.toml:1: bad value of \"on_idle\"; expected \"poweroff\", \"debugger\" or \"halt\"";
    assert_eq!(on_idle("on_idle = \"reboot\""), Err(bad.into()));
}

#[test]
fn mistakes_outside_of_domains_refuse_the_file() {
    let one = |text: &str| outcome(text).join("|");
    assert_eq!(one(""), "nex.toml: declares no domain; add a [[domain]]");
    assert_eq!(one("on_idel = \"halt\""), "nex.toml:1: unknown key \"on_idel\" (did you mean \"on_idle\"?)");
    assert_eq!(one("\nfoo = 1"), "nex.toml:2: unknown key \"foo\"");
    assert_eq!(one("\n[[domian]]"), "nex.toml:2: unknown key \"domian\" (did you mean \"domain\"?)");
    assert_eq!(one("strict = 1"), "nex.toml:1: \"strict\" is an integer; expected true or false");
    assert_eq!(
        one("[domain]"),
        "nex.toml:1: \"domain\" is a table; expected tables with the heading [[domain]]"
    );
    assert_eq!(
        one("domain = [1]"),
        "nex.toml:1: \"domain\" is an integer; expected tables with the heading [[domain]]"
    );
    assert_eq!(one("[[domain]]\nmemory = 64M"), format!("nex.toml:2: {}", SyntaxError::Value));
    assert_eq!(one("[[domain]]\nname = \"a\"\nname = \"b\""), "nex.toml:3: defined twice");
    let reason = |text: &[u8]| with_toml(text, |manifest| manifest.map(|_| ()).unwrap_err());
    assert_eq!(reason(b"a = 1\n\xff").reason, Reason::NotUtf8);
    assert_eq!(reason(b"a = 1\n\xff").line, Some(2));
    assert_eq!(reason(&vec![b'\n'; 65_537]).reason, Reason::TooLarge);
    assert_eq!(reason(&vec![b'\n'; 65_536]).reason, Reason::NoDomains);
}

/// What is said about a domain with these lines, from line 4, besides a name, a kernel and memory.
fn about(lines: &str) -> String {
    outcome(&format!("[[domain]]\nname = \"x\"\nmemory = \"1M\"\n{lines}\n")).join("|")
}

#[test]
fn mistakes_within_a_domain_name_line_and_domain() {
    let k = "kernel = \"vmlinuz\"\n";
    assert_eq!(about(k), "ok x");
    assert_eq!(
        about("kernal = \"vmlinuz\""),
        "nex.toml:4: domain \"x\": unknown key \"kernal\" (did you mean \"kernel\"?)"
    );
    assert_eq!(
        about("kernel = 1"),
        "nex.toml:4: domain \"x\": \"kernel\" is an integer; expected a string in quotes"
    );
    assert!(
        about("kernel = \"vmlinux\"")
            .starts_with("nex.toml:4: domain \"x\": \"kernel\" names vmlinux, which is not")
    );
    assert_eq!(about("kernel = \"none\""), "nex.toml:4: domain \"x\": \"kernel\" names none, which is empty");
    assert!(
        about(&format!("{k}initrd = \"x.gz\""))
            .starts_with("nex.toml:5: domain \"x\": \"initrd\" names x.gz")
    );
    assert!(about("firmware = \"rom\"").starts_with("nex.toml:4: domain \"x\": \"firmware\" names rom"));
    assert_eq!(about(""), "nex.toml:1: domain \"x\": neither \"kernel\" nor \"firmware\"; add one");
    let both = about(&format!("{k}firmware = \"u-boot.bin\""));
    assert_eq!(both, "nex.toml:1: domain \"x\": both \"kernel\" and \"firmware\"; remove one");
    for key in ["load = 1", "entry = 1", "initrd = \"initrd.gz\""] {
        let word = key.split(' ').next().unwrap();
        let said = about(&format!("firmware = \"u-boot.bin\"\n{key}"));
        assert_eq!(said, format!("nex.toml:1: domain \"x\": \"{word}\" only goes with \"kernel\""));
    }
    for vcpus in ["0", "9", "-1", "4294967297"] {
        assert_eq!(
            about(&format!("vcpus = {vcpus}")),
            "nex.toml:4: domain \"x\": bad value of \"vcpus\"; expected 1 to 8"
        );
    }
    assert_eq!(
        about("vcpus = 1.5"),
        "nex.toml:4: domain \"x\": \"vcpus\" is a float, date or too large number; expected an integer without quotes"
    );
    assert!(about("load = 0x1_0000_0000").contains("bad value of \"load\"; expected an address"));
    assert!(
        about("load = \"0x40010000\"").contains("\"load\" is a string; expected an integer without quotes")
    );
    assert!(about(&format!("cmdline = \"{}\"", "x".repeat(1024))).contains("command line has 1024 bytes"));
    assert_eq!(about(&format!("{k}cmdline = \"{}\"", "x".repeat(1023))), "ok x");
    assert!(about("cmdline = \"a\\u0000b\"").contains("a NUL among them"));
    assert!(about("privileged = \"yes\"").contains("\"privileged\" is a string; expected true or false"));
}

#[test]
fn names_are_checked() {
    let named = |name: &str| {
        outcome(&format!("[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"")).join("|")
    };
    for good in ["a", "dom0", "a_b-c", "0", "fifteen-letters"] {
        assert_eq!(named(good), format!("ok {good}"));
    }
    for bad in ["", "Dom0", "sixteen-letters-", "a b", "ä", "a.b"] {
        assert_eq!(named(bad), "nex.toml:2: \"name\" must be 1 to 15 of a-z, 0-9, _ and -", "{bad}");
    }
    assert_eq!(outcome("[[domain]]\nkernel = \"vmlinuz\""), ["nex.toml:1: \"name\" is missing"]);
    assert_eq!(
        outcome("[[domain]]\nname = 7"),
        ["nex.toml:2: \"name\" is an integer; expected a string in quotes"]
    );
    let two = "[[domain]]\nname = \"a\"\n[[domain]]\nname = \"a\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"";
    assert_eq!(
        outcome(two)[1],
        "nex.toml:4: domain \"a\": the domain on line 1 has this name; choose another"
    );
}

#[test]
fn memory_is_checked_and_added_up() {
    let memory = |value: &str| {
        let text = format!("[[domain]]\nname = \"x\"\nmemory = {value}\nkernel = \"vmlinuz\"\n");
        outcome(&text).join("|").replace("nex.toml:3: domain \"x\": ", "")
    };
    assert_eq!(memory("\"512M\""), "ok x");
    assert_eq!(memory("0x100000"), "ok x");
    assert_eq!(memory("\"1024K\""), "ok x");
    assert_eq!(
        memory("\"513M\""),
        "memory of 513 MiB, but only 512 MiB are left; ask for less here or above"
    );
    assert_eq!(memory("\"4G\""), "memory of 4096 MiB; a domain has room for 3072 MiB");
    assert_eq!(memory("\"1025K\""), "memory of 1025 KiB; must be a multiple of 1 MiB, above 0");
    assert_eq!(memory("512"), "memory of 512 bytes; must be a multiple of 1 MiB, above 0");
    assert_eq!(memory("0"), "memory of 0 MiB; must be a multiple of 1 MiB, above 0");
    let wrong = "bad value of \"memory\"; expected a size such as \"64M\", or a number of bytes";
    assert_eq!((memory("-1"), memory("\"64MB\"")), (wrong.into(), wrong.into()));
    assert!(memory("true").starts_with("\"memory\" is true or false; expected a size"));
    let without = outcome("[[domain]]\nname = \"x\"\nkernel = \"vmlinuz\"");
    assert_eq!(without, ["nex.toml:1: domain \"x\": \"memory\" is missing"]);

    // A refused domain takes nothing from the others.
    let domain = |name: &str, memory: &str| {
        format!("[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\nmemory = \"{memory}\"\n")
    };
    let said =
        outcome(&[domain("a", "300M"), domain("b", "300M"), domain("c", "212M"), domain("d", "1M")].concat());
    assert_eq!((&*said[0], &*said[2]), ("ok a", "ok c"));
    assert_eq!(
        said[1],
        "nex.toml:8: domain \"b\": memory of 300 MiB, but only 212 MiB are left; ask for less here or above"
    );
    assert!(said[3].contains("only 0 MiB are left"));
}

#[test]
fn scheduling_is_checked_and_added_up() {
    let sched = |value: &str| {
        about(&format!("kernel = \"vmlinuz\"\nsched = {value}")).replace("nex.toml:5: domain \"x\": ", "")
    };
    assert_eq!(sched("{}"), "ok x");
    assert_eq!(sched("{ period = \"1s\", slice = \"1s\" }"), "ok x");
    assert_eq!(sched("{ slice = \"10001us\" }"), "\"slice\" is longer than \"period\"");
    assert_eq!(sched("{ extratime = false }"), "would never run: give it a \"slice\", or extratime = true");
    for bad in ["\"99us\"", "\"1000001us\"", "\"2s\""] {
        assert_eq!(
            sched(&format!("{{ period = {bad} }}")),
            "bad value of \"period\"; expected \"100us\" to \"1s\""
        );
    }
    assert!(
        sched("{ period = \"10\" }").starts_with("bad value of \"period\"; expected a time with its unit")
    );
    assert!(sched("{ period = 10 }").starts_with("\"period\" is an integer; expected a time with its unit"));
    for weight in ["0", "-1", "65536"] {
        assert_eq!(
            sched(&format!("{{ weight = {weight} }}")),
            "bad value of \"weight\"; expected 1 to 65535"
        );
    }
    assert_eq!(sched("{ wieght = 1 }"), "unknown key \"wieght\" (did you mean \"weight\"?)");
    assert!(sched("\"fast\"").starts_with("\"sched\" is a string; expected a table"));
    // The heading form, and the line of a key within.
    let text = "[[domain]]\nname = \"x\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"\n[domain.sched]\nslice = \"1ms\"\nperiod = 1";
    assert!(outcome(text)[0].starts_with("nex.toml:7: domain \"x\": \"period\" is an integer"));

    let domain = |name: &str, slice: &str, vcpus: u32| {
        let sched = format!("{{ period = \"9ms\", slice = \"{slice}\" }}");
        format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"\nvcpus = {vcpus}\nsched = {sched}\n"
        )
    };
    let said = outcome(
        &[domain("a", "3ms", 2), domain("b", "3001us", 1), domain("c", "3ms", 1), domain("d", "0us", 8)]
            .concat(),
    );
    assert_eq!((&*said[0], &*said[2], &*said[3]), ("ok a", "ok c", "ok d"));
    assert!(
        said[1].starts_with("nex.toml:12: domain \"b\": slices of all domains up to this one exceed the CPU")
    );
}

#[test]
fn too_many_domains_are_left_out() {
    let text: String = (0..6)
        .map(|n| format!("[[domain]]\nname = \"d{n}\"\nkernel = \"vmlinuz\"\nmemory = \"1M\"\n"))
        .collect();
    let said = outcome(&text);
    assert_eq!(said[..4], ["ok d0", "ok d1", "ok d2", "ok d3"]);
    assert_eq!(
        said[4..],
        ["nex.toml:17: domain \"d4\": more than 4 domains; this and later ones are left out"]
    );
}

#[test]
fn without_a_manifest_the_names_of_files_count() {
    let files: [(&str, &[u8]); 6] = [
        ("dom0", b"zero"),
        ("dom10", b"ten"),
        ("dom2", b"two"),
        ("initrd2", b"disk"),
        ("cmdline0", b"console=ttyAMA0 quiet\r\n\n"),
        ("README", b"not looked at"),
    ];
    with_files(&files, &LIMITS, |manifest| {
        let manifest = manifest.unwrap();
        assert_eq!((manifest.on_idle, manifest.strict), (OnIdle::Debugger, false));
        let domains: Vec<_> = manifest.domains.into_iter().map(Result::unwrap).collect();
        let names: Vec<&str> = domains.iter().map(|domain| &*domain.name).collect();
        assert_eq!(names, ["dom0", "dom2", "dom10"]);
        assert!(domains.iter().all(|domain| domain.memory_bytes == 64 << 20 && domain.vcpus == 1));
        assert_eq!(domains.iter().map(|domain| domain.privileged).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(domains[0].cmdline, "console=ttyAMA0 quiet");
        assert_eq!(domains[1].initrd, Some(File { name: "initrd2", data: b"disk" }));
        assert_eq!((domains[0].initrd, &*domains[1].cmdline), (None, ""));
    });
}

#[test]
fn the_convention_shares_what_memory_there_is() {
    let files: [(&str, &[u8]); 3] = [("dom0", b"k"), ("dom1", b"k"), ("dom2", b"k")];
    let sizes = |ram_bytes| {
        with_files(&files, &Limits { ram_bytes, max_domains: 4 }, |manifest| {
            let sizes = manifest.unwrap().domains.into_iter().map(|d| d.map(|d| d.memory_bytes >> 20).ok());
            sizes.collect::<Vec<_>>()
        })
    };
    assert_eq!(sizes(192 << 20), [Some(64); 3]);
    assert_eq!(sizes(191 << 20), [Some(63); 3]);
    assert_eq!(sizes(2 << 20), [Some(1), Some(1), None]);
    assert_eq!(sizes(0), [None; 3]);
}

#[test]
fn mistakes_in_the_convention_are_told() {
    let said = |files: &[(&str, &[u8])], max_domains| {
        with_files(files, &Limits { max_domains, ..LIMITS }, |manifest| match manifest {
            Err(error) => vec![error.to_string()],
            Ok(manifest) => {
                manifest.domains.iter().filter_map(|d| d.as_ref().err()).map(|e| e.to_string()).collect()
            }
        })
    };
    let nothing = "nex.toml: not in the boot volume, and no dom0, dom1, ... either; add a nex.toml, or a kernel under the name dom0";
    assert_eq!(said(&[("vmlinuz", b"k"), ("dom00", b"k"), ("domx", b"k"), ("dom1234", b"k")], 4), [nothing]);
    assert_eq!(said(&[], 4), [nothing]);
    assert_eq!(said(&[("dom0", b"")], 4), ["dom0: domain \"dom0\": \"kernel\" names dom0, which is empty"]);
    assert_eq!(
        said(&[("dom0", b"k"), ("initrd0", b"")], 4),
        ["initrd0: domain \"dom0\": \"initrd\" names initrd0, which is empty"]
    );
    assert_eq!(
        said(&[("dom0", b"k"), ("cmdline0", b"\xff")], 4),
        ["cmdline0: domain \"dom0\": not UTF-8 text"]
    );
    assert!(
        said(&[("dom0", b"k"), ("cmdline0", &[b'x'; 1024])], 4)[0]
            .starts_with("cmdline0: domain \"dom0\": command line has")
    );
    assert_eq!(
        said(&[("dom0", b"k"), ("initrd1", b"d")], 4),
        ["initrd1: no use without a kernel dom1; add it, or remove this"]
    );
    assert_eq!(
        said(&[("dom0", b"k"), ("dom1", b"k"), ("dom2", b"k")], 1),
        ["dom1: more than 1 domains; this and later ones are left out"]
    );
}

/// What must hold for anything that is accepted.
fn check(manifest: &Manifest<'_>) {
    let accepted: Vec<_> = manifest.domains.iter().flatten().collect();
    assert!(accepted.len() <= LIMITS.max_domains);
    assert!(accepted.iter().map(|domain| domain.memory_bytes).sum::<u64>() <= LIMITS.ram_bytes);
    let load: f64 = accepted
        .iter()
        .map(|domain| f64::from(domain.vcpus) * domain.sched.slice_ns as f64 / domain.sched.period_ns as f64)
        .sum();
    assert!(load <= 1.000_001);
    for domain in &accepted {
        assert!(domain.memory_bytes > 0 && domain.memory_bytes.is_multiple_of(MIB));
        assert!((1..=MAX_VCPUS).contains(&domain.vcpus));
        assert!(domain.sched.extratime || domain.sched.slice_ns > 0);
        assert!((1..=65535).contains(&domain.sched.weight));
        assert_eq!(accepted.iter().filter(|other| other.name == domain.name).count(), 1);
    }
    for error in manifest.domains.iter().filter_map(|domain| domain.as_ref().err()) {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_manifests_do_no_harm(changes in changes()) {
        with_toml(&damaged(EXAMPLE.as_bytes(), &changes), |manifest| match manifest {
            Ok(manifest) => check(&manifest),
            Err(error) => assert!(error.to_string().starts_with("nex.toml")),
        });
    }

    #[test]
    fn any_values_do_no_harm(
        memory in prop_oneof![any::<i64>().prop_map(|n| n.to_string()), (0u64..600).prop_map(|n| format!("\"{n}M\""))],
        vcpus in -1i64..10,
        slice in 0u64..20_000,
        period in 0u64..20_000,
        weight in -1i64..70_000,
        extratime: bool,
    ) {
        let domain = |name| format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\nmemory = {memory}\nvcpus = {vcpus}\n\
             sched = {{ period = \"{period}us\", slice = \"{slice}us\", weight = {weight}, extratime = {extratime} }}\n"
        );
        let text = ["a", "b", "c", "d"].map(domain).concat();
        with_toml(text.as_bytes(), |manifest| check(&manifest.unwrap()));
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        with_toml(&bytes, |manifest| if let Ok(manifest) = manifest { check(&manifest) });
    }
}
