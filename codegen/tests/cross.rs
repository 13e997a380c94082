//! Crates for ARM, built with the oldest compiler they are meant for and run in QEMU:
//! `make test-cross`.

mod support;

use common::dataset::{Dataset, Split};
use common::files::json;
use common::manifest::Manifest;
use common::measurement::bench_protocol::BenchEvent;
use common::network::activation::{Activation, PiecewiseActivation};
use common::network::reference::{class_of, logits};
use common::network::template::Template;
use common::network::{Network, Op};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::{fs, thread};
use support::site::{PLATFORMS, Site};
use support::{
    SWISH_RELU, Workshop, baseline_for, digits, expand, prune, segments, small, success,
};

/// Every function on either side, some pairs that jump at zero among them.
const PAIRS: [(Activation, Activation); 8] = [
    (Activation::Swish, Activation::Relu),
    (Activation::Relu, Activation::Swish),
    (Activation::Elu, Activation::Tanh),
    (Activation::Sigmoid, Activation::Linear),
    (Activation::Tanh, Activation::Selu),
    (Activation::Selu, Activation::Elu),
    (Activation::Linear, Activation::Sigmoid),
    (Activation::Swish, Activation::Linear),
];

/// A network and its name.
type Named = (String, Network);

fn pairs(pairs: &[(Activation, Activation)]) -> Vec<Named> {
    let network = |(index, (left, right)): (usize, &(Activation, Activation))| {
        let kernel = [3, 5][index % 2];
        let pair = PiecewiseActivation { left: *left, right: *right };
        (format!("{left}-{right}-k{kernel}"), small([1, 8, 8], [1, 7, kernel], pair))
    };
    pairs.iter().enumerate().map(network).collect()
}

/// Returns a network of two blocks with widths that no tile divides.
fn pruned() -> Named {
    let pair = PiecewiseActivation { left: Activation::Selu, right: Activation::Tanh };
    let mut network = expand(&Template::default(), [1, 8, 8], [2, 10, 3], pair, 10);
    let left = [
        ("stem.conv", 15),
        ("condense1.fel1.conv", 11),
        ("condense1.fel2.conv", 1),
        ("transition1.conv", 13),
        ("condense2.fel1.conv", 5),
    ];
    prune(&mut network, &left);
    ("pruned".to_string(), network)
}

/// Builds all networks for all platforms and runs every crate's own test with images of the data
/// set `digits`; runs the programs of the first network too.
fn test(networks: &[Named], digits: &Path) {
    let jobs = PLATFORMS
        .iter()
        .flat_map(|platform| (0..networks.len()).map(move |network| (*platform, network)));
    let jobs = Mutex::new(jobs);
    let threads = thread::available_parallelism().unwrap().get();
    thread::scope(|scope| {
        for number in 0..threads {
            let site = Site::new(&number.to_string());
            let jobs = &jobs;
            scope.spawn(move || {
                loop {
                    let Some(((platform, target), index)) = jobs.lock().unwrap().next() else {
                        break;
                    };
                    let (name, network) = &networks[index];
                    let workshop = self_test(&site, platform, target, network, digits);
                    eprintln!("{platform} {name}: ok");
                    if index == 0 {
                        programs(&site, target, network, &workshop, digits);
                        eprintln!("{platform} classify and bench: ok");
                    }
                }
            });
        }
    });
}

fn self_test(
    site: &Site,
    platform: &str,
    target: &str,
    network: &Network,
    digits: &Path,
) -> Workshop {
    let workshop = Workshop::new(network);
    let options = ["--name", "under-test", "--samples", digits.to_str().unwrap()];
    success(&workshop.generate_for(platform, "crate", &options));
    let text = success(&site.cargo(target, &workshop.path("crate"), &["test"]));
    // The test must have run.
    assert!(text.contains("test outputs_are_those_recorded") && text.contains("... ok"), "{text}");
    workshop
}

