#[path = "../tests/support/mod.rs"]
mod support;
use common::template::Template;
fn main() {
    for (shape, genes) in [
        ([1, 28, 28], [2, 16, 3]),
        ([3, 32, 32], [2, 28, 3]),
        ([3, 32, 32], [3, 40, 3]),
        ([3, 32, 32], [4, 52, 3]),
        ([1, 8, 8], [2, 16, 3]),
        ([3, 32, 32], [1, 52, 5]),
    ] {
        for pair in common::activation::PiecewiseActivation::all().filter(|p| !p.jumps_at_zero()).step_by(9) {
            let net = support::expand(&Template::default(), shape, genes, pair, 10);
            let mut worst = (0f32, 0f32);
            for seed in 0..1 {
                let w = support::random_weights(&net, seed);
                let plan = codegen::plan::Plan::new(&net).unwrap();
                let c = codegen::pack::pack(&plan, &net, &w).unwrap();
                for im in support::images(&net, 1) {
                    let want = common::reference::logits(&net, &w, &im).unwrap();
                    let size = want.iter().fold(1f32, |s, l| s.max(l.abs()));
                    for k in runtime::simd::Kernels::available().into_iter().flatten() {
                        let got = support::interpreter::run(&plan, &c, k, &im);
                        for (g, w) in got.iter().zip(&want) {
                            let e = (g - w).abs() / size;
                            if e > worst.0 {
                                worst = (e, size)
                            }
                        }
                    }
                }
            }
            println!("{shape:?} {genes:?} {pair} {worst:?}");
        }
    }
}
