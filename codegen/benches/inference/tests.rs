//! The parts of the benchmark that can be tested without timing: networks, bars, the document.
#![allow(dead_code)] // The benchmark uses all of its modules; what is asserted here uses some.

mod int8;
mod nets;
mod onnx;
mod peak;
mod peers;
#[path = "../../tests/support/quantized.rs"]
mod quantized;
mod report;
mod rounds;
mod workshop;

use common::network::counts;
use rounds::{NetResult, Timed};

/// Returns measurements where ours takes a millisecond, and the peers `onnxruntime` and `tract`
/// times that.
fn result(name: &str, onnxruntime: f64, tract: f64) -> NetResult {
    let timed = |times: f64| Timed::of(vec![3e-3 * times, 1e-3 * times, 0.5e-3 * times]);
    NetResult {
        name: name.to_string(),
        parameters: 1,
        macs: 2_000_000,
        kernels: "avx512".to_string(),
        onnxruntime_version: "1".to_string(),
        ours: timed(1.0),
        onnxruntime: timed(onnxruntime),
        tract: timed(tract),
        arena_bytes: 400_000,
        weights_bytes: 100_000,
        build_s: 19.0,
        first_result_s: 9e-3,
        peak_bytes: Some(3_000_000),
        peak_flops: 100e9,
    }
}

fn met(results: &[NetResult]) -> Vec<bool> {
    report::bars(results).iter().map(|bar| bar.met).collect()
}

#[test]
fn every_bar_can_be_passed_and_missed() {
    let (good, resnet) = (result("a", 2.0, 3.0), result("ResNet-8", 1.06, 3.0));
    let missed = |results: &[NetResult]| -> Vec<usize> {
        (0..).zip(met(results)).filter(|(_, met)| !met).map(|(bar, _)| bar).collect()
    };
    assert!(missed(&[good.clone(), resnet.clone()]).is_empty());
    // 1 / 1.05 is over 0.95, 1 / 1.53 over 0.65; the mean of 0.654 and 0.385 is 0.501.
    assert_eq!(missed(&[good.clone(), result("ResNet-8", 1.05, 3.0)]), [0]);
    assert_eq!(missed(&[result("b", 1.53, 3.0), result("c", 3.0, 3.0), resnet.clone()]), [1]);
    assert_eq!(missed(&[result("b", 1.6, 3.0), result("c", 2.4, 3.0), resnet.clone()]), [2]);
    assert_eq!(missed(&[result("b", 2.0, 2.8), resnet.clone()]), [3]);
    let with = |change: fn(&mut NetResult)| {
        let mut changed = good.clone();
        change(&mut changed);
        missed(&[changed, resnet.clone()])
    };
    assert_eq!(with(|result| result.first_result_s = 11e-3), [4]);
    assert_eq!(with(|result| result.peak_bytes = Some(3_000_001)), [5]);
    assert_eq!(with(|result| result.build_s = 21.0), [6]);
}

#[test]
fn a_memory_that_nobody_knows_passes_nothing() {
    assert!(!met(&[NetResult { peak_bytes: None, ..result("a", 2.0, 3.0) }])[5]);
}

/// Returns measurements in integers that meet every bar: ONNX Runtime takes 10 ms in f32.
fn int8_result(name: &str) -> int8::measure::NetResult {
    let timed = |ms: f64| Timed::of(vec![1e-3 * ms]);
    let engines = [("avx512vbmi", 1.9), ("avxvnni", 2.9), ("avx2", 5.2)];
    int8::measure::NetResult {
        name: name.to_string(),
        macs: 2_000_000,
        f32: timed(4.0),
        engines: engines.map(|(name, ms)| (name.to_string(), timed(ms))).to_vec(),
        onnxruntime: timed(10.01),
        onnxruntime_int8: timed(6.0),
        litert: timed(5.0),
        versions: ["1".to_string(), "2".to_string()],
        memory: [[1000, 1000], [310, 340]],
    }
}

