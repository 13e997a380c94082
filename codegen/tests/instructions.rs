//! How many instructions of the guest one inference takes, counted by QEMU: `make bench-cross`. The same on every machine.

mod support;

use common::activation::{Activation, PiecewiseActivation};
use common::counts;
use common::network::Network;
use common::template::Template;
use support::site::{PLATFORMS, Site, counted, counting_plugin};
use support::{SWISH_RELU, Workshop, expand, success};

const RELU: PiecewiseActivation = PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };

/// The paper's C10-Net.1: 3x32x32, 2 condense layers, 16 feature extraction layers, 3x3 kernels.
fn c10_net_1(pair: PiecewiseActivation) -> Network {
    expand(&Template::default(), [3, 32, 32], [2, 16, 3], pair, 10)
}

/// Instructions of one inference: what two more images take, halved. The result's one line of text is in it.
fn instructions(site: &Site, plugin: &str, target: &str, workshop: &Workshop) -> u64 {
    let (file, format) = if target.ends_with("none-eabihf") { ("pixels", "--raw") } else { ("inputs", "--f32") };
    let file = workshop.path(&format!("crate/golden/{file}.bin"));
    let file = file.to_str().unwrap();
    let run = |limit| counted(&site.run(target, "classify", &["-plugin", plugin], &[file, format, "--limit", limit]));
    (run("3") - run("1")) / 2
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make bench-cross"]
fn instructions_per_multiply_add() {
    let (site, plugin) = (Site::new("0"), counting_plugin());
    println!("platform | activations | instructions | multiply-adds of the template | instructions each");
    for (platform, target) in PLATFORMS {
        for (name, pair) in [("relu", RELU), ("swish-relu", SWISH_RELU)] {
            let network = c10_net_1(pair);
            let macs = counts::count(&network).unwrap().macs;
            let workshop = Workshop::new(&network);
            success(&workshop.generate_for(platform, "crate", &["--name", "counted"]));
            success(&site.cargo(target, &workshop.path("crate"), &["build"]));
            let count = instructions(&site, &plugin, target, &workshop);
            println!("{platform} | {name} | {count} | {macs} | {:.3}", count as f64 / macs as f64);
        }
    }
}
