//! `measure run`: everything that can be checked first, then the measurement, then its record.

use crate::after::After;
use crate::host::Before;
use crate::instruments::HostInstruments;
use crate::meter::ask::{self, Terminal};
use crate::meter::counter::Interval;
use crate::meter::gpu_watch::{self, GpuWatch};
use crate::meter::{self, Means};
use crate::runner::{self, Program, Whereabouts};
use crate::session::{self, Patience, Ready};
use crate::{RunArgs, clock, instructions, interrupt, record};
use anyhow::{Context, Result, bail, ensure};
use common::board::{Board, Meter};
use common::boards;
use common::crate_hash::crate_sha256;
use common::hash::sha256_hex;
use common::json::{self, Document, Known};
use common::manifest::Manifest;
use common::measurement::{Energy, EnergyStatus, Instructions, Measurement, Ran};
use common::profile::{MeasurementSettings, Profile};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Measures and writes the record.
///
/// # Errors
/// The arguments do not fit together, the crate does not build, its `bench` does not do as it
/// should, energy is required and cannot be had, or a signal came. Nothing is written then.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    interrupt::install()?;
    let measurement = Plan::new(args)?.measure()?;
    if args.require_energy && measurement.energy.status != EnergyStatus::Measured {
        bail!(
            "energy is required, but was not measured: {}",
            measurement.energy.reason.unwrap_or_default()
        );
    }
    // A record that says something impossible is worse than none.
    measurement.check().context("the measurement contradicts itself")?;
    json::write(&args.out, &measurement)?;
    say(&record::summary(&measurement));
    Ok(())
}

/// A crate that is built for its board.
struct Plan<'a> {
    args: &'a RunArgs,
    board: Board,
    whereabouts: Whereabouts,
    settings: MeasurementSettings,
    manifest: Manifest,
    folder: PathBuf,
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
        meter::check_arguments(&board, &args.meter, &manifest.name)?;
        let whereabouts =
            Whereabouts::of(&board, args.board_host.as_deref(), args.ssh_config.as_deref())?;
        if let Means::Nowhere(reason) = open_meter(args, &board, &whereabouts)? {
            ensure!(
                !args.require_energy,
                "energy is required, but cannot be read on the board {}: {reason}",
                board.name
            );
            say(&format!("only latency will be measured: {reason}"));
        }
        runner::check(&board, &manifest, &folder)?;
        say(&format!("building {}", folder.display()));
        let program = runner::build(&board, &folder, &settings)?;
        interrupt::check()?;
        Ok(Plan { args, board, whereabouts, settings, manifest, folder, program })
    }

    fn measure(self) -> Result<Measurement> {
        let (board, settings, sysfs, patience) =
            (&self.board, &self.settings, &self.args.meter.sysfs_root, Patience::default());
        // Hashes are of what is about to run: the files may change later.
        let (crate_sha256, binary_sha256) = self.hashes()?;
        let files = self.whereabouts.files()?;
        // Opened anew: a meter that is sampled may have missed samples while the crate was built.
        let means = open_meter(self.args, board, &self.whereabouts)?;
        let place = self.whereabouts.bring(&self.program)?;
        let before = Before::now(files.as_ref(), sysfs);
        let (source, after) = After::of(means, &mut Terminal)?;
        after.check_binary(&binary_sha256)?;
        let idle_s = if after.needs_idle() { settings.idle_s } else { 0.0 };
        let tick_s = source.as_ref().map(meter::Source::tick_s);
        let mut instruments = HostInstruments::new(source);
        let watch = watch(self.args, board, instruments.start());
        say(&plan_of(settings, idle_s));
        let mut idle_before = session::idle(&mut instruments, idle_s, &patience)?;
        let (mut command, shows) = place.command(board, &self.program, settings);
        command.envs(gpu_of(board).into_iter().flat_map(gpu_variables));
        let started_s = instruments.elapsed_s();
        let (ready, mut windows) =
            session::run((command, shows), settings, &patience, &mut instruments, &mut say)?;
        check_target(board, &ready)?;
        let [begin_s, end_s] = [windows[0].interval.t0_s, windows[windows.len() - 1].interval.t1_s];
        clock::check(board, &windows, end_s - started_s)?;
        let started_unix_s = instruments.started_unix_s();
        let host = before.facts_after(files.as_ref(), sysfs, started_unix_s);
        let windows_s = windows.iter().map(|window| window.seconds).sum();
        let ran = ask::Ran { name: &self.manifest.name, binary_sha256: &binary_sha256, windows_s };
        let after = after.answered(&mut Terminal, ran)?;
        let mut idle_after = session::idle(&mut instruments, idle_s, &patience)?;
        let gpu = watch.map(|watch| {
            watch.facts(gpu_watch::Run { started_s, windows_s: [begin_s, end_s], pid: ready.pid })
        });
        let instructions = instructions_of(self.args, board, &self.program)?;

        let mut intervals: Vec<&mut Interval> =
            windows.iter_mut().map(|window| &mut window.interval).collect();
        intervals.extend(idle_before.iter_mut().chain(&mut idle_after));
        let (log, tick_s) = match &after {
            After::Logged(log) => {
                log.fill(&mut intervals, started_unix_s, instruments.clock_set_by_s())?
            }
            After::Counted | After::Typed(_) | After::Asked(_) | After::Nothing(_) => {
                (None, tick_s)
            }
        };
        let energy =
            after.energy(board.meter.to_string(), [&idle_before, &idle_after], &mut windows);
        let (latency, communication) = (record::latency(&windows), record::communication(&windows));
        let windows: Vec<_> =
            windows.into_iter().map(|window| record::window(window, tick_s)).collect();
        let Ready { kernels, target, threads, batch, pid: _ } = ready;
        let Manifest { name, weights_sha256, .. } = self.manifest;
        let rustc = self.program.rustc;
        Ok(Measurement {
            emulated: board.is_emulated(),
            board: self.board.name,
            protocol: record::protocol(
                settings,
                &windows,
                energy.manual.as_ref().map(|reading| reading.duration_s),
            ),
            settings: settings.clone(),
            ran: Ran {
                name,
                crate_sha256,
                weights_sha256,
                binary_sha256,
                target,
                rustc,
                threads,
                batch,
                kernels,
            },
            latency,
            instructions,
            communication,
            energy: Energy { log, ..energy },
            idle_before: idle_before.map(|interval| record::reading(interval, tick_s)),
            idle_after: idle_after.map(|interval| record::reading(interval, tick_s)),
            windows,
            host,
            gpu,
        })
    }

    /// Of the crate's sources and of its program.
    fn hashes(&self) -> Result<(String, String)> {
        let file = &self.program.file;
        let program = fs::read(file)
            .with_context(|| format!("{}: cannot read the program", file.display()))?;
        Ok((crate_sha256(&self.folder, &self.args.out)?, sha256_hex(&program)))
    }
}

