//! Times an ONNX file with tract. Speaks the same protocol as onnxruntime_peer.py:
//! `MODEL IMAGES ELEMENTS` on the command line; one line of JSON with version and logits when
//! ready; then, for each line with a number of seconds, one line with the latencies' median.

use anyhow::{Context, Result, bail};
use std::io::BufRead;
use std::time::{Duration, Instant};
use tract_onnx::prelude::*;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, shape] = &arguments[..] else { bail!("usage: tract-peer MODEL IMAGES CxHxW") };
    let shape: Vec<usize> = shape.split('x').map(str::parse).collect::<Result<_, _>>().context("the shape")?;
    let shape = [&[1], &shape[..]].concat();
    let runnable = tract_onnx::onnx()
        .model_for_path(model)?
        .with_input_fact(0, f32::fact(&shape).into())?
        .into_optimized()?
        .into_runnable()?;
    let bytes = std::fs::read(images)?;
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let image = |values: &[f32]| Ok(Tensor::from_shape(&shape, values)?.into_tvalue());
    let images = values.chunks_exact(shape.iter().product()).map(image).collect::<Result<Vec<TValue>>>()?;
    let mut logits: Vec<f32> = Vec::new();
    for image in &images {
        logits.extend(runnable.run(tvec!(image.clone()))?[0].to_plain_array_view::<f32>()?.iter());
    }
    println!("{{\"logits\":{logits:?}}}");
    for line in std::io::stdin().lock().lines() {
        let length = Duration::from_secs_f64(line?.trim().parse()?);
        let (start, mut times) = (Instant::now(), Vec::new());
        while start.elapsed() < length {
            let input = tvec!(images[times.len() % images.len()].clone());
            let begin = Instant::now();
            runnable.run(input)?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        println!("{{\"p50_s\":{:?}}}", times[(times.len() - 1) / 2].as_secs_f64());
    }
    Ok(())
}
