//! `--engine slurm`, with a fake Slurm (`data/fake-slurm.sh`) and the fake `train`.

use super::fixture::{Fixture, error_of, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Writes the fake Slurm to the folder `slurm-bin`; returns a value of PATH that finds it.
pub(crate) fn install(fixture: &Fixture) -> String {
    let bin = fixture.path("slurm-bin");
    fs::create_dir_all(&bin).unwrap();
    let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fake-slurm.sh");
    for program in ["sbatch", "squeue", "scancel", "scontrol", "sacctmgr"] {
        fs::copy(&fake, bin.join(program)).unwrap();
    }
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// A fixture with a fake Slurm.
struct Cluster {
    fixture: Fixture,
}

impl Cluster {
    fn new(settings: Value) -> Cluster {
        Cluster::with(Fixture::new(), settings)
    }

    fn with(fixture: Fixture, settings: Value) -> Cluster {
        install(&fixture);
        let cluster = Cluster { fixture };
        cluster.set(settings);
        cluster
    }

    /// Sets the section `cluster` of the profile; files of a lost task are waited for briefly.
    fn set(&self, mut settings: Value) {
        let path = self.fixture.path("profile.json");
        let mut profile: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let keys = settings.as_object_mut().unwrap();
        keys.entry("file_wait_s").or_insert(json!(0.1));
        keys.entry("trainings_per_task").or_insert(json!(1));
        profile["cluster"] = settings;
        fs::write(path, profile.to_string()).unwrap();
    }

    fn on_slurm(&self, mut command: Command, out: &str) -> Command {
        command.args(["--engine", "slurm"]).env("PATH", install(&self.fixture));
        command.env("FAKE_SLURM", self.queue(out)).env_remove("NEUROPOWER_KERNELS");
        command
    }

    /// Returns the folder of the queue for the search in a folder.
    fn queue(&self, out: &str) -> PathBuf {
        let name: String = out.chars().filter(char::is_ascii_alphanumeric).collect();
        self.fixture.path(&format!("queue-{name}"))
    }

    fn command(&self, out: &str) -> Command {
        self.on_slurm(self.fixture.command(out), out)
    }

    /// Runs a search on the cluster to its end.
    fn search(&self, out: &str, environment: &[(&str, &str)]) -> Output {
        let output = self.command(out).envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        output
    }

    /// Returns the calls of a program of Slurm in the search in a folder.
    fn slurm_calls(&self, program: &str, out: &str) -> Vec<String> {
        let calls = fs::read_to_string(self.queue(out).join("calls")).unwrap();
        calls.lines().filter(|call| call.starts_with(program)).map(String::from).collect()
    }

    /// Returns the names in the folder of batches.
    fn left(&self, out: &str) -> Vec<String> {
        let entries = fs::read_dir(self.fixture.path(out).join("cluster")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn repeated(calls: &BTreeMap<String, usize>) -> Vec<&str> {
    calls.iter().filter(|call| *call.1 > 1).map(|call| call.0.as_str()).collect()
}

#[test]
fn the_archive_is_that_of_a_search_on_this_machine_to_the_byte() {
    let settings = json!({"partition": "long", "time": "10", "memory": "2G", "cpus": 3});
    let cluster = Cluster::new(settings);
    cluster.fixture.search("local");
    cluster.fixture.calls();
    let kernels = cluster.fixture.path("kernels");
    let output = cluster.search("slurm", &[("FAKE_KERNELS", kernels.to_str().unwrap())]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("slurm"));
    assert_eq!(cluster.fixture.calls().into_values().collect::<Vec<_>>(), [1; 18]);
    let sbatch = cluster.slurm_calls("sbatch", "slurm");
    assert_eq!(sbatch.len(), 3);
    for option in [
        "--no-requeue",
        "--array=0-5 ",
        "--partition=long --time=10 --mem=2G",
        "--cpus-per-task=3",
        "--comment=neuropower-",
    ] {
        assert!(sbatch[0].contains(option), "{option}: {}", sbatch[0]);
    }
    let train = cluster.fixture.path("slurm/individuals/i00-00/train.json");
    let train: Value = serde_json::from_slice(&fs::read(train).unwrap()).unwrap();
    assert_eq!(train["timing"]["threads"], json!(3));
    // All trainings compute with the same instructions.
    assert_eq!(fs::read_to_string(kernels).unwrap(), "made9\n".repeat(18));
    assert_eq!(cluster.left("slurm"), ["cluster.json"]);
    assert!(text(&output.stderr).contains("cluster: job 1 with 6 task(s)"));
}

#[test]
fn paths_reach_the_job_whatever_their_characters() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    let (data, out) = ("a b'$(touch x)", "o \"'`touch y`%a\\");
    fs::rename(cluster.fixture.path("data"), cluster.fixture.path(data)).unwrap();
    // The option that is given last would be refused, so that of the fixture is replaced.
    let original = cluster.command(out);
    let mut command = Command::new(original.get_program());
    for argument in original.get_args() {
        let is_data = argument == cluster.fixture.path("data");
        command.arg(if is_data { cluster.fixture.path(data).into() } else { argument.to_owned() });
    }
    command.envs(original.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.env_remove("NEUROPOWER_KERNELS").current_dir(cluster.fixture.path(""));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result(out));
    for name in ["x", "y"] {
        let mut find = Command::new("find");
        let found = find.arg(cluster.fixture.path("")).args(["-name", name]).output().unwrap();
        assert_eq!(text(&found.stdout), "");
    }
}

#[test]
fn what_fails_is_killed_or_vanishes_is_run_again_and_nothing_else() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    for (failure, words) in [
        ("FAKE_FAIL", "train fit ended with exit code 1: epoch 1 | error: made-up failure of"),
        ("FAKE_KILL", "train fit was ended by signal 9: epoch 1"),
        ("FAKE_BREAK", "train fit wrote no valid train.json"),
        ("FAKE_VANISH", "of 1 NODE_FAIL, and left no result: "),
    ] {
        cluster.fixture.calls();
        let once = cluster.fixture.path(&format!("once-{failure}"));
        fs::create_dir(&once).unwrap();
        let once = once.to_str().unwrap();
        let output = cluster.search(failure, &[(failure, "i00-01 i02-05"), ("FAKE_ONCE", once)]);
        assert_eq!(cluster.fixture.result("local"), cluster.fixture.result(failure));
        let said = text(&output.stderr);
        let line = said.lines().find(|line| line.starts_with("individuals/i00-01: ")).unwrap();
        assert!(line.contains(words) && line.ends_with("repeated, 1 of 3 times"), "{line}");
        assert_eq!(repeated(&cluster.fixture.calls()), ["i00-01 20", "i02-05 20"]);
    }
}

#[test]
fn a_training_that_fails_too_often_ends_the_search_and_is_not_recorded() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    cluster.fixture.calls();
    let mut command = cluster.command("slurm");
    command.args(["--retries", "2"]).env("FAKE_VANISH", "i01-03");
    let error = error_of(&command.output().unwrap());
    let words =
        "error: individuals/i01-03: its training failed 3 times, and not because of the network";
    assert!(error.contains(words) && error.contains("--resume"), "{error}");
    assert_eq!(cluster.fixture.calls()["i01-03 20"], 3);
    assert!(cluster.fixture.evaluations("slurm").iter().all(|e| e.id != "i01-03"));
    let output = cluster.command("slurm").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("slurm"));
    assert!(cluster.fixture.calls().keys().all(|call| !call.starts_with("i00")));
}

#[test]
fn limits_of_arrays_and_of_submitted_tasks_split_a_population() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    cluster.search("arrays", &[("FAKE_MAX_ARRAY", "4")]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("arrays"));
    let arrays = |out: &str| -> Vec<String> {
        let calls = cluster.slurm_calls("sbatch", out);
        let array = |call: &String| {
            let words: Vec<&str> = call.split(' ').collect();
            let array = words.iter().find_map(|word| word.strip_prefix("--array=")).unwrap();
            format!("{array} from {}", words.last().unwrap())
        };
        calls.iter().map(array).collect()
    };
    assert_eq!(arrays("arrays")[..2], ["0-3 from 0", "0-1 from 4"]);
    cluster.search("submit", &[("FAKE_MAX_SUBMIT", "2")]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("submit"));
    assert_eq!(arrays("submit")[..3], ["0-5 from 0", "0-2 from 0", "0-1 from 0"]);
    // Known limits are kept from the beginning; the database does not know how much is used of them.
    for knows in ["controller", "database"] {
        cluster.search(
            knows,
            &[("FAKE_MAX_SUBMIT", "2"), ("FAKE_ASSOCIATION", knows), ("USER", "me")],
        );
        assert_eq!(cluster.fixture.result("local"), cluster.fixture.result(knows));
        assert_eq!(arrays(knows)[0], "0-1 from 0");
    }
    let all_fit = arrays("controller").iter().all(|array| !array.starts_with("0-2 "));
    assert!(all_fit, "{:?}", arrays("controller"));
    let output = cluster.command("at-once").args(["--workers", "2"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(arrays("at-once")[0], "0-5%2 from 0");
}

#[test]
fn several_trainings_share_a_task_and_those_that_are_short_are_packed() {
    let cluster = Cluster::new(json!({"trainings_per_task": 4}));
    cluster.fixture.search("local");
    cluster.search("packed", &[]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("packed"));
    assert!(cluster.slurm_calls("sbatch", "packed")[0].contains("--array=0-1 "));
    // A task that vanishes takes the trainings with it that it had not ended.
    let once = cluster.fixture.path("once");
    fs::create_dir(&once).unwrap();
    cluster.fixture.calls();
    let once = once.to_str().unwrap();
    cluster.search("vanish", &[("FAKE_VANISH", "i00-02"), ("FAKE_ONCE", once)]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("vanish"));
    assert_eq!(repeated(&cluster.fixture.calls()), ["i00-02 20"]);
}

#[test]
fn an_unanswered_sbatch_is_looked_up_before_another_is_sent() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    for (out, fault, arrays) in [("unheard", "FAKE_UNHEARD", 3), ("not-sent", "FAKE_UNSENT", 4)] {
        cluster.fixture.calls();
        let output = cluster.search(out, &[(fault, "1")]);
        assert_eq!(cluster.fixture.result("local"), cluster.fixture.result(out));
        assert!(
            text(&output.stderr).contains("cluster: sbatch: error: Batch job submission failed")
        );
        assert_eq!(cluster.slurm_calls("sbatch", out).len(), arrays);
        assert_eq!(repeated(&cluster.fixture.calls()), [""; 0]);
    }
}

#[test]
fn a_requeued_task_runs_once_and_a_silent_controller_is_waited_for() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    cluster.fixture.calls();
    cluster.search("requeued", &[("FAKE_REQUEUE", "1")]);
    assert_eq!(repeated(&cluster.fixture.calls()), [""; 0]);
    let once = cluster.fixture.path("once");
    fs::create_dir(&once).unwrap();
    // The queue is asked, since a task leaves no file.
    let vanish = [("FAKE_VANISH", "i00-03"), ("FAKE_ONCE", once.to_str().unwrap())];
    let output = cluster.search("down", &[("FAKE_DOWN", "2"), vanish[0], vanish[1]]);
    let said = text(&output.stderr);
    assert!(said.contains("Unable to contact slurm controller"), "{said}");
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("down"));
}

