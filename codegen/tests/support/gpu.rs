//! Runs a plan for a GPU on the CPU: the kernels' own source, built with g++ and
//! `tests/cuda/gpu.h`.

use super::tools::tool;
use super::{random_weights, success};
use codegen::cuda::{Call, KERNELS, Location, calls};
use codegen::plan::pack::pack;
use codegen::plan::{Device, Plan};
use common::network::Network;
use common::network::weights::Weights;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Numbers of blocks that select the launch with the fewest blocks, and the one with the most.
pub(crate) const FEWEST_BLOCKS: u32 = 0;
pub(crate) const MOST_BLOCKS: u32 = u32::MAX;

/// Returns whether there is a compiler; if there is none, the test is recorded as skipped.
pub(crate) fn has_compiler() -> bool {
    tool("g++", "CUDA kernels on an emulated GPU").is_some()
}

fn compiler() -> Command {
    let mut compiler = Command::new("g++");
    compiler.args([
        "-std=c++17",
        "-O1",
        "-march=native",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-unknown-pragmas",
    ]);
    compiler.arg("-I").arg(source(""));
    compiler
}

/// Builds a shared library from files of `tests/cuda`.
pub(crate) fn build_library(sources: &[&str], library: &Path) {
    let name = library.file_name().unwrap().to_str().unwrap();
    let mut build = compiler();
    build.args(["-shared", "-fPIC", &format!("-Wl,-soname,{name}"), "-o"]).arg(library);
    success(&build.args(sources.iter().map(|name| source(name))).arg("-ldl").output().unwrap());
}

/// Returns the path of a file in `tests/cuda`.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda").join(name)
}

/// Returns the objects that are the same for all networks and kernels, built once.
fn runner() -> &'static [PathBuf; 2] {
    static RUNNER: OnceLock<[PathBuf; 2]> = OnceLock::new();
    RUNNER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gpu");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("kernels.cu"), KERNELS).unwrap();
        ["gpu", "run"].map(|name| {
            let object = folder.join(name).with_extension("o");
            let source = source(&format!("{name}.cpp"));
            success(
                &compiler()
                    .arg("-I")
                    .arg(&folder)
                    .arg("-c")
                    .arg(source)
                    .arg("-o")
                    .arg(&object)
                    .output()
                    .unwrap(),
            );
            object
        })
    })
}

/// A program that runs a network.
pub(crate) struct Emulator {
    dir: tempfile::TempDir,
    /// The random weights.
    pub(crate) weights: Weights,
    classes: usize,
}

impl Emulator {
    /// Builds the program with the kernels as they are.
    pub(crate) fn new(network: &Network) -> Emulator {
        Emulator::with_kernels(network, KERNELS)
    }

    /// Builds the program with other kernels.
    pub(crate) fn with_kernels(network: &Network, kernels: &str) -> Emulator {
        let dir = tempfile::tempdir().unwrap();
        let weights = random_weights(network, 5);
        let plan = Plan::on(network, Device::Gpu).unwrap();
        let constants = pack(&plan, network, &weights).unwrap();
        let emulator = Emulator { dir, weights, classes: network.classes.len() };
        fs::write(emulator.path("kernels.cu"), kernels).unwrap();
        fs::write(emulator.path("network.cpp"), table(network, &plan)).unwrap();
        fs::write(emulator.path("constants"), bytes(&constants)).unwrap();
        let mut build = compiler();
        build.arg("-I").arg(emulator.dir.path()).arg("-o").arg(emulator.path("run"));
        success(&build.arg(emulator.path("network.cpp")).args(runner()).output().unwrap());
        emulator
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns the logits of images, in batches, with launches of at least `enough` blocks, in one
    /// of the orders of `gpu.h`.
    pub(crate) fn run(
        &self,
        images: &[Vec<f32>],
        batch: usize,
        enough: u32,
        order: u32,
    ) -> Vec<Vec<f32>> {
        success(&self.try_run(images, batch, enough, order));
        self.logits()
    }

    /// Returns the logits of the last run.
    pub(crate) fn logits(&self) -> Vec<Vec<f32>> {
        let logits = fs::read(self.path("logits")).unwrap();
        let logits: Vec<f32> =
            logits.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        logits.chunks(self.classes).map(<[f32]>::to_vec).collect()
    }

    /// Runs the program as [`Emulator::run`] does, and returns its output, also if it fails.
    pub(crate) fn try_run(
        &self,
        images: &[Vec<f32>],
        batch: usize,
        enough: u32,
        order: u32,
    ) -> Output {
        fs::write(self.path("images"), bytes(&images.concat())).unwrap();
        let numbers = [batch.to_string(), enough.to_string(), order.to_string()];
        let files = ["constants", "images", "logits"].map(|name| self.path(name));
        Command::new(self.path("run")).args(files).args(numbers).output().unwrap()
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Returns the calls as a C++ table.
fn table(network: &Network, plan: &Plan) -> String {
    let calls: Vec<String> = calls(network, plan).unwrap().iter().map(row).collect();
    format!(
        "#include \"network.h\"\n
template <class Kernel>
static void run(const void *arguments) {{
    Kernel::run(*static_cast<const Arguments *>(arguments));
}}\n
const long long IMAGE_LEN = {}, ARENA_LEN = {}, CLASSES = {};
const std::vector<Call> calls = {{\n{}}};\n",
        network.input.shape().elements(),
        plan.arena_len,
        network.classes.len(),
        calls.concat()
    )
}

fn row(call: &Call) -> String {
    let location = |location: Location| match location {
        Location::Image => "{IMAGE, 0}".to_string(),
        Location::Arena(at) => format!("{{ARENA, {at}}}"),
        Location::Logits => "{LOGITS, 0}".to_string(),
    };
    let constant = |at: Option<usize>| at.map_or("-1".to_string(), |at| at.to_string());
    let launches: Vec<String> = call
        .launches
        .iter()
        .map(|launch| {
            format!(
                "{{run<{}>, {}, {}, {}}}",
                launch.kernel, launch.blocks, launch.threads, launch.shared
            )
        })
        .collect();
    format!(
        "    {{{}, {}, {}, {}, {}, {}, {}, {{{}}}}},\n",
        location(call.from),
        location(call.to),
        constant(call.norm),
        constant(call.weights),
        constant(call.bias),
        call.channels,
        call.filters,
        launches.join(", ")
    )
}
