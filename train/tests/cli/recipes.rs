//! The settings of a profile's section `training`.

use crate::fixture::{Fixture, fit_arguments, genome, profile};
use common::search::genome::Optimizer;
use common::train_report::TrainReport;

/// All options that are off by default, switched on.
pub(crate) const EVERYTHING: &str = r#""batch": 48, "warmup_epochs": 0.5, "clip_gradient_norm": 0.2,
    "label_smoothing": 0.1, "ema_decay": 0.98, "validate_every": 2, "quantize": true,
    "augmentation": {"crop_padding": 1, "horizontal_flip": true, "cutout": 2}"#;

/// Runs `train fit` with a section `training`.
fn fit(fixture: &Fixture, out: &str, training: &str, more: &[&str]) -> TrainReport {
    fixture.write("profile.json", &profile(training));
    fixture.fit(out, more)
}

#[test]
fn every_option_has_an_effect_and_its_default_has_none() {
    let fixture = Fixture::new();
    let hash = |option: &str| {
        let training = format!(r#""batch": 48, {option}"recalibration_images": 1024"#);
        fit(&fixture, "out", &training, &["--epochs", "2"]).weights_sha256
    };
    let plain = hash("");
    for (default, on) in [
        (
            r#""schedule": "cosine""#,
            r#""schedule": {"step": {"milestones": [0.5], "factor": 0.1}}"#,
        ),
        (r#""warmup_epochs": 0"#, r#""warmup_epochs": 1"#),
        (r#""clip_gradient_norm": null"#, r#""clip_gradient_norm": 0.05"#),
        (r#""label_smoothing": 0"#, r#""label_smoothing": 0.1"#),
        (r#""ema_decay": null"#, r#""ema_decay": 0.9"#),
        (r#""augmentation": {}"#, r#""augmentation": {"crop_padding": 1}"#),
        (
            r#""augmentation": {"horizontal_flip": false}"#,
            r#""augmentation": {"horizontal_flip": true}"#,
        ),
        (r#""augmentation": {"cutout": 0}"#, r#""augmentation": {"cutout": 2}"#),
        (r#""quantize": false"#, r#""quantize": true"#),
    ] {
        assert_eq!(hash(&format!("{default}, ")), plain, "{default}");
        assert_ne!(hash(&format!("{on}, ")), plain, "{on}");
    }
    // Validation changes nothing, nor does a limit that no gradient reaches.
    assert_eq!(hash(r#""validate_every": 1, "clip_gradient_norm": 1e30, "#), plain);
}

#[test]
fn same_bytes_on_any_number_of_threads_with_every_option() {
    let fixture = Fixture::new();
    let unrounded = EVERYTHING.replace(r#""quantize": true"#, r#""quantize": false"#);
    assert_ne!(unrounded, EVERYTHING);
    for training in [EVERYTHING, &unrounded] {
        let report =
            |out, threads| fit(&fixture, out, training, &["--epochs", "3", "--threads", threads]);
        let (one, two) = (report("one", "1"), report("two", "2"));
        assert_eq!((one.curve, one.weights_sha256), (two.curve, two.weights_sha256));
        let figure = |out: &str| std::fs::read(fixture.path(out).join("train.svg")).unwrap();
        assert_eq!(figure("one"), figure("two"));
    }
}

#[test]
fn averaged_weights_of_a_short_training_are_trained() {
    let fixture = Fixture::new();
    let last = fit(&fixture, "last", r#""batch": 48"#, &["--epochs", "8"]);
    let averaged =
        fit(&fixture, "averaged", r#""batch": 48, "ema_decay": 0.9999"#, &["--epochs", "8"]);
    assert_eq!(last.curve[..7], averaged.curve[..7], "the average does not change the training");
    let (last, averaged) =
        (last.accuracy.validation.unwrap(), averaged.accuracy.validation.unwrap());
    assert!(averaged > 0.7 && averaged > last - 0.1, "{averaged}, but without an average {last}");
}

#[test]
fn validation_accuracy_after_every_second_epoch() {
    let fixture = Fixture::new();
    let report = fit(&fixture, "out", r#""batch": 48, "validate_every": 2"#, &["--epochs", "5"]);
    let seen: Vec<bool> =
        report.curve.iter().map(|epoch| epoch.validation_accuracy.is_some()).collect();
    assert_eq!(seen, [false, true, false, true, true]);
    assert_eq!(report.curve[4].validation_accuracy, report.accuracy.validation);
    assert!(
        report.curve[3].validation_accuracy.unwrap() > report.curve[1].validation_accuracy.unwrap()
    );

    let unseen =
        fit(&fixture, "out", r#""validate_every": 1"#, &["--epochs", "2", "--no-validation"]);
    assert!(unseen.curve.iter().all(|epoch| epoch.validation_accuracy.is_none()));
}

#[test]
fn progress_is_a_line_for_each_epoch() {
    let fixture = Fixture::new();
    let output = fixture.train(&fit_arguments("out", &["--epochs", "3", "--subset", "200"]));
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for (number, line) in (1..).zip(lines) {
        assert!(line.starts_with(&format!("epoch {number}/3: loss ")), "{line}");
        assert!(line.contains(" images/s"), "{line}");
        assert_eq!(line.ends_with(" left"), number < 3, "{line}");
    }
}

#[test]
fn the_report_says_what_the_training_took() {
    let fixture = Fixture::new();
    let timing = fixture.fit("out", &["--epochs", "2"]).timing;
    assert!(timing.wall_s > 0.0 && timing.cpu_s > 0.0);
    // 1,151 training images, twice.
    assert!((timing.images_per_s * timing.wall_s - 2302.0).abs() < 1e-6, "{timing:?}");
    if cfg!(target_os = "linux") {
        let bytes = timing.peak_rss_bytes.unwrap();
        assert!(((1 << 20)..(4 << 30)).contains(&bytes), "{bytes} bytes");
    }
    assert_eq!(timing.peak_rss_bytes.is_some(), timing.peak_rss_reason.is_none());
}

#[test]
fn divergence_is_reported_and_is_not_a_failure() {
    let fixture = Fixture::new();
    for optimizer in Optimizer::ALL {
        fixture.write("genome.json", &genome("linear", "linear", 3, &optimizer.to_string()));
        // With the first rate the loss becomes infinite; with the second the weights do, after the
        // loss of the only step.
        for (rate, more) in
            [("1e38", &["--epochs", "3"][..]), ("1e300", &["--epochs", "1", "--subset", "40"])]
        {
            for more_training in
                ["", r#", "ema_decay": 0.9, "validate_every": 1, "clip_gradient_norm": 1.0"#]
            {
                let training = format!(
                    r#""batch": 48, "learning_rate": {{"{optimizer}": {rate}}}{more_training}"#
                );
                let report = fit(&fixture, "out", &training, more);
                assert!(report.diverged, "{training}: {report:?}");
                assert_eq!((report.accuracy.train, report.accuracy.validation), (0.1, Some(0.1)));
                assert_eq!((report.epochs, report.curve.len()), (0, 0));
                let figure = std::fs::read_to_string(fixture.path("out/train.svg")).unwrap();
                assert!(figure.contains("Diverged after "));
                assert!(!fixture.path("out/checkpoint").exists());
                // The weights are the initial ones, which can be evaluated.
                let files =
                    ["--network", "out/network.json", "--weights", "out/weights.safetensors"];
                let eval =
                    [&["eval", "--dataset", "digits", "--split", "val"], &files[..]].concat();
                assert!(fixture.train(&eval).status.success());
            }
        }
    }
}

/// The message says what happened, where, and what to try.
#[test]
fn divergence_is_reported_on_stderr() {
    let fixture = Fixture::new();
    let said = |rate: &str| {
        fixture.write(
            "profile.json",
            &profile(&format!(r#""batch": 48, "learning_rate": {{"nadam": {rate}}}"#)),
        );
        let output = fixture.train(&fit_arguments("out", &["--epochs", "1"]));
        assert!(output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        said.lines().filter(|line| line.contains("diverged")).map(String::from).collect::<Vec<_>>()
    };
    assert!(said("0.002").is_empty());
    let lines = said("1e38");
    let words = [
        "out: the training diverged after 0 whole epochs",
        "initial weights",
        "training.learning_rate",
    ];
    assert!(lines.len() == 1 && words.iter().all(|words| lines[0].contains(words)), "{lines:?}");
}

#[test]
fn augmentation_too_large_for_the_images() {
    let fixture = Fixture::new();
    for (augmentation, message) in [
        (
            r#"{"crop_padding": 8}"#,
            "training.augmentation.crop_padding 8 must be below the 8 pixels of the images' side",
        ),
        (
            r#"{"cutout": 9}"#,
            "training.augmentation.cutout 9 must not be above the 8 pixels of the images' side",
        ),
    ] {
        fixture.write("profile.json", &profile(&format!(r#""augmentation": {augmentation}"#)));
        let line = fixture.refused(&fit_arguments("out", &[]));
        assert!(line.contains(message), "{line}");
        assert!(!fixture.path("out").exists());
    }
}
