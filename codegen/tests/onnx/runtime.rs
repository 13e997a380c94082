//! Runs ONNX models in ONNX Runtime.

use crate::support::success;
use crate::support::tools::skip;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the Python that ONNX_PYTHON names, or else that of `target/onnx-venv`, if it has onnx,
/// onnxruntime and numpy; if not, the test is recorded as skipped.
fn python() -> Option<PathBuf> {
    let (made, named) = ("target/onnx-venv/bin/python", std::env::var_os("ONNX_PYTHON"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let python = named.map_or_else(|| root.join(made), PathBuf::from);
    let output = Command::new(&python).args(["-c", "import onnx, onnxruntime, numpy"]).output();
    if output.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skip("onnxruntime", "ONNX models; `make target/onnx-venv/installed` installs it");
    None
}

/// Returns what `check.py` prints for each folder, or `None` if there is no ONNX Runtime.
pub(crate) fn check(folders: &[&Path]) -> Option<Vec<Value>> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/check.py");
    let output = Command::new(python).arg(script).args(folders).output().unwrap();
    let text = success(&output);
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
