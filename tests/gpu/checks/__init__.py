"""The checks of a first run on a GPU, the most important first."""

from . import crates, energy, latency, memory, sweep, throughput, trainings
from .run import Check

CHECKS = [
    Check("gpu", None, 20, crates.gpu),
    Check("self-tests", "each crate's own test passes", 80, crates.self_tests),
    Check("operations", "gradients, statistics and steps as on the processor", 90, trainings.operations),
    Check("losses", "loss of the first epoch within 1 % of the processor's, accuracy within 3 points", 60, trainings.losses),
    Check("same bytes", "two trainings with one seed give the same weights", 40, trainings.same_bytes),
    Check("latency", "at most 0.5 of PyTorch eager and 1.0 of torch.compile with CUDA graphs", 120, latency.against_pytorch),
    Check("three times", "their sum is 0.7 to 1.05 of the latency", 30, latency.three_times),
    Check("throughput", "at least 1.0 of as many PyTorch processes", 170, throughput.against_pytorch),
    Check("energy", "NVML's counter is read, nobody else is on the GPU, idle power within 10 % of nvidia-smi's", 60, energy.measured),
    Check("polling", "latency below `measure` within 1 % of that without", 60, energy.polling),
    Check("memory", "a batch that does not fit: one sentence, exit code 1", 40, memory.too_small),
    Check("precision", "accuracy with tf32 and bf16 within 2 points of f32", 90, trainings.precisions),
    Check("blocks", "no other number of blocks or warps is 5 % faster", 90, sweep.blocks),
]
