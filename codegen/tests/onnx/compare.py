"""Compares an int8 model with the integer reference on the first test images of an IDX data set.

    compare.py MODEL.onnx DATASET LOGITS QUANTIZATION.json IMAGES

LOGITS is what `train eval --quantized DIR --split test --dump-logits LOGITS` wrote. Prints the share of images with the same
class, both accuracies, and the largest difference of a logit beside the largest logit.
"""

import json
import struct
import sys

import numpy as np
import onnxruntime


def tensors(path):
    """The tensors of a safetensors file."""
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    types = {"I32": "<i4", "F32": "<f4"}
    for name, tensor in json.loads(data[8 : 8 + size]).items():
        first, end = (8 + size + offset for offset in tensor["data_offsets"])
        yield name, np.frombuffer(data[first:end], types[tensor["dtype"]]).reshape(tensor["shape"])


model, dataset, logits, quantization, images = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.add_session_config_entry("session.x64quantprecision", "1")
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
_, channels, height, width = session.get_inputs()[0].shape
pixels = np.fromfile(f"{dataset}/t10k-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, channels, height, width)
read = dict(tensors(logits))
expected = read["logits"] * json.load(open(quantization))["logit_scale"]
count = int(images)
pixels, expected, labels = pixels[:count], expected[:count], read["labels"][:count]
found = np.concatenate([session.run(["logits"], {"input": image[None]})[0] for image in pixels])
same = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
accuracies = [100 * (logits.argmax(axis=1) == labels).mean() for logits in (found, expected)]
print(
    f"{len(pixels)} images: {100 * same:.2f} % with the same class; accuracy {accuracies[0]:.2f} %, in integers "
    f"{accuracies[1]:.2f} %; largest difference of a logit {abs(found - expected).max():.3f}, largest logit "
    f"{abs(expected).max():.2f}"
)
