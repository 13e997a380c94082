//! `measure run`: checks everything that can be checked before the build, measures, and writes the
//! record.

use crate::board_files::BoardFiles;
use crate::cli::RunArgs;
use crate::host::FactsBefore;
use crate::instructions;
use crate::interrupt::INTERRUPT;
use crate::meter::prompt::{RunFacts, Terminal};
use crate::meter::{Filled, GpuMonitor, Interval, MeterInputs, ObservedRun};
use crate::protocol::session::{self, Timeouts};
use crate::protocol::{
    EnergySource, HostInstruments, MeasuredWindow, Ready, clock, record, summary,
};
use crate::runner::{self, Connection, Deployment, Program};
use anyhow::{Context, Result, bail, ensure};
use common::board::{Board, Meter, catalog};
use common::diagnostics::say;
use common::files::crate_hash::crate_sha256;
use common::files::hash::sha256_hex;
use common::files::json;
use common::files::json::{Document, Known};
use common::manifest::Manifest;
use common::measurement::gpu_facts::GpuFacts;
use common::measurement::{Energy, EnergyStatus, Host, Instructions, MeasuredCrate, Measurement};
use common::profile::{MeasurementSettings, Profile};
use process::cli::print_line;
use process::progress::Progress;
use std::fs;
use std::path::{Path, PathBuf};

/// Measures, writes the record and prints its path.
///
/// # Errors
/// Fails if the arguments do not fit together, the crate does not build, its `bench` does not
/// follow its protocol, energy is required and not available, or a termination signal has been
/// received. Nothing is written then.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    process::interrupt::watch()?;
    let prepared = prepare(args)?;
    let measurement = observe(&prepared)?.into_record(prepared);
    if args.require_energy && measurement.energy.status != EnergyStatus::Measured {
        bail!(
            "energy is required, but was not measured: {}",
            measurement.energy.reason.unwrap_or_default()
        );
    }
    // A wrong record is worse than none.
    measurement.check().context("the measurement contradicts itself")?;
    json::write(&args.out, &measurement)?;
    summary(&measurement).lines().for_each(say);
    print_line(&args.out.display().to_string())
}

/// A crate that is built for its board, and everything that its measurement needs.
struct Prepared<'a> {
    args: &'a RunArgs,
    board: Board,
    connection: Connection,
    meter_inputs: MeterInputs,
    settings: MeasurementSettings,
    manifest: Manifest,
    crate_dir: PathBuf,
    program: Program,
}

/// Everything that is read during a measurement.
struct Observation {
    hashes: Hashes,
    host: Host,
    ready: Ready,
    windows: Vec<MeasuredWindow>,
    /// The readings before and after.
    idle: [Option<Interval>; 2],
    energy_source: EnergySource,
    filled: Filled,
    gpu: Option<GpuFacts>,
    instructions: Known<Instructions>,
}

/// SHA-256 of a crate's sources and of its program.
struct Hashes {
    crate_sha256: String,
    binary_sha256: String,
}

/// Checks the arguments and builds the crate.
fn prepare(args: &RunArgs) -> Result<Prepared<'_>> {
    let board = catalog::find(&args.board, Path::new(catalog::FOLDER))?;
    let settings = json::read_or_default::<Profile>(args.config.as_deref())?.measurement;
    let crate_dir = fs::canonicalize(&args.crate_dir)
        .with_context(|| format!("{}: there is no such crate", args.crate_dir.display()))?;
    let manifest = Manifest::read(&crate_dir)?;
    check_out(&args.out)?;
    let meter_inputs = args.meter.inputs();
    meter_inputs.check(&board, &manifest.name)?;
    let connection =
        Connection::new(&board, args.board_host.as_deref(), args.ssh_config.as_deref())?;
    let source = open_energy_source(&board, &meter_inputs, &connection)?;
    if let EnergySource::Unavailable(reason) = &source {
        ensure!(
            !args.require_energy,
            "energy is required, but cannot be read on the board {}: {reason}",
            board.name
        );
        say(&format!("only latency will be measured: {reason}"));
    }
    drop(source);
    runner::check_compatibility(&board, &manifest, &crate_dir)?;
    connection.check()?;
    let program = {
        let progress = Progress::new(1);
        progress.tell(&format!("building {}", crate_dir.display()));
        runner::build(&board, &crate_dir, &settings)?
    };
    INTERRUPT.check()?;
    Ok(Prepared { args, board, connection, meter_inputs, settings, manifest, crate_dir, program })
}

