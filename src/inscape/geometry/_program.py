"""What the engine asks of a network: a topological list of nodes that evaluate batches in float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np


class Kind(Enum):
    """How a node acts on its inputs."""

    INPUT = "input"
    AFFINE = "affine"
    PIECEWISE = "piecewise linear"
    SMOOTH = "smooth"


@dataclass(frozen=True, kw_only=True, slots=True)
class Elementwise:
    """A continuous piecewise-linear function of one variable, applied to every unit.

    Attributes:
        thresholds: (k,) increasing breakpoints; a unit's hyperplanes are value = threshold.
        slopes: (k + 1,) slope on each interval, shared by all units, or (k + 1, width) per unit.
        intercepts: like ``slopes``: the function is slope · z + intercept on each interval.
    """

    thresholds: np.ndarray
    slopes: np.ndarray
    intercepts: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Maximum:
    """Maxima (or minima) over groups of the flattened, concatenated inputs: pooling, maxout, binary max.

    Attributes:
        groups: (outputs, k) indices into the inputs' flattened values, concatenated; -1 pads short groups.
        sign: +1 for a maximum, -1 for a minimum.
    """

    groups: np.ndarray
    sign: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """Sorting inside groups of the flattened input: GroupSort, MaxMin.

    Attributes:
        groups: (g, k) indices into the flattened input.
        positions: (g, k) indices into the flattened output that receive the sorted values.
        descending: largest value first.
    """

    groups: np.ndarray
    positions: np.ndarray
    descending: bool = False


Rule: TypeAlias = Elementwise | Maximum | Sort


@runtime_checkable
class Node(Protocol):
    """One operation. Arrays are float64, batch first: ``(batch, *shape)``."""

    @property
    def name(self) -> str:
        """Path of the module that performs it, such as ``"features.3"``, or the name in the captured graph."""
        ...

    @property
    def operation(self) -> str:
        """The operation in words, such as ``"Linear"`` or ``"MaxPool2d"``."""
        ...

    @property
    def inputs(self) -> tuple[int, ...]:
        """Positions of earlier nodes; empty for the input node, which is node 0."""
        ...

    @property
    def kind(self) -> Kind:
        """How the node acts."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample's output."""
        ...

    @property
    def rule(self) -> Rule | None:
        """How a piecewise-linear node splits; None for all others."""
        ...

    @property
    def length(self) -> int:
        """Longest sum behind one output of an affine node, for rounding bounds; 0 if nothing is rounded."""
        ...

    def apply(self, *values: np.ndarray) -> np.ndarray:
        """Evaluate the node on a batch."""
        ...

    def linear(self, *values: np.ndarray) -> np.ndarray:
        """Affine nodes: evaluate without the constant term."""
        ...

    def magnitude(self, *values: np.ndarray) -> np.ndarray:
        """Affine nodes: evaluate with the absolute values of all coefficients, constant term included."""
        ...


@runtime_checkable
class Program(Protocol):
    """A network as the engine sees it.

    ``nodes[0]`` is the input; ``output`` is the position of the node whose values are the output: a smooth head
    is already peeled off.
    """

    @property
    def nodes(self) -> Sequence[Node]:
        """The operations in topological order."""
        ...

    @property
    def output(self) -> int:
        """Position of the node that gives the output."""
        ...
