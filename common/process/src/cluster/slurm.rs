//! Slurm, through its programs `sbatch`, `squeue`, `scancel` and `scontrol`. A task is one of a job
//! array; the mark of an array is the job's comment.

use super::limits::SubmitLimit;
use super::scheduler::{Answer, Array, Queue, Scheduler};
use super::shell::quoted;
use super::squeue;
use crate::child::program_name;
use crate::output::{end_of, output_uninterrupted};
use crate::{parent, progress};
use anyhow::{Context, Result, bail, ensure};
use common::files::{atomic, reading};
use common::profile::ClusterSettings;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// Time after which a program of Slurm is given up. They try for up to a minute by themselves.
const LIMIT: Duration = Duration::from_secs(150);
/// Largest file with lines for the job script, in bytes.
const SCRIPT_BYTES: u64 = 1 << 20;
/// Largest array where the cluster's own limit is not known: Slurm's default of `MaxArraySize`.
const DEFAULT_ARRAY: usize = 1001;
/// Words of `sbatch` about a limit on the number of jobs, which may have room later.
const LIMITS: [&str; 4] =
    ["SubmitJobLimit", "SubmitJobPerUserLimit", "SubmitJobPerAccountLimit", "job submit limit"];
/// Words of `sbatch` about a controller that did not answer.
const NO_ANSWER: [&str; 10] = [
    "Unable to contact",
    "timed out",
    "Connection refused",
    "Connection reset",
    "Zero Bytes were transmitted",
    "Unexpected message received",
    "missing socket",
    "ommunication",
    "temporarily unable to accept job",
    "Resource temporarily unavailable",
];

/// Slurm on this machine's cluster.
#[derive(Clone, Debug)]
pub struct Slurm {
    /// Options of `sbatch` that the profile decides.
    options: Vec<String>,
    /// The first lines of job scripts.
    head: String,
    /// Largest number of tasks in an array.
    most: usize,
    /// Limits on the number of tasks in the queue.
    limit: SubmitLimit,
    /// Largest number of an array's tasks that run at a time.
    at_once: Option<NonZeroUsize>,
}

impl Slurm {
    /// Asks Slurm for its limits. `script` is a file with lines for job scripts, before the line
    /// that runs a task; `at_once` limits the number of an array's tasks that run at a time.
    ///
    /// # Errors
    /// Fails if Slurm's programs are missing or do not answer, or if the file cannot be read.
    pub fn connect(
        settings: &ClusterSettings,
        script: Option<&Path>,
        at_once: Option<NonZeroUsize>,
    ) -> Result<Slurm> {
        let mut show = Command::new("scontrol");
        show.args(["show", "config"]);
        let shown = run(show).context(
            "--engine slurm works on a machine of a Slurm cluster, from which jobs are submitted",
        )?;
        let most = max_array_size(&shown).unwrap_or(DEFAULT_ARRAY).max(1);
        let (options, head, limit) = (options(settings), head(script)?, SubmitLimit::find());
        Ok(Slurm { options, head, most, limit, at_once })
    }

    /// Runs `sbatch` for the first tasks of an array.
    fn sbatch(&self, array: &Array<'_>, tasks: usize) -> Result<Output> {
        let limit = self.at_once.map(|limit| format!("%{limit}")).unwrap_or_default();
        let Array { mark, folder, .. } = array;
        let mut sbatch = Command::new("sbatch");
        sbatch.current_dir(folder).args(["--parsable", "--no-requeue", "--job-name=neuropower"]);
        sbatch.arg(format!("--comment={mark}")).arg(format!("--array=0-{}{limit}", tasks - 1));
        // Slurm replaces patterns in the whole path of the output, that of the folder included.
        let has_pattern = folder.as_os_str().as_bytes().iter().any(|byte| b"%\\".contains(byte));
        let log = if has_pattern { "/dev/null".to_string() } else { format!("log-{mark}-%a") };
        sbatch.arg(format!("--output={log}")).args(&self.options);
        sbatch.arg(format!("./job-{mark}.sh")).arg(array.tasks.start.to_string());
        // They name processes of this machine.
        sbatch.env_remove(parent::VARIABLE).env_remove(progress::step::VARIABLE);
        output_uninterrupted(sbatch, LIMIT)
    }
}

