"""The decision boundary: where the class that the network names changes."""

from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._progress import Meter, meter
from inscape.geometry import Chart, Complex, Maximum, subdivide
from inscape.network import Network
from inscape.regions._distance_result import Distance
from inscape.regions._divide import head_rule, provenance, status
from inscape.regions._read import program, words
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Boundary(Result):
    """Exact decision regions and the boundary between them.

    The pieces are the cells of the network, cut once more where the class changes, so that each has one class.

    Attributes:
        domain: the domain; all coordinates are those of its chart.
        complex: the pieces.
        classes: (C,) class of each piece; for one output 1 above the level and 0 below.
        class_count: number of classes.
        status: exact, uncertain(n) or limit(n).
        provenance: versions, options, fingerprint of the model.
    """

    kind: ClassVar[str] = "boundary"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "zhang2018")

    domain: Chart
    complex: Complex
    classes: np.ndarray
    class_count: int
    status: Status
    provenance: Provenance

    @cached_property
    def _facets(self) -> tuple[np.ndarray, np.ndarray]:
        """Facets between pieces of different class, and the classes on their left and right."""
        sides = self.complex.neighbours
        inner = np.flatnonzero((sides >= 0).all(1))
        pairs = self.classes[sides[inner]]
        between = pairs[:, 0] != pairs[:, 1]
        return inner[between], pairs[between]

    @property
    def segments(self) -> np.ndarray:
        """(s, 2, 2) ends of the boundary's straight pieces; in dimension 1 (s, 1, 1) points."""
        facets, _ = self._facets
        if self.complex.dimension == 1:
            return self.complex.vertices[facets][:, None, :]
        return self.complex.vertices[self.complex.ends[facets]]

    @property
    def pairs(self) -> np.ndarray:
        """(s, 2) classes on the left and on the right of each piece, looking from its first to its second end."""
        return self._facets[1]

    @property
    def normals(self) -> np.ndarray:
        """(s, d) unit normals that point from the left class to the right one, in the chart."""
        if self.complex.dimension == 1:
            return np.ones((len(self.pairs), 1))
        along = self.segments[:, 1] - self.segments[:, 0]
        length = np.linalg.norm(along, axis=1, keepdims=True)
        along = along / np.where(length > 0, length, 1.0)
        return np.stack([along[:, 1], -along[:, 0]], axis=1)

    @property
    def lengths(self) -> np.ndarray:
        """(s,) length of each piece in input units; in dimension 1 each point counts 1."""
        if self.complex.dimension == 1:
            return np.ones(len(self.pairs))
        return np.linalg.norm(self.segments[:, 1] - self.segments[:, 0], axis=1)

    @property
    def length(self) -> float:
        """Total length in input units; in dimension 1 the number of points."""
        return float(self.lengths.sum())

    @cached_property
    def component(self) -> np.ndarray:
        """(s,) number of the connected curve to which each piece belongs."""
        facets, _ = self._facets
        if self.complex.dimension == 1:
            return np.arange(len(facets))
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        ends = self.complex.ends[facets]
        used, place = np.unique(ends, return_inverse=True)
        place = place.reshape(ends.shape)
        graph = coo_array((np.ones(len(place)), (place[:, 0], place[:, 1])), shape=(len(used),) * 2)
        labels = connected_components(graph, directed=False)[1]
        return np.unique(labels[place[:, 0]], return_inverse=True)[1]

    @property
    def components(self) -> int:
        """Number of connected curves of the boundary inside the domain."""
        return int(self.component.max(initial=-1)) + 1

    @cached_property
    def class_components(self) -> np.ndarray:
        """(K,) number of connected areas of each class."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        sides = self.complex.neighbours
        sides = sides[(sides >= 0).all(1)]
        same = sides[self.classes[sides[:, 0]] == self.classes[sides[:, 1]]]
        graph = coo_array((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(self.complex.cell_count,) * 2)
        labels = connected_components(graph, directed=False)[1]
        first = np.unique(labels, return_index=True)[1]
        return np.bincount(self.classes[first], minlength=self.class_count)

    @property
    def class_areas(self) -> np.ndarray:
        """(K,) area (in dimension 1 length) of each class in input units."""
        return np.bincount(self.classes, weights=self.complex.volumes, minlength=self.class_count)

    def polygons(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the pieces, counter-clockwise.

        Returns:
            (p, d) points and (C + 1,) offsets: piece i owns points[offsets[i]:offsets[i + 1]].
        """
        return self.complex.vertices[self.complex.corners], np.asarray(self.complex.offsets)

    def distance(self, t: np.ndarray, norm: float = 2) -> Distance:
        """Distances from points to the boundary, along the chart.

        A distance is exact if it is not larger than the distance to the wall of the domain; else the latter is a lower
        bound, since the boundary may go on outside.

        Args:
            t: (n, d) chart coordinates inside the domain.
            norm: 1, 2 or ``math.inf``, of input space.

        Returns:
            The distances.
        """
        from inscape.regions._distance_pieces import distance_to_pieces

        return distance_to_pieces(self, t, norm)

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        return {
            "domain": words(self.domain),
            "pieces": len(self.pairs),
            "length": f"{self.length:.6g}",
            "components": self.components,
            "classes seen": int((self.class_areas > 0).sum()),
        }

    def columns(self) -> dict[str, Any]:
        """One row for each piece of the boundary."""
        shown: dict[str, Any] = {"left": self.pairs[:, 0], "right": self.pairs[:, 1], "component": self.component}
        for i in range(self.complex.dimension):
            for end, name in enumerate(("from", "to")[: self.segments.shape[1]]):
                shown[f"{name}_{i}"] = self.segments[:, end, i]
            shown[f"normal_{i}"] = self.normals[:, i]
        return shown | {"length": self.lengths}

    def info(self) -> Any:
        """Pieces coloured by class, with the boundary as lines."""
        from inscape.regions._draw import boundary_info

        return boundary_info(self)


