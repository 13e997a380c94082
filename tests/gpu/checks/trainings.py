"""Trainings on the GPU and on the processor: the same numbers, the same bytes, precisions."""

import json

from .run import Failed, last_line

GENOME = {"schema": "neuropower/genome/1", "left_activation": "swish", "right_activation": "relu",
          "condense_layers": 2, "feature_extraction_layers": 7, "kernel_size": 3, "optimizer": "nadam"}
PROFILE = {"schema": "neuropower/profile/1", "space": {"feature_extraction_layers": [7, 10]}, "template": {"growth_rate": 6, "stem_channels": 12},
           "training": {"batch": 64, "epochs": 4}}


def operations(run, figures):
    """Runs the tests of the Candle backend on the GPU: forward, gradients, steps, a short training."""
    program = run.needs_program("candle_backend")
    device = {"CANDLE_BACKEND_DEVICE": "cuda", "CANDLE_BACKEND_DIGITS": str(run.folder / "data/digits")}
    code, out, errors = run.command(
        [program, "--nocapture", "--test-threads", "1"], environment=device, cwd=run.scratch)
    differences = [line.rsplit(": ", 1) for line in out.splitlines() if ": " in line and "e-" in line.rsplit(": ", 1)[1]]
    if differences:
        worst = max(differences, key=lambda pair: float(pair[1]))
        figures.update(compared=len(differences), worst_difference=float(worst[1]), worst_of=worst[0])
    if code != 0:
        lines = errors.splitlines()
        panics = [" ".join(lines[at:at + 2]) for at, line in enumerate(lines) if "panicked at" in line]
        raise Failed(panics[0] if panics else last_line(errors or out))
    return True, f"{figures['compared']} tensors agree, the worst differs by {figures['worst_difference']:.1e} of its largest value"


def train(run, name, device, seed=0, precision=None, epochs=None):
    """Trains a small network on digits. Returns its report."""
    folder = run.scratch / f"{name}-{device}-{seed}"
    profile = json.loads(json.dumps(PROFILE))
    if precision:
        profile["training"]["precision"] = precision
    files = {"genome.json": GENOME, "profile.json": profile}
    for file, content in files.items():
        (run.scratch / file).write_text(json.dumps(content))
    command = [run.needs_program("train"), "fit", "--genome", run.scratch / "genome.json", "--config", run.scratch / "profile.json",
               "--dataset", run.folder / "data/digits", "--device", device, "--seed", seed, "--out", folder]
    run.must(command + (["--epochs", epochs] if epochs else []))
    return json.loads((folder / "train.json").read_text())


def losses(run, figures):
    """Compares a training on the GPU with the same one on the processor."""
    on = {device: train(run, "losses", device) for device in ("cpu", "cuda")}
    for device, report in on.items():
        figures[device] = {"first_loss": report["curve"][0]["loss"], "validation_accuracy": report["accuracy"]["validation"],
                           "images_per_s": report["timing"]["images_per_s"]}
    apart = abs(figures["cuda"]["first_loss"] / figures["cpu"]["first_loss"] - 1)
    points = abs(figures["cuda"]["validation_accuracy"] - figures["cpu"]["validation_accuracy"])
    figures.update(loss_apart=apart, accuracy_apart=points)
    return apart <= 0.01 and points <= 0.03, f"losses differ by {apart:.2%}, accuracies by {100 * points:.2f} points"


def same_bytes(run, figures):
    """Trains twice on the GPU with one seed."""
    hashes = [train(run, f"bytes{turn}", "cuda", seed=1, epochs=2)["weights_sha256"] for turn in (1, 2)]
    figures.update(weights_sha256=hashes)
    same = hashes[0] == hashes[1]
    return same, "the weights are equal to the byte" if same else "the weights differ"


def precisions(run, figures):
    """Trains in three precisions with three seeds each."""
    for seed in (1, 2, 3):
        for precision in ("f32", "tf32", "bf16"):
            report = train(run, f"precision-{precision}", "cuda", seed, precision)
            figures.setdefault(precision, []).append(report["accuracy"]["validation"])
    means = {precision: sum(values) / len(values) for precision, values in figures.items()}
    met = all(abs(means[other] - means["f32"]) <= 0.02 for other in ("tf32", "bf16"))
    return met, "mean validation accuracy of three seeds: " + ", ".join(f"{name} {100 * mean:.2f} %" for name, mean in means.items())
