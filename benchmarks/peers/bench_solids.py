"""Exact regions in three to six dimensions: cells a second, and beside affinitree in the same run."""

import numpy as np
import pytest
from _sides import by_affinitree, held_bytes, mlp

from inscape.geometry import Box
from inscape.regions import partition


def cube(dimension: int) -> Box:
    return Box(low=np.full(dimension, -1.0), high=np.full(dimension, 1.0))


@pytest.mark.parametrize(
    ("widths", "reach"),
    [((3, 64, 64, 1), 0.3), ((4, 32, 32, 1), 0.3), ((5, 16, 16, 1), None), ((6, 16, 16, 1), 0.1)],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_cells_a_second(widths, reach, *, duel, row, benchmark, smoke):
    name, d = "-".join(map(str, widths[:-1])), widths[0]
    model = mlp(d, 6, 6, 1) if smoke else mlp(*widths)
    cells = partition(model, cube(d))
    seconds = duel(lambda: partition(model, cube(d)), {}, rounds=5)
    benchmark.extra_info |= {"cells": cells.cell_count, "vertices": len(cells.vertices), "status": str(cells.status)}
    row(f"{name}: speed", cells.cell_count / seconds["ours"] / 1e6, unit="M cells/s", at_least=reach)
    row(f"{name}: memory of the result", held_bytes(cells) / cells.cell_count, unit="bytes/cell")


@pytest.mark.parametrize(
    "widths", [(3, 16, 16, 1), (4, 12, 12, 1), (5, 8, 8, 1)], ids=lambda widths: "-".join(map(str, widths))
)
def test_affinitree(widths, duel, row, benchmark, smoke):
    d = widths[0]
    model = mlp(d, 4, 4, 1) if smoke else mlp(*widths)
    seconds = duel(lambda: partition(model, cube(d)), {"affinitree": lambda: by_affinitree(model, d)}, rounds=3)
    counts = {"cells": partition(model, cube(d)).cell_count, "by affinitree": by_affinitree(model, d)}
    benchmark.extra_info |= counts
    name = "-".join(map(str, widths))
    row(f"{name}: affinitree / ours", seconds["affinitree"] / seconds["ours"], unit="×", at_least=50.0)
