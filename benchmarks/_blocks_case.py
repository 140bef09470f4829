"""One case of ``blocks.py`` in a process of its own, so that its peak memory is its own: prints one JSON line."""

import json
import resource
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from inscape.regions import Box, Plane, partition, partition_blocks

SIDE = 28


def spread(inputs: int, width: int, depth: int) -> nn.Sequential:
    """A ReLU network that bends about everywhere: He's normal weights, and biases that move the lines apart."""
    sizes = [inputs, *[width] * depth, 1]
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        linear = nn.Linear(a, b)
        with torch.no_grad():
            linear.weight.normal_(0, (2 / a) ** 0.5)
            linear.bias.normal_(0, 0.3)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def conv(channels: int) -> nn.Sequential:
    """Two convolutions with pooling and one hidden layer, for 28×28 images."""
    flat = (SIDE // 4) ** 2 * channels
    first, second = nn.Conv2d(1, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
    return nn.Sequential(
        *(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(flat, 32), nn.ReLU(), nn.Linear(32, 10)),
    )


def case(kind: str, width: int, depth: int) -> tuple[nn.Module, Any]:
    """Model and domain."""
    if kind == "conv plane":
        return conv(width), Plane.through(*np.random.default_rng(0).random((3, 1, SIDE, SIDE)))
    return spread(2, width, depth), Box(low=(-1, -1), high=(1, 1))


def peak() -> float:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Stream or join the case that the command line names, after a small warm-up of the same kind."""
    kind, width, depth, limit, how = json.loads(sys.argv[1])
    torch.manual_seed(0)
    small, domain = case(kind, 2, depth)
    for block in partition_blocks(small, domain, max_cells=2_000):
        count = block.running_count
    model, domain = case(kind, width, depth)
    before, start, blocks, area, doubt = peak(), time.perf_counter(), 0, 0.0, 0
    joined = how == "joined"
    for cells in (
        [partition(model, domain, max_cells=limit)] if joined else partition_blocks(model, domain, max_cells=limit)
    ):
        blocks, area, doubt = blocks + 1, area + cells.volumes.sum(), doubt + int(cells.uncertain.sum())
        count = cells.cell_count if joined else cells.running_count
    share = float(area / np.prod(domain.high - domain.low))
    row = {"blocks": blocks, "cells": count, "seconds": time.perf_counter() - start, "area": share}
    row |= {"uncertain": doubt, "before": before, "MiB": peak()}
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