/// Checks that crates need no more memory than their manifests say: M_Net_1 of the paper, and a
/// network for digits on a board with the 192 kB of a common Cortex-M4.
fn memory(site: &Site, digits: &Path) {
    let small_board = r#"{"schema": "neuropower/board/1", "name": "small", "about": "", "platform": "cortex-m",
        "target": "thumbv7em-none-eabihf", "runner": "qemu", "meter": "none", "command": ["qemu-system-arm", "-M",
        "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none", "-semihosting-config",
        "enable=on,target=native,arg=bench", "-kernel", "{program}"], "flash_address": 0, "flash_bytes": 524288,
        "ram_address": 536870912, "ram_bytes": 196608}"#;
    let board = digits.parent().unwrap().join("small.json");
    fs::write(&board, small_board).unwrap();
    let small = expand(&Template::default(), [1, 8, 8], [2, 16, 3], SWISH_RELU, 10);
    check_memory(
        site,
        &small,
        &["--board", board.to_str().unwrap(), "--samples", digits.to_str().unwrap()],
    );
    // A Cortex-M55, with another memory map.
    check_memory(site, &small, &["--board", "qemu-mps3-an547"]);
    let m_net_1 = expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10);
    assert!(check_memory(site, &m_net_1, &[]) < 320_000);
    // Convolutions of many sizes, which take more code.
    check_memory(site, &pruned().1, &[]);
}

/// Builds and tests a crate. Returns the flash that its programs take.
fn check_memory(site: &Site, network: &Network, options: &[&str]) -> u64 {
    let workshop = Workshop::new(network);
    success(&workshop.generate_for(
        "cortex-m",
        "crate",
        &[&["--name", "under-test"], options].concat(),
    ));
    let fit = Manifest::read(&workshop.path("crate")).unwrap().fit.unwrap();
    let target = "thumbv7em-none-eabihf";
    success(&site.cargo(target, &workshop.path("crate"), &["test"]));
    let needed =
        ["classify", "bench"].map(|name| segments(&fs::read(site.program(target, name)).unwrap()));
    for (flash, ram) in needed {
        eprintln!(
            "flash {flash} of {:?} bytes, RAM {ram} of {:?} bytes without the stack",
            fit.flash_bytes, fit.ram_bytes
        );
        assert!(flash <= fit.flash_bytes.unwrap() && ram <= fit.ram_bytes.unwrap());
    }
    needed[0].0.max(needed[1].0)
}

/// Checks that the programs agree with the reference.
fn programs(site: &Site, target: &str, network: &Network, workshop: &Workshop, digits: &Path) {
    let file = digits.join("t10k-images-idx3-ubyte");
    let text = success(&site.run(
        target,
        "classify",
        &[file.to_str().unwrap(), "--offset", "5", "--limit", "20"],
    ));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 20);
    let images = Dataset::load(digits, Split::Test).unwrap();
    for (line, index) in lines.iter().zip(5..) {
        let image: Vec<f32> =
            images.image(index).iter().map(|pixel| network.input.normalise(0, *pixel)).collect();
        check_line(line, index, &logits(network, &workshop.weights, &image).unwrap());
    }
    for (arguments, code, message) in [
        (&["no-such-file"][..], 1, "no-such-file: cannot read"),
        (
            &[digits.join("t10k-labels-idx1-ubyte").to_str().unwrap()],
            1,
            "not an IDX file of images",
        ),
        (&["a", "--limit"], 2, "--limit needs a whole number"),
        (&["--raw"], 2, "at least one FILE"),
    ] {
        let output = site.run(target, "classify", arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(code) && said.contains(message),
            "{arguments:?}: {said}"
        );
    }
    let text = success(&site.run(
        target,
        "bench",
        &["--windows", "2", "--window-s", "0.02", "--warmup-s", "0.01"],
    ));
    let events: Vec<BenchEvent> = text.lines().map(|line| json::parse(line).unwrap()).collect();
    check_events(&events, target);
}

