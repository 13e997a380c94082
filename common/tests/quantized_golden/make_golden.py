"""Writes the golden numbers of the integer reference, computed by NumPy from the formulas of
docs/formats.md (made with NumPy 2.4).

    python3 make_golden.py        # needs numpy and safetensors; writes the files beside this one

For each network: network.json, random integer parameters (NAME.safetensors), and random images with
their logits (NAME-results.safetensors). Nothing here is shared with the Rust code.
"""

import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
IMAGES = 6


def conv(name, source, cin, cout, kernel, stride=1):
    op = {
        "kind": "conv2d",
        "in_channels": cin,
        "out_channels": cout,
        "kernel": kernel,
        "stride": stride,
    }
    return {"name": name, "op": op, "inputs": [source]}


def norm(name, source, channels):
    return {"name": name, "op": {"kind": "batch_norm", "channels": channels}, "inputs": [source]}


def act(name, source, left="swish", right="tanh"):
    return {
        "name": name,
        "op": {"kind": "activation", "left": left, "right": right},
        "inputs": [source],
    }


def plain(name, kind, *sources, **more):
    return {"name": name, "op": {"kind": kind, **more}, "inputs": list(sources)}


def linear(name, source, cin, cout):
    op = {"kind": "linear", "in_features": cin, "out_features": cout}
    return {"name": name, "op": op, "inputs": [source]}


def template():
    """A template network with one grey channel, odd sides, a transition and average pooling."""
    return [
        conv("stem.conv", "input", 1, 4, 3),
        norm("a.norm", "stem.conv", 4),
        act("a.activation", "a.norm"),
        conv("a.conv", "a.activation", 4, 3, 5),
        plain("a.dropout", "dropout", "a.conv", probability=0.1),
        plain("a.concat", "concat", "stem.conv", "a.dropout"),
        norm("t.norm", "a.concat", 7),
        act("t.activation", "t.norm"),
        conv("t.conv", "t.activation", 7, 6, 1),
        plain("t.pool", "average_pool", "t.conv", size=2),
        norm("b.norm", "t.pool", 6),
        act("b.activation", "b.norm"),
        conv("b.conv", "b.activation", 6, 3, 5),
        plain("b.concat", "concat", "t.pool", "b.conv"),
        norm("head.norm", "b.concat", 9),
        act("head.activation", "head.norm"),
        plain("head.pool", "global_average_pool", "head.activation"),
        linear("head.classifier", "head.pool", 9, 5),
    ]


def residual():
    """A residual network with colour channels, additions, a shortcut with stride 2 and max pooling."""
    nodes = [
        conv("stem.conv", "input", 3, 4, 3),
        norm("stem.norm", "stem.conv", 4),
        act("stem.activation", "stem.norm", "relu", "relu"),
    ]
    source, width = "stem.activation", 4
    for block, (out, stride) in enumerate([(4, 1), (6, 2)]):
        n = f"block{block}."
        nodes += [
            conv(n + "conv1", source, width, out, 3, stride),
            norm(n + "norm1", n + "conv1", out),
            act(n + "activation", n + "norm1", "relu", "relu"),
            conv(n + "conv2", n + "activation", out, out, 3),
            norm(n + "norm2", n + "conv2", out),
        ]
        other = source
        if stride > 1:
            nodes.append(
                plain(n + "shortcut", "shortcut", source, out_channels=out, stride=stride)
            )
            other = n + "shortcut"
        nodes += [
            plain(n + "add", "add", n + "norm2", other),
            act(n + "out", n + "add", "relu", "relu"),
        ]
        source, width = n + "out", out
    return nodes + [
        plain("head.pool", "global_max_pool", source),
        linear("head.classifier", "head.pool", width, 5),
    ]


def parameters(nodes, channels, rng):
    """Random parameters whose sums and indices use most of their range."""
    made = {"input.zero_point": rng.integers(0, 256, channels, dtype=np.uint8)}
    kinds = {node["name"]: node for node in nodes}
    width = {"input": channels}
    for node in nodes:
        name, op, inputs = node["name"], node["op"], node["inputs"]
        width[name] = (
            {
                "conv2d": op.get("out_channels"),
                "linear": op.get("out_features"),
                "concat": sum(width[i] for i in inputs),
            }.get(op["kind"])
            or op.get("out_channels")
            or width[inputs[0]]
        )
        if op["kind"] in ("conv2d", "linear"):
            shape = (
                [op["out_channels"], op["in_channels"], op["kernel"], op["kernel"]]
                if op["kind"] == "conv2d"
                else [op["out_features"], op["in_features"]]
            )
            weight = rng.integers(-127, 128, shape, dtype=np.int8)
            size = np.abs(weight.astype(np.int64)).reshape(shape[0], -1).sum(1)
            # A sum of `size * 60` becomes a value of about 100.
            multiplier = (2 * np.round(100 * 2.0**32 / (60 * size) / 2)).astype(np.int32)
            made[name + ".weight"] = weight
            made[name + ".bias"] = rng.integers(-60 * size, 60 * size).astype(np.int32)
            made[name + ".multiplier"] = multiplier * (1 if op["kind"] == "conv2d" else 9)
        if op["kind"] == "activation":
            source = kinds[inputs[0]]
            while source["op"]["kind"] == "batch_norm":
                source = kinds.get(source["inputs"][0], {"op": {"kind": "image"}})
            two, count = source["op"]["kind"] == "add", width[name]
            shift = int(rng.integers(3, 8))
            made[name + ".shift"] = np.array([shift], dtype=np.uint8)
            most = min(1.3 * 2 ** (shift + 8), 16_000)
            made[name + ".factor"] = rng.integers(-most, most, count).astype(np.int16)
            if two:
                made[name + ".second_factor"] = rng.integers(-most, most, count).astype(np.int16)
            made[name + ".offset"] = np.clip(
                rng.integers(0, 256, count) * 2**shift, 0, 32767
            ).astype(np.int16)
            made[name + ".zero_point"] = rng.integers(0, 256, 1, dtype=np.uint8)
            made[name + ".table"] = rng.integers(0, 256, 256, dtype=np.uint8)
    return made


