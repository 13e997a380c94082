//! A peer: a process that trains when asked, and waits otherwise.

use crate::protocol::{Answer, Ask, Hello};
use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Who trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    /// What is judged.
    Ours,
    /// Candle without our operations.
    Candle,
    /// PyTorch as it comes.
    Eager,
    /// PyTorch with channels-last tensors and the fused optimizer.
    ChannelsLast,
    /// The same after torch.compile.
    Compiled,
}

impl Engine {
    /// The name in tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Engine::Ours => "ours",
            Engine::Candle => "plain Candle",
            Engine::Eager => "eager",
            Engine::ChannelsLast => "channels-last",
            Engine::Compiled => "compiled",
        }
    }

    /// Whether it is one of PyTorch's variants, of which the best counts.
    pub(crate) fn is_pytorch(self) -> bool {
        match self {
            Engine::Ours | Engine::Candle => false,
            Engine::Eager | Engine::ChannelsLast | Engine::Compiled => true,
        }
    }

    fn command(self, python: &Path) -> Result<Command> {
        let own = |kind: &str| -> Result<Command> {
            let program =
                std::env::current_exe().context("cannot find the running program's own path")?;
            let mut command = Command::new(program);
            command.args(["--worker", kind]);
            Ok(command)
        };
        match self {
            Engine::Ours => own("ours"),
            Engine::Candle => own("candle"),
            Engine::Eager | Engine::ChannelsLast | Engine::Compiled => {
                let mut command = Command::new(python);
                command.args(["train/benches/training/peers.py", "--variant", self.label()]);
                Ok(command)
            }
        }
    }
}

/// A running peer. It ends when this is dropped.
pub(crate) struct Peer {
    engine: Engine,
    child: Child,
    asks: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    /// What it said at first.
    pub(crate) hello: Hello,
}

impl Peer {
    /// Starts a peer with a number of threads; it is ready to be asked.
    pub(crate) fn start(engine: Engine, python: &Path, threads: usize) -> Result<Peer> {
        let mut command = engine.command(python)?;
        if engine.is_pytorch() {
            command.args(["--threads", &threads.to_string()]);
        }
        for variable in
            ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
        {
            command.env(variable, threads.to_string());
        }
        command.env(
            "TORCHINDUCTOR_CACHE_DIR",
            std::path::absolute(PathBuf::from("target/bench-inductor"))?,
        );
        let cannot = || format!("the {} peer cannot be started", engine.label());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(cannot)?;
        let asks = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().with_context(cannot)?).lines();
        let hello = receive(engine, &mut answers)?;
        Ok(Peer { engine, child, asks, answers, hello })
    }

    /// Sends an ask without waiting for the answer.
    pub(crate) fn send(&mut self, ask: &Ask) -> Result<()> {
        let stdin = self.asks.as_mut().context("the peer has ended")?;
        writeln!(stdin, "{}", serde_json::to_string(ask)?).with_context(|| ended(self.engine))
    }

    /// Waits for the answer to the last ask; a failure of the peer is in the answer.
    pub(crate) fn receive(&mut self) -> Result<Answer> {
        receive(self.engine, &mut self.answers)
    }

    /// Sends an ask and waits for the answer, which must not be a failure.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Answer> {
        self.send(ask)?;
        let answer = self.receive()?;
        match answer.error {
            None => Ok(answer),
            Some(error) => Err(anyhow!(error).context(format!("{} failed", self.engine.label()))),
        }
    }
}

fn receive<T: DeserializeOwned>(
    engine: Engine,
    answers: &mut Lines<BufReader<ChildStdout>>,
) -> Result<T> {
    let line = answers.next().with_context(|| ended(engine))?.with_context(|| ended(engine))?;
    serde_json::from_str(&line)
        .with_context(|| format!("the {} peer said {line:?}", engine.label()))
}

fn ended(engine: Engine) -> String {
    format!("the {} peer has ended; what it says on standard error tells why", engine.label())
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input is its sign to end.
        self.asks = None;
        let _ = self.child.wait();
    }
}
