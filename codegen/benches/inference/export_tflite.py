"""Writes network.json and weights.safetensors as a TFLite file in int8: `export_tflite.py NETWORK WEIGHTS IMAGES TFLITE`."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

FUNCTIONS = {
    "relu": tf.nn.relu, "elu": tf.nn.elu, "sigmoid": tf.sigmoid, "tanh": tf.tanh, "linear": tf.identity,
    "swish": lambda x: x * tf.sigmoid(x),
}


def activation(left, right, x):
    if left == right:
        return FUNCTIONS[left](x)
    if left == "relu":
        return FUNCTIONS[right](tf.nn.relu(x))
    # Each of these functions is 0 at 0.
    return FUNCTIONS[left](tf.minimum(x, 0.0)) + FUNCTIONS[right](tf.nn.relu(x))


class Exporter:
    def __init__(self, network, weights):
        self.network, self.weights = network, weights

    def node(self, node, inputs):
        name, op = node["name"], node["op"]
        kind, tensor = op["kind"], lambda part: self.weights[f"{name}.{part}"]
        if kind == "conv2d":
            return tf.nn.conv2d(inputs[0], tensor("weight").transpose(2, 3, 1, 0), op["stride"], "SAME")
        if kind == "batch_norm":
            scale = tensor("weight") / np.sqrt(tensor("running_var") + 1e-5)
            return inputs[0] * scale + (tensor("bias") - tensor("running_mean") * scale)
        if kind == "activation":
            return activation(op["left"], op["right"], inputs[0])
        if kind == "dropout":
            return inputs[0]
        if kind == "concat":
            return tf.concat(inputs, 3)
        if kind == "average_pool":
            return tf.nn.avg_pool2d(inputs[0], op["size"], op["size"], "VALID")
        if kind == "global_average_pool":
            return tf.reduce_mean(inputs[0], [1, 2])
        if kind == "global_max_pool":
            return tf.reduce_max(inputs[0], [1, 2])
        if kind == "linear":
            return tf.matmul(tf.reshape(inputs[0], [1, -1]), tensor("weight"), transpose_b=True) + tensor("bias")
        raise SystemExit(f"export_tflite: no operator for {kind}")

    def __call__(self, image):
        values = {"input": image}
        for node in self.network["nodes"]:
            values[node["name"]] = self.node(node, [values[name] for name in node["inputs"]])
        return values[self.network["nodes"][-1]["name"]]


def main():
    network, weights, images, path = sys.argv[1:]
    with open(network, encoding="utf-8") as file:
        network = json.load(file)
    shape = [network["input"][key] for key in ("channels", "height", "width")]
    images = np.fromfile(images, "<f4").reshape(-1, *shape).transpose(0, 2, 3, 1)
    signature = tf.TensorSpec([1, *images.shape[1:]], tf.float32)
    function = tf.function(Exporter(network, load_file(weights))).get_concrete_function(signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with open(path, "wb") as file:
        file.write(converter.convert())


main()