/// Runs the crate on its board while the meter is read.
fn observe(prepared: &Prepared) -> Result<Observation> {
    let Setup { hashes, files, deployment, facts, idle_s, mut instruments } = set_up(prepared)?;
    let sysfs = &prepared.meter_inputs.sysfs_root;
    let timeouts = Timeouts::default();
    let gpu_monitor = start_gpu_monitor(prepared, &instruments);
    let progress = Progress::new(prepared.settings.windows as u64);
    progress.tell(&plan(&prepared.settings, idle_s));
    let idle_before = session::idle(&mut instruments, idle_s, &timeouts)?;
    let BenchRun { started_s, ready, mut windows } =
        run_bench(prepared, &deployment, &timeouts, &mut instruments, &progress)?;
    let host = facts.facts_after(files.as_ref(), sysfs, instruments.clock.started_unix_s());
    let run = RunFacts {
        name: &prepared.manifest.name,
        binary_sha256: &hashes.binary_sha256,
        windows_s: windows.iter().map(|window| window.seconds).sum(),
    };
    instruments.energy_source.finish(&mut Terminal, run)?;
    let idle_after = session::idle(&mut instruments, idle_s, &timeouts)?;
    let run = ObservedRun { started_s, windows_s: span_s(&windows), pid: ready.pid };
    let gpu = gpu_monitor.map(|monitor| monitor.facts(run));
    let instructions = count_instructions(prepared)?;

    let mut idle = [idle_before, idle_after];
    let HostInstruments { clock, energy_source } = instruments;
    let window_intervals = windows.iter_mut().map(|window| &mut window.interval);
    let mut intervals: Vec<&mut Interval> =
        window_intervals.chain(idle.iter_mut().flatten()).collect();
    let filled = energy_source.fill(&mut intervals, &clock)?;
    Ok(Observation { hashes, host, ready, windows, idle, energy_source, filled, gpu, instructions })
}

/// The state of a measurement before its first idle reading.
struct Setup {
    hashes: Hashes,
    files: Option<BoardFiles>,
    deployment: Deployment,
    facts: FactsBefore,
    /// Length of each idle reading, in seconds.
    idle_s: f64,
    instruments: HostInstruments,
}

/// Brings the program to its board, opens the meter and starts the clock.
fn set_up(prepared: &Prepared) -> Result<Setup> {
    let Prepared { board, connection, meter_inputs, settings, .. } = prepared;
    // The hashes are taken here because the files may change later.
    let hashes = hashes(prepared)?;
    let files = connection.files()?;
    // Opened again: a sampler may have missed samples while the crate was built.
    let energy_source = open_energy_source(board, meter_inputs, connection)?;
    let deployment = connection.deploy(&prepared.program)?;
    let facts = FactsBefore::read(files.as_ref(), &meter_inputs.sysfs_root);
    let energy_source = energy_source.begin(&mut Terminal)?;
    energy_source.check_binary(&hashes.binary_sha256)?;
    let idle_s = if energy_source.needs_idle() { settings.idle_s } else { 0.0 };
    let instruments = HostInstruments::start(energy_source);
    Ok(Setup { hashes, files, deployment, facts, idle_s, instruments })
}

impl Observation {
    /// Computes latency and energy, and returns the record.
    fn into_record(mut self, prepared: Prepared) -> Measurement {
        let Prepared { board, settings, manifest, program, .. } = prepared;
        let idle = self.idle.each_ref().map(Option::as_ref);
        let energy = self.energy_source.energy(board.meter.to_string(), idle, &mut self.windows);
        let watched_s = energy.manual.as_ref().map(|reading| reading.duration_s);
        let latency = record::latency(&self.windows);
        let communication = record::communication(&self.windows);
        let Filled { log, tick_s } = self.filled;
        let windows: Vec<_> =
            self.windows.into_iter().map(|window| record::window(window, tick_s)).collect();
        let [idle_before, idle_after] =
            self.idle.map(|interval| interval.map(|interval| record::reading(interval, tick_s)));
        Measurement {
            emulated: board.is_emulated(),
            board: board.name,
            protocol: record::protocol(&settings, &windows, watched_s),
            settings,
            ran: MeasuredCrate {
                name: manifest.name,
                crate_sha256: self.hashes.crate_sha256,
                weights_sha256: manifest.weights_sha256,
                binary_sha256: self.hashes.binary_sha256,
                target: self.ready.target,
                rustc: program.rustc,
                threads: self.ready.threads,
                batch: self.ready.batch,
                kernels: self.ready.kernels,
            },
            latency,
            instructions: self.instructions,
            communication,
            energy: Energy { log, ..energy },
            idle_before,
            idle_after,
            windows,
            host: self.host,
            gpu: self.gpu,
        }
    }
}

