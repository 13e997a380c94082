"""Energy by NVML over the windows of `measure run`, and what reading the meter costs."""

import json
import time

from .latency import bench
from .run import NotRun, median



def record(run):
    """Returns a record of `measure run` on the board `nvidia-gpu`. The crate is built already: what
    stands in for cargo and rustc only says so."""
    settings = {"idle_s": 3 * run.scale, "warmup_s": run.scale, "windows": 3, "window_s": 2 * run.scale}
    (run.scratch / "measure.json").write_text(json.dumps({"schema": "neuropower/profile/1", "measurement": settings}))
    out = run.scratch / "measurement.json"
    built = {"CARGO": str(run.folder / "bin/built-already"), "RUSTC": str(run.folder / "bin/rustc-version")}
    nvml = ["--nvml-library", run.nvml_library] if run.nvml_library else []
    run.must([run.folder / "bin/measure", "run", "--crate", run.folder / "crates" / run.kit["crates"][0], "--board", "nvidia-gpu",
              "--config", run.scratch / "measure.json", "--out", out, *nvml], environment=built)
    return json.loads(out.read_text())


def measured(run, figures):
    """Measures a crate's energy, and compares the idle power with nvidia-smi's."""
    time.sleep(2 * run.scale)
    code, out, _ = run.command(["nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits"])
    smi = float(out.splitlines()[0]) if code == 0 and out.strip() else None
    found = record(run)
    energy, gpu = found["energy"], found.get("gpu")
    figures.update(status=energy["status"], reason=energy["reason"], gross_j=energy["gross_j"], gross_interval_j=energy["gross_interval_j"],
                   net_j=energy["net_j"], idle_before_w=energy["idle_before_w"], idle_after_w=energy["idle_after_w"], nvidia_smi_w=smi,
                   gpu=gpu, latency=found["latency"], communication=found.get("communication"))
    run.shared["measured_p50_s"] = found["latency"]["p50_s"]
    if energy["status"] != "measured":
        return False, f"the energy was not measured: {energy['reason']}"
    others = (gpu or {}).get("other_processes", {}).get("value")
    alone = others == []
    idle, words = energy["idle_before_w"], [f"{1e3 * energy['gross_j']:.2f} mJ an inference"]
    near = True
    if smi is not None and idle is not None:
        near = abs(idle / smi - 1) <= 0.1
        words.append(f"idle {idle:.1f} W, nvidia-smi {smi:.1f} W")
    words.append("nobody else on the GPU" if alone else f"others on the GPU: {others}")
    return alone and near, ", ".join(words)


def polling(run, figures):
    """Compares the latency of `bench` alone and below `measure`, in turns."""
    if not run.shared.get("measured_p50_s"):
        raise NotRun("`measure` has given no latency")
    alone, below = [], []
    for _ in range(2):
        alone += [window["p50_s"] for window in bench(run, run.kit["crates"][0], seconds=2, windows=2)]
        below += [window["p50_s"] for window in record(run)["windows"]]
    change = median(below) / median(alone) - 1
    figures.update(alone_s=alone, below_measure_s=below, change=change)
    return change <= 0.01, f"latency below `measure` differs by {change:+.2%}"