#[test]
fn files_that_appear_late_are_waited_for() {
    let cluster = Cluster::new(json!({"file_wait_s": 60}));
    cluster.fixture.search("local");
    cluster.fixture.calls();
    cluster.search("late", &[("FAKE_LATE", "i00-00 i01-05")]);
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("late"));
    assert_eq!(repeated(&cluster.fixture.calls()), [""; 0]);
}

#[test]
fn tasks_end_with_an_interrupted_search_and_those_of_a_killed_one_before_the_next() {
    let cluster = Cluster::new(json!({}));
    cluster.fixture.search("local");
    for (signal, out, cancelled) in [("-TERM", "ended", 1), ("-KILL", "killed", 0)] {
        let mut command = cluster.command(out);
        let mut child = command.env("FAKE_HANG", "i00-04").spawn().unwrap();
        while !cluster.fixture.path(out).join("evaluations.jsonl").exists()
            || cluster.fixture.evaluations(out).len() < 4
        {
            assert!(child.try_wait().unwrap().is_none());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let kill = format!("kill {signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        child.wait().unwrap();
        assert_eq!(cluster.slurm_calls("scancel", out).len(), cancelled);
        let output = cluster.command(out).arg("--resume").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(cluster.slurm_calls("scancel", out).len(), 1);
        assert_eq!(cluster.fixture.result("local"), cluster.fixture.result(out));
        assert_eq!(cluster.left(out), ["cluster.json"]);
    }
}

#[test]
fn lines_for_scripts_come_from_the_command_line_alone() {
    let cluster = Cluster::new(json!({}));
    let script = cluster.fixture.path("lines");
    let seen = cluster.fixture.path("seen");
    let lines = format!("#SBATCH --account=x\necho loaded >> '{}'\n", seen.display());
    fs::write(&script, lines).unwrap();
    let mut command = cluster.command("with");
    let output = command.arg("--cluster-script").arg(&script).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(seen).unwrap().lines().count(), 18);
    let mut local = cluster.fixture.command("without");
    let error = error_of(&local.arg("--cluster-script").arg(&script).output().unwrap());
    assert!(error.contains("--cluster-script has an effect with --engine slurm alone"), "{error}");
    cluster.set(json!({"script": "x"}));
    let error = error_of(&cluster.command("profile").output().unwrap());
    assert!(error.contains("unknown field `script`"), "{error}");
    cluster.set(json!({"partition": "a --wrap=x"}));
    let error = error_of(&cluster.command("profile").output().unwrap());
    assert!(error.contains("cluster.partition \"a --wrap=x\" must be"), "{error}");
}

#[test]
fn what_slurm_refuses_and_a_missing_slurm_end_the_search_with_the_reason() {
    let cluster = Cluster::new(json!({}));
    let refused = "invalid partition specified: none";
    let error = error_of(&cluster.command("run").env("FAKE_REFUSE", refused).output().unwrap());
    assert!(error.contains("Slurm refuses the tasks: sbatch: error: invalid partition"), "{error}");
    let error = error_of(&cluster.command("other").env("PATH", "/nowhere").output().unwrap());
    assert!(error.contains("--engine slurm works on a machine of a Slurm cluster"), "{error}");
    let mut command = cluster.command("kernels");
    assert!(command.env("NEUROPOWER_KERNELS", "made1").output().unwrap().status.success());
    let mut command = cluster.command("kernels");
    let output = command.arg("--resume").env("NEUROPOWER_KERNELS", "made2").output().unwrap();
    let error = error_of(&output);
    assert!(error.contains("NEUROPOWER_KERNELS is made2, but the trainings of"), "{error}");
}

#[test]
fn halving_and_second_seeds_give_the_same_there_too() {
    let cluster = Cluster::new(json!({}));
    let halving = ["--halving", "--reseed-front"];
    let local = cluster.fixture.command("local").args(halving).output().unwrap();
    assert!(local.status.success(), "{}", text(&local.stderr));
    let output = cluster.command("slurm").args(halving).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(cluster.fixture.result("local"), cluster.fixture.result("slurm"));
}

#[test]
fn a_study_of_short_trainings_runs_there_too() {
    let cluster = Cluster::with(super::fidelity::fixture(), json!({}));
    let study = |out: &str| {
        let mut command = cluster.fixture.explore("fidelity", out);
        command.args(["--genomes", "3", "--seeds", "1"]);
        command
    };
    assert!(study("local").output().unwrap().status.success());
    let output = cluster.on_slurm(study("slurm"), "slurm").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |out: &str| fs::read(cluster.fixture.path(out).join("fidelity.json")).unwrap();
    assert_eq!(read("local"), read("slurm"));
}
