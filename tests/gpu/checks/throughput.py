"""Training throughput of C10-Net.3 at batch 128 with several candidates at once, beside as many
PyTorch processes."""

import json
import random
import shutil
import subprocess

from .peer import Peer
from .run import Failed, last_line

NETWORK = "c10-net-3"
IMAGES, BATCH, EPOCHS, AT_ONCE, SECONDS = 2048, 128, (1, 4), (1, 2, 4, 8), 4
PROFILE = {"schema": "neuropower/profile/1", "training": {"batch": BATCH, "epochs": EPOCHS[1], "precision": "f32"}}


def against_pytorch(run, figures):
    """Trains 1, 2, 4 and 8 networks at once, as `train` and as PyTorch (f32 both; TF32 is noted)."""
    run.needs_program("train")
    classes = json.loads((run.folder / "crates" / NETWORK / "network.json").read_text())["classes"]
    write_images(run.scratch / "images", classes)
    version = run.needs_torch()
    figures.update(pytorch=version, batch=BATCH)
    met, words = True, []
    for count in AT_ONCE:
        ours = of_train(run, count)
        strict = of_pytorch(run, count, "--strict")
        default = of_pytorch(run, count) if count == AT_ONCE[0] else None
        figures[f"{count} at once"] = {"train_images_per_s": ours, "pytorch_images_per_s": strict, "pytorch_tf32_images_per_s": default,
                                       "ratio": ours / strict}
        met &= ours >= strict
        words.append(f"{count}: {ours:.0f} images/s, {ours / strict:.2f} of PyTorch")
    return met, "; ".join(words)


def of_train(run, count):
    """Returns the images per second of several trainings together. A short and a long training are
    compared, so that the start of the processes and of CUDA does not count."""
    longest = []
    for epochs in EPOCHS:
        folders = [run.scratch / f"at-once-{number}" for number in range(count)]
        (run.scratch / "throughput.json").write_text(json.dumps(PROFILE))
        children = [run.start([run.needs_program("train"), "fit", "--network", run.folder / "crates" / NETWORK / "network.json",
                               "--dataset", run.scratch / "images", "--config", run.scratch / "throughput.json", "--no-validation",
                               "--device", "cuda", "--epochs", epochs, "--threads", 2, "--out", folder],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for folder in folders]
        for child in children:
            code, _, errors = run.finish(child)
            if code != 0:
                raise Failed(f"train: {last_line(errors)}")
        longest.append(max(json.loads((folder / "train.json").read_text())["timing"]["wall_s"] for folder in folders))
        for folder in folders:
            shutil.rmtree(folder)
    return count * IMAGES * (EPOCHS[1] - EPOCHS[0]) / (longest[1] - longest[0])


def of_pytorch(run, count, *options):
    """Returns the images per second of several PyTorch processes together."""
    peers = [Peer(run, run.folder / "crates" / NETWORK / "network.json", "eager", *options) for _ in range(count)]
    answers = []
    for request in ({"request": "prepare"}, {"request": "train", "seconds": SECONDS, "batch": BATCH}):
        for peer in peers:
            peer.ask(request)
        answers = [peer.answer() for peer in peers]
        for answer in answers:
            if answer["error"]:
                raise Failed(f"PyTorch: {answer['error']}")
    for peer in peers:
        peer.close()
    return sum(answer["images"] for answer in answers) / max(answer["seconds"] for answer in answers)


def write_images(folder, classes):
    """Writes random images of ten classes in CIFAR-10's format; speed does not depend on what they
    show."""
    folder.mkdir(exist_ok=True)
    noise = random.Random(0)
    record = lambda label: bytes([label]) + noise.randbytes(3072)
    for name, count in (("train.bin", IMAGES), ("test.bin", 20)):
        (folder / name).write_bytes(b"".join(record(number % 10) for number in range(count)))
    files = [{"path": name, "sha256": None} for name in ("train.bin", "test.bin")]
    (folder / "dataset.json").write_text(json.dumps({
        "schema": "neuropower/dataset/1", "name": "noise", "about": "random", "format": "cifar10", "channels": 3, "height": 32,
        "width": 32, "classes": classes, "normalisation": {"mean": [0.5] * 3, "std": [0.25] * 3},
        "validation": {"fraction": 0.1, "seed": 0}, "train": files[:1], "test": files[1:], "sources": []}))
