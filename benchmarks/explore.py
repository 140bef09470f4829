"""Exploration region by region against affinitree's trees, in a box, sides in turn; and how it does in high dimension.

The last column is what one region costs them over what it costs us. Cutting the whole box at once is another engine.
"""

from collections.abc import Callable
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from _record import options, store, table
from _sides import by_affinitree
from torch import nn

from inscape.geometry import Box
from inscape.regions import explore

BOXES = [(2, 16, 16, 1), (3, 12, 12, 1), (4, 10, 8, 1), (6, 8, 8, 1)]
OPEN = [(20, 32, 32, 1), (60, 64, 64, 1), (784, 64, 64, 10)]


def mlp(widths: tuple[int, ...]) -> nn.Sequential:
    """A ReLU network with weights and biases of the size that makes many regions."""
    rng = np.random.default_rng(0)
    layers: list[nn.Module] = []
    for inputs, units in pairwise(widths):
        linear = nn.Linear(inputs, units)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(rng.standard_normal((units, inputs)) * np.sqrt(2 / inputs)))
            linear.bias.copy_(torch.tensor(rng.standard_normal(units) * 0.5))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what the work gave."""
    start = perf_counter()
    answer = work()
    return perf_counter() - start, answer


def in_a_box(widths: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Both sides in turn on the cube, after one warm-up."""
    d, model = widths[0], mlp(widths)
    box = Box(low=np.full(d, -1.0), high=np.full(d, 1.0))
    explore(model, np.zeros(d), domain=box, max_cells=20)
    ours, theirs, found, leaves = [], [], None, 0
    for _ in range(rounds):
        seconds, leaves = timed(lambda: by_affinitree(model, d))
        theirs.append(seconds)
        seconds, found = timed(lambda: explore(model, np.zeros(d), domain=box, max_cells=10**5))
        ours.append(seconds)
    assert found is not None
    return {
        "network": "-".join(map(str, widths)),
        "regions": found.cell_count,
        "by affinitree": leaves,
        "ms a region": round(1e3 * median(ours) / found.cell_count, 3),
        "theirs / ours": round(median(theirs) / median(ours), 2),
    }


def without_walls(widths: tuple[int, ...], rounds: int, most: int) -> dict[str, Any]:
    """The nearest regions in the whole space."""
    d, model = widths[0], mlp(widths)
    explore(model, np.zeros(d), max_cells=2)
    runs = [timed(lambda: explore(model, np.zeros(d), max_cells=most)) for _ in range(rounds)]
    found = runs[-1][1]
    return {
        "network": "-".join(map(str, widths)),
        "regions": f"{found.cell_count} nearest",
        "by affinitree": "",
        "ms a region": round(1e3 * median(seconds for seconds, _ in runs) / found.cell_count, 3),
        "theirs / ours": "",
    }


def main() -> None:
    """Measure, write the file and print the table."""
    chosen = options(__doc__)
    rounds, most = (1, 5) if chosen.quick else (5, 50)
    rows = [in_a_box((d, 4, 4, 1) if chosen.quick else (d, *rest), rounds) for d, *rest in BOXES]
    rows += [without_walls(widths, rounds, most) for widths in (OPEN[:2] if chosen.quick else OPEN)]
    store(chosen.out, "explore", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
