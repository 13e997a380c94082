//! A peer: a process that trains on request, and waits otherwise.

use crate::protocol::{Hello, Request, Response};
use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The implementation that trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    /// The implementation of this crate, which is judged.
    Ours,
    /// The same with `training.quantize`.
    Rounded,
    /// Candle without the operations of this crate.
    Candle,
    /// PyTorch with its defaults.
    Eager,
    /// PyTorch with channels-last tensors and the fused optimizer.
    ChannelsLast,
    /// The same, compiled by torch.compile.
    Compiled,
}

impl Engine {
    /// Returns the name in tables.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Engine::Ours => "ours",
            Engine::Rounded => "with quantize",
            Engine::Candle => "plain Candle",
            Engine::Eager => "eager",
            Engine::ChannelsLast => "channels-last",
            Engine::Compiled => "compiled",
        }
    }

    /// Returns whether this is a variant of PyTorch, of which the best counts.
    pub(crate) fn is_pytorch(self) -> bool {
        match self {
            Engine::Ours | Engine::Rounded | Engine::Candle => false,
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
            Engine::Rounded => own("rounded"),
            Engine::Candle => own("candle"),
            Engine::Eager | Engine::ChannelsLast | Engine::Compiled => {
                let mut command = Command::new(python);
                command.args(["train/benches/training/peers.py", "--variant", self.label()]);
                Ok(command)
            }
        }
    }
}

/// A running peer. Its process ends when this is dropped.
pub(crate) struct Peer {
    engine: Engine,
    child: Child,
    requests: Option<ChildStdin>,
    responses: Lines<BufReader<ChildStdout>>,
    /// The first message of the peer.
    pub(crate) hello: Hello,
}

impl Peer {
    /// Starts a peer with a number of threads and waits for its first message.
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
        let requests = child.stdin.take();
        let mut responses = BufReader::new(child.stdout.take().with_context(cannot)?).lines();
        let hello = receive(engine, &mut responses)?;
        Ok(Peer { engine, child, requests, responses, hello })
    }

    /// Sends a request without waiting for the response.
    pub(crate) fn send(&mut self, request: &Request) -> Result<()> {
        let stdin = self.requests.as_mut().context("the peer has ended")?;
        writeln!(stdin, "{}", serde_json::to_string(request)?).with_context(|| ended(self.engine))
    }

    /// Waits for the response to the last request. A failure of the peer is in the response.
    pub(crate) fn receive(&mut self) -> Result<Response> {
        receive(self.engine, &mut self.responses)
    }

    /// Sends a request and waits for the response, which must not be a failure.
    pub(crate) fn request(&mut self, request: &Request) -> Result<Response> {
        self.send(request)?;
        let response = self.receive()?;
        match response.error {
            None => Ok(response),
            Some(error) => Err(anyhow!(error).context(format!("{} failed", self.engine.label()))),
        }
    }
}

fn receive<T: DeserializeOwned>(
    engine: Engine,
    responses: &mut Lines<BufReader<ChildStdout>>,
) -> Result<T> {
    let line = responses.next().with_context(|| ended(engine))?.with_context(|| ended(engine))?;
    serde_json::from_str(&line)
        .with_context(|| format!("the {} peer said {line:?}", engine.label()))
}

fn ended(engine: Engine) -> String {
    format!("the {} peer has ended; its standard error says why", engine.label())
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The peer ends at the end of its input.
        self.requests = None;
        let _ = self.child.wait();
    }
}
