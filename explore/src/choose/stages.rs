//! Runs the programs of other stages with the options that `pipelines/run.mk` gives them.

use super::finished_run::FinishedRun;
use super::reuse::WEIGHTS;
use anyhow::{Result, bail};
use common::board::{Board, Platform};
use common::device::Device;
use common::files::atomic;
use common::precision::Precision;
use common::quantized::OUTCOME_FILE;
use process::cluster::commands::{ClusterCommand, Commands};
use process::cluster::slurm::Slurm;
use process::deploy::{Connection, Parameters};
use process::interrupt::Interrupt;
use process::logged;
use process::output::output;
use process::programs::binary;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of other stages, and what all their calls have in common.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    pub(crate) run: &'a FinishedRun,
    /// Folder of the data set.
    pub(crate) dataset: PathBuf,
    pub(crate) board: Board,
    /// Value of `--board`, which other programs understand too.
    pub(crate) board_name: String,
    pub(crate) connection: Connection,
    /// Device of trainings.
    pub(crate) device: Device,
    /// What trains and prunes on a cluster; `None` for this machine, which does all else.
    pub(crate) cluster: Option<Commands<Slurm>>,
    /// Number of threads of trainings on a cluster; `None` for all cores.
    pub(crate) threads: Option<usize>,
    /// Folder of the programs; `None` for that of this program.
    pub(crate) bin_dir: Option<PathBuf>,
    /// Whether records must have energy and power.
    pub(crate) needs_energy: bool,
    pub(crate) interrupt: Interrupt,
}

/// A network in one precision: the files that its crate is made from, and where the crate goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) network: &'a Path,
    pub(super) parameters: Parameters<'a>,
    /// Report of its test.
    pub(super) test: &'a Path,
    /// Report of its training or pruning.
    pub(super) train: &'a Path,
}

