//! `measure run` over a real ssh: a server on a loopback port with keys of its own.

use common::hash::sha256_hex;
use common::json;
use common::manifest::Manifest;
use common::measurement::{EnergyStatus, Measurement};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Says where it runs, so that a copy can be told from the original, then what a `bench` says.
const BENCH: &str = r#"
const CRASHES: bool = false;
fn main() {
    eprintln!("runs as {}", std::env::current_exe().unwrap().display());
    print!("{}", include_str!("../../output.jsonl"));
    if CRASHES { std::process::abort() }
}
"#;
const OUTPUT: &str = r#"{"schema":"neuropower/bench/1","event":"ready","name":"tiny","kernels":"scalar","target":"x86_64-unknown-linux-gnu","threads":1,"batch":1}
{"schema":"neuropower/bench/1","event":"start","window":1}
{"schema":"neuropower/bench/1","event":"window","window":1,"inferences":100,"seconds":0.5,"p50_s":3e-3,"p90_s":0.5,"p99_s":0.75}
"#;

struct Server {
    folder: TempDir,
    sshd: Child,
}

impl Server {
    /// A server that is up, with a crate, a board and an ssh configuration beside it.
    fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for key in ["host", "user"] {
            let status =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path(key)).status();
            assert!(status.expect("install openssh-client").success());
        }
        fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let here = folder.path().display();
        let server = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {here}/host\nAuthorizedKeysFile {here}/authorized\n\
             PasswordAuthentication no\nStrictModes no\nUsePAM no\nPidFile none\n"
        );
        fs::write(path("sshd_config"), server).unwrap();
        // Where a server that root starts keeps its unprivileged half; others need none.
        let _ = fs::create_dir_all("/run/sshd");
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(path("sshd_config"));
        let sshd = sshd.stderr(Stdio::null()).spawn().expect("install openssh-server");
        let key = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        let client = format!(
            "Host board\n HostName 127.0.0.1\n Port {port}\n IdentityFile {here}/user\n IdentitiesOnly yes\n \
             UserKnownHostsFile {here}/known_hosts\n GlobalKnownHostsFile none\n"
        );
        fs::write(path("ssh_config"), client).unwrap();
        write_crate(folder.path());
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Server { folder, sshd }
    }

    fn measure(&self, more: &[&str]) -> Output {
        let mut measure = Command::new(env!("CARGO_BIN_EXE_measure"));
        measure.current_dir(self.folder.path()).args(["run", "--crate", "crate", "--board", "./b.json"]);
        measure.args(["--config", "profile.json", "--out", "record.json"]).args(more).output().unwrap()
    }

    /// That nothing was written, and what was said.
    fn fails(&self, more: &[&str]) -> String {
        let output = self.measure(more);
        assert_eq!(output.status.code(), Some(1));
        assert!(!self.folder.path().join("record.json").exists());
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

fn write_crate(folder: &Path) {
    let write = |name: &str, text: &str| {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    };
    let manifest = Manifest {
        name: "tiny".into(),
        platform: "x86_64".into(),
        network_sha256: sha256_hex(b"network"),
        weights_sha256: sha256_hex(b"weights"),
        parameters: 1,
        macs: 1,
        weights_bytes: 4,
        arena_bytes: 4,
        arena_lower_bound_bytes: 4,
        layers: vec![],
    };
    json::write(&folder.join("crate/manifest.json"), &manifest).unwrap();
    let cargo = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    write("crate/Cargo.toml", cargo);
    write("crate/src/bin/bench.rs", BENCH);
    write("crate/output.jsonl", OUTPUT);
    let profile =
        r#"{"schema":"neuropower/profile/1","measurement":{"idle_s":0.01,"warmup_s":0.25,"windows":1,"window_s":0.5}}"#;
    write("profile.json", profile);
    let board = r#"{"schema":"neuropower/board/1","name":"b","about":"","platform":"x86_64","target":"TARGET","runner":"ssh","meter":"rapl"}"#;
    write("b.json", &board.replace("TARGET", TARGET));
}

const BOARD: [&str; 4] = ["--board-host", "board", "--ssh-config", "ssh_config"];

#[test]
fn a_crate_is_measured_over_ssh_and_this_machines_meter_is_not_taken() {
    let server = Server::start();
    let output = server.measure(&BOARD);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let record: Measurement = json::read(&server.folder.path().join("record.json")).unwrap();
    let program = server.folder.path().join(format!("crate/target/{TARGET}/release/bench"));
    assert_eq!(record.ran.binary_sha256, sha256_hex(&fs::read(program).unwrap()));
    assert_eq!((record.latency.p50_s, record.energy.status), (3e-3, EnergyStatus::Unavailable));
    assert!(record.energy.reason.unwrap().contains("sees this machine only"));
    assert!(record.host.cpu.value.is_none() && record.host.kernel.reason.is_some());
}

#[test]
fn what_goes_wrong_is_said_and_nothing_is_written() {
    let server = Server::start();
    assert!(server.fails(&[]).contains("--board-host user@host"));
    assert!(server.fails(&["--board-host", "a b"]).contains("not an address"));
    let write = |name: &str, text: &str| fs::write(server.folder.path().join(name), text).unwrap();
    // A program that dies on the board; it says from where it ran.
    write("crate/src/bin/bench.rs", &BENCH.replace("CRASHES: bool = false", "CRASHES: bool = true"));
    let error = server.fails(&BOARD);
    assert!(error.contains("bench failed") && error.contains("runs as /tmp/neuropower-"), "{error}");
    let ran = error.split("runs as ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(!Path::new(ran).exists(), "{ran} was not removed from the board");
    write("crate/output.jsonl", "garbage\n");
    assert!(server.fails(&BOARD).contains("\"garbage\""));
    // A host whose key is not known must not get the program.
    write("known_hosts", "");
    let error = server.fails(&BOARD);
    assert!(error.contains("Host key verification failed"), "{error}");
}
