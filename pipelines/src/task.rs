//! One command of the pipeline, run for make as a task of a Slurm cluster: a training or pruning,
//! which waits for nothing else that runs at the same time.

use anyhow::{Context, Result};
use common::files::json;
use common::profile::Profile;
use process::cluster::commands::{ClusterCommand, Commands};
use process::cluster::connection::Connection;
use process::engine_args::CLUSTER_RETRIES;
use process::interrupt::Interrupt;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Options of `neuropower task`.
#[derive(Debug, clap::Args)]
pub struct TaskArgs {
    /// Folder of the run, with its profile
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// What the command makes, such as networks/1/dense
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The file that the command writes last
    #[arg(long, value_name = "FILE")]
    pub result: PathBuf,
    /// The program `train`, whose instructions all trainings of the run share
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// File with lines for Slurm's job scripts
    #[arg(long, value_name = "FILE")]
    pub cluster_script: Option<PathBuf>,
    /// The command and its arguments, without the number of threads
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Runs the command on the cluster, with as many threads as a task has cores.
///
/// # Errors
/// Fails if the command does, if its task is lost too often, if the cluster cannot be used, or if
/// the program is interrupted.
pub fn run(args: &TaskArgs) -> Result<()> {
    let interrupt = Interrupt::catch("the same make command goes on from here")?;
    let TaskArgs { run, name, result, train, cluster_script, command } = args;
    let settings = json::read::<Profile>(&run.join("profile.json"))?.cluster;
    let run = std::path::absolute(run).with_context(|| run.display().to_string())?;
    let file_name = name.replace('/', "-");
    // Each task has a folder of its own: what is left there of a killed one is that of the same.
    let batches = run.join("cluster").join(&file_name);
    let connection = Connection {
        train,
        record: &run.join("explore/cluster"),
        batches: batches.clone(),
        settings: &settings,
        script: cluster_script.clone(),
        at_once: None,
    };
    let (scheduler, common) = connection.connect(&interrupt)?;
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut command = Command::new(program);
    command.args(arguments).args(["--threads", &settings.cpus.to_string()]);
    let log = run.join("log").join(format!("{file_name}.log"));
    let result = result.clone();
    let commands = [ClusterCommand { label: name.clone(), command, log, result }];
    Commands { scheduler, common, retries: CLUSTER_RETRIES }.run(&commands, &interrupt)?;
    fs::remove_dir(&batches).with_context(|| format!("{}: cannot remove", batches.display()))
}
