"""Generated crates: the GPU as they see it, and their own tests."""

from .run import Failed, last_line


def gpu(run, figures):
    """Notes the GPU, the driver and the processor's cores."""
    query = "name,driver_version,memory.total,compute_cap,clocks.max.sm,power.limit"
    code, out, errors = run.command(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"])
    if code != 0:
        raise Failed(f"nvidia-smi: {last_line(errors or out)}")
    figures.update(zip(query.split(","), [part.strip() for part in out.splitlines()[0].split(",")]))
    run.results["gpu"] = dict(figures)
    return None, f"{figures['name']}, driver {figures['driver_version']}, compute capability {figures['compute_cap']}"


def self_tests(run, figures):
    """Runs each crate's own test: its logits against recorded ones, one by one and all at once."""
    failures = []
    for name in run.kit["crates"]:
        folder = run.folder / "crates" / name
        code, out, errors = run.command([folder / "target/release/golden"], cwd=folder)
        figures[name] = last_line(out) if code == 0 else last_line(errors)
        failures += [] if code == 0 else [f"{name}: {figures[name]}"]
    if failures:
        raise Failed("; ".join(failures))
    return True, f"{len(figures)} crates agree with their recorded logits: {', '.join(figures)}"
