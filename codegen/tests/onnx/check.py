"""Checks folders that `codegen generate --platform onnx` wrote, named as arguments.

For each: onnx.checker with strict shape inference, the README's own Python as it stands there, and the recorded images through
ONNX Runtime, one by one and as one batch. Prints one JSON object a folder: the largest difference of a logit as a part of the
largest one of its image, or of 1, and as it is; how many images there are and have the recorded class, and each image's class.
"""

import json
import os
import re
import sys

import numpy as np
import onnx
import onnxruntime


def difference(logits, expected, size):
    """The largest difference; none where both are the same infinity, or no number."""
    same = (logits == expected) | (np.isnan(logits) & np.isnan(expected))
    return float(np.where(same, 0, abs(logits - expected) / size).max())


def check(folder):
    os.chdir(folder)
    readme = {}
    code = re.search(r"```python\n(.*?)```", open("README.md", encoding="utf-8").read(), re.S).group(1)
    exec(code.replace("print(", "_ = ("), readme)  # what it prints is for people

    path = json.load(open("manifest.json"))["name"] + ".onnx"
    onnx.checker.check_model(path, full_check=True)
    model = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
    (output,) = model.graph.output
    assert output.type.tensor_type.shape.dim[0].dim_param == "batch", output

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")  # as the README of an int8 model says
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images, expected = readme["images"], readme["expected"]
    one_by_one = np.concatenate([session.run(["logits"], {"input": image[None]})[0] for image in images])
    assert np.isfinite(expected[np.isfinite(images).reshape(len(images), -1).all(axis=1)]).all()
    size = np.maximum(1, np.where(np.isfinite(expected), abs(expected), 0).max(axis=1, keepdims=True))
    different = [difference(logits, expected, size) for logits in (one_by_one, readme["logits"])]
    return {
        "difference": max(different),
        "images": len(images),
        "same_class": int((one_by_one.argmax(axis=1) == expected.argmax(axis=1)).sum()),
        "classes": readme["classes"],
        "found": one_by_one.argmax(axis=1).tolist(),
        "largest_difference": float(np.nanmax(abs(one_by_one - expected))),
        "from_pixels": readme["classify"](np.full(images[:1].shape, 51, np.uint8)).tolist(),
    }


for folder in sys.argv[1:]:
    print(json.dumps(check(folder)), flush=True)
