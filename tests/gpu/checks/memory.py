"""A batch that does not fit into the GPU's memory."""

import json
import subprocess

from .trainings import GENOME
from .run import Failed
from .throughput import write_images

# Takes all memory but 600 MB, says so, and waits.
HOG = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
kept = torch.empty(max(free - 600_000_000, 1), dtype=torch.uint8, device="cuda")
print("full", flush=True)
sys.stdin.read()
"""
PROFILE = {"schema": "neuropower/profile/1", "training": {"batch": 1024, "epochs": 1}}


def too_small(run, figures):
    """Fills the memory and trains with a large batch: one sentence, exit code 1, nothing written."""
    train = run.needs_program("train")
    run.needs_torch()
    hog = run.start([run.python, "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if hog.stdout.readline().strip() != "full":
        raise Failed("the GPU's memory could not be filled")
    write_images(run.scratch / "images", [str(label) for label in range(10)])
    (run.scratch / "large.json").write_text(json.dumps(PROFILE))
    (run.scratch / "large-genome.json").write_text(json.dumps({**GENOME, "feature_extraction_layers": 40}))
    out = run.scratch / "does-not-fit"
    code, _, errors = run.command([train, "fit", "--genome", run.scratch / "large-genome.json",
                                   "--config", run.scratch / "large.json", "--dataset", run.scratch / "images", "--device", "cuda",
                                   "--no-validation", "--out", out])
    lines = [line for line in errors.splitlines() if line.startswith("error")]
    left = sorted(path.name for path in out.iterdir()) if out.exists() else []
    figures.update(exit_code=code, errors=lines, left=left)
    said = len(lines) == 1 and "memory is too small" in lines[0]
    return code == 1 and said and not left, lines[0] if lines else f"exit code {code}, no sentence"
