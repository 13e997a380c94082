//! `measure run`: everything that can be checked first, then the measurement, then its record.

use crate::host::Before;
use crate::instruments::HostInstruments;
use crate::meter::{self, Source};
use crate::runner::{self, Place, Program, ssh};
use crate::session::{self, Patience, Ready};
use crate::{RunArgs, boards, energy, record};
use anyhow::{Context, Result, bail, ensure};
use common::board::{Board, Runner};
use common::crate_hash::crate_sha256;
use common::hash::sha256_hex;
use common::json::{self, Document};
use common::manifest::Manifest;
use common::measurement::{Energy, EnergyStatus, Measurement, Ran};
use common::profile::{MeasurementSettings, Profile};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Measures and writes the record.
///
/// # Errors
/// The arguments do not fit together, the crate does not build, its `bench` does not do as it should, or energy is
/// required and cannot be had. Nothing is written then.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let measurement = Plan::new(args)?.measure()?;
    if args.require_energy && measurement.energy.status != EnergyStatus::Measured {
        bail!("energy is required, but was not measured: {}", measurement.energy.reason.unwrap_or_default());
    }
    // A record that says something impossible is worse than none.
    measurement.check().context("the measurement contradicts itself")?;
    json::write(&args.out, &measurement)?;
    say(&record::summary(&measurement));
    Ok(())
}

/// A crate that is built for its board, and a meter.
struct Plan<'a> {
    args: &'a RunArgs,
    board: Board,
    /// Where the board is, if it is another machine.
    address: Option<ssh::Address>,
    settings: MeasurementSettings,
    manifest: Manifest,
    folder: PathBuf,
    /// The meter, or why there is none.
    source: Result<Source, String>,
    program: Program,
}

impl<'a> Plan<'a> {
    fn new(args: &'a RunArgs) -> Result<Plan<'a>> {
        let board = boards::find(&args.board, Path::new(boards::FOLDER))?;
        let settings = json::read_or_default::<Profile>(args.config.as_deref())?.measurement;
        let folder = fs::canonicalize(&args.crate_dir)
            .with_context(|| format!("{}: there is no such crate", args.crate_dir.display()))?;
        let manifest = Manifest::read(&folder)?;
        check_out(&args.out)?;
        runner::check_address(&board, args.board_host.is_some())?;
        let address = args.board_host.as_deref();
        let address = address.map(|host| ssh::Address::new(host, args.ssh_config.as_deref())).transpose()?;
        let source = meter::open(&board, &args.sysfs_root);
        if let Err(reason) = &source {
            ensure!(
                !args.require_energy,
                "energy is required, but cannot be read on the board {}: {reason}",
                board.name
            );
            say(&format!("only latency will be measured: {reason}"));
        }
        say(&format!("building {}", folder.display()));
        let program = runner::build(&board, &manifest, &folder)?;
        Ok(Plan { args, board, address, settings, manifest, folder, source, program })
    }

    fn measure(self) -> Result<Measurement> {
        let (settings, sysfs, patience) = (&self.settings, &self.args.sysfs_root, Patience::default());
        // Hashes are of what is about to run: the files may change later.
        let (crate_sha256, binary_sha256) = self.hashes()?;
        let tick_s = self.source.as_ref().ok().map(Source::tick_s);
        let (source, no_meter) = match self.source {
            Ok(source) => (Some(source), None),
            Err(reason) => (None, Some(reason)),
        };
        let place = Place::new(&self.board, self.address, &self.program)?;
        let before = Before::now(sysfs);
        let mut instruments = HostInstruments::new(source);
        say(&plan_of(settings, tick_s.is_some()));
        let idle_before = session::idle(&mut instruments, settings.idle_s, &patience);
        let command = place.command(&self.program, settings);
        let (ready, windows) = session::run(command, settings, &patience, &mut instruments, &mut say)?;
        let host = match self.board.runner {
            Runner::Local => before.facts_after(sysfs),
            Runner::Ssh => before.of_another(),
        };
        let idle_after = session::idle(&mut instruments, settings.idle_s, &patience);
        check_target(&self.board, &ready)?;

        let meter = self.board.meter.to_string();
        let energy = match no_meter {
            Some(reason) => Energy::without_numbers(EnergyStatus::Unavailable, meter, reason),
            None => energy::per_inference(meter, idle_before.as_ref(), idle_after.as_ref(), &windows),
        };
        let latency = record::latency(&windows);
        let windows: Vec<_> = windows.into_iter().map(|window| record::window(window, tick_s)).collect();
        let Ready { kernels, target, threads, batch } = ready;
        let Manifest { name, weights_sha256, .. } = self.manifest;
        let rustc = self.program.rustc;
        Ok(Measurement {
            board: self.board.name,
            protocol: record::protocol(settings, &windows),
            settings: settings.clone(),
            ran: Ran { name, crate_sha256, weights_sha256, binary_sha256, target, rustc, threads, batch, kernels },
            latency,
            energy,
            idle_before: idle_before.map(|interval| record::reading(interval, tick_s)),
            idle_after: idle_after.map(|interval| record::reading(interval, tick_s)),
            windows,
            host,
        })
    }

    /// Of the crate's sources and of its program.
    fn hashes(&self) -> Result<(String, String)> {
        let file = &self.program.file;
        let program = fs::read(file).with_context(|| format!("{}: cannot read the program", file.display()))?;
        Ok((crate_sha256(&self.folder, &self.args.out)?, sha256_hex(&program)))
    }
}

/// Tells people how it goes. A measurement is not lost because nobody listens.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Better now than after the measurement.
fn check_out(out: &Path) -> Result<()> {
    ensure!(!out.is_dir(), "{}: the record needs a file's name, but this is a folder", out.display());
    let parent = out.ancestors().skip(1).find(|parent| parent.exists());
    ensure!(
        parent.is_none_or(Path::is_dir),
        "{}: the record cannot be there, for part of its path is a file",
        out.display()
    );
    Ok(())
}

fn plan_of(settings: &MeasurementSettings, with_meter: bool) -> String {
    let MeasurementSettings { idle_s, warmup_s, windows, window_s } = settings;
    let idle = if with_meter { format!(", idle {idle_s} s before and after") } else { String::new() };
    format!("measuring: warm-up of at most {warmup_s} s, {windows} windows of {window_s} s{idle}")
}

/// A crate that was built for something else than the board is must not be taken for the board's.
fn check_target(board: &Board, ready: &Ready) -> Result<()> {
    match &board.target {
        Some(target) => {
            let name = &board.name;
            ensure!(*target == ready.target, "bench was built for {}, but the board {name} is {target}", ready.target);
            Ok(())
        }
        None => Ok(()),
    }
}
