"""One case of ``feasible.py`` in a process of its own, so that its peak memory is its own: prints one JSON line."""

import json
import resource
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from inscape.regions import Box, Plane, Segment, partition

SIDE = 28


def mlp(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    """A ReLU network with hidden layers of one width."""
    sizes = [inputs, *[width] * depth]
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], outputs))


def conv(channels: int) -> nn.Sequential:
    """Two convolutions with pooling and one hidden layer, for 28×28 images."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *mlp((SIDE // 4) ** 2 * channels, 32, 1, 10),
    )


def case(kind: str, width: int, depth: int) -> tuple[nn.Module, Any]:
    """Model and domain of a named case."""
    images = np.random.default_rng(0).random((3, 1, SIDE, SIDE))
    if kind == "interval":
        return mlp(1, width, depth, 1), Box(low=(-1,), high=(1,))
    if kind == "square":
        return mlp(2, width, depth, 1), Box(low=(-1, -1), high=(1, 1))
    domain = Segment(images[0], images[1]) if kind == "segment" else Plane.through(*images)
    if kind == "conv plane":
        return conv(width), domain
    return nn.Sequential(nn.Flatten(), *mlp(SIDE * SIDE, width, depth, 10)), domain


def units(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Number of ReLU units on an input of a shape."""
    count = 0
    values = torch.zeros(1, *shape)
    for layer in model.children():
        values = layer(values)
        count += values.numel() if isinstance(layer, nn.ReLU) else 0
    return count


def peak() -> float:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure the case that the command line names, after a small warm-up of the same kind."""
    kind, width, depth, limit = json.loads(sys.argv[1])
    torch.manual_seed(0)
    partition(*case(kind, 2, depth))
    model, domain = case(kind, width, depth)
    before, start = peak(), time.perf_counter()
    cells = partition(model, domain, max_cells=limit)
    seconds, after = time.perf_counter() - start, peak()
    row = {"units": units(model, domain.shape), "cells": cells.cell_count, "seconds": seconds, "MiB": after - before}
    sys.stdout.write(json.dumps(row | {"status": str(cells.status)}) + "\n")


if __name__ == "__main__":
    main()
