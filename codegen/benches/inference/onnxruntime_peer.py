"""Times an ONNX file with ONNX Runtime when asked: `onnxruntime_peer.py MODEL IMAGES CxHxW`.

Prints a line of JSON with version and logits when ready; then, for each line with a number of seconds on standard input, a
line with the latencies' median.
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort


def session(path):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def bindings(session, images):
    """One for each image: input and output stay where they are, so that Python copies nothing."""
    name, result = session.get_inputs()[0].name, session.get_outputs()[0]
    logits = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, *result.shape[1:]), np.float32))
    all_bound = []
    for image in images:
        bound = session.io_binding()
        bound.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(image[None]))
        bound.bind_ortvalue_output(result.name, logits)
        all_bound.append(bound)
    return all_bound, logits


def main():
    model, images, shape = sys.argv[1:]
    images = np.fromfile(images, "<f4").reshape(-1, *map(int, shape.split("x")))
    runtime = session(model)
    bound, logits = bindings(runtime, images)
    recorded = []
    for one in bound:
        runtime.run_with_iobinding(one)
        recorded += logits.numpy().ravel().tolist()
    print(json.dumps({"version": ort.__version__, "logits": recorded}), flush=True)
    for line in sys.stdin:
        end, times, clock = time.perf_counter() + float(line), [], time.perf_counter
        last = clock()
        while last < end:
            runtime.run_with_iobinding(bound[len(times) % len(bound)])
            now = clock()
            times.append(now - last)
            last = now
        times.sort()
        print(json.dumps({"p50_s": times[(len(times) - 1) // 2]}), flush=True)


main()
