"""Exact regions in one and two dimensions against regioncam, affinitree and a plain forward pass.

Ours always includes reading the model. ``benchmarks/run.py`` runs this file and prints the table.
"""

import copy
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import regioncam
import torch
from _sides import by_affinitree, held_bytes, mlp
from torch import nn

from inscape import network, plotting
from inscape.geometry import Box, Segment
from inscape.regions import partition

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def by_regioncam(model: nn.Sequential) -> int:
    cells = regioncam.Regioncam(size=1.0)
    cells.add(model)
    return cells.num_faces


def forward(model: nn.Module, points: np.ndarray) -> Callable[[], Any]:
    wide, x = copy.deepcopy(model).double(), torch.from_numpy(np.ascontiguousarray(points))

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return wide(x)

    return run


@pytest.mark.parametrize(
    ("widths", "faster", "slower"),
    [((2, 256, 256, 256, 1), 12.0, 0.8), ((2, 64, 64, 64, 1), 10.0, 2.0), ((2, 128, 128, 1), 8.0, 2.0)],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_square(widths, faster, slower, *, duel, row, benchmark, smoke):
    widths = (2, 16, 16, 1) if smoke else widths
    name, model = "-".join(map(str, widths)), mlp(*widths)
    cells = partition(model, SQUARE)
    peers = {"regioncam": lambda: by_regioncam(model), "forward": forward(model, cells.vertices)}
    seconds = duel(lambda: partition(model, SQUARE), peers)
    benchmark.extra_info |= {"cells": cells.cell_count, "cells by regioncam": by_regioncam(model)}
    benchmark.extra_info |= {"vertices": len(cells.vertices), "status": str(cells.status)}
    row(f"{name}: regioncam / ours", seconds["regioncam"] / seconds["ours"], unit="×", at_least=faster)
    row(f"{name}: ours / forward pass", seconds["ours"] / seconds["forward"], unit="×", at_most=slower)
    row(f"{name}: memory of the result", held_bytes(cells) / cells.cell_count, unit="bytes/cell", at_most=200.0)


def test_one_hidden_layer(duel, row, benchmark, smoke):
    model = mlp(2, 100 if smoke else 1000, 1)
    cells = partition(model, SQUARE)
    seconds = duel(lambda: partition(model, SQUARE), {"forward": forward(model, cells.vertices)})
    start = time.process_time()
    partition(model, SQUARE)
    work = time.process_time() - start
    benchmark.extra_info |= {"cells": cells.cell_count, "processor seconds": work}
    row("2-1000-1: speed by the clock", cells.cell_count / seconds["ours"] / 1e6, unit="M cells/s", at_least=1.5)
    row("2-1000-1: speed of a thread", cells.cell_count / work / 1e6, unit="M cells/s", at_least=1.5)
    row("2-1000-1: ours / forward pass", seconds["ours"] / seconds["forward"], unit="×")


@pytest.mark.parametrize("widths", [(2, 32, 32, 1), (1, 64, 64, 1)], ids=lambda widths: "-".join(map(str, widths)))
def test_affinitree(widths, duel, row, benchmark, smoke):
    d = widths[0]
    model = mlp(d, 8, 8, 1) if smoke else mlp(*widths)
    box = Box(low=np.full(d, -1.0), high=np.full(d, 1.0))
    seconds = duel(lambda: partition(model, box), {"affinitree": lambda: by_affinitree(model, d)}, rounds=5)
    benchmark.extra_info |= {"cells": partition(model, box).cell_count, "by affinitree": by_affinitree(model, d)}
    name = "-".join(map(str, widths))
    row(f"{name}: affinitree / ours", seconds["affinitree"] / seconds["ours"], unit="×", at_least=50.0)


def test_line(duel, row, benchmark, smoke):
    model = mlp(784, *[32 if smoke else 512] * 4, 10)
    ends = np.random.default_rng(0).standard_normal((2, 784))
    segment = Segment(ends[0], ends[1])
    cells = partition(model, segment)
    points = segment.embed(cells.vertices)
    seconds = duel(lambda: partition(model, segment), {"forward": forward(model, points)})
    benchmark.extra_info |= {"pieces": cells.cell_count, "status": str(cells.status)}
    row("line through 784-512⁴-10", 1e3 * seconds["ours"], unit="ms", at_most=60.0)
    row("line: ours / forward pass of its breakpoints", seconds["ours"] / seconds["forward"], unit="×")


FIRST = """
import time, torch
from torch import nn
class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
    def forward(self, x):
        return self.inner(x)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
start = time.perf_counter()
{code}
print(time.perf_counter() - start)
"""
CALL = "import inscape\nbox = inscape.geometry.Box(low=(-1, -1), high=(1, 1))\n"
FRESH = {
    "import inscape, over import torch": ("import inscape", 0.3),
    "first call in a fresh process, Sequential": (CALL + "inscape.regions.partition(model, box)", 1.5),
    "first call in a fresh process, by torch.export": (
        CALL + "inscape.regions.partition(Wrapped(model), box, example=torch.zeros(1, 2))",
        3.0,
    ),
}


@pytest.mark.parametrize("work", FRESH)
def test_fresh_process(work, row, benchmark, smoke):
    code, limit = FRESH[work]
    taken: list[float] = []

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-c", FIRST.format(code=code)], check=True, stdout=subprocess.PIPE, text=True
        )
        taken.append(float(done.stdout))

    run()
    taken.clear()
    benchmark.pedantic(run, rounds=1 if smoke else 5, iterations=1)
    row(work, float(np.median(taken)), unit="s", at_most=limit)


