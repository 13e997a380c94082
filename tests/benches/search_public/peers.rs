//! Searches of other libraries on the same table.

use crate::table::{CELLS, GENES, OPERATIONS};
use anyhow::{Context, Result, ensure};
use explore::algorithm::problem::{Gene, genomes};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Population of the peers.
const POPULATION: usize = 40;

/// A library with searches.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    /// The program that runs them, from the folder of the crate on.
    script: &'static str,
    /// Largest numbers of evaluations and of seeds, because some take long.
    pub(crate) most: usize,
    pub(crate) seeds: u64,
}

pub(crate) const PYMOO: Library = Library {
    name: "pymoo",
    script: "benches/search/pymoo_peers.py",
    most: usize::MAX,
    seeds: u64::MAX,
};
pub(crate) const OPTUNA: Library = Library {
    name: "Optuna",
    script: "benches/search_public/optuna_peers.py",
    most: 1000,
    seeds: u64::MAX,
};
pub(crate) const BOTORCH: Library = Library {
    name: "BoTorch",
    script: "benches/search_public/botorch_peers.py",
    most: 400,
    seeds: 5,
};

/// A kind of search of a library.
#[derive(Debug, Deserialize)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// By seed: the evaluated cells in order.
    pub(crate) evaluated: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Answer {
    methods: Vec<Method>,
}

impl Library {
    /// Runs the searches of each kind, one for each list of errors and costs. Volume counts up to the
    /// reference.
    ///
    /// # Errors
    /// Fails if the program cannot be run, or if its output is invalid.
    pub(crate) fn run(
        &self,
        python: &Path,
        seen: &[Vec<[f64; 2]>],
        reference: [f64; 2],
        evaluations: usize,
    ) -> Result<Vec<Method>> {
        let output = self.output(python, &request(seen, reference, evaluations))?;
        let answer: Answer = serde_json::from_slice(&output)
            .with_context(|| format!("{}: its output is not as promised", self.script))?;
        let known = |cells: &Vec<usize>| cells.iter().all(|cell| *cell < CELLS);
        ensure!(
            answer.methods.iter().all(|method| method.evaluated.iter().all(known)),
            "{}: it evaluated unknown cells",
            self.script
        );
        Ok(answer.methods)
    }

    fn output(&self, python: &Path, request: &Value) -> Result<Vec<u8>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.script);
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: cannot start it", python.display()))?;
        let mut input = child.stdin.take().context("the program has no standard input")?;
        writeln!(input, "{request}").with_context(|| format!("{}: cannot write", self.script))?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{} failed: {}", self.script, output.status);
        Ok(output.stdout)
    }
}

fn request(seen: &[Vec<[f64; 2]>], reference: [f64; 2], evaluations: usize) -> Value {
    let positions: Vec<_> = genomes(&vec![Gene::categories(OPERATIONS); GENES]).collect();
    json!({
        "sizes": vec![OPERATIONS; GENES],
        "ordered": vec![false; GENES],
        "positions": positions,
        "objectives": seen,
        "reference": reference,
        "population": POPULATION,
        "generations": evaluations.div_ceil(POPULATION),
        "seeds": seen.len(),
    })
}
