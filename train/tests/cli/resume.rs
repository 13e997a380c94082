//! Interrupted trainings resume to the same bytes.

use crate::fixture::{Fixture, fit_arguments, profile};
use crate::recipes::EVERYTHING;
use common::files::json;
use common::train_report::{Timing, TrainReport};
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// Returns a report without its timing, which differs between runs.
fn without_timing(report: TrainReport) -> TrainReport {
    let timing = Timing {
        wall_s: 0.0,
        cpu_s: 0.0,
        images_per_s: 0.0,
        threads: 0,
        device: String::new(),
        peak_rss_bytes: None,
        peak_rss_reason: None,
        program: None,
    };
    TrainReport { timing, ..report }
}

/// Reads the results that must be the same for the same training.
fn results(fixture: &Fixture, out: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>, TrainReport) {
    let read = |name: &str| fs::read(fixture.path(out).join(name)).unwrap();
    let report = json::read(&fixture.path(out).join("train.json")).unwrap();
    (read("network.json"), read("weights.safetensors"), read("train.svg"), without_timing(report))
}

/// Returns the number of completed epochs in a checkpoint.
pub(crate) fn epochs_in(checkpoint: &[u8]) -> usize {
    let line = checkpoint.split(|byte| *byte == b'\n').next().unwrap();
    String::from_utf8_lossy(line).matches("\"epoch\":").count()
}

/// Lets a training fail at its end, because a folder has the name of its weights file, and returns
/// its last checkpoint. That is the state after a kill, independent of the time of a kill.
fn interrupted_at_the_end(fixture: &Fixture, epochs: &str) -> Vec<u8> {
    fs::create_dir_all(fixture.path("cut/weights.safetensors")).unwrap();
    let error = fixture.fit_refused("cut", &["--epochs", epochs]);
    assert!(error.contains("cut/weights.safetensors: cannot write the file"), "{error}");
    fs::remove_dir(fixture.path("cut/weights.safetensors")).unwrap();
    assert!(!fixture.path("cut/train.json").exists());
    fs::read(fixture.path("cut/checkpoint")).unwrap()
}

#[test]
fn an_interrupted_training_resumes_to_the_same_bytes() {
    let fixture = Fixture::new();
    for training in [r#""batch": 48"#, EVERYTHING] {
        fixture.write("profile.json", &profile(training));
        fixture.fit("whole", &["--epochs", "4"]);
        assert_eq!(epochs_in(&interrupted_at_the_end(&fixture, "4")), 3);
        let resumed = fixture.train(&fit_arguments("cut", &["--epochs", "4", "--resume"]));
        let progress = String::from_utf8(resumed.stderr).unwrap();
        assert!(progress.starts_with("epoch 4/4: ") && progress.lines().count() == 1, "{progress}");
        assert!(results(&fixture, "cut") == results(&fixture, "whole"));
        assert!(!fixture.path("cut/checkpoint").exists());
        fs::remove_dir_all(fixture.path("cut")).unwrap();
    }
}

/// Kills a training after its checkpoint has been written a number of times, resumes it, and so on
/// to the end. Whatever the kill interrupts, the results are those of an uninterrupted training.
#[test]
fn a_training_killed_several_times_ends_with_the_same_bytes() {
    let fixture = Fixture::new();
    fixture.write("profile.json", &profile(EVERYTHING));
    fixture.fit("whole", &["--epochs", "8"]);
    let expected = results(&fixture, "whole");
    for (round, changes_before_kills) in
        [&[1, 1, 1, 1][..], &[2, 3], &[0, 0, 4], &[7]].into_iter().enumerate()
    {
        let out = format!("killed-{round}");
        for changes in changes_before_kills {
            kill_after(&fixture, &out, *changes);
        }
        fixture.fit(&out, &["--epochs", "8", "--resume"]);
        assert!(
            results(&fixture, &out) == expected,
            "killed after {changes_before_kills:?} checkpoints"
        );
        assert!(!fixture.path(&out).join("checkpoint").exists());
    }
}

/// Runs `train fit --resume` until it has written its checkpoint `changes` times, and kills it.
fn kill_after(fixture: &Fixture, out: &str, changes: usize) {
    let checkpoint = fixture.path(out).join("checkpoint");
    let epochs = || fs::read(&checkpoint).map_or(0, |bytes| epochs_in(&bytes));
    let before = epochs();
    let arguments = fit_arguments(out, &["--epochs", "8", "--resume"]);
    let mut child =
        fixture.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while epochs() < before + changes && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    // Fails if the training has already ended.
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let fixture = Fixture::new();
    interrupted_at_the_end(&fixture, "3");
    let refused = |epochs: &str, more: &[&str]| {
        let line = fixture
            .refused(&fit_arguments("cut", &[&["--epochs", epochs, "--resume"], more].concat()));
        assert!(
            line.contains("cut/checkpoint: cannot resume from it; remove it to start anew"),
            "{line}"
        );
        assert!(
            line.contains("another network, data set, seed, settings or kind of device"),
            "{line}"
        );
    };
    refused("4", &[]);
    refused("3", &["--seed", "9"]);
    refused("3", &["--subset", "100"]);
    refused("3", &["--learning-rate-scale", "0.5"]);
    for option in [
        r#""ema_decay": 0.9"#,
        r#""label_smoothing": 0.1"#,
        r#""validate_every": 1"#,
        r#""quantize": true"#,
    ] {
        fixture.write("profile.json", &profile(&format!(r#""batch": 48, {option}"#)));
        refused("3", &[]);
    }
    fixture.write("profile.json", &profile(r#""batch": 48"#));
    let description = fixture.path("digits/dataset.json");
    let text = fs::read_to_string(&description).unwrap();
    let other_split = text.replace("\"seed\": 0", "\"seed\": 1");
    assert_ne!(text, other_split);
    fs::write(description, other_split).unwrap();
    refused("3", &[]);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_kept() {
    let fixture = Fixture::new();
    fixture.write("profile.json", &profile(EVERYTHING));
    let good = interrupted_at_the_end(&fixture, "3");
    let checkpoint = fixture.path("cut/checkpoint");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&checkpoint, bytes).unwrap();
        let line = fixture.refused(&fit_arguments("cut", &["--epochs", "3", "--resume"]));
        let expected = "error: cut/checkpoint: cannot resume from it; remove it to start anew: it \
                        is damaged\n";
        assert_eq!(line, expected, "{what}");
        assert_eq!(fs::read(&checkpoint).unwrap(), bytes);
    };
    for length in [0, 1, 63, 64, 65, 300, good.len() / 2, good.len() - 65, good.len() - 1] {
        refused(&good[..length], &format!("cut off after {length} bytes"));
    }
    for place in [0, 40, 200, good.len() / 3, good.len() / 2, good.len() - 70, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        refused(&bytes, &format!("a bit changed at {place}"));
    }
    refused(&[&good[..], b"\n"].concat(), "something more");
    refused(&vec![0xff; 5000], "garbage");
    refused(&b"\n".repeat(100), "empty lines");
    fs::write(&checkpoint, &good).unwrap();
    fixture.fit("cut", &["--epochs", "3", "--resume"]);
}
