//! The network on a GPU.

use crate::compiler::compile;
use crate::gpu::{Arguments, Call, Gpu, Recording};
use crate::steps::STEPS;
use crate::{ARENA_LEN, CLASSES, INPUT_LEN, Input, Output};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

/// The kernels, as templates.
const KERNELS: &str = include_str!("kernels.cu");
/// Constants, little-endian f32.
const WEIGHTS: &[u8] = include_bytes!("weights.bin");
/// The most images of a batch: a limit of CUDA.
const MAX_BATCH: usize = 65_535;
/// The number of blocks with which [`Model::new`] runs each step at least, if it can, for all
/// images: each multiprocessor of a large GPU then has one.
pub const ENOUGH_BLOCKS: usize = 128;

/// The reason why a GPU cannot be used.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Error {
        Error(text.into())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The times of the parts of [`Model::forward`], in seconds by the GPU's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Copying the images to the GPU.
    pub h2d_s: f64,
    /// Computing.
    pub kernel_s: f64,
    /// Copying the logits back.
    pub d2h_s: f64,
}

/// The place of a tensor.
#[derive(Clone, Copy)]
pub(crate) enum Location {
    /// The image.
    Image,
    /// This offset in the image's arena, in f32.
    Arena(usize),
    /// The logits.
    Logits,
}

/// One step; constants are offsets.
pub(crate) struct Step {
    pub(crate) from: Location,
    pub(crate) to: Location,
    pub(crate) norm: Option<usize>,
    pub(crate) weights: Option<usize>,
    pub(crate) bias: Option<usize>,
    pub(crate) channels: i32,
    pub(crate) filters: i32,
    pub(crate) launches: &'static [Launch],
}

/// One way to run a step: a kernel, the blocks for each image, the threads of a block, and its
/// shared memory in f32.
pub(crate) struct Launch {
    pub(crate) kernel: &'static str,
    pub(crate) blocks: usize,
    pub(crate) threads: u32,
    pub(crate) shared: u32,
}

impl Step {
    /// Returns the way to run the step for a batch: that with the fewest blocks that are enough,
    /// or else with the most.
    fn launch(&self, batch: usize, enough: usize) -> &'static Launch {
        let found = self.launches.iter().find(|launch| launch.blocks * batch >= enough);
        found.unwrap_or(&self.launches[self.launches.len() - 1])
    }
}

/// The network on this machine's GPU, for a number of images at a time.
pub struct Model {
    recording: Recording,
    batch: usize,
    description: String,
}

impl Model {
    /// Finds the GPU, compiles the kernels for it and copies the weights to it. That takes seconds.
    ///
    /// # Errors
    /// Fails if there is no GPU, driver or compiler, or not enough memory for as many images.
    pub fn new(batch: usize) -> Result<Model, Error> {
        Model::with_blocks(batch, ENOUGH_BLOCKS)
    }

    /// Does the same, but runs each step with the fewest blocks that are at least `enough`, which
    /// suits GPUs with other numbers of multiprocessors.
    ///
    /// # Errors
    /// Fails as [`Model::new`] does.
    pub fn with_blocks(batch: usize, enough: usize) -> Result<Model, Error> {
        if batch == 0 || batch > MAX_BATCH {
            return Err(Error::new(format!(
                "a batch has from 1 to {MAX_BATCH} images, not {batch}"
            )));
        }
        let gpu = Gpu::open()?;
        let names = names(batch, enough);
        let compiled = compile(&source(&names), gpu.compute_capability)?;
        let (major, minor) = compiled.version;
        let description = format!("{}, NVRTC {major}.{minor}", gpu.description());
        let weights: Vec<f32> = WEIGHTS
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        let lengths = [INPUT_LEN * batch, ARENA_LEN * batch, CLASSES.len() * batch];
        let device = gpu.load(compiled.code, &weights, lengths)?;
        let addresses = device.addresses();
        let call = |step: &Step| {
            let launch = step.launch(batch, enough);
            Call {
                kernel: &names[launch.kernel].name,
                launch,
                images: batch as u32,
                arguments: arguments(step, &addresses),
            }
        };
        let mut calls: Vec<Call<'_>> = STEPS.iter().map(call).collect();
        Ok(Model { recording: device.record(&mut calls)?, batch, description })
    }

    /// Returns the number of images in a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Returns the names of the GPU and of the compiler.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Computes the logits of normalised images, at most a batch.
    ///
    /// # Errors
    /// Fails if the GPU fails.
    ///
    /// # Panics
    /// Panics if there are more images than a batch has, or if the numbers of images and outputs
    /// differ.
    pub fn forward(&mut self, images: &[Input], outputs: &mut [Output]) -> Result<Times, Error> {
        assert!(images.len() <= self.batch && images.len() == outputs.len());
        self.recording.run(images.as_flattened(), outputs.as_flattened_mut())
    }
}

/// The addresses of images, arenas, logits and constants in the GPU's memory.
pub(crate) struct Addresses {
    pub(crate) images: u64,
    pub(crate) arenas: u64,
    pub(crate) logits: u64,
    pub(crate) weights: u64,
}

fn arguments(step: &Step, addresses: &Addresses) -> Arguments {
    let floats = |count: usize| (count * size_of::<f32>()) as u64;
    let location = |location: Location| match location {
        Location::Image => (addresses.images, INPUT_LEN as i64),
        Location::Arena(at) => (addresses.arenas + floats(at), ARENA_LEN as i64),
        Location::Logits => (addresses.logits, CLASSES.len() as i64),
    };
    let constant = |at: Option<usize>| at.map_or(0, |at| addresses.weights + floats(at));
    let ((from, from_step), (to, to_step)) = (location(step.from), location(step.to));
    Arguments {
        from,
        from_step,
        to,
        to_step,
        norm: constant(step.norm),
        weights: constant(step.weights),
        bias: constant(step.bias),
        channels: step.channels,
        filters: step.filters,
    }
}

/// A kernel that a batch needs.
struct Kernel {
    /// The name of the compiled function.
    name: String,
    threads: u32,
}

/// Returns the kernels that a batch needs, by their C++ types.
fn names(batch: usize, enough: usize) -> BTreeMap<&'static str, Kernel> {
    let mut names = BTreeMap::new();
    for launch in STEPS.iter().map(|step| step.launch(batch, enough)) {
        let name = format!("kernel{}", names.len());
        names.entry(launch.kernel).or_insert(Kernel { name, threads: launch.threads });
    }
    names
}

/// Returns the source to compile: the templates, and a function for each kernel.
fn source(names: &BTreeMap<&'static str, Kernel>) -> String {
    let mut source = KERNELS.to_string();
    for (kernel, Kernel { name, threads }) in names {
        let _ = write!(
            source,
            "\nextern \"C\" __global__ void __launch_bounds__({threads}) \
             {name}(const Arguments a) {{ {kernel}::run(a); }}\n"
        );
    }
    source
}
