"""Times a TFLite file with LiteRT when asked: `litert_peer.py MODEL IMAGES CxHxW`; it speaks as onnxruntime_peer.py does."""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main():
    model, images, shape = sys.argv[1:]
    images = np.fromfile(images, "<f4").reshape(-1, *map(int, shape.split("x"))).transpose(0, 2, 3, 1)
    runtime = Interpreter(model, num_threads=1)
    runtime.allocate_tensors()
    source, result = runtime.get_input_details()[0], runtime.get_output_details()[0]
    scale, zero = source["quantization"]
    images = [np.clip(np.round(image / scale + zero), -128, 127).astype(np.int8)[None] for image in images]
    logits = []
    for image in images:
        runtime.set_tensor(source["index"], image)
        runtime.invoke()
        scale, zero = result["quantization"]
        logits += ((runtime.get_tensor(result["index"]).astype(float) - zero) * scale).ravel().tolist()
    print(json.dumps({"version": version("ai-edge-litert"), "logits": logits}), flush=True)
    for line in sys.stdin:
        end, times, clock = time.perf_counter() + float(line), [], time.perf_counter
        last = clock()
        while last < end:
            # The image stays where it is, as in the other peers.
            runtime.invoke()
            now = clock()
            times.append(now - last)
            last = now
        times.sort()
        print(json.dumps({"p50_s": times[(len(times) - 1) // 2]}), flush=True)


main()
