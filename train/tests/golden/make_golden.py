"""Writes the golden numbers of train's tests with PyTorch (made with 2.15, CPU, float32).

    python3 make_golden.py        # needs torch and safetensors; writes the files beside this one

For each network.json in this folder: a batch of images, labels, logits with running and with batch
statistics, the loss and the gradient of every trainable tensor. For each optimizer: the values of a
parameter over ten steps with made-up gradients. For further settings of a training
(recipes.safetensors): gradient clipping, learning rates, label smoothing, moving averages of
weights.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
ACTIVATIONS = {
    "relu": F.relu, "elu": F.elu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "swish": F.silu, "selu": F.selu, "linear": lambda x: x,
}


def make_tensors(network):
    tensors, statistics = {}, {}
    for node in network["nodes"]:
        op, name = node["op"], node["name"]
        if op["kind"] == "conv2d":
            k = op["kernel"]
            shape = (op["out_channels"], op["in_channels"], k, k)
            tensors[f"{name}.weight"] = torch.randn(shape) * (2 / (shape[1] * k * k)) ** 0.5
        elif op["kind"] == "batch_norm":
            c = op["channels"]
            tensors[f"{name}.weight"] = 1 + 0.2 * torch.randn(c)
            tensors[f"{name}.bias"] = 0.2 * torch.randn(c)
            statistics[f"{name}.running_mean"] = 0.3 * torch.randn(c)
            statistics[f"{name}.running_var"] = 0.5 + torch.rand(c)
        elif op["kind"] == "linear":
            tensors[f"{name}.weight"] = torch.randn(op["out_features"], op["in_features"]) * 0.3
            tensors[f"{name}.bias"] = 0.1 * torch.randn(op["out_features"])
    return tensors, statistics


def forward(network, tensors, statistics, images, training):
    values = {"input": images}
    for node in network["nodes"]:
        op, name = node["op"], node["name"]
        x = values[node["inputs"][0]]
        t = lambda what: tensors[f"{name}.{what}"]
        if op["kind"] == "conv2d":
            y = F.conv2d(x, t("weight"), stride=op["stride"], padding=op["kernel"] // 2)
        elif op["kind"] == "batch_norm":
            mean, var = (statistics[f"{name}.running_{w}"].clone() for w in ("mean", "var"))
            y = F.batch_norm(x, mean, var, t("weight"), t("bias"), training=training)
        elif op["kind"] == "activation":
            y = torch.where(x < 0, ACTIVATIONS[op["left"]](x), ACTIVATIONS[op["right"]](x))
        elif op["kind"] == "concat":
            y = torch.cat([values[i] for i in node["inputs"]], 1)
        elif op["kind"] == "add":
            y = x + values[node["inputs"][1]]
        elif op["kind"] == "shortcut":
            y = x[:, :, ::op["stride"], ::op["stride"]]
            y = F.pad(y, (0, 0, 0, 0, 0, op["out_channels"] - y.shape[1]))
        elif op["kind"] == "average_pool":
            y = F.avg_pool2d(x, op["size"])
        elif op["kind"] == "global_average_pool":
            y = x.mean((2, 3), keepdim=True)
        elif op["kind"] == "global_max_pool":
            y = x.amax((2, 3), keepdim=True)
        elif op["kind"] == "linear":
            y = F.linear(x.flatten(1), t("weight"), t("bias"))
        else:
            raise ValueError(op["kind"])
        values[name] = y
    return y


def network_golden(path):
    torch.manual_seed(1)
    network = json.loads(path.read_text())
    tensors, statistics = make_tensors(network)
    shape = network["input"]
    images = torch.randn(5, shape["channels"], shape["height"], shape["width"])
    labels = torch.arange(5) % len(network["classes"])
    out = {"images": images, "labels": labels.float()}
    out.update({f"weights/{k}": v for k, v in {**tensors, **statistics}.items()})
    out["evaluation_logits"] = forward(network, tensors, statistics, images, False)
    for tensor in tensors.values():
        tensor.requires_grad_()
    logits = forward(network, tensors, statistics, images, True)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    out["training_logits"] = logits
    out["loss"] = loss.reshape(1)
    out.update({f"gradients/{k}": v.grad for k, v in tensors.items()})
    out = {k: v.detach().contiguous() for k, v in out.items()}
    save_file(out, path.with_suffix(".safetensors"))


def optimizer_golden():
    torch.manual_seed(2)
    makers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01),
        "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, weight_decay=0.01),
        "adamax": lambda p: torch.optim.Adamax(p, lr=0.01, weight_decay=0.01),
        "nadam": lambda p: torch.optim.NAdam(p, lr=0.01, weight_decay=0.01),
    }
    start = torch.randn(2, 3)
    gradients = torch.randn(10, 2, 3) * torch.logspace(-3, 1, 10).reshape(10, 1, 1)
    out = {"start": start, "gradients": gradients}
    for name, make in makers.items():
        p = start.clone().requires_grad_()
        optimizer, seen = make([p]), []
        for gradient in gradients:
            p.grad = gradient.clone()
            optimizer.step()
            seen.append(p.detach().clone())
        out[name] = torch.stack(seen)
    save_file(out, HERE / "optimizers.safetensors")


def clipping_golden(out):
    """Ten steps of a matrix with weight decay and a vector without; some gradients are clipped."""
    torch.manual_seed(3)
    matrix, vector = torch.randn(3, 5), torch.randn(9)
    scale = lambda p: torch.logspace(-2, 1, 10).reshape(10, *[1] * p.dim())
    gradients = [torch.randn(10, *p.shape) * scale(p) for p in (matrix, vector)]
    out.update({"clip/matrix": matrix, "clip/vector": vector})
    out.update({"clip/matrix_gradients": gradients[0], "clip/vector_gradients": gradients[1]})
    parameters = [p.clone().requires_grad_() for p in (matrix, vector)]
    optimizer = torch.optim.Adam(
        [{"params": parameters[:1], "weight_decay": 0.01},
         {"params": parameters[1:], "weight_decay": 0.0}], lr=0.01)
    norms, seen = [], [[], []]
    for step in range(10):
        for p, g in zip(parameters, gradients):
            p.grad = g[step].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.5))
        optimizer.step()
        for values, p in zip(seen, parameters):
            values.append(p.detach().clone())
    out["clip/norms"] = torch.stack(norms)
    out.update({"clip/matrices": torch.stack(seen[0]), "clip/vectors": torch.stack(seen[1])})


def schedule_golden(out):
    """The learning rates of 40 steps, at most 0.1, without and with a warm-up of 8 steps."""
    lr = torch.optim.lr_scheduler
    cosine = lambda o, steps: lr.CosineAnnealingLR(o, T_max=steps)
    milestones = lambda steps: [round(0.3 * steps), round(0.65 * steps)]
    multi_step = lambda o, steps: lr.MultiStepLR(o, milestones=milestones(steps), gamma=0.2)
    for name, make in {"cosine": cosine, "step": multi_step}.items():
        for warmup in [0, 8]:
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
            if warmup:
                # Its last step has the highest rate, as has the first one after it.
                rise = lr.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
                schedules = [rise, make(optimizer, 40 - warmup)]
                scheduler = lr.SequentialLR(optimizer, schedules, milestones=[warmup])
            else:
                scheduler = make(optimizer, 40)
            rates = []
            for _ in range(40):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
            out[f"rates/{name}-{warmup}"] = torch.tensor(rates)


def smoothing_golden(out):
    torch.manual_seed(4)
    logits, labels = (3 * torch.randn(6, 5)).requires_grad_(), torch.arange(6) % 5
    loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
    loss.backward()
    out.update({"smoothing/logits": logits, "smoothing/labels": labels.float()})
    out["smoothing/loss"] = loss.reshape(1)
    out["smoothing/gradient"] = logits.grad


def average_golden(out):
    """AveragedModel over twelve weights; its decay rises to 0.5, which it reaches at the ninth."""
    torch.manual_seed(5)
    module = torch.nn.Linear(4, 3, bias=False)
    decay = lambda n: min(0.5, (1 + int(n)) / (10 + int(n)))
    rise = lambda average, p, n: average + (1 - decay(n)) * (p - average)
    averaged = torch.optim.swa_utils.AveragedModel(module, avg_fn=rise)
    weights, averages = [], []
    for _ in range(12):
        with torch.no_grad():
            module.weight += torch.randn(3, 4)
        averaged.update_parameters(module)
        weights.append(module.weight.detach().clone())
        averages.append(averaged.module.weight.detach().clone())
    out.update({"average/weights": torch.stack(weights), "average/averages": torch.stack(averages)})


def recipe_golden():
    out = {}
    clipping_golden(out)
    schedule_golden(out)
    smoothing_golden(out)
    average_golden(out)
    out = {name: tensor.detach().contiguous() for name, tensor in out.items()}
    save_file(out, HERE / "recipes.safetensors")


if __name__ == "__main__":
    for path in sorted(HERE.glob("network-*.json")):
        network_golden(path)
    optimizer_golden()
    recipe_golden()
