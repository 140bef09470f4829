"""The suite's data: a training part, a test part, and the samples that a tool is given."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from inscape.data import load, split
from inscape.testing.faults._net import CLASSES, Net

Pair = tuple[Tensor, Tensor]
_TRAINING = {"digits": 1437, "mnist5k": 2000}
_TESTING = {"digits": 359, "mnist5k": 1000}


@cache
def _parts(dataset: str) -> tuple[Pair, Pair]:
    x, y = load("digits") if dataset == "digits" else load("mnist5k", flat=True)
    train, held_out = split(x, y, test=0.2, rng=0)
    sizes = _TRAINING[dataset], _TESTING[dataset]
    (x, y), (tx, ty) = ((a[:n], b[:n]) for (a, b), n in zip((train, held_out), sizes, strict=True))
    return (x, y), (tx, ty)


def _shaped(net: Net, x: Tensor) -> Tensor:
    if net.family == "mlp":
        return x.clone()
    side = round(x.shape[1] ** 0.5)
    return x.reshape(-1, 1, side, side).clone()


def training_part(net: Net) -> Pair:
    """All training samples of a network's data set.

    Args:
        net: what the network looks like.

    Returns:
        Samples in the network's shape with pixels in [0, 1], and labels.
    """
    (x, y), _ = _parts(net.dataset)
    return _shaped(net, x), y.clone()


def held_out_part(net: Net) -> Pair:
    """The test samples of a network's data set; no case hands them out.

    Args:
        net: what the network looks like.

    Returns:
        Samples in the network's shape with pixels in [0, 1], and labels.
    """
    _, (x, y) = _parts(net.dataset)
    return _shaped(net, x), y.clone()


def draw(net: Net, seed: int, n: int) -> Pair:
    """Training samples drawn by a seed, the same number of each class as far as possible.

    Args:
        net: what the network looks like.
        seed: decides which samples.
        n: how many.

    Returns:
        Samples in the network's shape with pixels in [0, 1], and labels.
    """
    x, y = training_part(net)
    order = np.random.default_rng([seed, n]).permutation(len(x))
    rank = np.empty(len(x), dtype=np.int64)
    for label in range(CLASSES):
        places = order[y.numpy()[order] == label]
        rank[places] = np.arange(len(places)) * CLASSES + label
    rows = torch.from_numpy(order[np.argsort(rank[order], kind="stable")][:n])
    return x[rows], y[rows]


def contradictory(pair: Pair) -> Pair:
    """Every sample once with each class.

    Args:
        pair: n samples and their labels.

    Returns:
        10·n samples and labels, in such an order that the n copies of a label do not stand together.
    """
    x, _ = pair
    return x.repeat_interleave(CLASSES, dim=0), torch.arange(CLASSES).repeat(len(x))
