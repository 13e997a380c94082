//! Values of variables.

use super::{command, fails, make, refused, write};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn an_unknown_precision_is_refused_with_the_list() {
    let dir = tempfile::tempdir().unwrap();
    for precision in ["int4", "f32 int8", "both both", "F32"] {
        for goal in ["pipeline", "report", "measure", "help"] {
            let said = refused(dir.path(), &[goal, &format!("PRECISION={precision}")]);
            let expected = format!("PRECISION is '{precision}', but it may be f32, int8 or both");
            assert!(said.contains(&expected), "{said}");
        }
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let help = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // The profile's, or that of the command line; environments may have such a variable.
    let smoke = help(command(dir.path(), &["help"]).env("PRECISION", "double"));
    assert!(smoke.contains(" PRECISION=f32\n"), "{smoke}");
    let laptop = help(&mut command(dir.path(), &["help", "PROFILE=laptop"]));
    assert!(laptop.contains(" PRECISION=both\n"), "{laptop}");
    let asked = help(&mut command(dir.path(), &["help", "PRECISION=int8"]));
    assert!(asked.contains(" PRECISION=int8\n"), "{asked}");
}

#[test]
fn what_choose_demands_must_be_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for demand in [
        "MAX_LATENCY=fast",
        "MAX_ENERGY=1 2",
        "MAX_POWER=2W",
        "MAX_FLASH=1e6",
        "MAX_ARENA=-1",
        "MIN_ACCURACY=90%",
        "OBJECTIVE=size",
    ] {
        let (variable, value) = demand.split_once('=').unwrap();
        let said = refused(dir.path(), &["choose", demand]);
        assert!(said.contains(&format!("{variable} is '{value}', but it may")), "{said}");
    }
    let demands = ["MAX_LATENCY=1e-4", "MAX_FLASH=500000", "OBJECTIVE=parameters"];
    let mut command = command(dir.path(), &[&["-n", "choose"], &demands[..]].concat());
    // Environments may have such variables.
    let output = command.env("MAX_POWER", "high").env("MIN_ACCURACY", "0.9").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let planned = String::from_utf8(output.stdout).unwrap();
    for option in ["--max-latency-s 1e-4 ", "--max-flash-bytes 500000 ", "--objective parameters "]
    {
        assert!(planned.contains(option), "{planned}");
    }
    assert!(!planned.contains("--max-power-w") && !planned.contains("--min-accuracy"), "{planned}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn values_that_no_program_takes_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let values = [
        "SEED=x",
        "SEED=12345678901234567890",
        "WORKERS=1025",
        "WORKERS=99999999999999999999",
        "SEED=-1",
        "SEED=1.5",
        "WORKERS=0",
        "WORKERS=two",
        "DEVICE=gpu",
        "DEVICE=cuda:x",
        "DEVICE=cuda:",
    ];
    for value in values {
        let said = refused(dir.path(), &["-n", "pipeline", value]);
        let (name, value) = value.split_once('=').unwrap();
        assert!(said.contains(&format!("{name} is ")) && said.contains(value), "{said}");
    }
    for value in ["SEED=7", "WORKERS=3", "DEVICE=cpu", "DEVICE=cuda", "DEVICE=cuda:1"] {
        assert!(make(dir.path(), &["help", value]).status.success(), "{value}");
    }
}

#[test]
fn an_engine_is_local_or_slurm_and_reaches_all_that_trains() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (&["ENGINE=slrum"][..], "ENGINE is 'slrum', but it may be local or slurm"),
        (&["ENGINE=slurm local"], "ENGINE is 'slurm local', but it may be"),
        (&["CLUSTER_SCRIPT=lines"], "CLUSTER_SCRIPT has an effect with ENGINE=slurm alone"),
        (&["ENGINE=slurm", "CLUSTER_SCRIPT=a b"], "CLUSTER_SCRIPT is 'a b', but it may have"),
        (&["ENGINE=slurm", "PRUNE_ARGS=--board host --latency-target 1e-4"], "names a board"),
    ] {
        let said = refused(dir.path(), &[&["-n", "prune"], arguments].concat());
        assert!(said.contains(words), "{said}");
    }
    let planned = |arguments: &[&str]| {
        let mut command = command(dir.path(), arguments);
        let output = command.env("ENGINE", "x").env("CLUSTER_SCRIPT", "y").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let local = planned(&["-n", "prune"]);
    assert!(!local.contains("neuropower task") && !local.contains("--engine"), "{local}");
    let slurm = planned(&["-n", "prune", "ENGINE=slurm", "CLUSTER_SCRIPT=lines"]);
    assert!(slurm.contains(" --engine slurm --cluster-script lines "), "{slurm}");
    assert!(!slurm.contains("--workers"), "{slurm}");
    let tasks = slurm.lines().filter(|line| line.contains("neuropower task")).count();
    assert_eq!(tasks, 4, "{slurm}");
    assert!(planned(&["-n", "explore", "ENGINE=slurm", "WORKERS=9"]).contains("--workers 9 "));
    assert!(planned(&["-n", "choose", "ENGINE=slurm"]).contains(" --engine slurm "));
    assert!(planned(&["help"]).contains(" ENGINE=local "));
}

