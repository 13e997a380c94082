//! How many instructions of the guest one inference takes, counted by QEMU: `make bench-cross`. The same on every machine.

mod support;

use common::activation::{Activation, PiecewiseActivation};
use common::counts;
use common::network::Network;
use common::template::Template;
use support::site::{PLATFORMS, Site, counted, counting_plugin};
use support::{SWISH_RELU, Workshop, expand, success};

const RELU: PiecewiseActivation = PiecewiseActivation { left: Activation::Relu, right: Activation::Relu };

/// Platforms, QEMU's options for a processor, and the most instructions for a multiply-add: with relu, and with swish left of 0.
const MOST: [(&str, &[&str], [f64; 2]); 4] = [
    ("aarch64", &[], [0.45, 0.45]),
    ("armv7", &[], [0.75, 0.9]),
    ("armv7", &["-cpu", "cortex-a15,neon=off"], [2.2, 2.2]),
    ("cortex-m", &[], [1.6, 2.0]),
];

/// The paper's C10-Net.1: 3x32x32, 2 condense layers, 16 feature extraction layers, 3x3 kernels.
fn c10_net_1(pair: PiecewiseActivation) -> Network {
    expand(&Template::default(), [3, 32, 32], [2, 16, 3], pair, 10)
}

/// Instructions of one inference: what two more images take, halved. The result's one line of text is in it.
fn instructions(site: &Site, options: &[&str], target: &str, workshop: &Workshop) -> u64 {
    let (file, format) = if target.ends_with("none-eabihf") { ("pixels", "--raw") } else { ("inputs", "--f32") };
    let file = workshop.path(&format!("crate/golden/{file}.bin"));
    let file = file.to_str().unwrap();
    let run = |limit| counted(&site.run(target, "classify", options, &[file, format, "--limit", limit]));
    (run("3") - run("1")) / 2
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make bench-cross"]
fn instructions_per_multiply_add() {
    let (site, plugin) = (Site::new("0"), counting_plugin());
    println!("platform | activations | instructions | multiply-adds of the template | instructions each | at most");
    for (platform, target) in PLATFORMS {
        for (activation, (name, pair)) in [("relu", RELU), ("swish-relu", SWISH_RELU)].into_iter().enumerate() {
            let network = c10_net_1(pair);
            let macs = counts::count(&network).unwrap().macs;
            let workshop = Workshop::new(&network);
            success(&workshop.generate_for(platform, "crate", &["--name", "counted"]));
            success(&site.cargo(target, &workshop.path("crate"), &["build"]));
            for (_, processor, most) in MOST.iter().filter(|(name, ..)| *name == platform) {
                let (options, most) = ([&["-plugin", &plugin], *processor].concat(), most[activation]);
                let count = instructions(&site, &options, target, &workshop);
                let each = count as f64 / macs as f64;
                println!("{platform} {} | {name} | {count} | {macs} | {each:.3} | {most}", processor.join(" "));
                assert!(each <= most);
            }
        }
    }
}
