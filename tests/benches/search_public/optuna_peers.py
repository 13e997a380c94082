"""Optuna's part of `make bench-search-public`: TPE and NSGA-III over the cells.

Standard input and output are those of ../search/pymoo_peers.py, where "ordered" is not looked at
and "generations" times "population" is the number of evaluations.
"""

import json
import sys
import warnings

import optuna


def evaluated(request, sampler, seed):
    index = {tuple(positions): index for index, positions in enumerate(request["positions"])}
    points = request["objectives"][seed % len(request["objectives"])]
    order = []

    def objectives(trial):
        genes = enumerate(request["sizes"])
        cell = index[tuple(trial.suggest_categorical(f"gene{gene}", range(size)) for gene, size in genes)]
        order.append(cell)
        return points[cell]

    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.optimize(objectives, n_trials=request["population"] * request["generations"])
    return order


def tpe(request, seed):
    return optuna.samplers.TPESampler(seed=seed, multivariate=True)


def nsga3(request, seed):
    return optuna.samplers.NSGAIIISampler(population_size=request["population"], seed=seed)


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    request = json.loads(sys.stdin.readline())
    methods = [
        {
            "name": name,
            "evaluated": [evaluated(request, sampler(request, seed), seed) for seed in range(request["seeds"])],
        }
        for name, sampler in [("Optuna TPE", tpe), ("Optuna NSGA-III", nsga3)]
    ]
    print(json.dumps({"version": optuna.__version__, "methods": methods}))


main()
