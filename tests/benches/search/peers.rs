//! Searches by pymoo on the same table of trainings.

use anyhow::{Context, Result, ensure};
use common::search::space::SearchSpace;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The output of pymoo's program.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) methods: Vec<Method>,
}

/// One of pymoo's algorithms.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// By seed: the evaluated genomes in order, as indices in [`SearchSpace::genomes`].
    pub(crate) evaluated: Vec<Vec<usize>>,
}

/// The input of pymoo's program.
pub(crate) struct Request<'a> {
    pub(crate) space: &'a SearchSpace,
    /// Error and log10 of parameters of each genome of the space.
    pub(crate) objectives: Vec<[f64; 2]>,
    pub(crate) population: usize,
    pub(crate) generations: usize,
    pub(crate) seeds: u64,
}

impl Request<'_> {
    /// Runs pymoo's program.
    ///
    /// # Errors
    /// Fails if the program cannot be run, or if its output is invalid.
    pub(crate) fn run(&self, python: &Path) -> Result<Answer> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/search/pymoo_peers.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: cannot start it", python.display()))?;
        let mut input = child.stdin.take().context("pymoo's program has no standard input")?;
        writeln!(input, "{}", self.as_json()?).context("cannot write to pymoo's program")?;
        drop(input);
        let output = child.wait_with_output().context("cannot read from pymoo's program")?;
        ensure!(output.status.success(), "pymoo's program failed: {}", output.status);
        let answer: Value = serde_json::from_slice(&output.stdout)
            .context("pymoo's program answered with something else than JSON")?;
        self.parsed(&answer).context("pymoo's program answered with something else than promised")
    }

    fn as_json(&self) -> Result<Value> {
        let positions = self
            .space
            .genomes()
            .map(|genome| self.space.positions(&genome))
            .collect::<Result<Vec<_>>>()?;
        Ok(json!({
            "sizes": self.space.sizes(),
            // Activations, kernel and optimizer are names; condense layers and feature extraction
            // layers are numbers.
            "ordered": [false, false, true, true, false, false],
            "positions": positions,
            "objectives": [&self.objectives],
            "population": self.population,
            "generations": self.generations,
            "seeds": self.seeds,
        }))
    }

    pub(crate) fn parsed(&self, answer: &Value) -> Result<Answer> {
        let methods = answer["methods"].as_array().context("no methods")?;
        let method = |method: &Value| {
            let name = method["name"].as_str().context("a method without a name")?.to_string();
            let evaluated: Vec<Vec<usize>> = serde_json::from_value(method["evaluated"].clone())?;
            ensure!(evaluated.len() as u64 == self.seeds, "{name} has {} seeds", evaluated.len());
            let most = self.population * self.generations;
            let sound = |seed: &Vec<usize>| {
                seed.len() <= most && seed.iter().all(|g| *g < self.objectives.len())
            };
            ensure!(
                evaluated.iter().all(sound),
                "{name} evaluated more than {most} genomes, or unknown ones"
            );
            Ok(Method { name, evaluated })
        };
        let version = answer["version"].as_str().context("no version")?.to_string();
        Ok(Answer { version, methods: methods.iter().map(method).collect::<Result<_>>()? })
    }
}
