//! The programs that are compared: the crate's own `bench`, and processes that time the ONNX file.

use crate::workshop::{Workshop, run};
use anyhow::{Context, Result, ensure};
use common::files::json;
use common::measurement::bench_protocol::BenchEvent;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The tolerance for the peers' logits: they sum in another order.
const TOLERANCE: f32 = 1e-4;

/// The first message of a peer.
#[derive(Deserialize)]
struct Hello {
    #[serde(default)]
    version: String,
    logits: Vec<f32>,
}

/// The result of a peer's turn.
#[derive(Deserialize)]
struct Turn {
    p50_s: f64,
}

/// A process that times an ONNX file on request. It ends when this is dropped.
pub(crate) struct Peer {
    child: Child,
    asks: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    /// The version of the peer, if it reports one.
    pub(crate) version: String,
}

impl Peer {
    /// Starts the process on the files of a network and compares its logits to the recorded ones.
    ///
    /// # Errors
    /// Fails if the process cannot be started, or if its logits differ.
    pub(crate) fn start(command: Command, workshop: &Workshop, shape: &str) -> Result<Peer> {
        let name = command.get_program().to_string_lossy().into_owned();
        let (peer, logits) = Peer::spawn(command, &workshop.onnx(), &workshop.images(), shape)?;
        check_logits(&logits, &workshop.logits()?).context(name)?;
        Ok(peer)
    }

    /// Starts the process on a quantized file, whose logits are not those in f32.
    ///
    /// # Errors
    /// Fails if the process cannot be started, or if its logits are not finite.
    pub(crate) fn quantized(
        command: Command,
        file: &Path,
        images: &Path,
        shape: &str,
    ) -> Result<Peer> {
        let (peer, logits) = Peer::spawn(command, file, images, shape)?;
        let finite = !logits.is_empty() && logits.iter().all(|logit| logit.is_finite());
        ensure!(finite, "{}: it computes {logits:?}", file.display());
        Ok(peer)
    }

    /// Starts the process and returns the logits that it computes.
    fn spawn(
        mut command: Command,
        file: &Path,
        images: &Path,
        shape: &str,
    ) -> Result<(Peer, Vec<f32>)> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.arg(file).arg(images).arg(shape);
        for variable in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
            command.env(variable, "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name}: cannot be started"))?;
        let asks = child.stdin.take();
        let mut answers =
            BufReader::new(child.stdout.take().context("the peer has no output")?).lines();
        let hello: Hello = receive(&mut answers).with_context(|| name.clone())?;
        Ok((Peer { child, asks, answers, version: hello.version }, hello.logits))
    }

    /// Returns the median latency, in seconds, of a turn of this length.
    pub(crate) fn turn(&mut self, length: Duration) -> Result<f64> {
        let asks = self.asks.as_mut().context("the peer has ended")?;
        writeln!(asks, "{}", length.as_secs_f64()).context("the peer has ended")?;
        let turn: Turn = receive(&mut self.answers)?;
        Ok(turn.p50_s)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The process ends at the end of its input.
        self.asks = None;
        let _ = self.child.wait();
    }
}

fn receive<T: serde::de::DeserializeOwned>(
    answers: &mut Lines<BufReader<ChildStdout>>,
) -> Result<T> {
    let line = answers
        .next()
        .context("the peer has ended; what it says on standard error tells why")??;
    serde_json::from_str(&line).with_context(|| format!("the peer said {line:?}"))
}

/// Fails if some logit is off by more than the tolerance.
pub(crate) fn check_logits(got: &[f32], want: &[f32]) -> Result<()> {
    ensure!(got.len() == want.len(), "it computed {} logits, not {}", got.len(), want.len());
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= TOLERANCE * want.abs().max(1.0);
        ensure!(close, "logit {index} is {got}, but the reference says {want}");
    }
    Ok(())
}

/// The result of a turn of the generated crate.
pub(crate) struct OurTurn {
    /// The median latency.
    pub(crate) p50_s: f64,
    /// The instruction set.
    pub(crate) kernels: String,
    /// The peak memory of the process when it began to measure, code and weights included, if the
    /// operating system reports it.
    pub(crate) peak_bytes: Option<u64>,
}

/// Runs a turn of the crate's own `bench` program, which is started anew each time.
pub(crate) fn our_turn(
    workshop: &Workshop,
    length: Duration,
    warm_up: Duration,
) -> Result<OurTurn> {
    turn_of(Command::new(workshop.program("bench")), length, warm_up)
}

/// Runs a turn of a crate's `bench`.
///
/// # Errors
/// Fails if the program fails.
pub(crate) fn turn_of(
    mut command: Command,
    length: Duration,
    warm_up: Duration,
) -> Result<OurTurn> {
    command.args(["--windows", "1", "--window-s", &length.as_secs_f64().to_string()]);
    command.args(["--warmup-s", &warm_up.as_secs_f64().to_string()]).stdout(Stdio::piped());
    let mut child = command.spawn().context("the crate's bench cannot be started")?;
    let lines =
        BufReader::new(child.stdout.take().context("the crate's bench has no output")?).lines();
    let (mut name, mut p50, mut peak_bytes) = (String::new(), None, None);
    for line in lines {
        match json::parse(&line?)? {
            BenchEvent::Ready { kernels, .. } => name = kernels,
            BenchEvent::Start { .. } => peak_bytes = peak_memory(child.id()),
            BenchEvent::Window { p50_s, .. } => p50 = Some(p50_s),
        }
    }
    ensure!(child.wait()?.success(), "the crate's bench failed");
    Ok(OurTurn {
        p50_s: p50.context("the crate's bench measured nothing")?,
        kernels: name,
        peak_bytes,
    })
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().trim_end_matches(" kB").parse::<u64>().ok()?)
}

/// Returns the median time of a whole run of the crate's `classify` on one image.
pub(crate) fn first_result_s(workshop: &Workshop) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..21 {
        let mut command = Command::new(workshop.program("classify"));
        command.arg(workshop.images()).args(["--f32", "--limit", "1"]);
        let start = Instant::now();
        run(&mut command)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Compares the logits of the crate's `classify` with the recorded ones.
pub(crate) fn check_ours(workshop: &Workshop) -> Result<()> {
    #[derive(Deserialize)]
    struct Line {
        logits: Vec<f32>,
    }
    let text = run(Command::new(workshop.program("classify")).arg(workshop.images()).arg("--f32"))?;
    let lines = text.lines().map(serde_json::from_str::<Line>).collect::<Result<Vec<Line>, _>>()?;
    let got: Vec<f32> = lines.into_iter().flat_map(|line| line.logits).collect();
    check_logits(&got, &workshop.logits()?)
}

/// Returns the command that times with ONNX Runtime.
pub(crate) fn onnxruntime(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg("codegen/benches/inference/onnxruntime_peer.py");
    command
}

/// Returns the command that times with LiteRT.
pub(crate) fn litert(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg("codegen/benches/inference/litert_peer.py").stderr(Stdio::null());
    command
}