impl Stages<'_> {
    /// Returns the training in full of a genome, which goes on where it was interrupted. `name` is
    /// that of the network.
    pub(super) fn fit(&self, name: &str, genome: &Path, out: &Path) -> Result<ClusterCommand> {
        let mut fit = self.command("train", "fit")?;
        fit.args(["--device", &self.device.to_string()]).arg("--genome").arg(genome);
        fit.arg("--dataset").arg(&self.dataset).arg("--config").arg(self.run.profile());
        fit.args(["--seed", &self.run.search.seed.to_string()]).arg("--resume");
        fit.arg("--out").arg(out);
        self.training("train-fit", name, fit, out.join("train.json"))
    }

    /// Returns the pruning of the network in the folder `dense`. `name` is that of the pruned one.
    pub(super) fn prune(&self, name: &str, dense: &Path, out: &Path) -> Result<ClusterCommand> {
        let mut prune = self.command("prune", "run")?;
        if let Some(bin_dir) = &self.bin_dir {
            prune.arg("--bin-dir").arg(bin_dir);
        }
        prune.args(["--device", &self.device.to_string()]);
        prune.arg("--network").arg(dense.join("network.json"));
        prune.arg("--weights").arg(dense.join(WEIGHTS));
        prune.arg("--dataset").arg(&self.dataset).arg("--config").arg(self.run.profile());
        prune.args(["--seed", &self.run.search.seed.to_string()]).arg("--out").arg(out);
        self.training("prune-run", name, prune, out.join("prune.json"))
    }

    /// Makes the int8 form of the network in a folder; a refusal is an outcome and no failure.
    pub(super) fn quantize(&self, folder: &Path, out: &Path) -> Result<()> {
        let mut quantize = self.command("train", "quantize")?;
        quantize.arg("--network").arg(folder.join("network.json"));
        quantize.arg("--weights").arg(folder.join(WEIGHTS));
        quantize.arg("--dataset").arg(&self.dataset).arg("--config").arg(self.run.profile());
        quantize.arg("--out").arg(out).arg("--outcome").arg(out.join(OUTCOME_FILE));
        self.finish("train-quantize", quantize)
    }

    /// Scores a network on the test images.
    pub(super) fn test(&self, source: Source<'_>) -> Result<()> {
        let mut eval = self.command("train", "eval")?;
        eval.arg("--network").arg(source.network);
        add_parameters(&mut eval, source.parameters);
        eval.arg("--dataset").arg(&self.dataset).args(["--split", "test"]);
        eval.arg("--out").arg(source.test);
        self.finish("train-eval", eval)
    }

    /// Returns the reason why a network has no crate for the board: too little memory, or a
    /// processor that lacks something.
    pub(super) fn unfit(&self, network: &Path, precision: Precision) -> Result<Option<String>> {
        let mut plan = self.command("codegen", "plan")?;
        plan.arg("--network").arg(network).args(["--platform", self.board.platform.name()]);
        plan.args(["--precision", precision.name(), "--board", &self.board_name]);
        let output = output(plan, &self.interrupt)?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_string();
        match output.status.code() {
            Some(0) => Ok(None),
            Some(1) => Ok(Some(message.trim_start_matches("error: ").to_string())),
            Some(_) | None => bail!("codegen plan ended with {}: {message}", output.status),
        }
    }

    /// Writes the crate of a network, under a name that ends in `suffix`.
    pub(super) fn generate(&self, source: Source<'_>, suffix: &str, out: &Path) -> Result<()> {
        let mut generate = self.command("codegen", "generate")?;
        generate.arg("--network").arg(source.network);
        add_parameters(&mut generate, source.parameters);
        generate.args(["--platform", self.board.platform.name(), "--board", &self.board_name]);
        let name = format!("{}-{}", crate_name(&self.run.search.dataset), suffix.replace('/', "-"));
        generate.arg("--out").arg(out).args(["--name", &name]);
        generate.arg("--samples").arg(&self.dataset).arg("--test").arg(source.test);
        generate.arg("--train").arg(source.train);
        self.finish("codegen-generate", generate)
    }

    /// Measures a crate on the board.
    pub(super) fn measure(&self, crate_dir: &Path, out: &Path) -> Result<()> {
        let mut measure = self.command("measure", "run")?;
        measure.arg("--crate").arg(crate_dir).args(["--board", &self.board_name]);
        measure.arg("--config").arg(self.run.profile()).arg("--out").arg(out);
        if let Some(host) = &self.connection.board_host {
            measure.arg("--board-host").arg(host);
        }
        if let Some(config) = &self.connection.ssh_config {
            measure.arg("--ssh-config").arg(config);
        }
        if self.needs_energy {
            measure.arg("--require-energy");
        }
        self.finish("measure-run", measure)
    }

    /// Returns the name of the folder of crates for the board. A microcontroller's crate is for one
    /// board: the memory of that board is in it.
    pub(super) fn crate_folder(&self) -> String {
        let platform = self.board.platform;
        let is_microcontroller = platform == Platform::CortexM;
        format!("crate-{}", if is_microcontroller { &self.board.name } else { platform.name() })
    }

    fn command(&self, program: &str, verb: &str) -> Result<Command> {
        let mut command = Command::new(binary(program, self.bin_dir.as_deref())?);
        command.arg(verb);
        Ok(command)
    }

    /// Returns a command that trains, with a log of its own.
    fn training(
        &self,
        verb: &str,
        name: &str,
        mut command: Command,
        result: PathBuf,
    ) -> Result<ClusterCommand> {
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        let log = self.log(&format!("{verb}-{}", name.replace('/', "-")))?;
        Ok(ClusterCommand { label: name.to_string(), command, log, result })
    }

    /// Runs commands that train: on the cluster at the same time, if there is one, or else here, one
    /// after the other.
    pub(super) fn train(&self, commands: Vec<ClusterCommand>) -> Result<()> {
        if commands.is_empty() {
            return Ok(());
        }
        match &self.cluster {
            Some(cluster) => cluster.run(&commands, &self.interrupt),
            None => commands.into_iter().try_for_each(|ClusterCommand { command, log, .. }| {
                logged::run(command, &log, &self.interrupt)
            }),
        }
    }

    /// Runs a program to its end, with its output in a log below the folder of the search.
    fn finish(&self, name: &str, command: Command) -> Result<()> {
        logged::run(command, &self.log(name)?, &self.interrupt)
    }

    fn log(&self, name: &str) -> Result<PathBuf> {
        let logs = self.run.folder.join("explore/choosing");
        atomic::create_dir_all(&logs)?;
        Ok(logs.join(format!("{name}.log")))
    }
}

fn add_parameters(command: &mut Command, parameters: Parameters<'_>) {
    match parameters {
        Parameters::F32(weights) => command.arg("--weights").arg(weights),
        Parameters::Int8(folder) => command.arg("--quantized").arg(folder),
    };
}

/// Returns what the names of a data set's crates begin with: a letter.
fn crate_name(dataset: &str) -> String {
    match dataset.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("data-{dataset}"),
        false => dataset.to_string(),
    }
}
