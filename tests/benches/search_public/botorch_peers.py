"""BoTorch's part of `make bench-search-public`: qNEHVI over all cells, in batches of 8.

Standard input and output are those of ../search/pymoo_peers.py, where "generations" times
"population" is the number of evaluations, and "reference" the point up to which volume counts. The
error is learned by a Gaussian process over the cells' operations; the cost is told, as it is to
this project's search. qNEHVI takes a minute for all 15,625 cells, so it chooses among the SHORTLIST
of those that are worth most by themselves, by qEHVI beyond the predicted errors of evaluated cells.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import botorch
import torch
from botorch.acquisition.multi_objective.logei import (
    qLogExpectedHypervolumeImprovement,
    qLogNoisyExpectedHypervolumeImprovement,
)
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelList
from botorch.models.deterministic import GenericDeterministicModel
from botorch.models.transforms import Standardize
from botorch.optim import optimize_acqf_discrete
from botorch.sampling.get_sampler import get_sampler
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from gpytorch.mlls import ExactMarginalLogLikelihood

BATCH, INITIAL, SAMPLES, SHORTLIST, AT_ONCE = 8, 16, 64, 256, 512
# BoTorch compiles its fused kernel with ninja, which lies beside Python in a virtual environment.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]


class Search:
    def __init__(self, request, seed):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.cells = torch.tensor(request["positions"], dtype=torch.double)
        points = torch.tensor(request["objectives"][seed], dtype=torch.double)
        self.errors, self.costs = points[:, 0], points[:, 1]
        self.reference = torch.tensor([-value for value in request["reference"]], dtype=torch.double)
        self.seed = seed
        self.order = torch.randperm(len(self.cells))[:INITIAL].tolist()

    def index(self, cells):
        """Returns the positions of cells, whose last operation varies fastest."""
        powers = torch.tensor([5 ** (5 - gene) for gene in range(6)], dtype=torch.double)
        return (cells.round() @ powers).long()

    def model(self):
        known = self.cells[self.order]
        errors = self.errors[self.order].unsqueeze(-1)
        process = MixedSingleTaskGP(
            known, -errors, cat_dims=list(range(6)), outcome_transform=Standardize(m=1)
        )
        fit_gpytorch_mll(ExactMarginalLogLikelihood(process.likelihood, process))
        cost = GenericDeterministicModel(lambda cells: -self.costs[self.index(cells)].unsqueeze(-1))
        return ModelList(process, cost)

    def shortlist(self, model):
        """Returns the unseen cells that are worth most by themselves."""
        unseen = torch.ones(len(self.cells), dtype=torch.bool)
        unseen[self.order] = False
        unseen = self.cells[unseen]
        predicted = model.posterior(self.cells[self.order]).mean
        acquisition = qLogExpectedHypervolumeImprovement(
            model=model,
            ref_point=self.reference,
            partitioning=FastNondominatedPartitioning(self.reference, predicted),
            sampler=self.sampler(model),
        )
        worth = torch.cat([acquisition(part) for part in unseen.unsqueeze(1).split(AT_ONCE)])
        return unseen[worth.topk(SHORTLIST).indices]

    def sampler(self, model):
        posterior = model.posterior(self.cells[:1])
        return get_sampler(posterior, torch.Size([SAMPLES]), seed=self.seed)

    def batch(self):
        model = self.model()
        with torch.no_grad():
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                model=model,
                ref_point=self.reference,
                X_baseline=self.cells[self.order],
                prune_baseline=True,
                cache_root=False,
                sampler=self.sampler(model),
            )
            choices = self.shortlist(model)
            best, _ = optimize_acqf_discrete(acquisition, q=BATCH, choices=choices)
        return self.index(best).tolist()

    def run(self, evaluations):
        while len(self.order) < evaluations:
            self.order += self.batch()
        return self.order[:evaluations]


def evaluated(request, seed):
    return Search(request, seed).run(request["population"] * request["generations"])


def main():
    request = json.loads(sys.stdin.readline())
    with ProcessPoolExecutor(2) as pool:
        orders = pool.map(evaluated, [request] * request["seeds"], range(request["seeds"]))
    method = {"name": "BoTorch qNEHVI", "evaluated": list(orders)}
    print(json.dumps({"version": botorch.__version__, "methods": [method]}))


if __name__ == "__main__":
    main()
