//! `train quantize` and `train eval --quantized`.

use super::data::{Record, edit_description, reorder};
use super::fixture::{Fixture, genome, profile};
use common::files::json;
use common::network::Network;
use common::network::weights::Weights;
use common::quantized::{
    Method, Outcome, QUANTIZATION_FILE, Quantization, QuantizedNetwork, TENSORS_FILE, class_of,
};
use common::train_report::EvalReport;
use safetensors::SafeTensors;
use std::fs;

const FILES: [&str; 2] = [TENSORS_FILE, QUANTIZATION_FILE];

/// Returns a folder with a trained network in `net`.
fn trained(epochs: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.fit("net", &["--epochs", epochs]);
    fixture
}

fn arguments<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = [command, "--network", "net/network.json", "--dataset", "digits"];
    [&base, more].concat()
}

fn quantize_arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let options = [&["--weights", "net/weights.safetensors", "--out", out], more].concat();
    arguments("quantize", &options)
}

fn quantize(fixture: &Fixture, out: &str, more: &[&str]) -> Quantization {
    let output = fixture.train(&quantize_arguments(out, more));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap();
    let written: Quantization = json::read(&fixture.path(out).join(QUANTIZATION_FILE)).unwrap();
    assert_eq!(written, printed);
    printed
}

fn eval(fixture: &Fixture, more: &[&str]) -> EvalReport {
    let output = fixture.train(&arguments("eval", more));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap()
}

fn bytes(fixture: &Fixture, folder: &str) -> Vec<Vec<u8>> {
    FILES.map(|file| fs::read(fixture.path(folder).join(file)).unwrap()).into()
}

