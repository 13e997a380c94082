#[path = "../tests/support/mod.rs"]
mod support;
use common::template::Template;
use std::path::Path;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let d = Path::new(&a[1]);
    let n = |s: usize| a[s].parse::<usize>().unwrap();
    let t = Template { growth_rate: 12, stem_channels: n(8), ..Template::default() };
    let net = support::expand(&t, [n(2), n(3), n(4)], [n(5), n(6), n(7)], support::SWISH_RELU, 10);
    let w = support::random_weights(&net, 0);
    common::json::write(&d.join("network.json"), &net).unwrap();
    w.write(&d.join("weights.safetensors")).unwrap();
}
