//! The process of a peer that is written in Rust: it responds to requests on standard input.

use crate::protocol::{Hello, Request, Response};
use crate::{machine, ours, plain_candle};
use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use clap::ValueEnum;
use common::dataset::Images;
use common::files::json;
use common::network::{Input, Network};
use common::profile::Augmentation;
use common::seed;
use process::cli::print_line;
use rand::{Rng, RngExt};
use std::path::Path;
use std::time::Instant;
use train::data::augment::Augmenter;
use train::data::batches::{self, Batch};
use train::ops::simd::Level;
use train::resources;

/// Images from which batches are drawn: more than the caches hold.
const IMAGES: usize = 1024;
const WARM_UP_STEPS: usize = 2;

/// A full optimisation step with the images at some indices; returns the loss.
pub(crate) type Step = Box<dyn FnMut(&[usize]) -> Result<f64>>;

/// The peer that this process is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// The implementation of this crate.
    Ours,
    /// The same with `training.quantize`.
    Rounded,
    /// Candle without the operations of this crate.
    Candle,
}

/// Responds to requests until standard input ends.
pub(crate) fn run(kind: Kind) -> Result<()> {
    let version = format!("Candle {}, {:?}", machine::candle_version(), Level::detected());
    say(&serde_json::to_string(&Hello { version, peak_bytes: resources::peak_rss_bytes().ok() })?)?;
    let mut training = None;
    for line in std::io::stdin().lines() {
        let request: Request = serde_json::from_str(&line.context("cannot read a request")?)
            .context("not a request")?;
        let outcome = respond(kind, &mut training, request);
        let (seconds, error) = match outcome {
            Ok(seconds) => (seconds, None),
            Err(error) => (vec![], Some(format!("{error:#}"))),
        };
        say(&serde_json::to_string(&Response {
            seconds,
            peak_bytes: resources::peak_rss_bytes().ok(),
            error,
        })?)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    print_line(line)
}

fn respond(kind: Kind, training: &mut Option<Training>, request: Request) -> Result<Vec<f64>> {
    match request {
        Request::Prepare { network, batch, parameters: _ } => {
            training.insert(Training::new(kind, &network, batch)?).steps(WARM_UP_STEPS)
        }
        Request::Steps { count } => training.as_mut().context("nothing was prepared")?.steps(count),
        Request::Multiply { size, count } => {
            let matrix = || Tensor::rand(0f32, 1f32, (size, size), &Device::Cpu);
            let (a, b) = (matrix()?, matrix()?);
            (0..count).map(|_| timed(|| Ok(a.matmul(&b)?))).collect()
        }
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let started = Instant::now();
    // The result is freed within the measured time, as in a loop.
    drop(work()?);
    Ok(started.elapsed().as_secs_f64())
}

/// The training of one network at one batch size on random images.
struct Training {
    step: Step,
    batch: usize,
    done: usize,
}

impl Training {
    fn new(kind: Kind, network: &Path, batch: usize) -> Result<Training> {
        let network: Network = json::read(network)?;
        let images = random_images(&network);
        let step = match kind {
            Kind::Ours => ours::step(network, images, false)?,
            Kind::Rounded => ours::step(network, images, true)?,
            Kind::Candle => plain_candle::step(network, images)?,
        };
        Ok(Training { step, batch, done: 0 })
    }

    fn steps(&mut self, count: usize) -> Result<Vec<f64>> {
        (0..count)
            .map(|_| {
                let indices = &batches::shuffled(IMAGES, 0, self.done)[..self.batch];
                self.done += 1;
                timed(|| (self.step)(indices))
            })
            .collect()
    }
}

fn random_images(network: &Network) -> Images {
    let shape = network.input.shape();
    let mut pixels = vec![0; IMAGES * shape.elements()];
    seed::stream(0, "bench/pixels").fill_bytes(&mut pixels);
    let mut rng = seed::stream(0, "bench/labels");
    let labels = (0..IMAGES).map(|_| rng.random_range(0..network.classes.len() as u16)).collect();
    Images { shape, pixels, labels, sha256: String::new() }
}

/// Returns the images at some indices as `train fit` without augmentation does.
pub(crate) fn batch(images: &Images, indices: &[usize], input: &Input) -> Result<Batch> {
    let settings = Augmentation::default();
    batches::augmented_batch(
        images,
        indices,
        input,
        Augmenter { settings: &settings, seed: 0, epoch: 1 },
    )
}
