"""Times exported ONNX models beside other forms of their activations: `onnx_forms.py BARE TURNS SECONDS LEFT RIGHT MODEL ...`.

BARE is the model of a network whose activations are the identity: each of its Identity operators is replaced by the
operators of a form of the pair. MODEL is what `codegen` exports for that pair. All forms of a pair take turns of SECONDS.
A form that has the same operators as MODEL is left out, and one that is not exact: that by itself differs from Where for
some number, subnormal and infinite ones included, or that computes other logits. Prints a line of JSON for each
pair: the shortest time of MODEL and of the fastest other form, that form's name, and the number of other forms. The shortest
time, not the median, because two forms often differ by less than what other programs on the machine change.
"""

import json
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
TOLERANCE = 1e-4
SESSIONS = 5
IDENTITY = ("relu", "elu", "linear")


class Writer:
    """Adds the operators of one activation."""

    def __init__(self, name, x, output):
        self.name, self.x, self.output = name, x, output
        self.nodes, self.constants = [], {}

    def add(self, op, *inputs, output=None, **attributes):
        output = output or f"{self.name}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.tensor(x) for x in inputs], [output], **attributes))
        return output

    def tensor(self, x):
        if isinstance(x, str):
            return x
        name = f"constant {x}"
        self.constants[name] = helper.make_tensor(name, TensorProto.FLOAT, [], [x])
        return name

    def function(self, kind, x):
        """A function by its own operator."""
        if kind == "linear":
            return x
        if kind == "swish":
            return self.add("Mul", x, self.add("Sigmoid", x))
        if kind == "selu":
            return self.add("Selu", x, alpha=ALPHA, gamma=SCALE)
        return self.add({"relu": "Relu", "elu": "Elu", "sigmoid": "Sigmoid", "tanh": "Tanh"}[kind], x)

    def right(self, kind, x):
        """A function as it is from zero on."""
        if kind == "selu":
            return self.add("Mul", x, SCALE)
        return x if kind in IDENTITY else self.function(kind, x)

    def below(self, kind, exponential):
        """A function of min(x, 0); with `exponential`, ELU and SELU are written with Exp."""
        x = self.add("Min", self.x, 0.0)
        if exponential and kind in ("elu", "selu"):
            scale = 1.0 if kind == "elu" else SCALE * ALPHA
            power = self.add("Exp", x)
            return self.add("Sub", power if kind == "elu" else self.add("Mul", power, scale), scale)
        return self.function(kind, x)

    def above(self, kind):
        return self.right(kind, self.add("Relu", self.x))

    def mask(self, comparison):
        return self.add("Cast", self.add(comparison, self.x, 0.0), to=TensorProto.FLOAT)


def where(w, left, right):
    below = w.add("Less", w.x, 0.0)
    return w.add("Where", below, 0.0 if left == "relu" else w.function(left, w.x), w.right(right, w.x))


def operator(w, left, right):
    """One operator, where there is one with these numbers."""
    same = left == right or {left, right} <= set(IDENTITY)
    if same:
        return w.function(left, w.x)
    if left == "selu" and right in IDENTITY:
        return w.add("Elu", w.x, alpha=SCALE * ALPHA)
    if left == "elu" and right == "selu":
        return w.add("Selu", w.x, alpha=1 / SCALE, gamma=SCALE)
    if left == "linear" and right == "selu":
        return w.add("Mul", w.add("LeakyRelu", w.x, alpha=1 / SCALE), SCALE)
    return None


def total(exponential):
    """The sum of both sides, each of which must be 0 at 0."""
    return lambda w, left, right: w.above(right) if left == "relu" else w.add("Add", w.below(left, exponential), w.above(right))


def extreme(op, left_of, right_of):
    """The larger or smaller one of both functions; which pairs this computes is found out by trying."""
    return lambda w, left, right: w.add(op, left_of(w, left), right_of(w, right))


def masked(w, left, right):
    """Both sides times a mask."""
    if right == "sigmoid":
        sigmoid = w.add("Mul", w.function(right, w.x), w.mask("GreaterOrEqual"))
        return sigmoid if left == "relu" else w.add("Add", w.below(left, True), sigmoid)
    return w.add("Add", w.add("Mul", w.function(left, w.x), w.mask("Less")), w.above(right))