def unsigned(x):
    return x.astype(np.int64) + 128


def pooled(x, size):
    """Means of squares of signed values, halves up."""
    c, h, w = x.shape[0], x.shape[1] // size, x.shape[2] // size
    cut = x[:, : h * size, : w * size].astype(np.int64).reshape(c, h, size, w, size)
    return np.floor_divide(2 * cut.sum((2, 4)) + size * size, 2 * size * size)


def forward(nodes, t, pixels):
    """The logits of an image. Values are signed, channels first; a sum is a list of two."""
    values, zeros = {"input": pixels.astype(np.int64) - 128}, {
        "input": t["input.zero_point"].astype(np.int64)
    }
    pooled_after = {
        n["inputs"][0]: n["op"]["size"] for n in nodes if n["op"]["kind"] == "average_pool"
    }
    for node in nodes:
        name, kind, op = node["name"], node["op"]["kind"], node["op"]
        sources = [values[i] for i in node["inputs"]]
        x = sources[0]
        if kind in ("batch_norm", "dropout", "average_pool"):
            values[name] = x
        elif kind == "concat":
            values[name] = np.concatenate(sources)
        elif kind == "add":
            values[name] = sources
        elif kind == "activation":
            operands = x if isinstance(x, list) else [x]
            at = t[name + ".offset"].astype(np.int64)[:, None, None]
            for operand, factor in zip(operands, ["factor", "second_factor"]):
                at = at + ((operand * t[f"{name}.{factor}"].astype(np.int64)[:, None, None]) >> 8)
            index = np.clip(at >> int(t[name + ".shift"][0]), 0, 255)
            values[name] = t[name + ".table"][index].astype(np.int64) - 128
            zeros[name] = np.full(
                x[0].shape[0] if isinstance(x, list) else x.shape[0],
                int(t[name + ".zero_point"][0]),
            )
        elif kind == "shortcut":
            cut = x[:, :: op["stride"], :: op["stride"]]
            added = np.full(
                (op["out_channels"] - len(cut), *cut.shape[1:]), zeros[node["inputs"][0]][0] - 128
            )
            values[name] = np.concatenate([cut, added])
            zeros[name] = np.full(op["out_channels"], zeros[node["inputs"][0]][0])
        elif kind == "conv2d":
            x = pooled(x, pooled_after.get(name, 1)) if pooled_after.get(name, 1) > 1 else x
            k, s, w = op["kernel"], op["stride"], t[name + ".weight"].astype(np.int64)
            y = np.stack(
                [
                    np.pad(plane, k // 2, constant_values=z)
                    for plane, z in zip(unsigned(x), zeros[node["inputs"][0]])
                ]
            )
            windows = np.lib.stride_tricks.sliding_window_view(y, (k, k), (1, 2))[:, ::s, ::s]
            sums = (
                np.einsum("cyxij,fcij->fyx", windows, w)
                + t[name + ".bias"].astype(np.int64)[:, None, None]
            )
            scaled = (sums * t[name + ".multiplier"].astype(np.int64)[:, None, None]) >> 32
            values[name] = np.clip(scaled, -128, 127)
        elif kind == "global_average_pool":
            y = unsigned(x)
            reciprocal = int(np.floor(2.0**30 / (y.shape[1] * y.shape[2]) + 0.5))
            values[name] = (y.sum((1, 2)) * reciprocal + 2**23) >> 24
        elif kind == "global_max_pool":
            values[name] = unsigned(x).max((1, 2)) * 64
        elif kind == "linear":
            sums = t[name + ".weight"].astype(np.int64) @ x + t[name + ".bias"].astype(np.int64)
            assert abs(sums).max() < 2**31
            return (sums * t[name + ".multiplier"].astype(np.int64)) >> 32
    raise AssertionError("no linear node")


def main():
    for seed, (name, nodes, shape) in enumerate(
        [("template", template(), (1, 9, 11)), ("residual", residual(), (3, 7, 8))]
    ):
        rng = np.random.default_rng(seed)
        network = {
            "schema": "neuropower/network/1",
            "origin": {"baseline": {"name": name, "optimizer": "sgd"}},
            "input": {
                "channels": shape[0],
                "height": shape[1],
                "width": shape[2],
                "mean": [0.5] * shape[0],
                "std": [0.25] * shape[0],
            },
            "classes": list("abcde"),
            "nodes": nodes,
        }
        (HERE / f"{name}.json").write_text(json.dumps(network, indent=1) + "\n")
        tensors = parameters(nodes, shape[0], rng)
        save_file(tensors, HERE / f"{name}.safetensors")
        images = rng.integers(0, 256, (IMAGES, *shape), dtype=np.uint8)
        logits = np.stack([forward(nodes, tensors, image) for image in images]).astype(np.int32)
        print(name, logits.tolist())
        save_file({"images": images, "logits": logits}, HERE / f"{name}-results.safetensors")


main()