THREADS = """
import sys, time, torch
from itertools import pairwise
from statistics import median
from torch import nn
from inscape.geometry import Box
from inscape.regions import partition
torch.manual_seed(0)
layers = [layer for a, b in pairwise({widths}) for layer in (nn.Linear(a, b), nn.ReLU())]
model, box = nn.Sequential(*layers[:-1]), Box(low=(-1, -1), high=(1, 1))
partition(model, box)
for line in sys.stdin:
    start = time.perf_counter()
    partition(model, box, threads={threads})
    print(time.perf_counter() - start, flush=True)
"""


def test_threads(row, benchmark, smoke):
    """One thread in all, matrix products included, against two: two processes that run in turn."""
    widths = (2, 32, 32, 1) if smoke else (2, 256, 256, 256, 1)
    sides = [
        subprocess.Popen(
            [sys.executable, "-c", THREADS.format(widths=widths, threads=count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(count)},
        )
        for count in (1, 2)
    ]
    taken: list[list[float]] = []

    def run() -> None:
        times = []
        for side in sides:
            assert side.stdin is not None
            assert side.stdout is not None
            side.stdin.write("go\n")
            side.stdin.flush()
            times.append(float(side.stdout.readline()))
        taken.append(times)

    run()
    taken.clear()
    benchmark.pedantic(run, rounds=2 if smoke else 9, iterations=1)
    for side in sides:
        side.communicate()
    one, two = np.median(taken, axis=0)
    name = "-".join(map(str, widths))
    benchmark.extra_info["seconds"] = {"one thread": float(one), "two threads": float(two)}
    row(f"{name}: one thread / two threads", float(one / two), unit="×", at_least=1.7)


def test_read(duel, row):
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp(2, 64, 64, 64, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    direct, exported, example = mlp(2, 64, 64, 64, 1), Wrapped(), torch.zeros(1, 2)
    seconds = duel(lambda: network.read(direct), {"export": lambda: network.read(exported, example)}, rounds=15)
    row("network.read, direct", 1e3 * seconds["ours"], unit="ms", at_most=1.0)
    row("network.read, by torch.export", 1e3 * seconds["export"], unit="ms", at_most=500.0)


def test_drawing(row, benchmark, smoke):
    cells = partition(mlp(2, 60 if smoke else 752, 1), SQUARE)
    info = cells.info()

    def draw() -> int:
        picture = io.BytesIO()
        plotting.render(info, backend="matplotlib").savefig(picture, format="png")
        return picture.tell()

    draw()
    benchmark.pedantic(draw, rounds=2 if smoke else 5, iterations=1)
    benchmark.extra_info["cells"] = cells.cell_count
    per_100k = benchmark.stats.stats.median * 100_000 / cells.cell_count
    row("matplotlib drawing, per 100 000 cells", per_100k, unit="s", at_most=3.0)
