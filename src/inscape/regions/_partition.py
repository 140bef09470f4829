"""A domain cut into the cells on which the network is affine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from inscape._errors import InputError
from inscape.geometry import (
    Chart,
    Complex,
    Polytopes,
    Step,
    Subdivision,
    affine_maps,
    centroid_tree,
    f_vector,
    locate,
)
from inscape.regions._cell import facets, largest_ball
from inscape.regions._equal import number_equal_rows
from inscape.regions._read import embed, words
from inscape.results import Provenance, Result, Status

_CHUNK_NUMBERS = 1 << 22

Definition = Literal["activation", "affine", "connected"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Partition(Result):
    """Convex cells that fill a domain; on each of them the network is one affine map.

    Attributes:
        domain: the domain; all coordinates are those of its chart.
        complex: cells, edges, vertices and sign patterns.
        steps: the nonlinear nodes in order, with their predicates.
        head: name of the smooth head that was peeled off the output, or "".
        output_shape: shape of one sample's output, before the head.
        status: exact, uncertain(n), stable or limit(n).
        provenance: versions, options, fingerprint of the model.
        table: (C, outputs, d + 1) affine maps, None if they are still to be composed.
        subdivision: the plan that made the cells; None for a partition that was loaded from a file.
    """

    kind: ClassVar[str] = "partition"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "zhang2018")

    domain: Chart
    complex: Complex | Polytopes
    steps: Sequence[Step]
    head: str
    output_shape: tuple[int, ...]
    status: Status
    provenance: Provenance
    table: np.ndarray | None = None
    subdivision: Subdivision | None = field(default=None, metadata={"transient": True})

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.complex.dimension

    @property
    def cell_count(self) -> int:
        """Number C of cells."""
        return self.complex.cell_count

    @property
    def vertices(self) -> np.ndarray:
        """(V, d) chart coordinates of the vertices."""
        return self.complex.vertices

    @property
    def volumes(self) -> np.ndarray:
        """(C,) lengths, areas or volumes of the cells, in input units to the power d."""
        return self.complex.volumes

    @property
    def centroids(self) -> np.ndarray:
        """(C, d) centres of mass in chart coordinates."""
        return self.complex.centroids

    @property
    def uncertain(self) -> np.ndarray:
        """(C,) True where a decision about the cell lay below the rounding bound."""
        return self.complex.doubt

    @cached_property
    def affine_maps(self) -> np.ndarray:
        """(C, outputs, d + 1) value at chart coordinate 0, then the derivative along each chart axis."""
        if self.table is not None:
            return self.table
        return affine_maps(self._source())

    @cached_property
    def classes(self) -> np.ndarray:
        """(C,) class at the centroid: the largest output; for one output 1 where it is positive, else 0."""
        maps = self.affine_maps
        values = maps[:, :, 0] + np.einsum("cod,cd->co", maps[:, :, 1:], self.centroids)
        return (values[:, 0] > 0).astype(np.int64) if values.shape[1] == 1 else values.argmax(1)

    @cached_property
    def touches_wall(self) -> np.ndarray:
        """(C,) True where a cell touches the wall of the domain."""
        made = self.complex
        touched = np.zeros(self.cell_count, np.bool_)
        sides = made.neighbours
        wall = made.facet_label < 0 if self.dimension > 1 else (sides < 0).any(1)
        touched[sides[wall].max(1)] = True
        return touched

    def polygons(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners of all cells, in dimension 2 counter-clockwise; from dimension 3 up in no particular order.

        Returns:
            (p, d) points and (C + 1,) offsets, where cell i owns ``points[offsets[i]:offsets[i + 1]]``.
        """
        return self.vertices[self.complex.corners], np.asarray(self.complex.offsets)

    def patterns(self, cells: np.ndarray | None = None) -> np.ndarray:
        """Activation patterns.

        Args:
            cells: (c,) cells, all by default.

        Returns:
            (c, units) small integers, 1 where a predicate is positive; for maxima the position of the leader.
        """
        made = self.complex
        parts = []
        for level, step in enumerate(self.steps):
            members = made.ancestors(level, cells)
            parts.append(made.pattern(level, step, members).astype(np.int16))
        count = self.cell_count if cells is None else len(cells)
        return np.concatenate(parts, axis=1) if parts else np.zeros((count, 0), np.int16)

    def jacobian(self, cell: int) -> np.ndarray:
        """Derivative of the output by the whole input on one cell.

        Args:
            cell: number of the cell.

        Returns:
            (outputs, D) matrix for the D numbers of a flattened sample.
        """
        source = self._source()
        return affine_maps(source, np.array([self._cell(cell)]), np.eye(source.plan.chart.origin.size))[0, :, 1:]

    def count(self, definition: Definition = "activation", *, tolerance: float = 1e-9) -> int:
        """Count regions under a named definition, inside the domain.

        Args:
            definition: ``"activation"``: different activation patterns of full dimension; ``"affine"``: different
                affine maps; ``"connected"``: facet-connected sets of cells with equal affine map, which are the
                linear regions of Zhang, Naitzat and Lim.
            tolerance: maps whose entries agree to this share of the largest entry are equal.

        Returns:
            The number of regions.

        Raises:
            InputError: if the definition is none of these.
        """
        if definition == "activation":
            return len(np.unique(self._pattern_keys()))
        if definition == "affine":
            return int(self._map_keys(tolerance).max(initial=-1)) + 1
        if definition == "connected":
            return self._connected(self._map_keys(tolerance))
        raise InputError(f"expected 'activation', 'affine' or 'connected', got {definition!r}")

    def _pattern_keys(self) -> np.ndarray:
        """(C,) 64-bit sums of random words over the codes of all levels."""
        rng = np.random.default_rng(0x9A77E12)
        total = np.zeros(self.cell_count, np.uint64)
        for level, step in enumerate(self.steps):
            members, place = np.unique(self.complex.ancestors(level), return_inverse=True)
            width = self.complex.pattern(level, step, members[:0]).shape[1]
            words_ = rng.integers(1, 2**63, size=width, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
            size = max(1, _CHUNK_NUMBERS // max(width, 1))
            parts = [members[at : at + size] for at in range(0, len(members), size)]
            keys = [self.complex.pattern(level, step, part).astype(np.uint64) @ words_ for part in parts]
            total += np.concatenate([np.zeros(0, np.uint64), *keys])[place]
        return total

    def _map_keys(self, tolerance: float) -> np.ndarray:
        """(C,) number of the affine map of each cell."""
        maps = self.affine_maps.reshape(self.cell_count, -1)
        unit = tolerance * max(float(np.abs(maps).max(initial=0.0)), np.finfo(float).tiny)
        return number_equal_rows(maps, unit)

    def _connected(self, keys: np.ndarray) -> int:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        sides = self.complex.neighbours
        sides = sides[(sides >= 0).all(1)]
        same = sides[keys[sides[:, 0]] == keys[sides[:, 1]]]
        graph = coo_array((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(self.cell_count,) * 2)
        return int(connected_components(graph, directed=False)[0])

    def graph(self) -> Any:
        """Dual graph: cells that share a facet.

        Returns:
            (C, C) symmetric scipy sparse array; an entry is the common facet's volume of dimension d - 1 (its length
            in dimension 2, 1 in dimension 1).
        """
        from scipy.sparse import coo_array

        inner = (self.complex.neighbours >= 0).all(1)
        pairs = self.complex.neighbours[inner]
        row, column = np.concatenate([pairs, pairs[:, ::-1]]).T
        weight = np.tile(self.complex.areas[inner], 2)
        return coo_array((weight, (row, column)), shape=(self.cell_count,) * 2).tocsr()

    def to_networkx(self) -> Any:
        """Dual graph as a networkx graph; edges carry ``length``."""
        from inscape._optional import require

        networkx = require("networkx", "tables")
        return networkx.from_scipy_sparse_array(self.graph(), edge_attribute="length")

    def facets(self, cell: int) -> list[dict[str, object]]:
        """The facets of one cell, in dimension 2 counter-clockwise.

        Args:
            cell: number of the cell.

        Returns:
            For each facet its corners (``ends``) in chart coordinates, the ``neighbour`` (-1 outside), unit outer
            ``normal`` and ``offset`` of its hyperplane normal · t = offset, ``area`` (volume of dimension d - 1), and
            the ``module`` and ``predicate`` that vanish on it. At the domain's wall these are "wall" and the side:
            in dimension 2 from 0 to 3 low y, high x, high y, low x; above 2a at the low end of axis a, 2a + 1 at the
            high end. In dimension 1 they are not kept: "" and -1.
        """
        return facets(self.complex, self.steps, self._cell(cell))

    def f_vector(self) -> np.ndarray:
        """Number of faces of each dimension, from vertices to cells.

        Returns:
            (d + 1,) numbers; their alternating sum is 1 where the cells fill the domain.
        """
        return f_vector(self.complex)

    def chebyshev(self, cell: int) -> tuple[np.ndarray, float]:
        """The largest ball inside one cell.

        Args:
            cell: number of the cell.

        Returns:
            (d,) centre in chart coordinates, and its radius (the inradius).
        """
        return largest_ball(self.complex, self._cell(cell))

    def locate(self, t: np.ndarray) -> np.ndarray:
        """Find the cells that hold points.

        Args:
            t: (n, d) chart coordinates.

        Returns:
            (n,) numbers of cells, -1 outside the domain; on a common facet one of the cells.

        Raises:
            InputError: if the points do not have d coordinates.
        """
        points = np.atleast_2d(np.asarray(t, dtype=np.float64))
        if points.shape[1] != self.dimension:
            raise InputError(f"expected points with {self.dimension} chart coordinates, got shape {points.shape}")
        return locate(self.complex, points, tree=self._tree if self.dimension > 1 else None)

    @cached_property
    def _tree(self) -> Any:
        return centroid_tree(self.complex)

    def evaluate(self, t: np.ndarray) -> np.ndarray:
        """Output of the network at chart coordinates, from the cells' affine maps.

        Args:
            t: (n, d) chart coordinates inside the domain.

        Returns:
            (n, outputs) values before the head; NaN outside.
        """
        points = np.atleast_2d(np.asarray(t, dtype=np.float64))
        cell = self.locate(points)
        maps = self.affine_maps[cell]
        values = maps[:, :, 0] + np.einsum("cod,cd->co", maps[:, :, 1:], points)
        return np.where((cell >= 0)[:, None], values, np.nan)

    def verify(self, *, points: int = 1000, rng: int = 0) -> "Any":
        """Audit the partition against independent computations.

        Args:
            points: number of random points that are compared with a forward pass.
            rng: seed of the points.

        Returns:
            An :class:`Audit`.
        """
        from inscape.regions._audit import audit

        return audit(self, points=points, rng=rng)

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        shown: dict[str, object] = {
            "domain": words(self.domain),
            "cells": self.cell_count,
            "predicates": sum(step.size for step in self.steps),
            "vertices": len(self.vertices),
        }
        if self.head:
            shown["output"] = f"the input of {self.head}"
        return shown

    def columns(self) -> dict[str, Any]:
        """One row for each cell."""
        centres = self.centroids
        shown: dict[str, Any] = {"cell": np.arange(self.cell_count)}
        shown |= {f"centroid_{i}": centres[:, i] for i in range(self.dimension)}
        shown |= {
            "volume": self.volumes,
            "class": self.classes,
            "corners": np.diff(self.complex.offsets),
            "touches_wall": self.touches_wall,
            "uncertain": self.uncertain,
        }
        maps = self.affine_maps
        for o in range(maps.shape[1]):
            shown[f"output_{o}_constant"] = maps[:, o, 0]
            shown |= {f"output_{o}_slope_{i}": maps[:, o, 1 + i] for i in range(self.dimension)}
        return shown

    def info(self) -> Any:
        """Cells coloured by class (dimension 2), or the outputs along the line (dimension 1)."""
        from inscape.regions._draw import line_info, plane_info

        if self.dimension > 2:
            raise InputError(
                f"a partition of dimension {self.dimension} has no figure; partition a Plane through it, or draw the "
                "boundary in dimension 3"
            )
        return line_info(self) if self.dimension == 1 else plane_info(self)

    def state(self) -> dict[str, Any]:
        """Field name → value, with the affine maps, as it goes into a file."""
        return super().state() | {"table": self.affine_maps}

    def embed(self, t: np.ndarray) -> np.ndarray:
        """Points of input space for chart coordinates.

        Args:
            t: (n, d) chart coordinates.

        Returns:
            (n, *shape) points.
        """
        return embed(self.domain, t)

    def _cell(self, cell: int) -> int:
        if not 0 <= cell < self.cell_count:
            raise InputError(f"expected a cell number from 0 to {self.cell_count - 1}, got {cell}")
        return int(cell)

    def _source(self) -> Subdivision:
        if self.subdivision is None:
            raise InputError("this partition was loaded from a file and has no network; call partition again")
        return self.subdivision
