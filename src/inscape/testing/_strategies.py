"""Hypothesis strategies for arrangements and networks; hypothesis is imported when one is built."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from inscape._optional import require
from inscape.testing._arrangements import KINDS, random_arrangement
from inscape.testing._networks import NET_KINDS, random_net

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def _draw_net(widths: Any, kind: str, rng: int, dtype: torch.dtype) -> Any:
    """Build a net and leave ``random`` as it was: run-time type checkers draw from it, hypothesis forbids that."""
    state = random.getstate()
    try:
        return random_net(widths, kind=kind, rng=rng, dtype=dtype)
    finally:
        random.setstate(state)


def arrangements(
    *, max_hyperplanes: int = 8, max_dimension: int = 4, kinds: Sequence[str] = KINDS
) -> "SearchStrategy[Any]":
    """Arrangements with integer coefficients, from all families.

    Args:
        max_hyperplanes: largest number of hyperplanes.
        max_dimension: largest dimension of the space.
        kinds: families to draw from; ``("generic",)`` gives general position.

    Returns:
        A strategy of :class:`inscape.testing.Arrangement`; it shrinks to few hyperplanes in few dimensions.
    """
    st = require("hypothesis.strategies", "testing")
    return st.builds(
        random_arrangement,
        st.sampled_from(tuple(kinds)),
        st.integers(1, max_hyperplanes),
        st.integers(1, max_dimension),
        rng=st.integers(0, 2**32 - 1),
    )


def relu_nets(
    *,
    dimension: int = 2,
    max_width: int = 6,
    max_depth: int = 2,
    outputs: int = 1,
    kinds: Sequence[str] = NET_KINDS,
    dtype: torch.dtype = torch.float64,
) -> "SearchStrategy[Any]":
    """Small ReLU networks, generic and degenerate.

    Args:
        dimension: number of inputs.
        max_width: largest number of units in a hidden layer.
        max_depth: largest number of hidden layers.
        outputs: number of outputs.
        kinds: kinds to draw from, see :func:`inscape.testing.random_net`.
        dtype: float type of the parameters; the values are exact in float32.

    Returns:
        A strategy of ``nn.Sequential``; it shrinks to few layers and units.
    """
    st = require("hypothesis.strategies", "testing")
    hidden = st.lists(st.integers(1, max_width), min_size=1, max_size=max_depth)
    return st.builds(
        _draw_net,
        hidden.map(lambda widths: [dimension, *widths, outputs]),
        kind=st.sampled_from(tuple(kinds)),
        rng=st.integers(0, 2**32 - 1),
        dtype=st.just(dtype),
    )
