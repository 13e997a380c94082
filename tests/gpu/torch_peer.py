"""PyTorch on a GPU, as a user would write it, on request: a line of JSON each way.

    {"request": "prepare"}                    builds the network; compiles it, if that is the variant
    {"request": "latency", "seconds": 0.4}    one image from the host to logits on the host -> "p50_s"
    {"request": "train", "seconds": 4, "batch": 128}   optimisation steps -> "images", "seconds"

Variants: `eager`; `graphs` is torch.compile with mode "reduce-overhead" (CUDA graphs). Convolutions
compute in TF32, PyTorch's default, unless `--strict` is given.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from peers import Net, sentence  # train/benches/training/peers.py, which lies beside this file in the folder

WARM_UP = 20


class Peer:
    def __init__(self, network, variant, device):
        self.variant, self.device = variant, torch.device(device)
        self.network = json.loads(Path(network).read_text())
        self.net = self.inference = None

    def prepare(self, _request):
        torch.manual_seed(0)
        shape = self.network["input"]
        self.size = (shape["channels"], shape["height"], shape["width"])
        self.net = Net(self.network).to(self.device).eval()
        self.inference = torch.compile(self.net, mode="reduce-overhead") if self.variant == "graphs" else self.net
        pin = self.device.type == "cuda"
        self.host = torch.rand((1, *self.size), pin_memory=pin)
        for _ in range(WARM_UP):
            self.infer()
        return {}

    @torch.inference_mode()
    def infer(self):
        return self.inference(self.host.to(self.device, non_blocking=True)).cpu()

    def latency(self, request):
        for _ in range(WARM_UP):
            self.infer()
        times, end = [], time.perf_counter() + request["seconds"]
        while (started := time.perf_counter()) < end:
            self.infer()
            times.append(time.perf_counter() - started)
        return {"p50_s": sorted(times)[len(times) // 2], "inferences": len(times)}

    def train(self, request):
        batch = request["batch"]
        self.net.train()
        optimizer = torch.optim.NAdam(self.net.parameters(), lr=1e-3)
        images = torch.randint(0, 256, (2048, *self.size), dtype=torch.uint8)
        labels = torch.randint(0, len(self.network["classes"]), (2048,))

        def step():
            chosen = torch.randint(0, 2048, (batch,))
            x = images[chosen].to(self.device, non_blocking=True).float().div_(255).sub_(0.5).div_(0.25)
            loss = F.cross_entropy(self.net(x), labels[chosen].to(self.device, non_blocking=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        for _ in range(3):
            step()
        started, steps = time.perf_counter(), 0
        while time.perf_counter() - started < request["seconds"]:
            step()
            steps += 1
        return {"images": steps * batch, "seconds": time.perf_counter() - started}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", required=True)
    parser.add_argument("--variant", choices=["eager", "graphs"], required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--strict", action="store_true", help="no TF32")
    arguments = parser.parse_args()
    if arguments.strict:
        torch.backends.cudnn.allow_tf32 = False
    # Output of a library must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = Peer(arguments.network, arguments.variant, arguments.device)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {**getattr(peer, request["request"])(request), "error": None}
        except Exception as failure:  # Whatever PyTorch raises is an answer.
            answer = {"error": sentence(failure)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
