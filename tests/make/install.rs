//! `make install`, `make uninstall` and `make dist`, and the installed program.

use super::{fails, refused, tools, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tests::root;

const PROGRAMS: [&str; 8] =
    ["neuropower", "explore", "train", "prune", "codegen", "measure", "report", "fetch-data"];

/// Runs make, which must succeed and does not build the programs again; returns what it prints.
fn made(arguments: &[&str]) -> String {
    let mut make = Command::new("make");
    make.current_dir(root()).args(arguments);
    for program in PROGRAMS {
        make.args(["-o", &format!("target/release/{program}")]);
    }
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("MFLAGS");
    printed(&make.output().unwrap())
}

/// Returns what a program prints on stdout; it must succeed.
fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A user with a home and a working folder, and an installed copy.
struct User {
    home: PathBuf,
    prefix: PathBuf,
}

impl User {
    /// Runs the installed program in the user's folder, which has a space in its name.
    fn run(&self, arguments: &[&str]) -> Output {
        let work = self.home.join("my work");
        fs::create_dir_all(&work).unwrap();
        let mut command = Command::new(self.prefix.join("bin/neuropower"));
        command.current_dir(work).args(arguments).env("HOME", &self.home);
        command.env_remove("XDG_STATE_HOME").env_remove("NEUROPOWER_PARENT_PIPE");
        // As below another make, which is only asked what it would do.
        command.env("MAKEFLAGS", "n").env("MAKELEVEL", "1").output().unwrap()
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?} {said}");
        said
    }

    fn work(&self, path: &str) -> PathBuf {
        self.home.join("my work").join(path)
    }
}

/// Returns all files and links below a folder, relative to it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path().strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    files
}

/// One test, because make puts what it installs together in one folder.
#[test]
fn an_installed_copy_works_in_any_folder_and_is_removed_whole() {
    let dir = tempfile::tempdir().unwrap();
    let user = User { home: dir.path().join("home"), prefix: dir.path().join("prefix") };
    let prefix = format!("PREFIX={}", user.prefix.display());
    // Installed twice; the second time an earlier version had one more file.
    made(&["install", &prefix]);
    let list = user.prefix.join("share/neuropower/installed");
    let earlier = fs::read_to_string(&list).unwrap() + "share/earlier/\nshare/earlier/file\n";
    write(&list, &earlier);
    write(&user.prefix.join("share/earlier/file"), "");
    made(&["install", &prefix]);
    assert!(!user.prefix.join("share/earlier").exists());
    for file in ["bin/neuropower", "share/man/man1/neuropower-explore-run.1"] {
        assert!(user.prefix.join(file).is_file(), "{file}");
    }

    works_in_any_folder(&user);
    refuses_by_one_line(&user);

    write(&user.prefix.join("bin/other"), "");
    made(&["uninstall", &prefix]);
    assert_eq!(files_below(&user.prefix), [Path::new("bin/other")]);
    assert!(!user.prefix.join("share").exists() && !user.prefix.join("libexec").exists());
    assert!(fails(dir.path(), &["uninstall", &prefix]).contains("nothing is installed below"));

    if tools::tool("tar", "the archive of make dist").is_none() {
        return;
    }
    runs_where_it_is_unpacked(&dir.path().join("unpacked"), &made(&["dist"]));
}

fn works_in_any_folder(user: &User) {
    let list = printed(&user.run(&["help"]));
    assert!(list.starts_with("a run, from data to report:\n  neuropower pipeline\t"), "{list}");
    assert!(!list.contains("make test") && !list.contains("neuropower build"), "{list}");
    let planned = printed(&user.run(&["pipeline", "--dry-run"]));
    let explore = user.prefix.join("libexec/neuropower/explore").display().to_string();
    assert!(planned.contains(&explore), "{planned}");
    let planned = printed(&user.run(&["--quiet", "train", "SEED=7", "-n"]));
    assert!(planned.contains("--seed 7"), "{planned}");
    assert_eq!(files_below(&user.home).len(), 0);

    printed(&user.run(&["data"]));
    assert!(user.work("data/digits/dataset.json").is_file());
    let space = printed(&user.run(&["explore", "space", "--dataset", "data/digits"]));
    assert!(space.starts_with('{'), "{space}");

    // A run is entered: the profile is its first file, and make's state is the user's.
    user.fails(&["explore", "EXPLORE_ARGS=--no-such-option"]);
    assert!(user.work("runs/digits-smoke/profile.json").is_file());
    let state = files_below(&user.home.join(".local/state/neuropower"));
    assert!(!state.is_empty() && !user.work("target").exists(), "{state:?}");
    let removed = printed(&user.run(&["clean", "RUN=runs/digits-smoke", "ALL=1"]));
    assert!(removed.contains(" MB") && !user.work("runs/digits-smoke").exists(), "{removed}");
}