fn check_line(line: &Value, index: usize, want: &[f32]) {
    let class = class_of(want);
    assert_eq!(
        (line["index"].as_u64(), line["class"].as_u64()),
        (Some(index as u64), Some(class as u64))
    );
    assert_eq!(line["label"], class.to_string());
    let sum: f64 = want.iter().map(|logit| f64::from(logit - want[class]).exp()).sum();
    assert!((line["probability"].as_f64().unwrap() - 1.0 / sum).abs() < 1e-5);
    let got: Vec<f64> =
        line["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect();
    assert_eq!(got.len(), want.len());
    assert!(
        got.iter().zip(want).all(|(got, want)| (got - f64::from(*want)).abs() < 1e-5),
        "{got:?}, not {want:?}"
    );
}

fn check_events(events: &[BenchEvent], expected_target: &str) {
    assert_eq!(events.len(), 5);
    let BenchEvent::Ready { name, target, threads: 1, batch: 1, .. } = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!((name.as_str(), target.as_str()), ("under-test", expected_target));
    for (pair, expected) in events[1..].chunks(2).zip(1..) {
        assert_eq!(pair[0], BenchEvent::Start { window: expected });
        let BenchEvent::Window {
            window,
            inferences,
            seconds,
            p50_s,
            p90_s,
            p99_s,
            communication: None,
        } = pair[1]
        else {
            panic!("{pair:?}")
        };
        assert_eq!(window, expected);
        assert!(seconds >= 0.02 && inferences > 0);
        assert!(0.0 < p50_s && p50_s <= p90_s && p90_s <= p99_s && p99_s <= seconds);
    }
}

#[test]
#[ignore = "needs compilers and QEMU for ARM: make test-cross"]
fn representative_networks() {
    let mut networks = pairs(&PAIRS);
    networks.push(pruned());
    networks.push(("resnet-20".to_string(), baseline_for("resnet-20", [1, 8, 8])));
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("digits");
    digits(&folder, &networks[0].1.classes);
    test(&networks, &folder);
    memory(&Site::new("0"), &folder);
}

/// Returns a network with a left function and all right ones, each pair in its own layers: building
/// one network for each pair would take several times as long.
fn pairs_of(left: Activation, kernel: usize) -> Named {
    let mut network = small([1, 8, 8], [2, 13, kernel], PiecewiseActivation { left, right: left });
    let pairs = network
        .nodes
        .iter_mut()
        .filter_map(|node| if let Op::Activation(pair) = &mut node.op { Some(pair) } else { None });
    let mut rights = BTreeSet::new();
    for (pair, right) in pairs.zip(Activation::ALL.iter().cycle()) {
        pair.right = *right;
        rights.insert(right.to_string());
    }
    assert_eq!(rights.len(), 7);
    (format!("{left} and all others, k{kernel}"), network)
}

#[test]
#[ignore = "takes long, and needs compilers and QEMU for ARM: make test-cross-full"]
fn all_pairs() {
    let kernels = [3, 5].into_iter().cycle();
    let networks: Vec<Named> =
        Activation::ALL.iter().zip(kernels).map(|(left, kernel)| pairs_of(*left, kernel)).collect();
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("digits");
    digits(&folder, &networks[0].1.classes);
    test(&networks, &folder);
}

/// The paper's M_Net_1 on 1,000 real images of MNIST.
#[test]
#[ignore = "takes long, and needs MNIST and compilers and QEMU for ARM: make test-cross-full"]
fn mnist() {
    let network = expand(&Template::default(), [1, 28, 28], [2, 16, 3], SWISH_RELU, 10);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/mnist");
    let images = Dataset::load(&folder, Split::Test).unwrap();
    let workshop = Workshop::new(&network);
    let normalised = |index| -> Vec<f32> {
        images.image(index).iter().map(|pixel| network.input.normalise(0, *pixel)).collect()
    };
    let expected: Vec<Vec<f32>> = (0..1000)
        .map(|index| logits(&network, &workshop.weights, &normalised(index)).unwrap())
        .collect();
    let raw = workshop.path("images");
    fs::write(&raw, (0..1000).flat_map(|index| images.image(index).to_vec()).collect::<Vec<u8>>())
        .unwrap();
    let test = |(platform, target): (&str, &str)| {
        let site = Site::new(platform);
        success(&workshop.generate_for(platform, platform, &["--name", "under-test"]));
        success(&site.cargo(target, &workshop.path(platform), &["build"]));
        let text = success(&site.run(target, "classify", &[raw.to_str().unwrap(), "--raw"]));
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), expected.len());
        lines
            .iter()
            .zip(&expected)
            .enumerate()
            .for_each(|(index, (line, want))| check_line(line, index, want));
        eprintln!("{platform} 1,000 images of MNIST: ok");
    };
    thread::scope(|scope| {
        let test = &test;
        for platform in PLATFORMS {
            scope.spawn(move || test(platform));
        }
    });
}
