//! The lists of mistakes that `train eval --out` writes for the test split.

use super::fixture::Fixture;
use base64::Engine;
use common::dataset::{Dataset, Split};
use common::eval_report::{EvalReport, WrongImage};
use common::files::json;
use common::network::reference::class_of;
use common::network::weights::Weights;

const NETWORK: [&str; 4] = ["--network", "net/network.json", "--dataset", "digits"];

/// Runs `train eval` with a file for the report, and returns the file's text.
fn evaluated(fixture: &Fixture, more: &[&str]) -> String {
    let output = fixture.train(&[&["eval", "--out", "eval.json"], &NETWORK[..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(fixture.path("eval.json")).unwrap()
}

#[test]
fn the_mistakes_are_those_of_the_logits() {
    let fixture = Fixture::new();
    fixture.fit("net", &["--epochs", "2"]);
    let weights = ["--weights", "net/weights.safetensors", "--dump-logits", "logits"];
    let text = evaluated(&fixture, &[&weights[..], &["--split", "test"]].concat());
    let report: EvalReport = json::parse(&text).unwrap();
    let logits = Weights::from_bytes(&std::fs::read(fixture.path("logits")).unwrap()).unwrap();
    let rows = logits.get("logits").data.chunks(10).zip(&logits.get("labels").data);
    let (mut confusion, mut wrong) = (vec![vec![0; 10]; 10], Vec::new());
    for (image, (row, label)) in rows.enumerate() {
        let (label, predicted) = (*label as usize, class_of(row));
        confusion[label][predicted] += 1;
        if label != predicted {
            wrong.push(WrongImage { image, label, predicted });
        }
    }
    assert!(wrong.len() > 12, "too few mistakes for this test: {wrong:?}");
    assert_eq!((report.confusion.unwrap(), report.wrong.unwrap()), (confusion, wrong.clone()));
    let images = Dataset::load(&fixture.path("digits"), Split::Test).unwrap();
    let examples = report.examples.unwrap();
    assert_eq!(examples.len(), 12);
    for example in examples {
        let (image, label, predicted) = (example.image, example.label, example.predicted);
        assert!(wrong.contains(&WrongImage { image, label, predicted }));
        let png = base64::engine::general_purpose::STANDARD.decode(example.png_base64).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(picture.dimensions(), (8, 8));
        assert_eq!(picture.into_raw(), images.image(image));
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_threads_and_validation_has_no_lists() {
    let fixture = Fixture::new();
    fixture.fit("net", &["--epochs", "3"]);
    let weights = ["--weights", "net/weights.safetensors"];
    let quantize = ["quantize", "--out", "int8", "--max-loss", "1"];
    assert!(fixture.train(&[&quantize[..], &NETWORK, &weights].concat()).status.success());
    for parameters in [weights, ["--quantized", "int8"]] {
        let of = |split, threads| {
            let options = ["--split", split, "--threads", threads];
            evaluated(&fixture, &[&parameters[..], &options].concat())
        };
        let test = of("test", "1");
        assert_eq!(test, of("test", "2"));
        let report: EvalReport = json::parse(&test).unwrap();
        assert_eq!(report.wrong.unwrap().len(), report.images - report.correct);
        assert_eq!(report.confusion.unwrap().len(), 10);
        let validation = of("val", "1");
        assert!(!validation.contains("confusion") && !validation.contains("wrong"), "{validation}");
    }
}
