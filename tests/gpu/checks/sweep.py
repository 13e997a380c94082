"""Numbers of blocks (ENOUGH_BLOCKS) and of warps and tiles (codegen/src/cuda/launch.rs)."""

from .latency import bench
from .run import NotRun, median

BLOCKS = (1, 32, 64, 128, 256, 512, 1_000_000)
DEFAULT_BLOCKS = 128
BATCHES = (1, 64)


def blocks(run, figures):
    """Measures the crates of the sweep with every number of blocks, and variants of their launches."""
    networks = run.kit["sweep"]["networks"]
    if not networks:
        raise NotRun("the folder has no crates for it")
    best = 1.0
    for name in networks:
        for batch in BATCHES:
            times = {}
            for number in BLOCKS:
                if run.remaining() < 6:
                    raise NotRun(f"no time was left after {len(figures)} of {len(networks) * len(BATCHES)} tables; figures are kept")
                times[str(number)] = fastest(run, name, batch, number)
            figures[f"{name}, batch {batch}, blocks"] = times
            best = max(best, times[str(DEFAULT_BLOCKS)] / min(times.values()))
    for name in networks:
        times = {"default": fastest(run, name, 1, DEFAULT_BLOCKS)}
        figures[f"{name}, batch 1, launches"] = times
        for variant in run.kit["sweep"]["variants"]:
            if run.remaining() < 6:
                raise NotRun("no time was left for all variants; figures are kept")
            times[variant] = fastest(run, f"{name}-{variant}", 1, DEFAULT_BLOCKS)
        best = max(best, times["default"] / min(times.values()))
    return best < 1.05, f"the best other choice is {best:.2f} times as fast"


def fastest(run, name, batch, number):
    windows = bench(run, name, 0.15, 3, ["--batch", batch, "--blocks", number])
    return median([window["p50_s"] for window in windows])
