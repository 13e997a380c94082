//! `fetch-data` under attack: signals, endless downloads, compressed zeros, pipes, links and
//! options instead of names.

mod sandbox;

use common::files::hash::sha256_hex;
use sandbox::{CURL_FROM_MIRROR, DEBIAN, FOLDER, HTTPS, NAMES, NPM, Sandbox, gzip, stderr};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Returns whether a process exists and is not a zombie.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn wait_for(path: &Path) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => sleep(Duration::from_millis(5)),
        }
    }
}

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_signal_ends_the_downloads_and_removes_what_they_left() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::new();
        sandbox.recipe(&[HTTPS, NPM].join(","));
        let pids = sandbox.path("pids");
        sandbox.stand_in(
            "curl",
            &format!("sleep 1000 &\necho half > half\necho $$ $! > {}\nwait", pids.display()),
        );
        let mut command = Command::new("env");
        // The tests may run with signals ignored.
        command.arg("--default-signal=INT,TERM,HUP").arg(env!("CARGO_BIN_EXE_fetch-data"));
        let running = sandbox.configure(&mut command).stderr(Stdio::piped()).spawn().unwrap();
        let pids = wait_for(&pids);
        // A shell has a `kill` of its own; the program is not on every machine.
        let kill = format!("kill -{signal} {}", running.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let output = running.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal}");
        let said = stderr(&output);
        assert!(said.lines().last().unwrap().starts_with("error: interrupted;"), "{said}");
        assert_eq!(said.lines().count(), 2, "no other source is tried: {said}");
        assert_eq!(sandbox.placed(), [""; 0]);
        for pid in pids.split_whitespace() {
            // SIGKILL has been sent at the latest.
            while is_alive(pid) {
                sleep(Duration::from_millis(5));
            }
        }
        assert_eq!(sandbox.called(), "curl");
    }
}

#[test]
fn leftovers_of_killed_runs_are_removed_but_not_files_of_a_running_one() {
    let sandbox = Sandbox::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of(
        "image-folder",
        &folder("in/train"),
        &folder("in/test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    for photo in ["photos/in/train/a/1.png", "photos/in/test/a/1.png"] {
        sandbox.write(photo, b"1");
    }
    let left =
        ["out/.partial-1/a/b", "out/.partial-2", "out/in/.partial-3/copy/x", "out/in/.partial-4"];
    left.iter().for_each(|left| sandbox.write(left, b"left"));
    symlink(sandbox.path("photos"), sandbox.path("out/.partial-5")).unwrap();

    let other = fs::File::open(sandbox.path("out")).unwrap();
    other.lock().unwrap();
    let mut running = sandbox
        .configure(&mut Command::new(env!("CARGO_BIN_EXE_fetch-data")))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "out: waiting for another fetch-data to end\n");
    assert!(left.iter().all(|left| sandbox.path(left).exists()));
    drop(other);
    said.read_to_string(&mut line).unwrap();
    assert!(running.wait().unwrap().success(), "{line}");
    assert_eq!(sandbox.placed(), ["dataset.json", "in"]);
    assert_eq!(fs::read_dir(sandbox.path("out/in")).unwrap().count(), 2);
    assert!(sandbox.path("photos/in/train/a/1.png").exists(), "what a link led to");
}

#[test]
fn a_download_is_limited_in_size() {
    let sandbox = Sandbox::new();
    sandbox.recipe(HTTPS);
    let log = sandbox.path("args");
    let script =
        |rest: &str| format!("echo \"$*\" > {}\n{rest}\n{CURL_FROM_MIRROR}", log.display());
    sandbox.stand_in("curl", &script(""));
    sandbox.fetch_completes();
    let arguments = fs::read_to_string(&log).unwrap();
    for argument in ["--globoff", "--max-filesize 4294967296", "--proto =https"] {
        assert!(arguments.contains(argument), "{arguments}");
    }
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    // Older versions of curl go on where the server does not say how much comes.
    sandbox.stand_in(
        "curl",
        "while [ \"$1\" != --output ]; do shift; done; truncate -s 5G \"$2\"; exec sleep 1000",
    );
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains("curl: stopped: it has made over"), "{lines:?}");
    assert_eq!(sandbox.placed(), [""; 0]);
}

#[test]
fn an_archive_is_limited_in_its_unpacked_size() {
    let sandbox = Sandbox::new();
    sandbox.recipe(NPM);
    sandbox.stand_in(
        "npm",
        "mkdir package && truncate -s 80M package/zeros && tar -czf tiny-1.0.0.tgz package && rm -r package",
    );
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains("tar: ") && lines[1].contains("it has made over"), "{lines:?}");
    sandbox.recipe(DEBIAN);
    sandbox.stand_in("apt-get", "touch tiny_1_all.deb");
    sandbox.stand_in("dpkg", "mkdir -p \"$3\" && truncate -s 80M \"$3/zeros\"");
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains("dpkg: ") && lines[1].contains("it has made over"), "{lines:?}");
}

#[test]
fn compressed_zeros_are_not_unpacked() {
    let sandbox = Sandbox::new();
    sandbox.recipe(FOLDER);
    let bomb = gzip(&vec![0; 65 << 20]);
    assert!(bomb.len() < 1 << 20);
    sandbox.write(&format!("mirror/{}", NAMES[0]), &bomb);
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains("it unpacks to over 67108864 bytes"), "{lines:?}");
    assert_eq!(sandbox.placed(), [""; 0]);
}