fn refuses_by_one_line(user: &User) {
    let device = user.home.join("dev/nvidia0");
    write(&device, "");
    let gpus = format!("DEV_FOLDER={}", device.parent().unwrap().display());
    for (arguments, words) in [
        (&["pipeline", "BOARD=hst"][..], "did you mean host?"),
        (&["train", "DEVICE=cuda", &gpus], "these programs train on the CPU only"),
        (&["clean"], "as in neuropower clean RUN="),
    ] {
        let said = user.fails(arguments);
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
    for (arguments, words) in [
        (&["explor"][..], "'explore'"),
        (&["pipeline", "digits"], "not of the form VARIABLE=value"),
    ] {
        let output = user.run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{said}");
    }
    let mut without = Command::new(user.prefix.join("bin/neuropower"));
    let output = without.arg("help").env("PATH", user.home.join("bin")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no make in the folders"));
}

/// Unpacks an archive, and runs it there and in a folder that make cannot take.
fn runs_where_it_is_unpacked(folder: &Path, printed_last: &str) {
    let archive = root().join(printed_last.lines().last().unwrap());
    fs::create_dir(folder).unwrap();
    let tar = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(folder).output().unwrap();
    printed(&tar);
    let tree = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let user = User { home: folder.join("home"), prefix: folder.join("copy") };
    fs::rename(&tree, &user.prefix).unwrap();
    printed(&user.run(&["help"]));
    printed(&user.run(&["codegen", "platforms"]));
    let moved = User { prefix: folder.join("my copy"), ..user };
    fs::rename(folder.join("copy"), &moved.prefix).unwrap();
    assert!(moved.fails(&["help"]).contains("move the program's folders to such a path"));
    printed(&moved.run(&["codegen", "platforms"]));
}

#[test]
fn a_prefix_must_be_plain_and_free() {
    let dir = tempfile::tempdir().unwrap();
    for (prefix, words) in [
        ("PREFIX=/my programs", "PREFIX is '/my programs', but it may have letters"),
        ("PREFIX=$$(touch ran)", "PREFIX is "),
        ("PREFIX=programs", "must be a path from the root"),
        ("PREFIX=", "must be a path from the root"),
    ] {
        for goal in ["install", "uninstall"] {
            let said = refused(dir.path(), &[goal, prefix]);
            assert!(said.contains(words), "{said}");
        }
    }
    // What somebody else has put there stays.
    let (tree, to) = (dir.path().join("tree"), dir.path().join("to"));
    write(&tree.join("bin/neuropower"), "new");
    write(&to.join("bin/neuropower"), "of others");
    let put = |words: &str| {
        let script = root().join("pipelines/install/put.sh");
        let output = Command::new("sh").arg(script).args([&tree, &to]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
    };
    put("bin/neuropower was not installed by this project");
    assert_eq!(fs::read_to_string(to.join("bin/neuropower")).unwrap(), "of others");
    // A list that somebody else has written removes nothing outside of the folder.
    write(
        &to.join("share/neuropower/installed"),
        "bin/neuropower\nbin/../../tree/bin/neuropower\n",
    );
    let said = fails(dir.path(), &["uninstall", &format!("PREFIX={}", to.display())]);
    assert!(said.contains("paths that lead out of"), "{said}");
    assert!(tree.join("bin/neuropower").exists() && to.join("bin/neuropower").exists());
}
