"""From a model and a domain to a piecewise-linear program and a chart."""

from typing import Any

import numpy as np
from torch import nn

from inscape._errors import InputTypeError
from inscape.geometry import Box, Chart, Plane, Segment, Slice
from inscape.network import Network, read


def program(model: nn.Module | Network, domain: Chart, example: Any = None) -> Network:
    """Read a model for exact geometry on a domain.

    Args:
        model: the model or a network read from it.
        domain: the domain; it also serves as example input, where one is needed.
        example: (n, *shape) example input; by default a point of the domain.

    Returns:
        The network with float64 constants of this moment.

    Raises:
        InputTypeError: if the domain is no box, segment, plane or slice.
        UnsupportedLayerError: if a smooth operation lies before the output.
    """
    if not isinstance(domain, Box | Segment | Plane | Slice):
        raise InputTypeError(
            "expected a domain: Box(low=, high=), Segment(p, q), Plane.through(...) or Slice.through(...), "
            f"got {type(domain).__name__}"
        )
    if example is None:
        example = domain.origin.reshape(1, *domain.shape)
    network = read(model, np.asarray(example, dtype=np.float32) if isinstance(example, np.ndarray) else example)
    network.require_piecewise_linear()
    return network.frozen()


def embed(domain: Chart, t: np.ndarray) -> np.ndarray:
    """Points of input space for chart coordinates.

    Args:
        domain: the domain.
        t: (n, d) chart coordinates.

    Returns:
        (n, *shape) points.
    """
    flat = domain.origin + np.asarray(t, dtype=np.float64) @ domain.basis
    return flat.reshape(-1, *domain.shape)


def words(domain: Chart) -> str:
    """A domain in words, for summaries and provenance."""
    low = ", ".join(f"{v:g}" for v in domain.low)
    high = ", ".join(f"{v:g}" for v in domain.high)
    kind = type(domain).__name__
    if isinstance(domain, Box):
        return f"Box(low=({low}), high=({high}))"
    return f"{kind} in R^{domain.origin.size}, window ({low}) to ({high})"