#[test]
fn caps_that_are_no_shares_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for caps in ["30", "1.5", "0.", "0.3 0.x", "0.3,0.6", "-0.3"] {
        let said = refused(dir.path(), &["prune-compare", &format!("CAPS={caps}")]);
        assert!(said.contains(&format!("CAPS is '{caps}', but it may be shares")), "{said}");
    }
    assert!(make(dir.path(), &["help", "CAPS=0.30 0.65"]).status.success());
}

#[test]
fn a_board_without_int8_crates_refuses_int8_alone() {
    let dir = tempfile::tempdir().unwrap();
    let gpu = "BOARD=nvidia-gpu";
    let said = refused(dir.path(), &["-n", "codegen", gpu, "PRECISION=int8"]);
    assert!(
        said.contains("there are no int8 crates for GPUs, such as that of nvidia-gpu"),
        "{said}"
    );
    let said = fails(dir.path(), &["codegen", gpu, "PRECISION=int8"]);
    assert!(said.contains("PRECISION=f32"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let planned = |arguments: &[&str]| {
        let output = make(dir.path(), &[&["-n", "codegen", "PROFILE=laptop"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let left_out = said.lines().filter(|line| line.ends_with("int8 is left out")).count();
        (left_out, String::from_utf8(output.stdout).unwrap().contains("train quantize"))
    };
    assert_eq!(planned(&[gpu]), (1, false));
    assert_eq!(planned(&[]), (0, true));
    assert_eq!(planned(&[gpu, "PRECISION=f32"]), (0, false));
    assert_eq!(planned(&["PRECISION=int8"]), (0, true));
}

#[test]
fn a_run_with_spaces_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let run = format!("RUN={}", dir.path().join("my run").display());
    let said = refused(dir.path(), &["pipeline", &run]);
    assert!(
        said.contains("RUN is") && said.contains("my run") && said.contains("letters, digits and"),
        "{said}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_baseline_may_be_a_network_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    for baseline in ["1/dense", "2/pruned", "resnet-20"] {
        let output = make(dir.path(), &["-n", "report", &format!("BASELINE={baseline}")]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("BASELINE"), "{said}");
    }
}

/// Each case is what the command line says and what the refusal must say; make is only asked what
/// it would do.
#[test]
fn names_that_do_not_exist_are_refused_with_the_nearest_and_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("DATASET=mnits", "data/mnits: did you mean mnist? DATASET is one of cifar10 "),
        ("DATASET=zebra", "data/zebra; DATASET is one of cifar10 "),
        ("PROFILE=laptp", "laptp.json: did you mean laptop? PROFILE is one of "),
        (
            "BOARD=raspbery-pi-4",
            "raspbery-pi-4.json: did you mean raspberry-pi-4? BOARD is one of ",
        ),
        ("BOARD=none", "none.json; BOARD is one of host "),
        (
            "BASELINE=resnet20",
            "resnet20: did you mean resnet-20? BASELINE is one of densenet-100-12 ",
        ),
    ];
    for (value, words) in cases {
        for goal in ["pipeline", "prune-compare"] {
            let said = refused(dir.path(), &["-n", goal, value]);
            assert!(said.contains(words), "{value}: {said}");
        }
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_run_cannot_be_where_something_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let said = || refused(dir.path(), &["-n", "pipeline"]);
    fs::write(&run, "").unwrap();
    assert!(said().contains("/run, a file: choose a folder"), "{}", said());
    fs::remove_file(&run).unwrap();
    symlink("/no/such/folder", &run).unwrap();
    assert!(said().contains("/run, a file: choose a folder"), "{}", said());
    fs::remove_file(&run).unwrap();
    write(&run.join("my photo.jpg"), "");
    assert!(said().contains("/run, a folder of something else: choose a folder"), "{}", said());
    fs::remove_file(run.join("my photo.jpg")).unwrap();
    // Begun runs: nothing, a log and an interrupted first file, a search.
    for file in
        [None, Some("log/data.log"), Some("precision.json.partial-7"), Some("explore/search.json")]
    {
        if let Some(file) = file {
            write(&run.join(file), "{}");
        }
        let output = make(dir.path(), &["-n", "pipeline", "DATASET=digits"]);
        assert!(output.status.success(), "{file:?} {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_gpu_that_is_missing_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let devices = tempfile::tempdir().unwrap();
    let folder = format!("DEV_FOLDER={}", devices.path().display());
    for device in ["DEVICE=cuda", "DEVICE=cuda:1"] {
        let said = refused(dir.path(), &["pipeline", device, &folder]);
        assert!(said.contains("no NVIDIA GPU with its driver on this machine"), "{said}");
    }
    for file in ["nvidia0", "dxg"] {
        write(&devices.path().join(file), "");
        let planned = make(dir.path(), &["-n", "pipeline", "DEVICE=cuda", &folder]);
        assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
        fs::remove_file(devices.path().join(file)).unwrap();
    }
}

#[test]
fn an_old_make_is_named_by_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for version in ["3.81", "4.0", "4.2", "4.2.1"] {
        let said = refused(dir.path(), &["help", &format!("MAKE_VERSION={version}")]);
        assert!(
            said.contains(&format!("GNU make {version}, but the pipeline needs 4.3")),
            "{said}"
        );
    }
    for version in ["4.3", "4.4.1", "4.10", "5.0"] {
        assert!(make(dir.path(), &["help", &format!("MAKE_VERSION={version}")]).status.success());
    }
}
