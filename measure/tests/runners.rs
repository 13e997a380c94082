//! Runners that need tools: an emulator, and substitutes for ssh, adb and probe-rs that run the
//! program on this machine.

mod support;

use common::board::{Meter, Runner};
use common::measurement::EnergyStatus;
use std::path::Path;
use std::{env, fs};
use support::tools::tool;
use support::{CRASH, Case, TARGET, age, program, ready, text, windows};

/// Emulator of this machine's processor, in Debian's package qemu-user.
const QEMU: &str = "qemu-x86_64";

fn emulated(command: &str) -> String {
    format!(r#""target":"{TARGET}","runner":"qemu","meter":"none","command":{command}"#)
}

#[test]
fn an_emulated_board_is_marked_and_has_no_energy() {
    let Some(_) = tool(QEMU, "emulated boards") else { return };
    let case = Case::new([3, 3, 3]);
    case.board(&emulated(&format!(r#"["{QEMU}","{{program}}","{{arguments}}"]"#)));
    let record = case.measures(&["--board", "b.json"]);
    assert!(record.emulated && record.latency.p50_s == 3e-3);
    assert_eq!(record.energy.status, EnergyStatus::Unavailable);
    assert!(record.host.cpu.value.is_none(), "this machine is not the board");
    // The program crashes.
    fs::remove_file(case.path("record.json")).unwrap();
    case.script(&format!("{}\n{CRASH}\n", ready()));
    assert!(
        case.assert_fails(&["--board", "b.json"])
            .contains("bench ended before the start of window 1")
    );
    assert!(
        case.assert_fails(&["--board", "b.json", "--board-host", "x"])
            .contains("it takes no --board-host")
    );
}

#[test]
fn an_emulated_board_without_its_tools_fails() {
    let case = Case::new([3, 3, 3]);
    case.board(&emulated(r#"["qemu-vax","{program}"]"#));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(error.contains("\"qemu-vax\" is not installed; Debian's package qemu-user"), "{error}");
    case.board(&emulated(r#"["qemu-vax"]"#));
    assert!(case.assert_fails(&["--board", "b.json"]).contains("needs a `command`"));
    case.board(&emulated(r#"["qemu-vax","{program}"]"#).replace("none", "rapl"));
    assert!(
        case.assert_fails(&["--board", "b.json"])
            .contains("an emulated board has no power to measure")
    );
    case.board(&(emulated(r#"["sh","{program}"]"#) + r#","ram_bytes":3"#));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(
        error.contains("4 bytes of working memory do not fit the 3 that the board b has"),
        "{error}"
    );
    assert!(!case.path("crate/target").exists(), "nothing was built in vain");
    // A target that is not installed.
    case.board(&emulated(r#"["sh","{program}"]"#).replace(TARGET, "sparc64-unknown-linux-gnu"));
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(error.contains("`rustup target add sparc64-unknown-linux-gnu`"), "{error}");
}

/// Runs `measure run` with the programs in the folder `bin` before all others.
fn with_bin(case: &Case, more: &[&str]) -> std::process::Output {
    let path = format!("{}:{}", case.path("bin").display(), env::var("PATH").unwrap());
    case.command(more).env("PATH", path).output().unwrap()
}

/// A substitute for adb that runs scripts on this machine. The device's folder `/data/local/tmp` is
/// the folder `device` beside it.
const ADB: &str = r#"
echo "$*" >>"$0.log"
[ "$1" = -s ] && { [ "$2" = 0123 ] || { echo "error: device '$2' not found" >&2; exit 1; }; shift 2; }
here=${0%/*}/device there=/data/local/tmp
case $1 in
shell)
    script=$(printf %s "$2" | sed "s#$there#$here#g")
    { sh -c "$script"; echo $? >"$0.$$"; } | sed -u "s#$here#$there#g"
    exit "$(cat "$0.$$")" ;;
push)
    [ -e "$here/full" ] && { echo "adb: error: failed to copy: No space left on device"; exit 1; }
    cp "$2" "$here${3#"$there"}" ;;
*) exit 1 ;;
esac"#;

#[test]
fn an_android_device_gets_a_copy_that_is_removed() {
    let case = Case::new([3, 3, 3]);
    case.board(&format!(r#""target":"{TARGET}","runner":"adb","meter":"none""#));
    fs::create_dir_all(case.path("bin/device/neuropower-leftover")).unwrap();
    age(&case.path("bin/device/neuropower-leftover"));
    case.write_program("bin/adb", ADB);
    let on_device = || fs::read_dir(case.path("bin/device")).unwrap().count();
    let device = ["--board", "b.json", "--board-host", "0123"];
    let output = with_bin(&case, &device);
    support::assert_succeeds(&output);
    let record = case.record();
    assert!(!record.emulated && record.host.kernel.value.is_some());
    let log = fs::read_to_string(case.path("bin/adb.log")).unwrap();
    let push = log.lines().find(|line| line.contains("push")).unwrap();
    let copy = push.split_whitespace().last().unwrap();
    assert!(copy.starts_with("/data/local/tmp/neuropower-") && on_device() == 0, "{push}");
    fs::remove_file(case.path("record.json")).unwrap();
    let fails = |more: &[&str]| support::error_of(&with_bin(&case, more));
    assert!(fails(&["--board", "b.json", "--board-host", "99"]).contains("device '99' not found"));
    case.script(&format!("{}\n{CRASH}\n", ready()));
    assert!(fails(&device).contains("bench ended before the start of window 1 (exit status: 137"));
    assert_eq!(on_device(), 0);
    case.write("bin/device/full", "");
    assert!(fails(&device).contains("No space left on device"));
    assert_eq!(on_device(), 1, "nothing but the file that says so");
}

/// Returns a substitute for ssh: a greeting, then a shell on this machine whose output goes through
/// `then`.
fn greeting_ssh(greeting: &str, then: &str) -> String {
    format!("for script; do :; done; printf '{greeting}'; sh -c \"$script\" {then}")
}

/// Runs `measure run` on a board behind that ssh, whose variable TMPDIR is this folder.
fn over_ssh(case: &Case, tmpdir: &str) -> std::process::Output {
    let path = format!("{}:{}", case.path("bin").display(), env::var("PATH").unwrap());
    let mut measure = case.command(&["--board", "b.json", "--board-host", "me@lab"]);
    measure.env("PATH", path).env("TMPDIR", tmpdir).output().unwrap()
}

#[test]
fn a_board_whose_shell_greets_is_measured_and_left_clean() {
    let case = Case::new([3, 3, 3]);
    let tmpdir = case.path("tmp.d");
    fs::create_dir(&tmpdir).unwrap();
    let is_clean = || fs::read_dir(&tmpdir).unwrap().next().is_none();
    case.board(&format!(r#""target":"{TARGET}","runner":"ssh","meter":"rapl""#));
    case.write("sys/class/powercap/none", "");
    for greeting in ["", "Welcome to lab\\n{{}}\\n3 updates\\n", "Welcome: "] {
        case.write_program("bin/ssh", &greeting_ssh(greeting, ""));
        let output = over_ssh(&case, text(&tmpdir));
        support::assert_succeeds(&output);
        let record = case.record();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        assert_eq!(record.host.kernel.value.as_deref(), Some(kernel.trim()), "{greeting}");
        assert!(
            record.energy.reason.unwrap().contains("no RAPL counters") && is_clean(),
            "{greeting}"
        );
    }
    // Without the mark, the script's output cannot be distinguished from a greeting.
    case.write_program("bin/ssh", &greeting_ssh("Welcome\\n", "| sed -u 's/@neuropower begins//'"));
    case.board(&format!(r#""target":"{TARGET}","runner":"ssh","meter":"none""#));
    let error = support::error_of(&over_ssh(&case, text(&tmpdir)));
    assert!(
        error.contains("instead of where the copy is") && error.contains("Welcome") && is_clean(),
        "{error}"
    );
}

#[test]
fn a_board_whose_folder_does_not_execute_programs_says_so() {
    let case = Case::new([3, 3, 3]);
    let [tmpdir, other, odd] = ["tmp", "other", "a b"].map(|name| case.path(name));
    for folder in [&tmpdir, &other, &odd] {
        fs::create_dir(folder).unwrap();
    }
    let board = format!(r#""target":"{TARGET}","runner":"ssh","meter":"none""#);
    case.board(&board);
    case.write_program("bin/ssh", &greeting_ssh("", ""));
    let fails = |tmpdir: &Path| support::error_of(&over_ssh(&case, text(tmpdir)));
    let error = fails(&odd);
    assert!(error.contains("a b, but a folder begins with a / and may only have"), "{error}");
    assert!(fails(&case.path("none")).contains("cannot copy the program there: mktemp: "));
    // As on a file system that is mounted noexec, no program in the folder can be executed.
    case.write_program(
        "bin/chmod",
        &format!("case $2 in {}/*) ;; *) exec /bin/chmod \"$@\" ;; esac", tmpdir.display()),
    );
    let error = fails(&tmpdir);
    assert!(
        error.contains(&format!("programs in {} may not be executed", tmpdir.display())),
        "{error}"
    );
    assert!(
        error.contains("noexec")
            && error.contains("'folder' of the board's file")
            && error.contains("TMPDIR"),
        "{error}"
    );
    case.board(&format!(r#"{board},"folder":"{}""#, other.display()));
    support::assert_succeeds(&over_ssh(&case, text(&tmpdir)));
    for folder in [&tmpdir, &other, &odd] {
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "{}", folder.display());
    }
    case.board(&format!(r#"{board},"folder":"other""#));
    assert!(fails(&tmpdir).contains("its `folder` \"other\" must begin with a /"));
}

#[test]
fn a_microcontroller_is_built_with_its_arguments_and_need_not_end() {
    let case = Case::new([3, 3, 3]);
    let probe = format!(
        r#""target":"{TARGET}","runner":"probe-rs","meter":"none","command":["probe-rs","run","--chip","X","{{program}}"]"#
    );
    case.board(&probe);
    let error = case.assert_fails(&["--board", "b.json"]);
    assert!(
        error.contains("\"probe-rs\" is not installed; `cargo install probe-rs-tools`"),
        "{error}"
    );
    // It flashes, runs, and does not end.
    case.write_program(
        "bin/probe-rs",
        r#"echo "Finished in 1.2s"; shift 3; "$@"; exec sleep 3000"#,
    );
    case.write(
        "crate/src/bin/bench.rs",
        &fs::read_to_string(case.path("crate/src/bin/bench.rs")).unwrap().replace(
            "std::env::args().skip(1).collect()",
            "option_env!(\"BENCH_ARGUMENTS\").unwrap_or_default().split(' ').map(String::from).collect()",
        ),
    );
    let output = with_bin(&case, &["--board", "b.json"]);
    support::assert_succeeds(&output);
    let record = case.record();
    assert!(!record.emulated && record.latency.p50_s == 3e-3 && record.host.cpu.value.is_none());
    fs::remove_file(case.path("record.json")).unwrap();
    case.script(&(windows([3, 3, 3], "garbage")));
    assert!(support::error_of(&with_bin(&case, &["--board", "b.json"])).contains("\"garbage\""));
}

/// A script that prints the lines of `bench`, with 101 inferences if a window has a length, and
/// counts 1,000 instructions for each.
const COUNTING: &str = r#"
n=1; case "$*" in *"--window-s 8"*) n=101 ;; esac
cat <<END
{"schema":"neuropower/bench/1","event":"ready","name":"tiny","kernels":"avx2","target":"t","threads":1,"batch":1}
{"schema":"neuropower/bench/1","event":"start","window":1}
{"schema":"neuropower/bench/1","event":"window","window":1,"inferences":$n,"seconds":2.0,"p50_s":0.01,"p90_s":0.02,"p99_s":0.03}
END
count=$((7000000 + 1000 * n))"#;

#[test]
fn instructions_are_counted_in_separate_runs() {
    let case = Case::new([3, 3, 3]);
    let count = |more: &[&str]| {
        let output = with_bin(&case, &[&["--count-instructions"], more].concat());
        support::assert_succeeds(&output);
        (case.record().instructions, String::from_utf8(output.stderr).unwrap())
    };
    // As in a virtual machine, perf is installed but cannot count.
    case.write_program(
        "bin/perf",
        r#"while [ "$1" != -o ]; do shift; done; echo '<not supported>,,instructions:u' >"$2""#,
    );
    let log = r#"for word; do case $word in --log-file=*) log=${word#--log-file=} ;; esac; done"#;
    case.write_program(
        "bin/valgrind",
        &format!("{log}{COUNTING}\necho \"==1== I   refs:      $count\" >$log"),
    );
    let (counted, said) = count(&[]);
    let counted = counted.value.unwrap();
    assert_eq!(
        (counted.per_inference, counted.counter.as_str(), counted.kernels.as_str()),
        (1000.0, "valgrind", "avx2")
    );
    assert!(said.contains("1.0000e3 instructions, by valgrind"), "{said}");
    case.write_program("bin/valgrind", "echo broken >&2; exit 1");
    let reason = count(&[]).0.reason.unwrap();
    assert!(
        reason.starts_with("perf: ") && reason.contains("valgrind: exit status: 1: broken"),
        "{reason}"
    );
    // Instructions on an emulated board are always counted.
    let qemu = r#"case " $* " in *" --version "*) echo "qemu-it version 7.2"; exit ;; *" -plugin "*.so*) ;; *) exec "$@" ;; esac"#;
    case.write_program(
        "bin/qemu-it",
        &format!("{qemu}{COUNTING}\necho \"instructions: $count\" >&2"),
    );
    case.board(&emulated(r#"["qemu-it","{program}","{arguments}"]"#));
    support::assert_succeeds(&with_bin(&case, &["--board", "b.json"]));
    let counted = case.record().instructions.value.unwrap();
    assert_eq!((counted.per_inference, counted.counter.as_str()), (1000.0, "qemu"));
    // A measurement succeeds even if the counter fails.
    case.write_program(
        "bin/qemu-it",
        r#"case "$1" in --version) echo a qemu ;; *) exec "$@" ;; esac"#,
    );
    support::assert_succeeds(&with_bin(&case, &["--board", "b.json"]));
    assert_eq!(
        case.record().instructions.reason.unwrap(),
        "qemu: it does not tell its version: a qemu"
    );
}

#[test]
fn the_list_names_missing_tools() {
    let case = Case::new([1, 1, 1]);
    case.write_program("bin/adb", "exit 1");
    let output = program().arg("boards").env("PATH", case.path("bin")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "runner adb      yes adb; tried with a stand-in for adb, not yet run on hardware\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("runner probe-rs no  the program \"probe-rs\" is not installed"),
        "{said}"
    );
    assert!(
        said.contains("meter  rapl     ")
            && said.contains("meter  manual   yes tried with numbers"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 11, "one line for each meter and runner: {said}");
    assert!(Path::new(text(&case.path("bin/adb"))).exists());
}

#[test]
fn the_documentation_lists_what_was_tried() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/adding-a-board.md"))
            .unwrap();
    let runners = Runner::ALL.into_iter().map(|runner| (runner.to_string(), runner.tried()));
    for (name, tried) in
        runners.chain(Meter::ALL.into_iter().map(|meter| (meter.to_string(), meter.tried())))
    {
        let row = |line: &&str| {
            line.starts_with(&format!("| `{name}` |")) && line.ends_with(&format!("| {tried} |"))
        };
        assert_eq!(page.lines().filter(row).count(), 1, "{name}: {tried}");
    }
}
