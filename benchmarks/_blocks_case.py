"""One case of ``blocks.py`` in a process of its own, so that its peak memory is its own: prints one JSON line."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from inscape.regions import Box, Partition, Plane, partition, partition_blocks

SIDE = 28


def mlp(*widths: int) -> nn.Sequential:
    """A ReLU network as torch initialises it."""
    layers = [layer for a, b in pairwise((2, *widths, 1)) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def conv(channels: int) -> nn.Sequential:
    """Two convolutions with pooling and one hidden layer, for 28×28 images."""
    flat = (SIDE // 4) ** 2 * channels
    first, second = nn.Conv2d(1, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
    return nn.Sequential(
        *(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(flat, 32), nn.ReLU(), nn.Linear(32, 10)),
    )


def case(kind: str, widths: list[int]) -> tuple[nn.Module, Any]:
    """Model and domain."""
    if kind == "conv plane":
        return conv(*widths), Plane.through(*np.random.default_rng(0).random((3, 1, SIDE, SIDE))).resized(0.75)
    return mlp(*widths), Box(low=(-1, -1), high=(1, 1))


def peak() -> float:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pieces(how: str, model: nn.Module, domain: Any, limit: int) -> Iterator[Partition]:
    """The cells in blocks, or all of them at once."""
    if how == "blocks":
        yield from partition_blocks(model, domain, max_cells=limit)
    else:
        yield partition(model, domain, max_cells=limit)


def main() -> None:
    """Take the cells of the case that the command line names, after a small warm-up of the same kind."""
    kind, widths, limit, how = json.loads(sys.argv[1])
    torch.manual_seed(0)
    for _ in pieces("blocks", *case(kind, [2] * len(widths)), 2_000):
        pass
    model, domain = case(kind, widths)
    before, start, blocks, count, doubt, area = peak(), time.perf_counter(), 0, 0, 0, 0.0
    for cells in pieces(how, model, domain, limit):
        blocks, count, area = blocks + 1, count + cells.cell_count, area + cells.volumes.sum()
        doubt += int(cells.uncertain.sum())
    row = {"blocks": blocks, "cells": count, "uncertain": doubt, "seconds": time.perf_counter() - start}
    row |= {"area": float(area / np.prod(domain.high - domain.low)), "before": before, "MiB": peak()}
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
