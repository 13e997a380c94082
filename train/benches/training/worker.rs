//! The side of a peer that is written in Rust: answers asks on standard input.

use crate::protocol::{Answer, Ask, Hello};
use crate::{machine, ours, plain_candle};
use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use clap::ValueEnum;
use common::dataset::Images;
use common::network::{Input, Network};
use common::profile::Augmentation;
use common::{json, seed, stage};
use rand::{Rng, RngExt};
use std::path::Path;
use std::time::Instant;
use train::data::augment::Augmenter;
use train::data::batches::{self, Batch};
use train::ops::simd::Level;
use train::resources;

/// Images to draw batches from: more than the caches hold.
const IMAGES: usize = 1024;
const WARM_UP_STEPS: usize = 2;

/// A full optimisation step over the images at some indices; gives the loss.
pub(crate) type Step = Box<dyn FnMut(&[usize]) -> Result<f64>>;

/// Which of our peers this process is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// What is judged.
    Ours,
    /// Candle without our operations.
    Candle,
}

/// Answers until standard input ends.
pub(crate) fn run(kind: Kind) -> Result<()> {
    let version = format!("Candle {}, {:?}", machine::candle_version(), Level::detected());
    say(&serde_json::to_string(&Hello { version, peak_bytes: resources::peak_rss_bytes().ok() })?)?;
    let mut training = None;
    for line in std::io::stdin().lines() {
        let ask: Ask =
            serde_json::from_str(&line.context("cannot read an ask")?).context("not an ask")?;
        let outcome = answer(kind, &mut training, ask);
        let (seconds, error) = match outcome {
            Ok(seconds) => (seconds, None),
            Err(error) => (vec![], Some(format!("{error:#}"))),
        };
        say(&serde_json::to_string(&Answer {
            seconds,
            peak_bytes: resources::peak_rss_bytes().ok(),
            error,
        })?)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    stage::print_line(line)
}

fn answer(kind: Kind, training: &mut Option<Training>, ask: Ask) -> Result<Vec<f64>> {
    match ask {
        Ask::Prepare { network, batch, parameters: _ } => {
            training.insert(Training::new(kind, &network, batch)?).steps(WARM_UP_STEPS)
        }
        Ask::Steps { count } => training.as_mut().context("nothing was prepared")?.steps(count),
        Ask::Multiply { size, count } => {
            let matrix = || Tensor::rand(0f32, 1f32, (size, size), &Device::Cpu);
            let (a, b) = (matrix()?, matrix()?);
            (0..count).map(|_| timed(|| Ok(a.matmul(&b)?))).collect()
        }
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let started = Instant::now();
    // What it made is freed within the time, as in a loop.
    drop(work()?);
    Ok(started.elapsed().as_secs_f64())
}

/// Steps of one network at one batch size over random images.
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
            Kind::Ours => ours::step(network, images)?,
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

/// The images at some indices, as `train fit` takes them without augmentation.
pub(crate) fn batch(images: &Images, indices: &[usize], input: &Input) -> Result<Batch> {
    let settings = Augmentation::default();
    batches::augmented_batch(
        images,
        indices,
        input,
        Augmenter { settings: &settings, seed: 0, epoch: 1 },
    )
}
