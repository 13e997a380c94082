//! The order of a run: one cell after the other; within a cell the peers take turns, and only one
//! computes at a time.

use crate::cells::{self, Cell};
use crate::peer::{Engine, Peer};
use crate::protocol::Request;
use crate::results::{CellResult, PairResult, Results, Timed, Versions, median};
use anyhow::{Context, Result, ensure};
use common::files::json;
use common::network::counts;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

const THREADS: usize = 2;
/// Pause between turns, because thread pools spin for a moment after their work.
const SETTLING: Duration = Duration::from_millis(100);
/// Side of the matrices whose product is the sgemm peak.
const MATRIX: usize = 2048;
/// Products in one turn.
const PRODUCTS: usize = 3;

/// The options of a run.
pub(crate) struct Run<'a> {
    /// Python interpreter with torch.
    pub(crate) python: &'a Path,
    /// Text in the names of the measured cells.
    pub(crate) only: &'a str,
    /// Whether to measure few rounds and leave out torch.compile.
    pub(crate) quick: bool,
}

/// One peer during the measurement of a cell.
struct Participant {
    engine: Engine,
    /// The process, or the reason why it failed.
    peer: Result<Peer, String>,
    seconds: Vec<f64>,
    peak_bytes: Option<u64>,
}

impl Run<'_> {
    /// Measures all cells and pairs.
    pub(crate) fn run(&self) -> Result<Results> {
        let all = cells::all(self.only);
        ensure!(!all.is_empty(), "--only {:?}: no cell has this in its name", self.only);
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut ours = Peer::start(Engine::Ours, self.python, THREADS)?;
        let mut pytorch = Peer::start(Engine::Eager, self.python, THREADS)?;
        let versions = Versions {
            ours: ours.hello.version.clone(),
            pytorch: pytorch.hello.version.clone(),
            ours_bare_bytes: ours.hello.peak_bytes,
            pytorch_bare_bytes: pytorch.hello.peak_bytes,
        };
        let mut gauge = [&mut ours, &mut pytorch];
        let (mut results, mut pairs) = (Vec::new(), Vec::new());
        for cell in all {
            let network = cell.net.network()?;
            let path = folder.path().join("network.json");
            json::write(&path, &network)?;
            let parameters = counts::count(&network)?.parameters;
            let prepare = Request::Prepare { network: path, batch: cell.batch, parameters };
            let result = self.cell(cell, &prepare, &mut gauge).with_context(|| cell.name())?;
            if let (true, Some((best, _))) = (cell.in_pairs, result.best_pytorch()) {
                pairs.push(self.pairs(cell, &prepare, best).with_context(|| cell.name())?);
            }
            results.push(result);
        }
        Ok(Results { cells: results, pairs, versions, rounds: self.rounds(), quick: self.quick })
    }

    fn rounds(&self) -> usize {
        if self.quick { 2 } else { 5 }
    }

    fn engines(&self, cell: Cell) -> Vec<Engine> {
        let takes_part = |engine: &Engine| match engine {
            Engine::Ours | Engine::Rounded | Engine::Eager | Engine::ChannelsLast => true,
            Engine::Candle => cell.with_candle,
            Engine::Compiled => !self.quick,
        };
        let order = [
            Engine::Ours,
            Engine::Rounded,
            Engine::Eager,
            Engine::ChannelsLast,
            Engine::Compiled,
            Engine::Candle,
        ];
        order.into_iter().filter(takes_part).collect()
    }

    fn cell(
        &self,
        cell: Cell,
        prepare: &Request,
        gauge: &mut [&mut Peer; 2],
    ) -> Result<CellResult> {
        eprintln!("{}", cell.name());
        let mut participants: Vec<Participant> = self
            .engines(cell)
            .into_iter()
            .map(|engine| Participant::start(engine, self.python, prepare))
            .collect();
        let mut products: [Vec<f64>; 2] = Default::default();
        for _ in 0..self.rounds() {
            for participant in &mut participants {
                participant.turn(cell);
            }
            for (peer, seconds) in gauge.iter_mut().zip(&mut products) {
                sleep(SETTLING);
                seconds.extend(
                    peer.request(&Request::Multiply { size: MATRIX, count: PRODUCTS })?.seconds,
                );
            }
        }
        let fastest = products.into_iter().filter_map(median).fold(f64::INFINITY, f64::min);
        let result = CellResult {
            cell,
            macs: cells::macs(&cell.net.network()?)?,
            entries: participants.into_iter().map(Participant::outcome).collect(),
            sgemm: 2.0 * (MATRIX as f64).powi(3) / fastest,
        };
        for (engine, outcome) in &result.entries {
            match outcome {
                Ok(timed) => eprintln!("  {:14} {:9.1} ms", engine.label(), timed.step_s * 1e3),
                Err(reason) => eprintln!("  {:14} {reason}", engine.label()),
            }
        }
        result.of(Engine::Ours).context("ours has no result")?;
        Ok(result)
    }

    /// Measures two processes of one thread each at the same time, as a search trains its
    /// candidates.
    fn pairs(&self, cell: Cell, prepare: &Request, best: Engine) -> Result<PairResult> {
        let start = |engine: Engine| -> Result<[Peer; 2]> {
            let mut pair =
                [Peer::start(engine, self.python, 1)?, Peer::start(engine, self.python, 1)?];
            for peer in &mut pair {
                peer.request(prepare)?;
            }
            Ok(pair)
        };
        let mut pairs = [start(Engine::Ours)?, start(best)?];
        let mut seconds: [[Vec<f64>; 2]; 2] = Default::default();
        for _ in 0..self.rounds() {
            for (pair, seconds) in pairs.iter_mut().zip(&mut seconds) {
                sleep(SETTLING);
                for peer in pair.iter_mut() {
                    peer.send(&Request::Steps { count: cell.net.steps })?;
                }
                for (peer, seconds) in pair.iter_mut().zip(seconds) {
                    let response = peer.receive()?;
                    ensure!(response.error.is_none(), "a step failed: {:?}", response.error);
                    seconds.extend(response.seconds);
                }
            }
        }
        let rate = |of_pair: [Vec<f64>; 2]| {
            of_pair.into_iter().filter_map(median).map(|s| cell.batch as f64 / s).sum()
        };
        let [ours, pytorch] = seconds.map(rate);
        eprintln!("  in pairs       {ours:.0} images/s, {} {pytorch:.0}", best.label());
        Ok(PairResult { cell, ours, pytorch, engine: best })
    }
}

impl Participant {
    fn start(engine: Engine, python: &Path, prepare: &Request) -> Participant {
        let ready = Peer::start(engine, python, THREADS)
            .and_then(|mut peer| peer.request(prepare).map(|_| peer));
        Participant {
            engine,
            peer: ready.map_err(|e| format!("{e:#}")),
            seconds: Vec::new(),
            peak_bytes: None,
        }
    }

    fn turn(&mut self, cell: Cell) {
        let Ok(peer) = &mut self.peer else { return };
        sleep(SETTLING);
        let count = if self.engine == Engine::Candle { 1 } else { cell.net.steps };
        match peer.request(&Request::Steps { count }) {
            Ok(response) => {
                self.seconds.extend(response.seconds);
                self.peak_bytes = response.peak_bytes;
            }
            Err(error) => self.peer = Err(format!("{error:#}")),
        }
    }

    fn outcome(self) -> (Engine, Result<Timed, String>) {
        let timed = |_| {
            let step_s = median(self.seconds).ok_or("it did no step")?;
            Ok(Timed { step_s, peak_bytes: self.peak_bytes })
        };
        (self.engine, self.peer.and_then(timed))
    }
}
