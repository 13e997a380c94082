//! Quantized networks: the integer reference beside NumPy's golden numbers, and the checks of
//! parameters.

use common::files::json;
use common::network::Network;
use common::quantized::{Parameters, Plan, QuantizedNetwork, StepParameters};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

const NAMES: [&str; 2] = ["template", "residual"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quantized_golden").join(name)
}

fn network(name: &str) -> Network {
    json::read(&golden(&format!("{name}.json"))).unwrap()
}

fn quantized(name: &str) -> QuantizedNetwork {
    let plan = Plan::new(&network(name)).unwrap();
    let bytes = std::fs::read(golden(&format!("{name}.safetensors"))).unwrap();
    let parameters = Parameters::from_bytes(&bytes, &plan).unwrap();
    QuantizedNetwork { plan, parameters }
}

#[test]
fn logits_are_those_of_numpy() {
    for name in NAMES {
        let quantized = quantized(name);
        let file = std::fs::read(golden(&format!("{name}-results.safetensors"))).unwrap();
        let results = SafeTensors::deserialize(&file).unwrap();
        let bytes = results.tensor("logits").unwrap().data().to_vec();
        let expected: Vec<i32> =
            bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect();
        let images = results.tensor("images").unwrap();
        let size = quantized.plan.values[0].shape.elements();
        let images: Vec<&[u8]> = images.data().chunks_exact(size).collect();
        let logits: Vec<i32> = images.iter().flat_map(|image| quantized.logits(image)).collect();
        assert_eq!(logits, expected, "{name}");
        assert!(images.iter().all(|image| quantized.values(image).1 == quantized.logits(image)));
        let distinct: std::collections::BTreeSet<&i32> = expected.iter().collect();
        assert!(distinct.len() > 20, "{name}: {distinct:?}");
    }
}

#[test]
fn parameters_survive_their_file() {
    for name in NAMES {
        let quantized = quantized(name);
        let bytes = quantized.parameters.to_bytes(&quantized.plan).unwrap();
        let again = Parameters::from_bytes(&bytes, &quantized.plan).unwrap();
        assert_eq!(again, quantized.parameters, "{name}");
        assert_eq!(again.to_bytes(&quantized.plan).unwrap(), bytes);
        for length in 0..bytes.len() {
            assert!(Parameters::from_bytes(&bytes[..length], &quantized.plan).is_err());
        }
        let other = Plan::new(&network(NAMES[usize::from(name == NAMES[0])])).unwrap();
        assert!(Parameters::from_bytes(&bytes, &other).is_err());
    }
}

/// Parameters with which a sum could overflow, or an engine with 16 bits differ, are refused.
#[test]
fn parameters_out_of_bounds_are_refused() {
    let refused = |step: &str, change: &dyn Fn(&mut StepParameters)| {
        let mut network = quantized("residual");
        let index = network.plan.steps.iter().position(|found| found.name == step).unwrap();
        change(&mut network.parameters.steps[index]);
        let bytes = network.parameters.to_bytes(&network.plan).unwrap();
        let error = format!("{:#}", Parameters::from_bytes(&bytes, &network.plan).unwrap_err());
        assert!(error.contains(step), "{error}");
        error
    };
    let table = |change: &'static dyn Fn(&mut common::quantized::Table)| {
        refused("block0.out", &|parameters| match parameters {
            StepParameters::Table(table) => change(table),
            StepParameters::Filters(_) | StepParameters::None => panic!(),
        })
    };
    let filters = |change: &'static dyn Fn(&mut common::quantized::Filters)| {
        refused("block0.conv1", &|parameters| match parameters {
            StepParameters::Filters(filters) => change(filters),
            StepParameters::Table(_) | StepParameters::None => panic!(),
        })
    };
    assert!(table(&|t| t.shift = 8).contains("shift 8"));
    assert!(table(&|t| t.factors.iter_mut().for_each(|f| f[1] = 16_384)).contains("channel 1"));
    assert!(table(&|t| t.offsets[2] = i16::MIN).contains("channel 2"));
    assert!(table(&|t| t.factors[1].truncate(1)).contains("second_factor"));
    assert!(filters(&|f| f.weights[3] = -128).contains("-128"));
    assert!(filters(&|f| f.biases[1] = i32::MIN).contains("filter 1"));
    assert!(filters(&|f| f.biases[1] = i32::MAX).contains("32 bits"));
    assert!(filters(&|f| f.multipliers[0] = 3).contains("multiplier 3"));
    assert!(filters(&|f| f.multipliers[0] = -2).contains("multiplier -2"));
}
