//! `ENGINE=slurm`, with a fake Slurm whose tasks run here.

use crate::{PROFILE, Pipeline};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use tests::root;

/// A run whose trainings are tasks of a fake Slurm.
struct OnSlurm(Pipeline);

impl OnSlurm {
    fn new() -> OnSlurm {
        let pipeline = with_cluster();
        let bin = pipeline.0.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for program in ["sbatch", "squeue", "scancel", "scontrol", "sacctmgr"] {
            let fake = root().join("explore/tests/data/fake-slurm.sh");
            fs::copy(fake, bin.join(program)).unwrap();
        }
        OnSlurm(pipeline)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap());
        command.arg("ENGINE=slurm").env("PATH", path).env("FAKE_SLURM", self.at("queue"));
        command.env_remove("NEUROPOWER_KERNELS");
        command
    }

    fn make(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Returns the number of calls of a program of Slurm.
    fn calls(&self, program: &str) -> usize {
        let calls = fs::read_to_string(self.at("queue/calls")).unwrap();
        calls.lines().filter(|call| call.starts_with(program)).count()
    }

    /// Returns the number of networks whose training is over, and of those that wait for it.
    fn trained(&self) -> (usize, usize) {
        let there = |name: &str| {
            [1, 2].iter().filter(|n| self.at(&name.replace('N', &n.to_string())).exists()).count()
        };
        (there("run/networks/N/dense/train.json"), there("run/cluster/networks-N-dense"))
    }
}

/// Returns a run whose profile has a cluster, on which files appear at once.
fn with_cluster() -> Pipeline {
    let pipeline = Pipeline::new();
    let cluster = r#""cluster": {"cpus": 2, "file_wait_s": 0.1}, "measurement""#;
    let profile = PROFILE.replace(r#""measurement""#, cluster);
    fs::write(pipeline.0.path().join("profile.json"), profile).unwrap();
    pipeline
}

fn results(run: &Path) -> Vec<Vec<u8>> {
    let mut files = vec!["explore/evaluations.jsonl".to_string(), "explore/archive.json".into()];
    for rank in [1, 2] {
        for file in ["dense/weights.safetensors", "pruned/weights.safetensors", "pruned/prune.json"]
        {
            files.push(format!("networks/{rank}/{file}"));
        }
    }
    files.iter().map(|file| fs::read(run.join(file)).unwrap()).collect()
}

/// The task of one training hangs and the other's is lost, then make is interrupted.
#[test]
fn trainings_and_prunings_run_at_the_same_time_on_a_cluster_to_the_same_bytes() {
    let here = with_cluster();
    here.make(&["prune"]);
    let there = OnSlurm::new();
    there.make(&["explore"]);
    let (searches, lines) = (there.calls("sbatch"), there.at("lines"));
    let folder = there.at("").display().to_string();
    let script = format!(
        "if mkdir {folder}hangs; then while [ ! -e {folder}goes-on ]; do sleep 0.1; done; fi\n\
         if mkdir {folder}lost; then exit 1; fi\n"
    );
    fs::write(&lines, script).unwrap();
    let lines = format!("CLUSTER_SCRIPT={}", lines.display());
    let mut make = there.command(&["prune", &lines]).process_group(0).spawn().unwrap();
    while there.trained() != (1, 1) {
        assert!(make.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(50));
    }
    let group = format!("kill -INT -{}", make.id());
    assert!(Command::new("sh").args(["-c", &group]).status().unwrap().success());
    assert!(!make.wait().unwrap().success());
    assert_eq!((there.trained(), there.calls("scancel")), ((1, 1), 1));
    // One task for each training, and for the one that was lost.
    assert_eq!(there.calls("sbatch") - searches, 3);
    there.make(&["prune", &lines]);
    assert_eq!(there.calls("sbatch") - searches, 3 + 1 + 2);
    assert_eq!(results(&here.run()), results(&there.0.run()));
    assert_eq!(fs::read_dir(there.at("run/cluster")).unwrap().count(), 0);
    there.make(&["prune", "train"]);
    assert_eq!(there.calls("sbatch") - searches, 6);
}
