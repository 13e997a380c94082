//! Slurm's programs and `train`, as far as a search calls them. All tasks of an array run at once,
//! each for a known time, and end with whole files; nothing is computed.

use anyhow::{Context, Result, bail};
use common::files::json;
use common::search::genome::Optimizer;
use common::train_report::{SplitAccuracy, Timing, TrainReport};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The names of the stubs.
pub(crate) const NAMES: [&str; 6] =
    ["train", "scontrol", "sbatch", "squeue", "scancel", "stub-node"];
/// Environment variables: the time of a task in seconds, by what share of it times differ, and the
/// folder of the queue.
pub(crate) const SECONDS: &str = "STUB_SECONDS";
pub(crate) const SPREAD: &str = "STUB_SPREAD";
pub(crate) const QUEUE: &str = "STUB_QUEUE";

/// Returns the time of a task in seconds: spread evenly around the mean, in no order.
pub(crate) fn duration(task: usize, seconds: f64, spread: f64) -> f64 {
    let golden = (task as f64 * 0.618_033_988_749_895).fract();
    seconds * (1.0 + spread * (2.0 * golden - 1.0))
}

/// Does what the program of that name does.
pub(crate) fn run(name: &str) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match name {
        "train" => println!("train 0.1.0 (commit unknown, kernels made1)"),
        "scontrol" => println!("MaxArraySize            = 1001"),
        "sbatch" => println!("{}", submit(&arguments)?),
        "squeue" => list()?,
        "scancel" => {}
        "stub-node" => node(&arguments)?,
        other => bail!("there is no stub {other}"),
    }
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

/// Notes an array in the queue and starts the node that runs it; returns the job's number.
fn submit(arguments: &[String]) -> Result<usize> {
    let option = |name: &str| {
        let found = arguments.iter().find_map(|argument| argument.strip_prefix(name));
        found.with_context(|| format!("sbatch without {name}"))
    };
    let last = option("--array=0-")?;
    let queue = PathBuf::from(variable(QUEUE)?);
    fs::create_dir_all(&queue)?;
    let job = fs::read_dir(&queue)?.count() + 1;
    let line = format!("{job}|0-{last}|RUNNING|None|{}\n", option("--comment=")?);
    fs::write(queue.join(job.to_string()), line)?;
    let first = arguments.last().context("sbatch without a first task")?;
    let own = std::env::args_os().next().map(PathBuf::from).context("no name")?;
    Command::new(own.with_file_name("stub-node"))
        .args([&job.to_string(), first, last])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(job)
}

fn list() -> Result<()> {
    for entry in fs::read_dir(variable(QUEUE)?).into_iter().flatten() {
        print!("{}", fs::read_to_string(entry?.path())?);
    }
    Ok(())
}

/// Runs tasks: writes their results while time passes, and shows them when a task is over.
fn node(arguments: &[String]) -> Result<()> {
    let begun = Instant::now();
    let [job, first, last] = arguments else { bail!("a node takes three numbers") };
    let (first, last): (usize, usize) = (first.parse()?, last.parse()?);
    let (seconds, spread) = (variable(SECONDS)?.parse()?, variable(SPREAD)?.parse()?);
    let mut tasks = Vec::new();
    for task in first..=first + last {
        let folder = out_folder(&fs::read_to_string(format!("task-{task}"))?)?;
        fs::write(folder.join(".made"), json::to_text(&report(task))?)?;
        fs::write(format!(".made-{task}"), "0 stub\n")?;
        tasks.push((duration(task, seconds, spread), task, folder));
    }
    tasks.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (end, task, folder) in tasks {
        sleep(Duration::from_secs_f64(end).saturating_sub(begun.elapsed()));
        fs::rename(folder.join(".made"), folder.join("train.json"))?;
        fs::rename(format!(".made-{task}"), format!("ended-{task}"))?;
    }
    Ok(fs::write(Path::new(&variable(QUEUE)?).join(job), "")?)
}

/// Returns the folder of a training from its task's words, of which none has a quotation mark.
fn out_folder(task: &str) -> Result<PathBuf> {
    let mut words = task.split('\'').filter(|word| !word.trim().is_empty());
    words.find(|word| *word == "--out");
    Ok(words.next().context("a task without --out")?.into())
}

fn report(task: usize) -> TrainReport {
    TrainReport {
        seed: 0,
        epochs: 1,
        images: 1,
        optimizer: Optimizer::Sgd,
        parameters: 1,
        macs: 1,
        accuracy: SplitAccuracy { train: 0.5, validation: Some(duration(task, 0.5, 1.0).min(1.0)) },
        chosen_with_validation_accuracy: None,
        diverged: false,
        curve: vec![],
        data_sha256: String::new(),
        weights_sha256: String::new(),
        timing: Timing {
            wall_s: 60.0,
            cpu_s: 60.0,
            images_per_s: 1.0,
            threads: 1,
            device: "cpu".into(),
            peak_rss_bytes: Some(1),
            peak_rss_reason: None,
            program: None,
        },
    }
}