/// Instructions of an inference, where they are wanted. They are the only thing that an emulator
/// tells about a board.
fn instructions_of(
    args: &RunArgs,
    board: &Board,
    program: &Program,
) -> Result<Known<Instructions>> {
    if !args.count_instructions && !board.is_emulated() {
        return Ok(Known::unknown("not counted: give --count-instructions"));
    }
    say("counting instructions");
    instructions::count(board, program)
}

/// The GPU whose energy is read, where it is one.
fn gpu_of(board: &Board) -> Option<u32> {
    match board.meter {
        Meter::Nvml => Some(board.gpu.unwrap_or(0)),
        Meter::Rapl | Meter::Hwmon | Meter::Csv | Meter::Manual | Meter::None => None,
    }
}

/// Looks at that GPU from now on. Where it cannot, the meter could not be opened either and has
/// said why.
fn watch(args: &RunArgs, board: &Board, start: Instant) -> Option<GpuWatch> {
    GpuWatch::start(args.meter.nvml_library.as_deref(), gpu_of(board)?, start).ok()
}

/// What lets CUDA see that GPU alone, numbered as NVML does: else it would begin with the fastest
/// of several.
fn gpu_variables(gpu: u32) -> [(&'static str, String); 2] {
    [("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_string()), ("CUDA_VISIBLE_DEVICES", gpu.to_string())]
}

fn open_meter(args: &RunArgs, board: &Board, whereabouts: &Whereabouts) -> Result<Means> {
    let files = || whereabouts.files()?.context("the board has no files to read a meter from");
    meter::open(board, &args.meter, files)
}

/// Tells people how it goes. A measurement is not lost because nobody listens.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Better now than after the measurement.
fn check_out(out: &Path) -> Result<()> {
    ensure!(
        !out.is_dir(),
        "{}: the record needs a file's name, but this is a folder",
        out.display()
    );
    let parent = out.ancestors().skip(1).find(|parent| parent.exists());
    ensure!(
        parent.is_none_or(Path::is_dir),
        "{}: the record cannot be there, for part of its path is a file",
        out.display()
    );
    Ok(())
}

fn plan_of(settings: &MeasurementSettings, idle_s: f64) -> String {
    let MeasurementSettings { idle_s: _, warmup_s, windows, window_s } = settings;
    let idle =
        if idle_s > 0.0 { format!(", idle {idle_s} s before and after") } else { String::new() };
    format!("measuring: warm-up of at most {warmup_s} s, {windows} windows of {window_s} s{idle}")
}

/// A crate that was built for something else than the board is must not be taken for the board's.
fn check_target(board: &Board, ready: &Ready) -> Result<()> {
    match &board.target {
        Some(target) => {
            let name = &board.name;
            ensure!(
                *target == ready.target,
                "bench was built for {}, but the board {name} is {target}",
                ready.target
            );
            Ok(())
        }
        None => Ok(()),
    }
}
