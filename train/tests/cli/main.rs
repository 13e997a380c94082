//! The program's command line, on the digits that ship with the project.

mod data;
mod fixture;
mod mistakes;
mod quantize;
mod recipes;
mod resume;
mod signals;

use common::files::json;
use common::network::weights::Weights;
use common::train_report::EvalReport;
use fixture::{Fixture, fit_arguments, genome, profile};

#[test]
fn same_seed_same_bytes_on_any_number_of_threads() {
    let fixture = Fixture::new();
    let one = fixture.fit("one", &["--epochs", "2", "--threads", "1", "--seed", "7"]);
    let two = fixture.fit("two", &["--epochs", "2", "--threads", "2", "--seed", "7"]);
    let other = fixture.fit("other", &["--epochs", "2", "--seed", "8"]);
    assert_eq!((one.timing.threads, two.timing.threads), (1, 2));
    assert_eq!(one.weights_sha256, two.weights_sha256);
    assert_ne!(one.weights_sha256, other.weights_sha256);
    let bytes = |name: &str| std::fs::read(fixture.path(name).join("weights.safetensors")).unwrap();
    assert_eq!(bytes("one"), bytes("two"));
    assert_eq!(one.curve, two.curve);
}

#[test]
fn a_level_of_kernels_can_be_forced() {
    let fixture = Fixture::new();
    let with = |level: &str, arguments: &[&str]| {
        let mut command = fixture.command(arguments);
        command.env("NEUROPOWER_KERNELS", level).output().unwrap()
    };
    let version = String::from_utf8(with("scalar", &["--version"]).stdout).unwrap();
    assert!(version.ends_with(", kernels scalar)\n"), "{version}");
    let fit = with("scalar", &fit_arguments("out", &["--epochs", "1"]));
    assert!(fit.status.success(), "{}", String::from_utf8_lossy(&fit.stderr));
    let refused = with("fpga", &fit_arguments("other", &["--epochs", "1"]));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let expected = "error: NEUROPOWER_KERNELS is fpga, but this processor has scalar";
    assert!(said.starts_with(expected) && said.lines().count() == 1, "{said}");
}

