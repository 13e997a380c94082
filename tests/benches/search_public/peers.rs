//! pymoo's searches on the same table.

use crate::table::{GENES, OPERATIONS};
use anyhow::{Context, Result, ensure};
use explore::algorithm::problem::{Gene, genomes};
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Population of the peers.
const POPULATION: usize = 40;

/// A peer's searches.
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

/// Runs pymoo's searches, one for each list of errors and costs.
///
/// # Errors
/// Fails if the program cannot be run, or if its output is invalid.
pub(crate) fn pymoo(
    python: &Path,
    seen: &[Vec<[f64; 2]>],
    evaluations: usize,
) -> Result<Vec<Method>> {
    let positions: Vec<_> = genomes(&vec![Gene::categories(OPERATIONS); GENES]).collect();
    let request = json!({
        "sizes": vec![OPERATIONS; GENES],
        "ordered": vec![false; GENES],
        "positions": positions,
        "objectives": seen,
        "population": POPULATION,
        "generations": evaluations.div_ceil(POPULATION),
        "seeds": seen.len(),
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/search/pymoo_peers.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{}: cannot start it", python.display()))?;
    let mut input = child.stdin.take().context("pymoo's program has no standard input")?;
    writeln!(input, "{request}").context("cannot write to pymoo's program")?;
    drop(input);
    let output = child.wait_with_output().context("cannot read from pymoo's program")?;
    ensure!(output.status.success(), "pymoo's program failed: {}", output.status);
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .context("pymoo's program answered with something else than promised")?;
    let known = |cells: &Vec<usize>| cells.iter().all(|cell| *cell < positions.len());
    ensure!(
        answer.methods.iter().all(|method| method.evaluated.iter().all(known)),
        "pymoo's program evaluated unknown cells"
    );
    Ok(answer.methods)
}
