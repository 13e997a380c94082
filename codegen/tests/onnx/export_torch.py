"""Exports networks from PyTorch: `export_torch.py FOLDER`. Prints a line of JSON for each model.

LeNet-5 (LeCun et al. 1998, with padding only where PyTorch users write it), ResNet-20 (He et al. 2016, option A) and MLPerf
Tiny's ResNet-8, with random weights and statistics, by both of PyTorch's exporters; models with layers in other forms; and
some that must be refused. Beside NAME.onnx lie NAME.in and NAME.out, images and logits in little-endian f32.
"""

import json
import sys
import warnings

import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")


def lenet5(activation=nn.Tanh):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), activation(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), activation(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=projection)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=projection)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.added, self.stride = outputs - inputs, stride
        self.projection = nn.Conv2d(inputs, outputs, 1, stride) if projection and self.added else None

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.projection is not None:
            x = self.projection(x)
        elif self.added:
            x = F.pad(F.avg_pool2d(x, 1, self.stride), (0, 0, 0, 0, 0, self.added))
        return torch.relu(x + y)


class ResNet(nn.Module):
    def __init__(self, blocks, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=projection)
        self.bn1 = nn.BatchNorm2d(16)
        layers, inputs = [], 16
        for outputs in (16, 32, 64):
            for index in range(blocks):
                stride = 2 if index == 0 and outputs > 16 else 1
                layers.append(Block(inputs, outputs, stride, projection))
                inputs = outputs
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(64, 10)

    def forward(self, x):
        x = self.layers(torch.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(F.avg_pool2d(x, 8), 1))


class Others(nn.Module):
    """Layers in other forms: rectangular and even kernels, normalisation by hand, means, views."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 8, (1, 5), padding=(0, 2)), nn.Conv2d(8, 8, 2, 2), nn.Conv2d(8, 8, 3)])
        self.scale, self.shift = nn.Parameter(torch.rand(8, 1, 1) + 0.5), nn.Parameter(torch.rand(8, 1, 1))
        self.matrix, self.bias = nn.Parameter(torch.rand(16, 10) - 0.5), nn.Parameter(torch.rand(10))

    def forward(self, x):
        x = F.silu(self.convs[0](x))
        x = torch.where(x < 0, torch.tanh(x), F.selu(x)) * self.scale + self.shift
        a, b = F.elu(self.convs[1](x)), F.leaky_relu(F.avg_pool2d(x, 2), 1.0)
        x = torch.cat([a + b, b], 1)
        return torch.matmul(x.mean((2, 3)).reshape(1, 16), self.matrix) + self.bias


def refused(kind):
    conv = nn.Conv2d(3, 6, 3, padding=1)
    return {
        "group": nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, groups=3)),
        "dilation": nn.Sequential(nn.Conv2d(3, 6, 3, padding=2, dilation=2)),
        "gelu": nn.Sequential(conv, nn.GELU()),
        "max_pool": nn.Sequential(conv, nn.MaxPool2d(2)),
        "softmax": nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)),
        "transposed": nn.Sequential(nn.ConvTranspose2d(3, 6, 3)),
        "edge": nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1)),
    }[kind]  # fmt: skip


def export(folder, name, model, shape, dynamo):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in [(module.weight, 0.5, 1), (module.bias, -0.5, 0.5), (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 1.5)]:  # fmt: skip
                nn.init.uniform_(tensor, low, high)
    model.eval()
    images = torch.randn(4, *shape)
    with torch.no_grad():
        logits = torch.cat([model(image[None]).flatten(1) for image in images])
    torch.onnx.export(model, (images[:1],), f"{folder}/{name}.onnx", dynamo=dynamo, verbose=False, **({"external_data": False} if dynamo else {}))
    images.numpy().astype("<f4").tofile(f"{folder}/{name}.in")
    logits.numpy().astype("<f4").tofile(f"{folder}/{name}.out")
    print("json", json.dumps({"name": name, "shape": shape}), flush=True)


def main():
    (folder,) = sys.argv[1:]
    torch.manual_seed(0)
    image = [3, 32, 32]
    for dynamo in (False, True):
        models = {"lenet-5": (lenet5(), [1, 28, 28]), "lenet-5-elu": (lenet5(nn.ELU), [1, 28, 28])}
        models |= {"resnet-20": (ResNet(3, False), image), "resnet-8": (ResNet(1, True), image), "others": (Others(), image)}
        if not dynamo:
            del models["resnet-20"]  # the old exporter writes its padding as computations on shapes
        for name, (model, shape) in models.items():
            export(folder, f"{name}-{'new' if dynamo else 'old'}", model, shape, dynamo)
    for kind in ("group", "dilation", "gelu", "max_pool", "softmax", "transposed", "edge"):
        export(folder, f"refused-{kind}", refused(kind), [3, 8, 8], False)


main()