def stepped(w, left, right):
    """The mask as a Floor."""
    if right == "sigmoid":
        step = w.add("Max", w.add("Floor", w.add("Min", w.x, 0.0)), -0.5)
        sigmoid = w.add("Add", w.function(right, w.add("Relu", w.x)), step)
        return sigmoid if left == "relu" else w.add("Add", w.below(left, True), sigmoid)
    step = w.add("Neg", w.add("Floor", w.add("Min", w.x, 0.0)))
    return w.add("Max", w.above(right), w.add("Min", w.function(left, w.x), step))


def plain(w, kind):
    return w.function(kind, w.x)


FORMS = {"where": where, "operator": operator, "masked": masked, "stepped": stepped}
FORMS |= {"sum": total(False), "sum with Exp": total(True)}
for op in ("Max", "Min"):
    FORMS[op] = extreme(op, plain, lambda w, kind: w.right(kind, w.x))
    FORMS[f"{op} with Exp"] = extreme(op, lambda w, kind: w.below(kind, True), lambda w, kind: w.right(kind, w.x))
    FORMS[f"{op} of max(x, 0)"] = extreme(op, plain, lambda w, kind: w.above(kind))


def with_form(bare, form, left, right):
    """The model with the operators of a form in place of each Identity; None if the form is not for this pair."""
    model, nodes, constants = onnx.ModelProto(), [], {}
    model.CopyFrom(bare)
    for node in model.graph.node:
        if node.op_type != "Identity":
            nodes.append(node)
            continue
        writer = Writer(node.name, node.input[0], node.output[0])
        made = form(writer, left, right)
        if made is None or made == node.input[0]:
            return None
        writer.nodes[-1].output[0] = node.output[0]
        nodes += writer.nodes
        constants |= writer.constants
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants.values())
    return model


def alone(form, left, right, values):
    """What a form computes of these values; None if it is not for this pair."""
    writer = Writer("alone", "x", "y")
    made = form(writer, left, right)
    if made is None or made == "x":
        return None
    shape = [len(values)]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", made))
    graph = helper.make_graph(writer.nodes, "alone", [x], [y], list(writer.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return session(model.SerializeToString()).run(None, {"x": values})[0]


def is_exact(form, left, right):
    special = [0.0, 1e-45, 1e-40, 1e-38, 1e-30, 1e-6, 90, 200, np.inf]
    values = np.array([sign * x for x in special for sign in (1, -1)] + list(np.linspace(-9, 9, 999)), np.float32)
    found, wanted = (alone(of, left, right, values) for of in (form, where))
    if found is None or wanted is None:
        return found is None and wanted is None
    with np.errstate(invalid="ignore"):
        near = abs(found - wanted) <= 1e-6 * np.maximum(1, abs(wanted))
    return bool((near | (found == wanted) | (np.isnan(found) & np.isnan(wanted))).all())


def session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def turn(of, image, seconds):
    clock, times = time.perf_counter, []
    of.run(None, {"input": image})
    last = clock()
    end = last + seconds
    while last < end:
        of.run(None, {"input": image})
        now = clock()
        times.append(now - last)
        last = now
    return min(times)


def operators(model):
    return [node.op_type for node in model.graph.node]


def main():
    bare, turns, seconds, *pairs = sys.argv[1:]
    bare = onnx.load(bare)
    shape = [side.dim_value or 1 for side in bare.graph.input[0].type.tensor_type.shape.dim]
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for left, right, path in zip(pairs[::3], pairs[1::3], pairs[2::3]):
        exported = onnx.load(path)
        models = {"exported": exported.SerializeToString()}
        (logits,) = session(models["exported"]).run(None, {"input": image})
        for name, form in FORMS.items():
            if not is_exact(form, left, right):
                continue
            model = with_form(bare, form, left, right)
            if model is None or operators(model) == operators(exported):
                continue
            model = model.SerializeToString()
            (found,) = session(model).run(None, {"input": image})
            if abs(found - logits).max() <= TOLERANCE * max(1, abs(logits).max()):
                models[name] = model
        times = {name: [] for name in models}
        for _ in range(SESSIONS):
            # Where a session's memory lies changes its times.
            sessions = {name: session(model) for name, model in models.items()}
            for _ in range(int(turns)):
                for name, of in sessions.items():
                    times[name].append(turn(of, image, float(seconds)))
        shortest = {name: min(of) for name, of in times.items()}
        exported = shortest.pop("exported")
        best = min(shortest, key=shortest.get)
        result = {"left": left, "right": right, "exported_s": exported, "others": len(shortest), "best": best}
        print(json.dumps(result | {"best_s": shortest[best], "version": ort.__version__}), flush=True)


main()
