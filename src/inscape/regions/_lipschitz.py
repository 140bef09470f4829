"""Exact slopes and the Lipschitz constant of a network on a domain."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import nn

from inscape.geometry import Box, Chart, operator_norms
from inscape.network import Network
from inscape.regions._divide import partition
from inscape.regions._partition import Partition
from inscape.regions._read import words
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Slopes(Result):
    """Slopes of a network on every cell of a domain.

    Attributes:
        domain: the domain.
        norm: 1, 2 or infinity.
        slopes: (C,) operator norm of the affine map of each cell, along the chart.
        volumes: (C,) volumes of the cells.
        full: True where the domain fills the input space, so that the constant is that of the network there; on a
            segment, plane or slice it is the constant along the chart, a lower bound.
        status: of the partition.
        provenance: of the partition.
    """

    kind: ClassVar[str] = "slopes"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    domain: Chart
    norm: float
    slopes: np.ndarray
    volumes: np.ndarray
    full: bool
    status: Status
    provenance: Provenance

    @property
    def constant(self) -> float:
        """The Lipschitz constant: the largest slope."""
        return float(self.slopes.max(initial=0.0))

    @property
    def mean(self) -> float:
        """Mean slope, weighted by volume."""
        return float(np.average(self.slopes, weights=self.volumes)) if self.volumes.sum() > 0 else 0.0

    def histogram(self, bins: int = 50) -> tuple[np.ndarray, np.ndarray]:
        """Exact distribution of the slope over the domain.

        Args:
            bins: number of bins of equal width from 0 to the constant.

        Returns:
            (bins,) share of the domain's volume, and (bins + 1,) limits of the slope.
        """
        counts, edges = np.histogram(
            self.slopes, bins=bins, range=(0.0, max(self.constant, 1e-300)), weights=self.volumes
        )
        return counts / max(float(self.volumes.sum()), 1e-300), edges

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        return {
            "domain": words(self.domain),
            "norm": self.norm,
            "constant": f"{self.constant:.9g}" + ("" if self.full else " (along the chart)"),
            "mean slope": f"{self.mean:.6g}",
            "cells": len(self.slopes),
        }

    def columns(self) -> dict[str, Any]:
        """One row for each cell."""
        return {"cell": np.arange(len(self.slopes)), "slope": self.slopes, "volume": self.volumes}

    def info(self) -> Any:
        """Distribution of the slope."""
        from inscape.plotting import Lines, Series

        share, edges = self.histogram()
        series = Series(x=np.repeat(edges, 2)[1:-1], y=np.repeat(share, 2), name="share of the domain")
        return Lines(
            series=(series,),
            xlabel=f"slope in the {self.norm:g}-norm (output units per input unit)",
            ylabel="share of the domain's volume",
            title=f"Lipschitz constant {self.constant:.4g}",
        )


def lipschitz(
    model: nn.Module | Network | Partition, domain: Chart | None = None, norm: float = 2, *, example: Any = None
) -> Slopes:
    """Exact Lipschitz constant and slopes of a piecewise-linear model on a domain of dimension 1 to 6.

    Args:
        model: a model, a network, or a partition that was made before.
        domain: a box, segment, plane or slice; not needed with a partition.
        norm: 1, 2 or ``math.inf``, the same for inputs and outputs.
        example: (n, *shape) example input, see :func:`partition`.

    Returns:
        The slopes.

    Raises:
        InputError: if there is no domain, or the norm is none of these.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> tent = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
        >>> with torch.no_grad():
        ...     for p, v in zip(tent.parameters(), ([[2.0], [2.0]], [0.0, -1.0], [[1.0, -2.0]], [0.0])):
        ...         _ = p.copy_(torch.tensor(v))
        >>> lipschitz(tent, Box(low=[0.0], high=[1.0])).constant
        2.0
    """
    from inscape._errors import InputError

    if isinstance(model, Partition):
        cells = model
    elif domain is None:
        raise InputError("expected a domain beside the model, such as Box(low=(-1, -1), high=(1, 1))")
    else:
        cells = partition(model, domain, example=example)
    slopes = operator_norms(cells.affine_maps[:, :, 1:], norm)
    return Slopes(
        domain=cells.domain,
        norm=float(norm),
        slopes=slopes,
        volumes=cells.volumes,
        full=isinstance(cells.domain, Box),
        status=cells.status,
        provenance=cells.provenance,
    )
