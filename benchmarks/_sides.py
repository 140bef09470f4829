"""The sides of a comparison: networks, what affinitree counts, and what a result holds in memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any

import affinitree
import numpy as np
import torch
from affinitree import builder
from torch import nn


def mlp(*widths: int) -> nn.Sequential:
    """A ReLU network as torch initialises it from seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for inputs, units in pairwise(widths):
            layers += [nn.Linear(inputs, units), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@contextmanager
def silenced() -> Iterator[None]:
    """Send the standard output of compiled code to nowhere."""
    sys.stdout.flush()
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


def by_affinitree(model: nn.Sequential, dimension: int) -> int:
    cube = affinitree.Polytope.hyperrectangle(dimension, [(-1.0, 1.0)] * dimension)
    inside = affinitree.AffTree.from_poly(cube, affinitree.AffFunc.identity(dimension))
    with silenced():
        tree = builder.from_layers(affinitree.extract_pytorch_architecture(dimension, model[:-1]), inside)
    return tree.num_terminals()


def held_bytes(value: Any, seen: set[int] | None = None) -> int:
    """Bytes of all arrays that a result holds on to, shared memory once."""
    seen = set() if seen is None else seen
    if isinstance(value, np.ndarray):
        owner = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        known = id(owner) in seen
        seen.add(id(owner))
        return 0 if known else owner.nbytes
    if is_dataclass(value) and not isinstance(value, type):
        return sum(held_bytes(getattr(value, field.name), seen) for field in fields(value))
    if isinstance(value, dict):
        return sum(held_bytes(item, seen) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(held_bytes(item, seen) for item in value)
    return 0