def boundary(
    model: nn.Module | Network,
    domain: Chart,
    *,
    between: tuple[int, int] | None = None,
    level: float = 0.0,
    example: Any = None,
    max_cells: int = 1_000_000,
    progress: Meter | bool | None = None,
) -> Boundary:
    """Find the decision boundary of a piecewise-linear model on a domain of dimension 1 or 2, exactly.

    Args:
        model: a model, or a network read from it; it is not changed.
        domain: a box, segment or plane.
        between: two classes i and j: the boundary is where output i equals output j. By default the boundary of the
            largest output.
        level: for one output, the value at which the class changes.
        example: (n, *shape) example input, see :func:`partition`.
        max_cells: stop when this many pieces are finished.
        progress: None shows a bar on a terminal; True, False or a meter of the caller's own.

    Returns:
        The boundary.

    Raises:
        InputError: if ``between`` names no two different outputs, or the level is not finite.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from inscape.geometry import Box
        >>> line = nn.Linear(2, 1)
        >>> with torch.no_grad():
        ...     _ = line.weight.copy_(torch.tensor([[1.0, 0.0]])), line.bias.zero_()
        >>> boundary(nn.Sequential(line), Box(low=(-1, -1), high=(1, 1))).length
        2.0
    """
    if not np.isfinite(level):
        raise InputError(f"expected a finite level, got {level}")
    begin = perf_counter()
    network = program(model, domain, example)
    outputs = int(np.prod(network.output_shape))
    chosen = _checked(between, outputs)
    rule = head_rule(outputs, level, chosen)
    with meter(progress, "cutting cells") as shown:
        made = subdivide(network, domain, head=rule, max_cells=max_cells, meter=shown)
    step = made.plan.steps[-1]
    last = len(made.complex.levels) - 1
    members = made.complex.ancestors(last)
    found = made.complex.pattern(last, step, members)[:, 0].astype(np.int64)
    classes = rule.groups[0, found] if isinstance(rule, Maximum) else found
    return Boundary(
        domain=domain,
        complex=made.complex,
        classes=classes,
        class_count=max(outputs, 2),
        status=status(made),
        provenance=provenance("boundary", model, domain, max_cells, perf_counter() - begin),
    )


def _checked(between: tuple[int, int] | None, outputs: int) -> tuple[int, int] | None:
    if between is None:
        return None
    if not isinstance(between, tuple | list) or len(between) != 2:
        raise InputError(f"expected between to be a pair of classes such as (0, 1), got {between!r}")
    i, j = between
    if i == j or not (0 <= i < outputs and 0 <= j < outputs):
        raise InputError(f"expected between to name two different outputs of 0 to {outputs - 1}, got {between}")
    return (min(i, j), max(i, j))
