"""Latency of one image in a crate, in turns with PyTorch, and its three parts."""

import json

from .peer import Peer
from .run import Failed, NotRun, median

ROUNDS = 3
NETWORKS = ["m-net-1", "c10-net-3"]
BARS = {"eager": 0.5, "graphs": 1.0}


def bench(run, name, seconds=0.4, windows=1, more=()):
    """Returns the windows of a crate's `bench`, as its lines of JSON have them."""
    folder, seconds = run.folder / "crates" / name, seconds * run.scale
    out = run.must([folder / "target/release/bench", "--windows", windows, "--window-s", seconds,
                    "--warmup-s", min(seconds, 0.5), *more], cwd=folder)
    windows = [event for event in map(json.loads, out.splitlines()) if event["event"] == "window"]
    if not windows:
        raise Failed(f"{name}: bench printed no window")
    return windows


def against_pytorch(run, figures):
    """Measures crates, PyTorch eager and torch.compile with CUDA graphs in turns."""
    version = run.needs_torch()
    figures["pytorch"] = version
    networks = [name for name in NETWORKS if name in run.kit["crates"]]
    # Their compilation takes longest; they prepare at the same time.
    peers = {(name, variant): Peer(run, run.folder / "crates" / name / "network.json", variant)
             for name in networks for variant in BARS}
    for peer in peers.values():
        peer.ask({"request": "prepare"})
    ready = {key: peer.answer() for key, peer in peers.items()}
    for key, answer in ready.items():
        if answer["error"]:
            figures["/".join(key)] = answer["error"]
    met, words = True, []
    for name in networks:
        ours, theirs = [], {variant: [] for variant in BARS if not ready[name, variant]["error"]}
        for _ in range(ROUNDS):
            ours += [window["p50_s"] for window in bench(run, name)]
            for variant, times in theirs.items():
                times.append(peers[name, variant].get({"request": "latency", "seconds": 0.4})["p50_s"])
        figures[name] = {"ours_s": ours, **{f"{variant}_s": times for variant, times in theirs.items()}}
        for variant, times in theirs.items():
            ratio = median(ours) / median(times)
            figures[name][f"ratio_{variant}"] = ratio
            met &= ratio <= BARS[variant]
            words.append(f"{name} {ratio:.2f} of {variant}")
        met &= len(theirs) == len(BARS)
        words.append(f"{name} {1e6 * median(ours):.0f} us")
    if not words:
        raise NotRun("no network to compare")
    for peer in peers.values():
        peer.close()
    return met, ", ".join(words)


def three_times(run, figures):
    """Compares the sum of the three times of Table 3 with the latency."""
    met, words = True, []
    for name in run.kit["crates"][:2]:
        window = bench(run, name)[0]
        parts = window["communication"]
        share = sum(parts.values()) / window["p50_s"]
        figures[name] = {"p50_s": window["p50_s"], **parts, "share": share}
        met &= 0.7 <= share <= 1.05
        words.append(f"{name} {share:.2f} ({', '.join(f'{key[:-2]} {1e6 * value:.1f} us' for key, value in parts.items())})")
    return met, "sum over latency: " + "; ".join(words)
