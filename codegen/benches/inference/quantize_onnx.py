"""Quantizes an ONNX file as ONNX Runtime's own tools do: `quantize_onnx.py MODEL IMAGES CxHxW PREFIX`.

Writes PREFIX-OPS-TYPE.onnx for convolutions alone and for all operators, with signed and unsigned activations; weights are
signed, with a scale for each channel. Prints the paths.
"""

import sys

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

OPERATORS = {"conv": ["Conv"], "all": None}
TYPES = {"s8s8": QuantType.QInt8, "u8s8": QuantType.QUInt8}


class Images(CalibrationDataReader):
    def __init__(self, images):
        self.feeds = iter([{"input": image[None]} for image in images])

    def get_next(self):
        return next(self.feeds, None)


def main():
    model, images, shape, prefix = sys.argv[1:]
    images = np.fromfile(images, "<f4").reshape(-1, *map(int, shape.split("x")))
    prepared = f"{prefix}-prepared.onnx"
    quant_pre_process(model, prepared, skip_symbolic_shape=True)
    for ops, operators in OPERATORS.items():
        for name, kind in TYPES.items():
            path = f"{prefix}-{ops}-{name}.onnx"
            quantize_static(
                prepared, path, Images(images), quant_format=QuantFormat.QDQ, op_types_to_quantize=operators,
                per_channel=True, activation_type=kind, weight_type=QuantType.QInt8,
            )
            print(path)


main()
