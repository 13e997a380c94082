//! Measurements over a real ssh: a server on a loopback port with its own keys.

mod support;

use common::files::hash::sha256_hex;
use common::measurement::EnergyStatus;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::sshd::Sshd;
use support::{
    CRASH, Case, TARGET, WAIT, advance, age, error_of, package, ready, start, wait_until, windows,
};

/// A running server, and a case whose `b.json` is a board on it.
struct Server {
    case: Case,
    _sshd: Sshd,
}

impl Server {
    /// Returns `None` on a machine without OpenSSH.
    fn start(case: Case) -> Option<Server> {
        // Programs in the folder `bin` precede the board's own.
        let path = format!("{}:/usr/bin:/bin", case.path("bin").display());
        let sshd = Sshd::start(&case.path(""), &path)?;
        case.board(&keys("rapl"));
        Some(Server { case, _sshd: sshd })
    }
}

fn keys(meter: &str) -> String {
    format!(r#""target":"{TARGET}","runner":"ssh","meter":"{meter}""#)
}

const BOARD: [&str; 6] =
    ["--board", "b.json", "--board-host", "board", "--ssh-config", "ssh_config"];

/// Returns the path of `bench` from its output.
fn ran_in(said: &str) -> String {
    let file = said.split("runs as ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(file.starts_with("/tmp/neuropower-"), "{said}");
    file.to_string()
}

#[test]
fn a_crate_is_measured_over_ssh_with_the_meter_and_the_facts_of_the_board() {
    let Some(server) = Server::start(Case::new([3, 3, 3])) else { return };
    let case = &server.case;
    let record = case.measures(&BOARD);
    let program = case.path(&format!("crate/target/{TARGET}/release/bench"));
    assert_eq!(record.ran.binary_sha256, sha256_hex(&fs::read(program).unwrap()));
    assert_eq!((record.latency.p50_s, record.energy.status), (3e-3, EnergyStatus::Unavailable));
    assert!(record.energy.reason.unwrap().contains("no RAPL counters"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(record.host.kernel.value.as_deref(), Some(kernel.trim()));
    assert!(record.host.governor.reason.unwrap().contains("scaling_governor"));
    // A counter that advances by 1 J forty times in each window.
    package(case, 1_000_000);
    let again = format!(
        "sh i=0; while [ $i -lt 40 ]; do {}; sleep 0.02; i=$((i + 1)); done",
        advance(case)
    );
    case.script(&windows([1, 1, 1], &again));
    let record = case.measures(&BOARD);
    // A reading over ssh may be late, after the next window has begun.
    for window in &record.windows {
        assert!((1.0..=120.0).contains(&window.joules.unwrap()), "{window:?}");
    }
    assert_eq!(record.windows[0].counters[0].name, "package-0");
}

#[test]
fn errors_are_reported_and_nothing_is_written() {
    let Some(server) = Server::start(Case::new([3, 3, 3])) else { return };
    let case = &server.case;
    assert!(case.assert_fails(&BOARD[..2]).contains("--board-host user@host"));
    assert!(
        case.assert_fails(&["--board", "b.json", "--board-host", "a b"]).contains("not an address")
    );
    assert!(case.assert_fails(&["--board-host", "board"]).contains("it takes no --board-host"));
    // A program that crashes on the board.
    case.script(&format!("{}\n{CRASH}\n", ready()));
    let error = case.assert_fails(&BOARD);
    assert!(
        error.contains("bench ended before the start of window 1 (exit status: 137"),
        "{error}"
    );
    assert!(!Path::new(&ran_in(&error)).exists(), "it was not removed from the board");
    case.script("garbage\n");
    assert!(case.assert_fails(&BOARD).contains("\"garbage\""));
    // A board that received other bytes.
    case.write_program("bin/sha256sum", "cat >/dev/null; echo 0123456789abcdef");
    let error = case.assert_fails(&BOARD);
    assert!(error.contains("the copy has the hash 0123456789abcdef, but"), "{error}");
    let seen = case.path("seen");
    case.write_program(
        "bin/sha256sum",
        &format!("readlink /proc/$$/fd/0 >{}; cat >/dev/null; exit 1", seen.display()),
    );
    assert!(case.assert_fails(&BOARD).contains("cannot copy the program there"));
    let copy = fs::read_to_string(seen).unwrap();
    assert!(
        copy.starts_with("/tmp/neuropower-") && !Path::new(copy.trim()).parent().unwrap().exists(),
        "{copy}"
    );
    fs::remove_file(case.path("bin/sha256sum")).unwrap();
    fs::create_dir(case.path("elsewhere")).unwrap();
    case.write_program("bin/mktemp", &format!("echo {}", case.path("elsewhere").display()));
    assert!(case.assert_fails(&BOARD).contains("instead of where the copy is"));
    // A host whose key is not known must not get the program.
    case.write("known_hosts", "");
    let error = case.assert_fails(&BOARD);
    assert!(error.contains("Host key verification failed"), "{error}");
}

#[test]
fn a_board_that_is_unplugged_is_an_error() {
    // The server's process for this connection is the one above the shell that runs bench.
    let parent = r"sed -n 's/^PPid:[[:space:]]*//p'";
    let unplug = format!(
        "sh shell=$({parent} /proc/$PPID/status); kill -9 $({parent} /proc/$shell/status); sleep 1"
    );
    let script = format!("{}\n{}\n{unplug}\n", ready(), start(1));
    let Some(server) = Server::start(Case::doing(&script)) else { return };
    server.case.board(&keys("none"));
    let error = server.case.assert_fails(&BOARD);
    assert!(error.contains("bench ended before the end of window 1 (exit status: 255"), "{error}");
}

#[test]
fn a_board_whose_clock_runs_at_another_speed_gives_no_number() {
    let slow = windows([1, 1, 1], "sh sleep 1.3").replace("SECONDS", "0.13");
    let Some(server) = Server::start(Case::doing(&slow)) else { return };
    server.case.board(&keys("none"));
    let error = server.case.assert_fails(&BOARD);
    assert!(
        error.contains("its windows took 0.390 s") && error.contains("in each of them too many"),
        "{error}"
    );
    server.case.script(&slow.replace("0.13", "13"));
    let error = server.case.assert_fails(&BOARD);
    assert!(
        error.contains("its windows took 39.000 s, but only")
            && error.contains("since it was started"),
        "{error}"
    );
}

#[test]
fn a_meter_that_vanishes_on_the_board_leaves_a_latency_and_no_energy() {
    let Some(server) = Server::start(Case::new([3, 3, 3])) else { return };
    let case = &server.case;
    package(case, 1_000_000);
    let gone = case.path("sys/class/powercap");
    case.script(&windows([3, 3, 3], &format!("sh rm -rf {}", gone.display())));
    let record = case.measures(&BOARD);
    assert_eq!((record.energy.status, record.energy.gross_j), (EnergyStatus::Invalid, None));
    assert!(record.energy.reason.unwrap().contains("energy_uj"), "the file is named");
    assert_eq!(record.latency.p50_s, 3e-3);
}

#[test]
fn the_board_is_left_clean_however_measuring_ends() {
    let Some(server) = Server::start(Case::new([3, 3, 3])) else { return };
    let case = &server.case;
    case.board(&keys("none"));
    let mark = case.path("mark");
    case.script(&format!(
        "{}\n{}\nsh readlink /proc/$PPID/exe >{}\n{WAIT}\n",
        ready(),
        start(1),
        mark.display()
    ));
    for signal in ["TERM", "INT", "KILL"] {
        let _ = fs::remove_file(&mark);
        let measure =
            case.command(&BOARD).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("bench does not run", || {
            fs::read_to_string(&mark).is_ok_and(|text| text.ends_with('\n'))
        });
        let said = fs::read_to_string(&mark).unwrap();
        let copy = said.split_whitespace().next().unwrap();
        assert!(copy.starts_with("/tmp/neuropower-") && Path::new(copy).exists(), "{said}");
        support::signal(signal, &measure);
        let output = measure.wait_with_output().unwrap();
        if signal != "KILL" {
            let error = error_of(&output);
            assert!(error.contains("interrupted; nothing was written"), "{signal}: {error}");
            assert!(!Path::new(copy).exists(), "removed before measure ends");
        }
        wait_until("the copy was not removed", || !Path::new(copy).parent().unwrap().exists());
        assert!(!case.path("record.json").exists());
    }
}

#[test]
fn copies_that_are_left_over_are_removed_by_the_next_and_nothing_else() {
    let Some(server) = Server::start(Case::new([3, 3, 3])) else { return };
    let case = &server.case;
    case.board(&keys("none"));
    let ours =
        |first: char| PathBuf::from(format!("/tmp/neuropower-{first}{:07}", std::process::id()));
    let [old, fresh, runs, link] = ['a', 'b', 'c', 'd'].map(ours);
    for folder in [&old, &fresh, &runs] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(old.join("bench"), "").unwrap();
    fs::copy("/bin/sleep", runs.join("bench")).unwrap();
    let mut running = Command::new(runs.join("bench")).arg("1000").spawn().unwrap();
    fs::create_dir(case.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(case.path("elsewhere"), &link).unwrap();
    for folder in [&old, &runs, &case.path("elsewhere")] {
        age(folder);
    }
    case.measures(&BOARD);
    let left = [&old, &fresh, &runs, &link].map(|folder| folder.exists());
    running.kill().unwrap();
    running.wait().unwrap();
    for folder in [&fresh, &runs] {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::remove_file(&link).unwrap();
    assert_eq!(left, [false, true, true, true], "old, fresh, running, a link");
}