#[test]
fn training_learns_and_evaluation_agrees_with_it() {
    let fixture = Fixture::new();
    let report = fixture.fit("out", &["--epochs", "12"]);
    let validation = report.accuracy.validation.unwrap();
    assert!(validation > 0.8, "validation accuracy {validation}");
    assert!(report.curve[11].loss < report.curve[0].loss);
    let eval = |split: &str| -> EvalReport {
        let args = [
            "eval",
            "--network",
            "out/network.json",
            "--weights",
            "out/weights.safetensors",
            "--dataset",
            "digits",
        ];
        let output = fixture.train(
            &[&args[..], &["--split", split, "--dump-logits", "logits", "--out", "eval.json"]]
                .concat(),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = json::parse(&String::from_utf8_lossy(&output.stdout)).unwrap();
        let written: EvalReport = json::read(&fixture.path("eval.json")).unwrap();
        // The lists of mistakes are in the file only.
        let counts = EvalReport { confusion: None, wrong: None, examples: None, ..written };
        assert_eq!(counts, report);
        report
    };
    assert_eq!(eval("val").accuracy, validation);
    let test = eval("test");
    assert_eq!((test.images, test.accuracy), (359, test.correct as f64 / 359.0));
    let logits = Weights::from_bytes(&std::fs::read(fixture.path("logits")).unwrap()).unwrap();
    assert_eq!(logits.get("logits").shape, [359, 10]);
    let rows = logits.get("logits").data.chunks(10).zip(&logits.get("labels").data);
    let correct = rows
        .filter(|(row, label)| common::network::reference::class_of(row) as f32 == **label)
        .count();
    assert_eq!(correct, test.correct);
}

#[test]
fn fine_tuning_starts_from_the_given_weights() {
    let fixture = Fixture::new();
    let first = fixture.fit("first", &["--epochs", "6"]);
    fixture.write("profile.json", &profile(r#""batch": 48, "learning_rate": {"nadam": 1e-9}"#));
    let second = fixture.fit("second", &["--epochs", "1", "--init", "first/weights.safetensors"]);
    let change = (second.accuracy.validation.unwrap() - first.accuracy.validation.unwrap()).abs();
    assert!(change < 0.02, "a learning rate of almost 0 changed the accuracy by {change}");
}

#[test]
fn init_writes_what_a_training_starts_from() {
    let fixture = Fixture::new();
    let options = ["--epochs", "1", "--seed", "7"];
    let trained = fixture.fit("trained", &options);
    let init = ["init", "--network", "trained/network.json", "--seed", "7", "--out", "initial"];
    assert!(fixture.train(&init).status.success());
    let again = fixture.fit("again", &[&options[..], &["--init", "initial"]].concat());
    assert_eq!(again.weights_sha256, trained.weights_sha256);
}

#[test]
fn no_validation_trains_on_everything_and_subset_on_less() {
    let fixture = Fixture::new();
    let all = fixture.fit("all", &["--epochs", "1", "--no-validation"]);
    assert_eq!((all.images, all.accuracy.validation), (1438, None));
    let part = fixture.fit("part", &["--epochs", "1", "--subset", "100"]);
    assert_eq!(part.images, 100);
}

#[test]
fn a_training_on_all_images_keeps_the_validation_accuracy_that_it_was_chosen_by() {
    let fixture = Fixture::new();
    let chosen = fixture.fit("chosen", &["--epochs", "2"]);
    let all = ["--epochs", "1", "--no-validation", "--chosen-by"];
    let by = |folder| [&all[..], &[folder]].concat();
    let report = fixture.fit("all", &by("chosen"));
    assert_eq!(report.accuracy.validation, None);
    assert_eq!(report.chosen_with_validation_accuracy, chosen.accuracy.validation);
    assert_eq!(report.validation_accuracy(), chosen.validation_accuracy());
    // It is kept by a training after that, and by one into the same folder.
    for out in ["later", "all"] {
        let later = fixture.fit(out, &by("all"));
        assert_eq!(later.validation_accuracy(), chosen.accuracy.validation);
    }
    let plain = fixture.fit("plain", &["--epochs", "1", "--no-validation"]);
    assert_eq!(plain.validation_accuracy(), None);
    assert!(fixture.fit_refused("out", &by("plain")).contains("no validation accuracy to choose"));
    fixture.write("genome.json", &genome("relu", "relu", 3, "sgd"));
    assert!(fixture.fit_refused("out", &by("chosen")).contains("training of another network"));
    assert!(fixture.fit_refused("out", &by("nowhere")).contains("nowhere/network.json"));
    assert!(!fixture.path("out").exists());
    let alone = fixture.train(&fit_arguments("out", &["--chosen-by", "chosen"]));
    assert_eq!(alone.status.code(), Some(2));
}

#[test]
fn bad_input_is_one_line_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    fixture.fit("good", &["--epochs", "1"]);
    let network = ["--network", "good/network.json", "--dataset", "digits", "--out", "out"];
    let fit = |more: &[&str]| fixture.refused(&[&["fit"], &network[..], more].concat());

    let bytes = std::fs::read(fixture.path("good/weights.safetensors")).unwrap();
    std::fs::write(fixture.path("cut"), &bytes[..bytes.len() - 5]).unwrap();
    assert!(fit(&["--init", "cut"]).contains("cut: not a valid safetensors file"));
    fixture.write("genome.json", &genome("relu", "relu", 7, "sgd"));
    let genome_args = [
        "fit",
        "--genome",
        "genome.json",
        "--dataset",
        "digits",
        "--out",
        "out",
        "--config",
        "profile.json",
    ];
    assert!(
        fixture
            .refused(&genome_args)
            .contains("kernel_size 7 is outside the space; valid values: 3, 5")
    );
    fixture.write("genome.json", &genome("gelu", "relu", 3, "sgd"));
    assert!(fixture.refused(&genome_args).contains("expected one of `relu`"));
    fixture.write("wide.json", &profile(r#""learning_rate": {"sgd": -1}"#));
    assert!(fit(&["--config", "wide.json"]).contains("learning_rate.sgd -1"));
    assert!(!fixture.path("out").exists());

    fixture.write("file", "");
    let unwritable = [
        "fit",
        "--network",
        "good/network.json",
        "--dataset",
        "digits",
        "--out",
        "file/out",
        "--epochs",
        "1",
    ];
    assert!(fixture.refused(&unwritable).contains("file/out"));
}

#[test]
fn the_processor_takes_f32_only_and_the_report_names_the_device() {
    let fixture = Fixture::new();
    fixture.write("profile.json", &profile(r#""precision": "bf16""#));
    let line = fixture.fit_refused("out", &["--device", "cpu"]);
    assert!(line.contains("training.precision is for GPUs"), "{line}");
    assert!(!fixture.path("out").exists());
    fixture.write("profile.json", &profile(""));
    assert_eq!(fixture.fit("out", &["--epochs", "1"]).timing.device, "cpu");
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_program_without_support_for_gpus_says_how_to_build_one_with_it() {
    let fixture = Fixture::new();
    fixture.fit("out", &["--epochs", "1"]);
    let (network, weights) = ("out/network.json", "out/weights.safetensors");
    let eval = [
        "eval",
        "--network",
        network,
        "--weights",
        weights,
        "--dataset",
        "digits",
        "--split",
        "val",
    ];
    for line in [
        fixture.fit_refused("gpu", &["--device", "cuda:1"]),
        fixture.refused(&[&eval[..], &["--device", "cuda:1"]].concat()),
    ] {
        assert!(line.contains("--device cuda:1: ") && line.contains("`make build-cuda`"), "{line}");
    }
    assert!(!fixture.path("gpu").exists());
}

#[test]
fn wrong_usage_is_exit_2() {
    let fixture = Fixture::new();
    for args in [
        &["fit"][..],
        &["fit", "--epochs", "0"],
        &["fit", "--device", "gpu"],
        &["eval", "--split", "train"],
        &["nonsense"],
    ] {
        assert_eq!(fixture.train(args).status.code(), Some(2));
    }
}

#[test]
fn weights_with_non_finite_logits_have_no_accuracy() {
    let fixture = Fixture::new();
    fixture.fit("net", &["--epochs", "1"]);
    let network = json::read(&fixture.path("net/network.json")).unwrap();
    let weights = Weights::read(&fixture.path("net/weights.safetensors"), &network).unwrap();
    let eval = |change: &dyn Fn(&str, &mut Vec<f32>)| {
        let mut changed = weights.clone();
        changed.0.iter_mut().for_each(|(name, tensor)| change(name, &mut tensor.data));
        changed.write(&fixture.path("changed.safetensors")).unwrap();
        let args = [
            "eval",
            "--network",
            "net/network.json",
            "--weights",
            "changed.safetensors",
            "--split",
            "test",
        ];
        fixture.refused(&[&args[..], &["--dataset", "digits", "--out", "eval.json"]].concat())
    };
    let negative = eval(&|name, data| {
        if name.ends_with("running_var") {
            data[0] = -0.5;
        }
    });
    assert!(negative.contains("has variances below 0"), "{negative}");
    let overflowing = eval(&|name, data| {
        if name.ends_with("weight") {
            data.iter_mut().for_each(|x| *x = 1e38);
        }
    });
    assert!(
        overflowing.contains("are not finite numbers, so these weights have no accuracy"),
        "{overflowing}"
    );
    assert!(!fixture.path("eval.json").exists());
}
