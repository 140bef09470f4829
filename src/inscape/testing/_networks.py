"""Random small ReLU networks, generic and degenerate."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from inscape._errors import InputError
from inscape._rng import RandomState, generator
from inscape.testing._arrangements import KINDS, random_arrangement
from inscape.testing._constructions import Layer, sequential

NET_KINDS = (*KINDS, "integer", "bias_free", "pruned")
"""Kinds that :func:`random_net` knows."""


def _dense(random: np.random.Generator, units: int, inputs: int) -> Layer:
    weight = random.standard_normal((units, inputs)) * np.sqrt(2.0 / inputs)
    return weight, random.standard_normal(units) * 0.5


def _degenerate(kind: str, layer: Layer, random: np.random.Generator) -> Layer:
    weight, bias = layer
    half = (len(weight) + 1) // 2
    copies = len(weight) - half
    if kind in {"parallel", "duplicated"}:
        weight[half:] = weight[:copies]
        bias[half:] = bias[:copies] + (kind == "parallel") * random.uniform(0.1, 0.5, size=copies)
    elif kind == "negated":
        weight[half:], bias[half:] = -weight[:copies], -bias[:copies]
    elif kind == "bias_free":
        bias[:] = 0.0
    elif kind == "integer":
        weight[:], bias[:] = random.integers(-2, 3, size=weight.shape), random.integers(-1, 2, size=bias.shape)
    elif kind == "pruned":
        weight[random.random(weight.shape) < 0.6] = 0.0
        weight[0], bias[0] = 0.0, -1.0
    return weight, bias


def random_net(
    widths: Sequence[int], *, kind: str = "generic", rng: RandomState = None, dtype: torch.dtype = torch.float64
) -> nn.Sequential:
    """Draw a ReLU network of a kind.

    Args:
        widths: inputs, units of each hidden layer, outputs.
        kind: one of :data:`NET_KINDS`. "central", "grid" and "braid" shape the first layer; "parallel",
            "duplicated" and "negated" repeat half of every hidden layer's units; "integer" has small whole weights;
            "bias_free" has none; "pruned" has 60 % zero weights and a dead unit in every hidden layer.
        rng: seed or generator.
        dtype: float type of the parameters; the values are exact in float32.

    Returns:
        The network.

    Raises:
        InputError: if the kind is unknown or there is no hidden layer.

    Example:
        >>> len(random_net([2, 4, 4, 1], kind="pruned", rng=0))
        5
    """
    if kind not in NET_KINDS or len(widths) < 3:
        raise InputError(
            f"expected one of the kinds {', '.join(NET_KINDS)} and at least three widths, got {kind!r}, {list(widths)}"
        )
    random = generator(rng)
    layers = [_dense(random, units, inputs) for inputs, units in pairwise(widths)]
    hidden = [_degenerate(kind, layer, random) for layer in layers[:-1]]
    if kind in {"central", "grid", "braid"}:
        rows = random_arrangement(kind, widths[1], widths[0], rng=random)
        hidden[0] = (rows.normals / 4.0, rows.offsets / 8.0)
    exact = [(w.astype(np.float32), b.astype(np.float32)) for w, b in [*hidden, layers[-1]]]
    return sequential(exact, dtype=dtype)
