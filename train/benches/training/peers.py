"""A PyTorch peer of `make bench-train`: trains the network of a network.json as a PyTorch user
would, on request.

    python3 peers.py --variant eager --threads 2

Requests are JSON, one object a line, on standard input; each gets one line on standard output:
    {"request": "prepare", "network": "network.json", "batch": 64, "parameters": 1234}
                                                builds the network and does the warm-up steps
    {"request": "steps", "count": 3}            full optimisation steps
    {"request": "multiply", "size": 2048, "count": 3}
                                                products of two square float32 matrices
The response: {"seconds": [one for each step or product], "peak_bytes": of this process so far,
"error": null or a sentence}. Before the first request the peer prints {"version": "...",
"peak_bytes": with only the libraries loaded}.
"""

import argparse
import json
import os
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

IMAGES = 1024
WARM_UP_STEPS = 2
RATE, WEIGHT_DECAY = 1e-3, 1e-4
ACTIVATIONS = {
    "relu": F.relu, "elu": F.elu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "swish": F.silu, "selu": F.selu, "linear": lambda x: x,
}


class Activation(nn.Module):
    def __init__(self, left, right):
        super().__init__()
        self.left, self.right = ACTIVATIONS[left], ACTIVATIONS[right]

    def forward(self, x):
        return torch.where(x < 0, self.left(x), self.right(x))


class Concat(nn.Module):
    def forward(self, *inputs):
        return torch.cat(inputs, 1)


def make_module(op):
    kind = op["kind"]
    if kind == "conv2d":
        kernel = op["kernel"]
        channels = (op["in_channels"], op["out_channels"])
        return nn.Conv2d(*channels, kernel, op["stride"], kernel // 2, bias=False)
    if kind == "batch_norm":
        return nn.BatchNorm2d(op["channels"])
    if kind == "activation":
        # In place as in torchvision's DenseNet: nothing else reads what batch normalisation made.
        both_relu = op["left"] == op["right"] == "relu"
        return nn.ReLU(inplace=True) if both_relu else Activation(op["left"], op["right"])
    if kind == "concat":
        return Concat()
    if kind == "average_pool":
        return nn.AvgPool2d(op["size"])
    if kind == "global_average_pool":
        return nn.AdaptiveAvgPool2d(1)
    if kind == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(op["in_features"], op["out_features"]))
    raise ValueError(f"no peer for a {kind} node")


class Net(nn.Module):
    """The graph of a network.json. A value is dropped after its last reader."""

    def __init__(self, network):
        super().__init__()
        nodes = network["nodes"]
        self.layers = nn.ModuleList(make_module(node["op"]) for node in nodes)
        self.wiring = [(node["name"], node["inputs"]) for node in nodes]
        last = {name: i for i, (_, inputs) in enumerate(self.wiring) for name in inputs}
        dead = lambda i: [name for name, reader in last.items() if reader == i]
        self.dead = [dead(i) for i in range(len(nodes))]

    def forward(self, images):
        values = {"input": images}
        for layer, (name, inputs), dead in zip(self.layers, self.wiring, self.dead):
            values[name] = layer(*[values[i] for i in inputs])
            for gone in dead:
                del values[gone]
        return values[self.wiring[-1][0]]


class Training:
    """Full optimisation steps of one network at one batch size."""

    def __init__(self, variant, network, batch):
        self.batch = batch
        shape = network["input"]
        size = (IMAGES, shape["channels"], shape["height"], shape["width"])
        self.images = torch.randint(0, 256, size, dtype=torch.uint8)
        self.labels = torch.randint(0, len(network["classes"]), (IMAGES,))
        self.mean = torch.tensor(shape["mean"]).mul(255).reshape(1, -1, 1, 1)
        self.std = torch.tensor(shape["std"]).mul(255).reshape(1, -1, 1, 1)
        self.format = torch.contiguous_format if variant == "eager" else torch.channels_last
        self.net = Net(network).to(memory_format=self.format)
        fused = None if variant == "eager" else True
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, fused=fused)
        self.forward = torch.compile(self.net) if variant == "compiled" else self.net

    def step(self):
        indices = torch.randint(0, IMAGES, (self.batch,))
        images = self.images[indices].to(torch.float32, memory_format=self.format)
        images = images.sub_(self.mean).div_(self.std)
        loss = F.cross_entropy(self.forward(images), self.labels[indices])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return None


def timed(count, work):
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


class Peer:
    def __init__(self, variant):
        self.variant, self.training = variant, None

    def respond(self, request):
        if request["request"] == "prepare":
            with open(request["network"]) as file:
                self.training = Training(self.variant, json.load(file), request["batch"])
            parameters = sum(p.numel() for p in self.training.net.parameters())
            if parameters != request["parameters"]:
                expected = request["parameters"]
                raise ValueError(f"the peer's network has {parameters} parameters, not {expected}")
            return timed(WARM_UP_STEPS, self.training.step)
        if request["request"] == "steps":
            return timed(request["count"], self.training.step)
        if request["request"] == "multiply":
            a, b = torch.rand(2, request["size"], request["size"])
            out = torch.empty_like(a)
            return timed(request["count"], lambda: torch.mm(a, b, out=out))
        raise ValueError(f"unknown request {request['request']}")


def sentence(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=["eager", "channels-last", "compiled"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    # Output of a library must not come between the responses.
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(message):
        print(json.dumps(message), file=responses, flush=True)

    level = torch.backends.cpu.get_cpu_capability()
    say({"version": f"PyTorch {torch.__version__}, {level}", "peak_bytes": peak_bytes()})
    peer = Peer(args.variant)
    for line in sys.stdin:
        try:
            seconds, error = peer.respond(json.loads(line)), None
        except Exception as failure:
            seconds, error = [], sentence(failure)
        say({"seconds": seconds, "peak_bytes": peak_bytes(), "error": error})


if __name__ == "__main__":
    main()
