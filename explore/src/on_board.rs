//! Latency and energy of individuals: each is generated (`codegen`) and measured (`measure`) on a board.
//!
//! A record is kept by the hash of the crate that ran, so the same crate is measured once, however often a search is
//! resumed.

use crate::programs::Interrupt;
use anyhow::{Context, Result, bail};
use common::board::{Board, KnownBoards, Meter};
use common::crate_hash::crate_sha256;
use common::json;
use common::measurement::Measurement;
use common::network::Network;
use common::profile::{MeasurementSettings, Profile};
use common::search_files::Evaluation;
use common::weights::{Tensor, Weights, tensors_of};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A board, and the programs that bring networks to it.
#[derive(Debug)]
pub struct OnBoard {
    /// The program `codegen`.
    pub codegen: PathBuf,
    /// The program `measure`.
    pub measure: PathBuf,
    /// The board.
    pub board: Board,
    /// Options of `measure run` that say where the board is.
    pub place: Vec<OsString>,
    /// How long to measure.
    pub settings: MeasurementSettings,
    /// Whether a measurement without energy is of no use.
    pub energy: bool,
    /// Folder of the search.
    pub folder: PathBuf,
    /// What ends the programs.
    pub interrupt: Interrupt,
}

/// The board that `--board` means: a file, or a name that `measure boards` knows.
///
/// # Errors
/// There is no such board, or `measure` fails.
pub fn find(name_or_file: &str, measure: &Path) -> Result<Board> {
    if name_or_file.contains('/') || name_or_file.ends_with(".json") {
        return json::read(Path::new(name_or_file));
    }
    let output = Command::new(measure).arg("boards").output();
    let output = output.with_context(|| format!("{}: cannot start the program", measure.display()))?;
    if !output.status.success() {
        bail!("measure boards failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let known: KnownBoards = json::parse(&String::from_utf8_lossy(&output.stdout)).context("measure boards")?;
    let names: Vec<String> = known.boards.iter().map(|board| board.name.clone()).collect();
    known.boards.into_iter().find(|board| board.name == name_or_file).with_context(|| {
        format!("there is no board {name_or_file:?}; known boards: {}; or name a board's file", names.join(", "))
    })
}

impl OnBoard {
    /// Measures a network with made-up weights, so that a board that cannot be reached, a toolchain that is missing or a
    /// meter that cannot be read ends a search before anything is trained.
    ///
    /// # Errors
    /// What would fail later.
    pub fn try_out(&self, network: &Network) -> Result<()> {
        let board = &self.board.name;
        if self.energy && self.board.meter == Meter::None {
            bail!(
                "energy is asked for, but the board {board} has no meter: choose another board, or do without energy"
            );
        }
        let folder = self.folder.join("trial");
        json::write(&folder.join("network.json"), network)?;
        made_up(network).write(&folder.join("weights.safetensors"))?;
        self.record(&folder).with_context(|| format!("a trial on the board {board}, before any training"))?;
        Ok(())
    }

    /// Latency and energy of an individual whose training has ended.
    ///
    /// # Errors
    /// It cannot be generated or measured; what was measured before is kept.
    pub fn measure(&self, evaluation: &mut Evaluation) -> Result<()> {
        let folder = self.folder.join("individuals").join(&evaluation.id);
        let record = self.record(&folder).with_context(|| {
            format!("{} cannot be measured on the board {}; mend it and --resume", evaluation.id, self.board.name)
        })?;
        evaluation.latency_s = Some(record.latency.p50_s);
        evaluation.energy_j = record.energy.gross_j;
        Ok(())
    }

    /// The record of the network in a folder, made earlier or now.
    fn record(&self, network: &Path) -> Result<Measurement> {
        let work = self.folder.join("measuring");
        let (crate_dir, log) = (work.join("crate"), work.join("log"));
        common::atomic::create_dir_all(&work)?;
        let mut generate = Command::new(&self.codegen);
        generate.arg("generate").arg("--network").arg(network.join("network.json"));
        generate.arg("--weights").arg(network.join("weights.safetensors")).args(["--platform", &self.board.platform]);
        generate.args(["--name", "candidate"]).arg("--out").arg(&crate_dir);
        self.interrupt.run(&mut generate, &log)?;
        let crate_sha256 = crate_sha256(&crate_dir, Path::new(""))?;
        let path = self.folder.join("measurements").join(format!("{crate_sha256}.json"));
        if !path.exists() {
            self.take(&crate_dir, &path, &log)?;
        }
        let record: Measurement = json::read(&path)?;
        if self.energy && record.energy.gross_j.is_none() {
            bail!("{}: it has no energy: {}", path.display(), record.energy.reason.unwrap_or_default());
        }
        Ok(record)
    }

    fn take(&self, crate_dir: &Path, out: &Path, log: &Path) -> Result<()> {
        let work = self.folder.join("measuring");
        let (board, profile) = (work.join("board.json"), work.join("profile.json"));
        json::write(&board, &self.board)?;
        json::write(&profile, &Profile { measurement: self.settings.clone(), ..Profile::default() })?;
        common::atomic::create_dir_all(&self.folder.join("measurements"))?;
        let mut measure = Command::new(&self.measure);
        measure.arg("run").arg("--crate").arg(crate_dir).arg("--board").arg(&board).arg("--out").arg(out);
        measure.arg("--config").arg(&profile).args(&self.place);
        if self.energy {
            measure.arg("--require-energy");
        }
        self.interrupt.run(&mut measure, log)
    }
}

/// Weights of the right shapes. Every one is 0.5, so a variance is positive.
fn made_up(network: &Network) -> Weights {
    let tensors = network.nodes.iter().flat_map(tensors_of);
    let tensor = |shape: Vec<usize>| Tensor { data: vec![0.5; shape.iter().product()], shape };
    Weights(tensors.map(|(name, shape, _)| (name, tensor(shape))).collect())
}