#[test]
fn every_bar_in_integers_can_be_passed_and_missed() {
    let met = |change: fn(&mut int8::measure::NetResult), name: &str| -> Vec<bool> {
        let mut results = vec![int8_result("M_Net_1"), int8_result("growth 7")];
        let changed = results.iter_mut().find(|result| result.name == name).unwrap();
        change(changed);
        int8::report::bars(&results).iter().map(|bar| bar.met).collect()
    };
    let all_but = |missed: usize| -> Vec<bool> { (0..8).map(|bar| bar != missed).collect() };
    assert_eq!(met(|_| (), "M_Net_1"), [true; 8]);
    assert_eq!(met(|r| r.engines[0].1 = Timed::of(vec![1.95e-3]), "M_Net_1"), all_but(0));
    assert_eq!(met(|r| r.onnxruntime_int8 = Timed::of(vec![5e-3]), "M_Net_1"), all_but(1));
    assert_eq!(met(|r| r.litert = Timed::of(vec![4e-3]), "M_Net_1"), all_but(2));
    assert_eq!(met(|r| r.engines[1].1 = Timed::of(vec![3e-3]), "M_Net_1"), all_but(3));
    assert_eq!(met(|r| r.engines[2].1 = Timed::of(vec![5.3e-3]), "M_Net_1"), all_but(4));
    assert_eq!(met(|r| r.f32 = Timed::of(vec![3e-3]), "growth 7"), all_but(5));
    assert_eq!(met(|r| r.memory[1][0] = 320, "M_Net_1"), all_but(6));
    assert_eq!(met(|r| r.memory[1][1] = 350, "M_Net_1"), all_but(7));
    // Smaller networks are printed only, and an engine that was not measured passes nothing.
    assert_eq!(met(|r| r.memory[1] = [500, 500], "growth 7"), [true; 8]);
    assert_eq!(met(|r| drop(r.engines.pop()), "M_Net_1"), all_but(4));
    let text = int8::report::markdown(&[int8_result("a|b")], 3, "make").unwrap();
    assert!(text.contains("incomplete") && !text.contains("passed"), "{text}");
    assert!(text.contains("| a\\|b | 310 | 0.310 | 340 | 0.340 | 0.47 |"), "{text}");
}

#[test]
fn the_bar_of_exported_models_can_be_passed_and_missed() {
    let result = |right: &str, exported_s| onnx::PairResult {
        left: "relu".to_string(),
        right: right.to_string(),
        exported_s,
        others: 3,
        best: "sum".to_string(),
        best_s: 1e-3,
        version: "1".to_string(),
    };
    let [good, bad] = [result("tanh", 1.02e-3), result("swish", 1.05e-3)];
    assert!(onnx::bar(std::slice::from_ref(&good)).met);
    assert!(!onnx::bar(&[good.clone(), bad]).met);
    let text = onnx::markdown(&[good], 3, "make").unwrap();
    assert!(text.contains("| relu\\|tanh | 1.020 | sum of 3 | 1.000 | 1.02 |"), "{text}");
    assert_eq!(onnx::nets().unwrap().len(), 35);
}

#[test]
fn the_document_keeps_what_stands_around_the_results() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doc.md");
    let marks = ["<!-- inference results: begin -->", "<!-- inference results: end -->"];
    std::fs::write(&path, format!("before\n{}\nold\n{}\nafter\n", marks[0], marks[1])).unwrap();
    let text = report::markdown(&[result("a|b", 2.0, 3.0)], 3, "make").unwrap();
    assert!(
        text.contains("| a\\|b | 1 | 2.0 | 1.000 (0.500 to 3.000) | 2.000 (1.000 to 6.000) |"),
        "{text}"
    );
    assert!(
        text.contains("incomplete") && !text.contains("passed"),
        "one network is not all: {text}"
    );
    report::replace_results(&path, &text).unwrap();
    let document = std::fs::read_to_string(&path).unwrap();
    assert_eq!(document, format!("before\n{}\n\n{text}\n\n{}\nafter\n", marks[0], marks[1]));
    std::fs::write(&path, "no marks").unwrap();
    assert!(report::replace_results(&path, &text).unwrap_err().to_string().contains("are missing"));
}

#[test]
fn the_networks_are_the_paper_s_and_one_is_half_as_large() {
    let parameters: Vec<(String, u64)> = nets::all()
        .unwrap()
        .iter()
        .map(|net| (net.name.clone(), counts::count(&net.network).unwrap().parameters))
        .collect();
    assert_eq!(parameters.len(), report::ALL);
    let of = |name: &str| parameters.iter().find(|(n, _)| n == name).unwrap().1;
    assert_eq!(of("M_Net_1 swish|relu"), 65_074);
    assert_eq!(of("C10-Net.3 relu|relu"), 1_059_298);
    assert_eq!([of("ResNet-8"), of("ResNet-20")], [77_850, 269_722]);
    let half = 218_530 / 2;
    assert!((half - 3_000..=half).contains(&of("C10-Net.2 pruned swish|relu")));
}

#[test]
fn other_logits_are_found() {
    peers::check_logits(&[1.0, 200.0], &[1.00005, 200.01]).unwrap();
    assert!(peers::check_logits(&[1.0], &[1.0, 2.0]).is_err());
    assert!(peers::check_logits(&[1.0], &[1.0002]).is_err());
    assert!(peers::check_logits(&[f32::NAN], &[1.0]).is_err());
}
