//! One convolution of a FEL, forward and backward: ours against Candle's own, interleaved in one
//! run, medians. Run with `cargo bench -p train --bench convolution`.

use candle_core::{Device, Result, Tensor, Var};
use std::time::Instant;
use train::ops::blocks::to_blocks;
use train::ops::conv::Conv2d;
use train::ops::simd::Level;

const ROUNDS: usize = 5;

fn seconds(x: &Var, w: &Var, convolve: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<f64> {
    let started = Instant::now();
    convolve(x, w)?.sum_all()?.backward()?;
    Ok(started.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<()> {
    println!(
        "convolution, forward and backward, 64 images, {} threads",
        rayon::current_num_threads()
    );
    println!(
        "{:28} {:>10} {:>10} {:>8}",
        "input -> channels, kernel", "ours ms", "Candle ms", "ratio"
    );
    train::memory::keep();
    for (channels, side, out, kernel) in
        [(24, 28, 12, 3), (72, 28, 12, 3), (24, 32, 12, 5), (72, 28, 72, 1)]
    {
        let x = Var::randn(0f32, 1f32, (64, channels, side, side), &Device::Cpu)?;
        let w = Var::randn(0f32, 0.1f32, (out, channels, kernel, kernel), &Device::Cpu)?;
        let ours = Conv2d { images: 64, stride: 1, level: Level::detected() };
        let in_blocks = Var::from_tensor(&to_blocks(&x)?)?;
        let (mut of_ours, mut of_candle) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_ours.push(seconds(&in_blocks, &w, |x, w| ours.apply(x, w))?);
            of_candle.push(seconds(&x, &w, |x, w| x.conv2d(w, kernel / 2, 1, 1, 1))?);
        }
        let (ours, candle) = (median(of_ours), median(of_candle));
        let name = format!("{channels}x{side}x{side} -> {out}, {kernel}x{kernel}");
        println!("{name:28} {:10.2} {:10.2} {:8.1}", ours * 1e3, candle * 1e3, candle / ours);
    }
    Ok(())
}
