"""pymoo's part of `make bench-selection`: one environmental selection of SPEA2, timed.

Standard input, one line: {"objectives": [[...], ...], "survivors": 1000, "patience_s": 120}.
Standard output: {"version": "...", "seconds": time of the selection, "selected": indices in ascending
order}; seconds and selected are null if the selection was stopped after patience_s.
"""

import json
import signal
import sys
import time

import numpy as np
import pymoo
from pymoo.algorithms.moo.spea2 import SPEA2Survival
from pymoo.core.population import Population
from pymoo.core.problem import Problem


class Timeout(Exception):
    pass


def stop(_signal, _frame):
    raise Timeout


def select(objectives, survivors):
    problem = Problem(n_var=1, n_obj=objectives.shape[1], xl=0, xu=len(objectives))
    # The only variable is the index of the point, which identifies it among the survivors.
    population = Population.new(X=np.arange(len(objectives), dtype=float)[:, None], F=objectives)
    # Distances are not normalised, as in our selection.
    survival = SPEA2Survival(normalize=False)
    start = time.perf_counter()
    selected = survival.do(problem, population, n_survive=survivors)
    seconds = time.perf_counter() - start
    return seconds, sorted(int(index) for index in selected.get("X")[:, 0])


def main():
    request = json.loads(sys.stdin.readline())
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, request["patience_s"])
    try:
        seconds, selected = select(np.array(request["objectives"]), request["survivors"])
    except Timeout:
        seconds, selected = None, None
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps({"version": pymoo.__version__, "seconds": seconds, "selected": selected}))


main()