#[test]
fn a_pipe_instead_of_a_file_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.recipe(FOLDER);
    fs::remove_file(sandbox.path("mirror").join(NAMES[0])).unwrap();
    pipe(&sandbox.path("mirror").join(NAMES[0]));
    pipe(&sandbox.path("out").join(NAMES[1]));
    let lines = sandbox.fetch_fails();
    for (line, name) in [(&lines[0], NAMES[1]), (&lines[2], NAMES[0])] {
        assert!(
            line.contains(name) && line.contains("a pipe or a device, not a plain file"),
            "{lines:?}"
        );
    }

    let sandbox = Sandbox::new();
    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of(
        "image-folder",
        &folder("train"),
        &folder("test"),
        r#"{"kind": "folder", "path": "photos"}"#,
    );
    pipe(&sandbox.path("photos/train/a/1.png"));
    sandbox.write("photos/test/a/1.png", b"1");
    let line = sandbox.fetch_fails().pop().unwrap();
    assert!(line.contains("train/a/1.png") && line.contains("a pipe or a device"), "{line}");
    sandbox.write("out/train/b/1.png", b"1");
    pipe(&sandbox.path("out/train/a/1.png"));
    let line = sandbox.fetch_fails().pop().unwrap();
    assert!(line.contains("train/a/1.png") && line.contains("a pipe or a device"), "{line}");

    fs::remove_file(sandbox.path("recipe.json")).unwrap();
    pipe(&sandbox.path("recipe.json"));
    let line = sandbox.fetch_fails().pop().unwrap();
    assert!(line.contains("recipe.json: cannot read the file: it is a pipe or a device"), "{line}");
}

/// Makes npm download an archive of `package/data` with links in it.
fn npm_of_links(sandbox: &Sandbox, links: &[(&str, &str)]) {
    let made = "mkdir -p package && cp -r $MIRROR package/data && cd package/data";
    let links: Vec<String> =
        links.iter().map(|(name, to)| format!("rm -f {name} && ln -s {to} {name}")).collect();
    sandbox.stand_in(
        "npm",
        &format!("{made} && {} && cd ../.. && tar -czf tiny.tgz package", links.join(" && ")),
    );
}

#[test]
fn no_link_leads_out_of_an_archive() {
    let sandbox = Sandbox::new();
    sandbox.recipe(NPM);
    npm_of_links(
        &sandbox,
        &[
            ("train-images", "images"),
            ("images", "../elsewhere"),
            ("../elsewhere", "data/train-labels"),
        ],
    );
    let lines = sandbox.fetch_fails();
    assert!(lines[1].contains("SHA-256"), "inside, a link is followed: {lines:?}");
    let secret = sandbox.path("secret");
    sandbox.write("secret", b"secret");
    for to in [secret.to_str().unwrap(), "../../../../../recipe.json", "/etc"] {
        npm_of_links(&sandbox, &[("train-images", to)]);
        let lines = sandbox.fetch_fails();
        assert!(
            lines[1].contains("train-images: a link that leads out of the archive"),
            "{lines:?}"
        );
        assert_eq!(sandbox.placed(), [""; 0]);
    }

    let folder = |name: &str| format!(r#"{{"path": "{name}", "sha256": null}}"#);
    sandbox.recipe_of("image-folder", &folder("train"), &folder("test"), NPM);
    for photo in ["train/a/1.png", "test/a/1.png"] {
        sandbox.write(&format!("mirror/{photo}"), b"1");
    }
    npm_of_links(&sandbox, &[("train/a/2.png", "1.png")]);
    sandbox.fetch_succeeds();
    assert_eq!(fs::read(sandbox.path("out/train/a/2.png")).unwrap(), b"1");
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    npm_of_links(&sandbox, &[("train/a/2.png", secret.to_str().unwrap())]);
    let line = sandbox.fetch_fails().pop().unwrap();
    assert!(line.contains("train/a/2.png: a link that leads out of the archive"), "{line}");
}

#[test]
fn names_that_are_options_or_paths_reach_no_program() {
    let sandbox = Sandbox::new();
    let hash = sha256_hex(b"");
    for source in [
        NPM.replace("\"tiny\"", "\"--registry=https://elsewhere.invalid\""),
        NPM.replace("1.0.0", "-1"),
        NPM.replace("\"data\"", "\"../..\""),
        DEBIAN.replace("\"tiny\"", "\"-oDir::Etc=x\""),
        DEBIAN.replace("usr/share/tiny", "/etc"),
        HTTPS.replace("https:", "file:"),
        format!(
            r#"{{"kind": "https-archive", "url": "-K/etc/x", "sha256": "{hash}", "folder": "."}}"#
        ),
    ] {
        sandbox.recipe(&source);
        let lines = sandbox.fetch_fails();
        assert!(
            lines.len() == 1 && lines[0].starts_with("error: recipe.json: "),
            "{source}: {lines:?}"
        );
    }
    assert_eq!(sandbox.called(), "");
    assert!(!sandbox.path("out").exists());
}