impl Scheduler for Slurm {
    fn submit(&mut self, array: &Array<'_>) -> Result<Answer> {
        let mut script = self.head.clone().into_bytes();
        script.extend_from_slice(b"exec /bin/sh ");
        script.extend(quoted(array.folder.join("run.sh").as_os_str()));
        script.extend_from_slice(b" \"$(($1 + SLURM_ARRAY_TASK_ID))\"\n");
        atomic::write(&array.folder.join(format!("job-{}.sh", array.mark)), &script)?;
        // Where there is no room, one is asked for, and Slurm says why not.
        let room = self.limit.room().unwrap_or(usize::MAX).max(1);
        let mut tasks = array.tasks.len().min(self.most).min(room);
        loop {
            let said = match self.sbatch(array, tasks) {
                Ok(output) if output.status.success() => {
                    let text = String::from_utf8_lossy(&output.stdout);
                    // A cluster's name may follow.
                    let job = text.trim().split(';').next().unwrap_or_default().to_string();
                    return Ok(Answer::Accepted { job, tasks });
                }
                Ok(output) => end_of(&output.stderr),
                // It did not end in time.
                Err(error) => {
                    return Ok(Answer::Unanswered { tasks, reason: format!("{error:#}") });
                }
            };
            let says_one_of = |words: &[&str]| words.iter().any(|words| said.contains(words));
            match tasks {
                _ if says_one_of(&NO_ANSWER) => {
                    return Ok(Answer::Unanswered { tasks, reason: said });
                }
                1 if says_one_of(&LIMITS) => return Ok(Answer::Full(said)),
                2.. if says_one_of(&LIMITS) => tasks = tasks.div_ceil(2),
                _ => bail!(
                    "Slurm refuses the tasks: {said}; correct the section cluster of the profile, or \
                     the lines of --cluster-script"
                ),
            }
        }
    }

    fn poll(&mut self, marks: &[String]) -> Result<Queue> {
        let mut command = Command::new("squeue");
        command.args([
            "--me",
            "--noheader",
            "--states=all",
            &format!("--format={}", squeue::FORMAT),
        ]);
        // The positions of waiting tasks are cut off otherwise.
        command.env("SLURM_BITSTR_LEN", "0");
        Ok(squeue::parse(&run(command)?, marks))
    }

    fn cancel(&mut self, marks: &[String]) -> Result<()> {
        let queue = self.poll(marks)?;
        let live = queue.arrays.into_values().filter(|array| !array.live.is_empty());
        let jobs: Vec<String> = live.map(|array| array.job).collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let mut scancel = Command::new("scancel");
        scancel.arg("--quiet").args(&jobs);
        run(scancel).map(drop)
    }
}

/// Runs a program of Slurm and returns what it prints.
fn run(command: Command) -> Result<String> {
    let name = program_name(&command);
    let output = output_uninterrupted(command, LIMIT)?;
    ensure!(output.status.success(), "{name}: {}", end_of(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn options(settings: &ClusterSettings) -> Vec<String> {
    let ClusterSettings { partition, time, memory, cpus, gpus, constraint, .. } = settings;
    let gres = gpus.as_ref().map(|gpus| format!("gpu:{gpus}"));
    let mut options = vec!["--ntasks=1".to_string(), format!("--cpus-per-task={cpus}")];
    for (option, value) in [
        ("partition", partition),
        ("time", time),
        ("mem", memory),
        ("gres", &gres),
        ("constraint", constraint),
    ] {
        options.extend(value.iter().map(|value| format!("--{option}={value}")));
    }
    options
}

/// Returns the first lines of job scripts: those of a file, which may begin with a shell of its own.
fn head(script: Option<&Path>) -> Result<String> {
    let shell = "#!/bin/sh\n";
    let Some(path) = script else { return Ok(shell.to_string()) };
    let lines = String::from_utf8(reading::read(path, SCRIPT_BYTES).context("--cluster-script")?)
        .with_context(|| format!("{}: the lines are not in UTF-8", path.display()))?;
    let shell = if lines.starts_with("#!") { "" } else { shell };
    Ok(format!("{shell}{}\n", lines.trim_end()))
}

/// Returns the largest number of tasks of an array, by `scontrol show config`.
fn max_array_size(config: &str) -> Option<usize> {
    let line = config.lines().find(|line| line.trim_start().starts_with("MaxArraySize"))?;
    line.split('=').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_the_profile() {
        let settings = ClusterSettings {
            partition: Some("gpu".into()),
            time: Some("2:00:00".into()),
            memory: Some("8G".into()),
            cpus: 4,
            gpus: Some("a100:1".into()),
            constraint: Some("ib".into()),
            ..ClusterSettings::default()
        };
        let all = "--ntasks=1 --cpus-per-task=4 --partition=gpu --time=2:00:00 --mem=8G \
                   --gres=gpu:a100:1 --constraint=ib";
        assert_eq!(options(&settings).join(" "), all);
        let none = options(&ClusterSettings::default());
        assert_eq!(none.join(" "), "--ntasks=1 --cpus-per-task=1");
    }

    #[test]
    fn the_largest_array_is_read_from_the_configuration() {
        let config = "MaxArraySize            = 1001\nMaxDBDMsgs              = 20008\n";
        assert_eq!(max_array_size(config), Some(1001));
        assert_eq!(max_array_size("MaxJobCount = 7"), None);
    }

    #[test]
    fn lines_of_a_file_come_first_and_may_name_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lines");
        std::fs::write(&file, "#SBATCH --account=x\nmodule load y").unwrap();
        assert_eq!(head(Some(&file)).unwrap(), "#!/bin/sh\n#SBATCH --account=x\nmodule load y\n");
        std::fs::write(&file, "#!/bin/bash -l\n\n").unwrap();
        assert_eq!(head(Some(&file)).unwrap(), "#!/bin/bash -l\n");
        assert_eq!(head(None).unwrap(), "#!/bin/sh\n");
        assert!(head(Some(&dir.path().join("none"))).is_err());
    }
}
