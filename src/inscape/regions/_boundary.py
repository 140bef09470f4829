"""The decision boundary: where the class that the network names changes."""

from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._progress import Meter, meter
from inscape.geometry import (
    Chart,
    Complex,
    Maximum,
    Polytopes,
    betti_numbers,
    components,
    euler_characteristic,
    subdivide,
)
from inscape.network import Network
from inscape.regions._around import around
from inscape.regions._distance_result import Distance
from inscape.regions._divide import head_rule, provenance, status
from inscape.regions._read import program, words
from inscape.results import Provenance, Result, Status

MEASURES = {1: "points", 2: "length", 3: "area"}
"""What the volume of dimension d - 1 is called."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Boundary(Result):
    """Exact decision regions and the boundary between them.

    The cells of the network are cut once more where the class changes, so that each has one class. The boundary is made
    of the facets between cells of different class: points, straight pieces, flat polygons, ... by dimension.

    Attributes:
        domain: the domain; all coordinates are those of its chart.
        complex: the cells.
        classes: (C,) class of each cell; for one output 1 above the level and 0 below.
        class_count: number of classes.
        status: exact, uncertain(n) or limit(n).
        provenance: versions, options, fingerprint of the model.
    """

    kind: ClassVar[str] = "boundary"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "zhang2018")

    domain: Chart
    complex: Complex | Polytopes
    classes: np.ndarray
    class_count: int
    status: Status
    provenance: Provenance

    @cached_property
    def _facets(self) -> tuple[np.ndarray, np.ndarray]:
        """Facets between pieces of different class, and the classes on both sides."""
        sides = self.complex.neighbours
        inner = np.flatnonzero((sides >= 0).all(1))
        pairs = self.classes[sides[inner]]
        between = pairs[:, 0] != pairs[:, 1]
        return inner[between], pairs[between]

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.complex.dimension

    @property
    def facets(self) -> np.ndarray:
        """(s,) facets of ``complex`` that make up the boundary: its flat pieces, of dimension d - 1."""
        return self._facets[0]

    @property
    def segments(self) -> np.ndarray:
        """(s, 2, 2) ends of the boundary's straight pieces; in dimension 1 (s, 1, 1) points. See also ``surface``."""
        made = self.complex
        if not isinstance(made, Complex):
            raise InputError(f"a boundary in dimension {self.dimension} has no segments; see surface() and normals")
        if made.dimension == 1:
            return made.vertices[self.facets][:, None, :]
        return made.vertices[made.ends[self.facets]]

    def surface(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the boundary's flat pieces; in dimension 3 in order around each piece, above in none.

        Returns:
            (p, d) points and (s + 1,) offsets, where piece i has the corners ``points[offsets[i]:offsets[i + 1]]``.
        """
        made = self.complex
        if isinstance(made, Complex):
            return self.segments.reshape(-1, self.dimension), np.arange(len(self.facets) + 1) * min(self.dimension, 2)
        sizes = np.diff(made.facets.start)[self.facets]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(offsets[-1]) + np.repeat(made.facets.start[self.facets] - offsets[:-1], sizes)
        points = made.vertices[made.facets.corners[place]]
        return (points[around(points, offsets, self.normals)] if self.dimension == 3 else points), offsets

    @property
    def pairs(self) -> np.ndarray:
        """(s, 2) classes on both sides of each piece; in dimension 2 left and right from its first to its last end."""
        return self._facets[1]

    @property
    def normals(self) -> np.ndarray:
        """(s, d) unit normals that point from the first class to the second, in the chart."""
        return self.complex.normals[self.facets]

    @property
    def measures(self) -> np.ndarray:
        """(s,) volume of dimension d - 1 of each piece in input units, its length or area; a point counts 1."""
        return self.complex.areas[self.facets]

    @property
    def measure(self) -> float:
        """Total volume of dimension d - 1 in input units, so length or area; in dimension 1 the number of points."""
        return float(self.measures.sum())

    @property
    def lengths(self) -> np.ndarray:
        """(s,) the same as ``measures``."""
        return self.measures

    @property
    def length(self) -> float:
        """The same as ``measure``."""
        return self.measure

    @cached_property
    def component(self) -> np.ndarray:
        """(s,) number of the connected part of the boundary to which each piece belongs."""
        return components(self.complex, self.facets)

    @property
    def components(self) -> int:
        """Number of connected parts of the boundary inside the domain."""
        return int(self.component.max(initial=-1)) + 1

    @cached_property
    def class_components(self) -> np.ndarray:
        """(K,) number of connected areas of each class; areas that meet in less than a facet are apart."""
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
    def class_volumes(self) -> np.ndarray:
        """(K,) volume of each class in input units, that is length, area, ... by dimension."""
        return np.bincount(self.classes, weights=self.complex.volumes, minlength=self.class_count)

    @property
    def class_areas(self) -> np.ndarray:
        """(K,) the same as ``class_volumes``."""
        return self.class_volumes

    def betti(self, *, between: tuple[int, int] | None = None, compactified: bool = False) -> tuple[int, ...]:
        """Betti numbers of the boundary: components, loops, cavities, ...

        The boundary is the closed set inside the closed domain; where it ends on the wall, it has a rim there.

        Args:
            between: two classes, to take only the pieces where these meet; all pieces by default.
            compactified: take all points on the wall for one point, "infinity": a plane becomes a sphere.

        Returns:
            (b_0, ..., b_{d-1}) over the two-element field.

        Raises:
            InputError: if ``between`` names no two different classes.
        """
        facets = self.facets
        if between is not None:
            pair = _checked(between, self.class_count)
            facets = facets[(np.sort(self.pairs, axis=1) == pair).all(1)]
        return betti_numbers(self.complex, facets=facets, compactified=compactified)

    @property
    def euler(self) -> int:
        """Euler characteristic of the boundary."""
        return euler_characteristic(self.betti())

    def class_betti(self, label: int) -> tuple[int, ...]:
        """Betti numbers of the closed region of one class: parts, tunnels, cavities.

        Parts that touch in a corner or an edge are connected here, other than in ``class_components``.

        Args:
            label: the class.

        Returns:
            (b_0, ..., b_{d-1}) over the two-element field.

        Raises:
            InputError: if there is no such class.
        """
        if not 0 <= label < self.class_count:
            raise InputError(f"expected a class from 0 to {self.class_count - 1}, got {label}")
        return betti_numbers(self.complex, cells=np.flatnonzero(self.classes == label))

    def polygons(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of the cells of ``complex``, in dimension 2 counter-clockwise.

        Returns:
            (p, d) points and (C + 1,) offsets, where cell i owns ``points[offsets[i]:offsets[i + 1]]``.
        """
        return self.complex.vertices[self.complex.corners], np.asarray(self.complex.offsets)

    def distance(self, t: Any, norm: float = 2) -> Distance:
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
            MEASURES.get(self.dimension, "measure"): f"{self.measure:.6g}",
            "components": self.components,
            "classes seen": int((self.class_volumes > 0).sum()),
        }

    def columns(self) -> dict[str, Any]:
        """One row for each piece of the boundary."""
        shown: dict[str, Any] = {"left": self.pairs[:, 0], "right": self.pairs[:, 1], "component": self.component}
        normals = self.normals
        if self.dimension > 2:
            shown |= {f"normal_{i}": normals[:, i] for i in range(self.dimension)}
            return shown | {"offset": self.complex.facet_offsets[self.facets], "measure": self.measures}
        for i in range(self.dimension):
            for end, name in enumerate(("from", "to")[: self.segments.shape[1]]):
                shown[f"{name}_{i}"] = self.segments[:, end, i]
            shown[f"normal_{i}"] = normals[:, i]
        return shown | {"length": self.measures}

    def info(self) -> Any:
        """Dimension 2: cells coloured by class, with the boundary as lines; dimension 3: the boundary as a surface."""
        from inscape.regions._draw import boundary_info, surface_info

        return surface_info(self) if self.dimension == 3 else boundary_info(self)


def boundary(
    model: nn.Module | Network,
    domain: Chart,
    *,
    between: tuple[int, int] | None = None,
    level: float = 0.0,
    example: Any = None,
    max_cells: int = 1_000_000,
    threads: int | None = None,
    progress: Meter | bool | None = None,
) -> Boundary:
    """Find the decision boundary of a piecewise-linear model on a domain of dimension 1 to 6, exactly.

    Args:
        model: a model, or a network read from it; it is not changed.
        domain: a box, segment, plane or slice.
        between: two classes i and j: the boundary is where output i equals output j. By default the boundary of the
            largest output.
        level: for one output, the value at which the class changes.
        example: (n, *shape) example input, see :func:`partition`.
        max_cells: stop when this many pieces are finished.
        threads: how many threads share the work, see :func:`partition`.
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
        made = subdivide(network, domain, head=rule, max_cells=max_cells, threads=threads, meter=shown)
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