#[test]
fn an_int8_network_scores_like_its_weights() {
    let fixture = trained("12");
    let quantization = quantize(&fixture, "int8", &[]);
    assert_eq!(quantization.calibration.images, 512);
    let int8 = ["--quantized", "int8"];
    let validation = eval(&fixture, &[&int8[..], &["--split", "val"]].concat());
    assert_eq!(validation.accuracy, quantization.accuracy.int8);
    assert_eq!(validation.images, quantization.accuracy.images);
    let weights = ["--weights", "net/weights.safetensors"];
    let floats = eval(&fixture, &[&weights[..], &["--split", "test"]].concat());
    let dump = ["--split", "test", "--dump-logits", "logits"];
    let integers = eval(&fixture, &[&int8[..], &weights[..], &dump[..]].concat());
    assert_ne!(integers.weights_sha256, floats.weights_sha256);
    assert_eq!(integers.weights_sha256, quantization.fingerprints.tensors_sha256);
    assert!(integers.correct.abs_diff(floats.correct) <= 2, "{integers:?} {floats:?}");
    assert!((integers.loss - floats.loss).abs() < 0.02, "{integers:?} {floats:?}");
    let file = fs::read(fixture.path("logits")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let logits = file.tensor("logits").unwrap();
    assert_eq!((logits.shape(), logits.dtype()), (&[359, 10][..], safetensors::Dtype::I32));
    let numbers: Vec<i32> =
        logits.data().chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect();
    let labels = file.tensor("labels").unwrap().data().to_vec();
    let labels = labels.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    let correct = numbers.chunks(10).zip(labels).filter(|(row, l)| class_of(row) as f32 == *l);
    assert_eq!(correct.count(), integers.correct);
}

#[test]
fn the_same_images_give_the_same_bytes_whatever_their_order_and_the_threads() {
    let fixture = trained("1");
    edit_description(&fixture, "", "");
    fixture.write("loose.json", &with_max_loss(1.0));
    let options = ["--config", "loose.json", "--images", "100"];
    let first = quantize(&fixture, "first", &[&options[..], &["--threads", "1"]].concat());
    reorder(&fixture.path("digits"), "train", |records: &mut Vec<Record>| {
        records.sort_by_key(|(label, _)| *label);
    });
    let second = quantize(&fixture, "second", &[&options[..], &["--threads", "2"]].concat());
    assert_eq!(first, second);
    assert_eq!(bytes(&fixture, "first"), bytes(&fixture, "second"));
    let fewer = ["--config", "loose.json", "--images", "99"];
    assert_ne!(
        quantize(&fixture, "fewer", &fewer).fingerprints.tensors_sha256,
        first.fingerprints.tensors_sha256
    );
    for method in Method::ALL {
        let found = quantize(
            &fixture,
            method.name(),
            &[&options[..], &["--method", method.name()]].concat(),
        );
        assert_eq!(found.calibration.method, method);
        assert_eq!(found == first, method == Method::Mse);
    }
}

fn with_max_loss(max_loss: f64) -> String {
    format!(r#"{{"schema": "neuropower/profile/1", "quantization": {{"max_loss": {max_loss}}}}}"#)
}

/// One weight that is far larger than all others of its filters leaves these no bits.
#[test]
fn a_loss_of_accuracy_is_refused_with_the_layer_that_hurts_most() {
    let fixture = trained("12");
    let network: Network = json::read(&fixture.path("net/network.json")).unwrap();
    let path = fixture.path("net/weights.safetensors");
    let mut weights = Weights::read(&path, &network).unwrap();
    let spoilt = "condense2.fel1.conv";
    let tensor = weights.0.get_mut(&format!("{spoilt}.weight")).unwrap();
    let filter = tensor.data.len() / tensor.shape[0];
    // A channel that is always 0 after the spoilt weight's: its results are right in f32.
    let dead = weights.0.get_mut("condense2.fel1.norm.weight").unwrap();
    dead.data[0] = 0.0;
    let shift = weights.0.get_mut("condense2.fel1.norm.bias").unwrap();
    shift.data[0] = 0.0;
    let tensor = weights.0.get_mut(&format!("{spoilt}.weight")).unwrap();
    tensor.data.chunks_mut(filter).for_each(|filter| filter[4] = 1e4);
    weights.write(&path).unwrap();
    let error = fixture.refused(&quantize_arguments("int8", &["--method", "minmax"]));
    assert!(
        error.contains(&format!("layer {spoilt} hurts most")) && error.contains("max_loss"),
        "{error}"
    );
    assert!(!fixture.path("int8").exists());
    let judge = |more: &[&str]| {
        let options = [&["--method", "minmax", "--outcome", "outcome.json"], more].concat();
        let output = fixture.train(&quantize_arguments("int8", &options));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.stdout, json::read::<Outcome>(&fixture.path("outcome.json")).unwrap())
    };
    let (printed, refused) = judge(&[]);
    assert_eq!(refused, json::parse(&String::from_utf8_lossy(&printed)).unwrap());
    assert!(!refused.accepted && !fixture.path("int8").exists());
    assert!(error.ends_with(&format!("{}\n", refused.reason.as_ref().unwrap())), "{refused:?}");
    assert_eq!((refused.max_loss, refused.worst_layer.as_deref()), (0.005, Some(spoilt)));
    let (_, accepted) = judge(&["--max-loss", "1"]);
    let quantization: Quantization =
        json::read(&fixture.path("int8").join(QUANTIZATION_FILE)).unwrap();
    assert_eq!(quantization.worst_layer, spoilt);
    assert!(quantization.accuracy.int8 < quantization.accuracy.f32 - 0.005);
    let expected = Outcome { accepted: true, reason: None, max_loss: 1.0, ..refused };
    assert_eq!(accepted, expected);
    assert_eq!(accepted.accuracy, Some(quantization.accuracy));
    assert_eq!(accepted.weights_sha256, quantization.fingerprints.weights_sha256);
    // An option takes precedence over the profile.
    fixture.write("loose.json", &with_max_loss(1.0));
    let loose = ["--method", "minmax", "--config", "loose.json"];
    assert_eq!(quantize(&fixture, "again", &loose), quantization);
    assert!(!judge(&["--config", "loose.json", "--max-loss", "0.005"]).1.accepted);
    let error = fixture.refused(&quantize_arguments("int8", &["--max-loss", "1.5"]));
    assert!(error.contains("quantization.max_loss 1.5 must be 0.0 to 1.0"), "{error}");
}

/// A network whose ranges have no width has an outcome; weights that are no numbers have none.
#[test]
fn an_outcome_is_about_the_network_alone() {
    let fixture = trained("1");
    let network: Network = json::read(&fixture.path("net/network.json")).unwrap();
    let path = fixture.path("net/weights.safetensors");
    let weights = Weights::read(&path, &network).unwrap();
    let options = quantize_arguments("int8", &["--outcome", "outcome.json"]);
    let spoil = |value: f32| {
        let mut spoilt = weights.clone();
        spoilt.0.get_mut("condense2.fel1.conv.weight").unwrap().data.fill(value);
        spoilt.write(&path).unwrap();
    };
    spoil(0.0);
    assert!(fixture.train(&options).status.success());
    let outcome: Outcome = json::read(&fixture.path("outcome.json")).unwrap();
    let reason = outcome.reason.unwrap();
    assert!(reason.starts_with("cannot quantize: layer condense2.fel1.conv"), "{reason}");
    assert!(!outcome.accepted && outcome.accuracy.is_none() && outcome.worst_layer.is_none());
    fs::remove_file(fixture.path("outcome.json")).unwrap();
    spoil(f32::NAN);
    assert!(fixture.refused(&options).contains("not finite"));
    assert!(!fixture.path("outcome.json").exists() && !fixture.path("int8").exists());
}

#[test]
fn bad_input_is_refused_with_one_sentence_and_nothing_written() {
    let fixture = trained("1");
    let network: Network = json::read(&fixture.path("net/network.json")).unwrap();
    let path = fixture.path("net/weights.safetensors");
    let weights = Weights::read(&path, &network).unwrap();
    let refused = |change: &dyn Fn(&mut Weights)| {
        let mut changed = weights.clone();
        change(&mut changed);
        changed.write(&path).unwrap();
        let error = fixture.refused(&quantize_arguments("int8", &[]));
        assert!(!fixture.path("int8").exists(), "{error}");
        error
    };
    let fill = |w: &mut Weights, name: &str, x: f32| w.0.get_mut(name).unwrap().data.fill(x);
    let nan = refused(&|w| fill(w, "stem.conv.weight", f32::NAN));
    assert!(nan.contains("stem.conv.weight") && nan.contains("not finite"), "{nan}");
    let huge = refused(&|w| fill(w, "condense1.fel1.conv.weight", 3e38));
    assert!(huge.contains("not all finite"), "{huge}");
    let zero = refused(&|w| fill(w, "condense2.fel1.conv.weight", 0.0));
    assert!(zero.contains("layer condense2.fel1.conv") && zero.contains("no width"), "{zero}");
    let norm = refused(&|w| {
        fill(w, "head.norm.weight", 0.0);
        fill(w, "head.norm.bias", 0.0);
    });
    assert!(norm.contains("layer head.activation") && norm.contains("no width"), "{norm}");
    weights.write(&path).unwrap();
    fixture.write("digits/dataset.json", "{");
    assert!(fixture.refused(&quantize_arguments("int8", &[])).contains("dataset.json"));
    assert!(!fixture.path("int8").exists());
    let usage = fixture.train(&quantize_arguments("int8", &["--images", "0"]));
    assert_eq!(usage.status.code(), Some(2));
    let usage = fixture.train(&quantize_arguments("int8", &["--method", "best"]));
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn int8_files_of_something_else_are_not_scored() {
    let fixture = trained("1");
    fixture.write("loose.json", &with_max_loss(1.0));
    quantize(&fixture, "int8", &["--config", "loose.json"]);
    let refused = |more: &[&str]| {
        let options = [&["--quantized", "int8", "--split", "val"], more].concat();
        fixture.refused(&arguments("eval", &options))
    };
    let gpu = refused(&["--device", "cuda"]);
    assert!(gpu.contains("on the processor only"), "{gpu}");
    let kept = fs::read(fixture.path("net/weights.safetensors")).unwrap();
    fixture.fit("net", &["--epochs", "1", "--seed", "1"]);
    let weights = refused(&["--weights", "net/weights.safetensors"]);
    assert!(weights.contains("not made of the given weights"), "{weights}");
    fs::write(fixture.path("net/weights.safetensors"), kept).unwrap();
    let tensors = fixture.path("int8").join(TENSORS_FILE);
    let mut changed = fs::read(&tensors).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&tensors, &changed).unwrap();
    assert!(refused(&[]).contains("was changed"));
    fixture.write("genome.json", &genome("elu", "swish", 3, "nadam"));
    fixture.fit("net", &["--epochs", "1"]);
    assert!(refused(&[]).contains("another network"));
    let network: Network = json::read(&fixture.path("net/network.json")).unwrap();
    assert!(QuantizedNetwork::read(&fixture.path("int8"), &network).is_err());
    let neither = fixture.train(&arguments("eval", &["--split", "val"]));
    assert_eq!(neither.status.code(), Some(2));
}

/// Each kind of head, compression, and pairs that are unbounded or jump.
#[test]
fn other_heads_and_kernels_score_like_their_weights() {
    for (pooling, kernel, left, right) in [
        ("max", 5, "relu", "selu"),
        ("average", 5, "sigmoid", "relu"),
        ("max", 3, "linear", "tanh"),
    ] {
        let fixture = Fixture::new();
        fixture.write("genome.json", &genome(left, right, kernel, "adam"));
        let head = format!(r#""head": "{pooling}", "compression": 0.7"#);
        let text = profile(r#""batch": 48"#).replace(r#""dropout": 0.1"#, &head);
        fixture.write("profile.json", &text);
        fixture.fit("net", &["--epochs", "10"]);
        // Of few images and a function that jumps, one point can be a few images near the jump.
        fixture.write("loose.json", &with_max_loss(0.03));
        let found = quantize(&fixture, "int8", &["--config", "loose.json"]);
        assert!(found.accuracy.f32 > 0.6, "{left} {right}: {:?}", found.accuracy);
        let logits = found.layers.last().unwrap();
        let most = if left == "sigmoid" { 0.2 } else { 0.1 };
        assert!(logits.error < most, "{left} {right} {pooling}: {}", logits.error);
    }
}
