"""pymoo's part of `make bench-search` and `make bench-search-public`: NSGA-II and SPEA-II over the
space of a table of trainings.

Standard input, one line:
{"sizes": [number of values of each gene],
 "ordered": [whether a gene is a number rather than a name],
 "positions": [[position of each gene's value] for each genome],
 "objectives": [[[error, cost] for each genome] for each table; seeds take turns],
 "population": 32, "generations": 8, "seeds": 20}
Standard output, one line:
{"version": "...", "methods": [{"name": "...", "evaluated": [[indices of genomes in the order of
their evaluation] for each seed]}]}
A genome that is evaluated again is listed again; pymoo eliminates duplicates within population and
offspring alone.
"""

import json
import sys

import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
from pymoo.algorithms.moo.spea2 import SPEA2, SPEA2Survival, spea_binary_tournament
from pymoo.core.mixed import MixedVariableDuplicateElimination, MixedVariableMating, MixedVariableSampling
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.variable import Choice, Integer
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.optimize import minimize


class TableProblem(ElementwiseProblem):
    def __init__(self, request, seed):
        genes = enumerate(zip(request["sizes"], request["ordered"]))
        variables = {
            f"gene{gene}": Integer(bounds=(0, size - 1)) if ordered else Choice(options=list(range(size)))
            for gene, (size, ordered) in genes
        }
        super().__init__(vars=variables, n_obj=2)
        self.index = {tuple(positions): index for index, positions in enumerate(request["positions"])}
        self.objectives = request["objectives"][seed % len(request["objectives"])]
        self.evaluated = []

    def _evaluate(self, x, out, *args, **kwargs):
        index = self.index[tuple(int(x[f"gene{gene}"]) for gene in range(len(x)))]
        self.evaluated.append(index)
        out["F"] = self.objectives[index]


def options(comparison, population):
    """pymoo's operators for mixed variables, with the algorithm's own mating selection."""
    no_duplicates = MixedVariableDuplicateElimination()
    selection = TournamentSelection(func_comp=comparison)
    mating = MixedVariableMating(selection=selection, eliminate_duplicates=no_duplicates)
    sampling = MixedVariableSampling()
    return dict(pop_size=population, sampling=sampling, mating=mating, eliminate_duplicates=no_duplicates)


def nsga2(population):
    return NSGA2(**options(binary_tournament, population))


def spea2(population):
    # A new survival operator for each search: the default one is shared and remembers the ranges of
    # earlier searches.
    return SPEA2(survival=SPEA2Survival(normalize=True), **options(spea_binary_tournament, population))


def evaluated(request, algorithm, seed):
    problem = TableProblem(request, seed)
    # Not copied, so that `problem` has the list of evaluated genomes.
    minimize(problem, algorithm(request["population"]), ("n_gen", request["generations"]), seed=seed, copy_algorithm=False)
    return problem.evaluated


def main():
    request = json.loads(sys.stdin.readline())
    methods = [
        {"name": name, "evaluated": [evaluated(request, algorithm, seed) for seed in range(request["seeds"])]}
        for name, algorithm in [("pymoo NSGA-II", nsga2), ("pymoo SPEA-II", spea2)]
    ]
    print(json.dumps({"version": pymoo.__version__, "methods": methods}))


main()