/// One run of `bench`.
struct BenchRun {
    /// Start of the program, in seconds since the start of the clock.
    started_s: f64,
    ready: Ready,
    windows: Vec<MeasuredWindow>,
}

/// Runs `bench`, and checks that it was built for the board and that the board's clock is right.
fn run_bench(
    prepared: &Prepared,
    deployment: &Deployment,
    timeouts: &Timeouts,
    instruments: &mut HostInstruments,
    progress: &Progress,
) -> Result<BenchRun> {
    let Prepared { board, settings, program, .. } = prepared;
    let mut bench = deployment.command(board, program, settings);
    bench.command.envs(measured_gpu(board).into_iter().flat_map(gpu_variables));
    let started_s = instruments.clock.elapsed_s();
    let mut begins = |number: usize| {
        progress.advance(u64::from(number > 1));
        progress.tell(&format!("window {number} of {}, {} s", settings.windows, settings.window_s));
    };
    let (ready, windows) = session::run(bench, settings, timeouts, instruments, &mut begins)?;
    check_target(board, &ready)?;
    let [_, end_s] = span_s(&windows);
    clock::check(board, &windows, end_s - started_s)?;
    Ok(BenchRun { started_s, ready, windows })
}

/// Returns the start of the first window and the end of the last one, in seconds.
fn span_s(windows: &[MeasuredWindow]) -> [f64; 2] {
    [windows[0].interval.t0_s, windows[windows.len() - 1].interval.t1_s]
}

fn hashes(prepared: &Prepared) -> Result<Hashes> {
    let file = &prepared.program.file;
    let program =
        fs::read(file).with_context(|| format!("{}: cannot read the program", file.display()))?;
    Ok(Hashes {
        crate_sha256: crate_sha256(&prepared.crate_dir, &prepared.args.out)?,
        binary_sha256: sha256_hex(&program),
    })
}

fn open_energy_source(
    board: &Board,
    inputs: &MeterInputs,
    connection: &Connection,
) -> Result<EnergySource> {
    let files = || connection.files()?.context("the board has no files to read a meter from");
    EnergySource::open(board, inputs, files)
}

/// Counts the instructions of one inference, if that was asked for or the board is emulated: an
/// emulator tells nothing else about a board.
fn count_instructions(prepared: &Prepared) -> Result<Known<Instructions>> {
    let Prepared { args, board, program, .. } = prepared;
    if !args.count_instructions && !board.is_emulated() {
        return Ok(Known::unknown("not counted: give --count-instructions"));
    }
    say("counting instructions");
    instructions::count(board, program)
}

/// Returns the index of the GPU whose energy is read, if there is one.
fn measured_gpu(board: &Board) -> Option<u32> {
    match board.meter {
        Meter::Nvml => Some(board.gpu.unwrap_or(0)),
        Meter::Rapl | Meter::Hwmon | Meter::Csv | Meter::Manual | Meter::None => None,
    }
}

/// Starts to monitor that GPU. If this fails, the meter could not be opened either, and its reason
/// is in the record.
fn start_gpu_monitor(prepared: &Prepared, instruments: &HostInstruments) -> Option<GpuMonitor> {
    let library = prepared.meter_inputs.nvml_library.as_deref();
    GpuMonitor::start(library, measured_gpu(&prepared.board)?, instruments.clock).ok()
}

/// Returns the variables by which CUDA uses that GPU alone, numbered as by NVML; else it would use
/// the fastest of several.
fn gpu_variables(gpu: u32) -> [(&'static str, String); 2] {
    [("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_string()), ("CUDA_VISIBLE_DEVICES", gpu.to_string())]
}

/// Checks before the measurement that the record can be written.
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

fn plan(settings: &MeasurementSettings, idle_s: f64) -> String {
    let MeasurementSettings { idle_s: _, warmup_s, windows, window_s } = settings;
    let idle =
        if idle_s > 0.0 { format!(", idle {idle_s} s before and after") } else { String::new() };
    format!("measuring: warm-up of at most {warmup_s} s, {windows} windows of {window_s} s{idle}")
}

/// Checks that `bench` was built for the board's target.
fn check_target(board: &Board, ready: &Ready) -> Result<()> {
    let Some(target) = &board.target else { return Ok(()) };
    ensure!(
        *target == ready.target,
        "bench was built for {}, but the board {} is {target}",
        ready.target,
        board.name
    );
    Ok(())
}
