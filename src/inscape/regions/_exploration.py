"""Regions that were found from some points outwards, in any dimension."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Chart, LocalPlan, LocalRegion, region_of, regions_of
from inscape.regions._counting_unseen import Richness
from inscape.regions._pattern_code import PatternCode
from inscape.regions._read import words
from inscape.results import Provenance, Result, Status

_MOST_COORDINATES = 8


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Exploration(Result):
    """Regions of a piecewise-linear network, found one from the other through their facets.

    Attributes:
        domain: the domain whose walls hold, or None for the whole input space.
        starts: (n, d) coordinates of the points from which the search began.
        code: how the patterns are packed.
        packed: (C, bytes) packed pattern of each region, in the order of finding.
        priorities: (C,) at which each region was taken: its distance from the nearest start for best-first order,
            the number of steps for breadth-first order, or the caller's own number.
        centres: (C, d) centre of the largest ball inside each region and the walls.
        radii: (C,) its radius; infinite where balls of any size fit.
        facet_counts: (C,) facets of each region, walls not counted.
        uncertain: (C,) half-spaces of each region that were not decided beyond the tolerance.
        edges: (E, 2) regions that share a facet.
        edge_labels: (E,) predicate on which it lies.
        frontier: number of regions that were seen through a facet and not looked at.
        flat: number of regions that were seen and have no interior, as far as rounding can tell.
        estimate: what random points of the domain say about the number of its regions, where the search is partial.
        head: name of the smooth head that was peeled off the output, or "".
        output_shape: shape of one sample's output, before the head.
        status: exact, uncertain(n) or limit(n).
        provenance: versions, options, fingerprint of the model.
        plan: the network; None for an exploration that was loaded from a file.
    """

    kind: ClassVar[str] = "exploration"
    works: ClassVar[tuple[str, ...]] = ("clarkson1994", "chao1984")

    domain: Chart | None
    starts: np.ndarray
    code: PatternCode
    packed: np.ndarray
    priorities: np.ndarray
    centres: np.ndarray
    radii: np.ndarray
    facet_counts: np.ndarray
    uncertain: np.ndarray
    edges: np.ndarray
    edge_labels: np.ndarray
    frontier: int
    flat: int
    estimate: Richness | None
    head: str
    output_shape: tuple[int, ...]
    status: Status
    provenance: Provenance
    plan: LocalPlan | None = field(default=None, metadata={"transient": True})

    @property
    def dimension(self) -> int:
        """Dimension d of the space that was explored."""
        return self.centres.shape[1]

    @property
    def cell_count(self) -> int:
        """Number C of regions found."""
        return len(self.radii)

    @property
    def complete(self) -> bool:
        """Whether nothing is left on the frontier, so that these are all regions.

        The regions of a convex domain hang together through their facets, so all are reached from one of them.
        """
        return self.frontier == 0

    @cached_property
    def _places(self) -> dict[bytes, int]:
        return {row.tobytes(): i for i, row in enumerate(self.packed)}

    def patterns(self, cells: np.ndarray | None = None) -> np.ndarray:
        """Activation patterns.

        Args:
            cells: (c,) regions, all by default.

        Returns:
            (c, units) small integers, 1 where a predicate is positive; for maxima the position of the leader.
        """
        rows = self.packed if cells is None else self.packed[np.asarray(cells)]
        parts = [np.zeros((len(rows), 0), np.int16), *(part.astype(np.int16) for part in self.code.unpack(rows))]
        return np.concatenate(parts, axis=1)

    def affine_maps(self, cells: np.ndarray | None = None) -> np.ndarray:
        """Affine maps of the output, composed when they are asked for.

        Args:
            cells: (c,) regions, all by default.

        Returns:
            (c, outputs, d + 1) value at coordinates 0, then the derivative along each coordinate.
        """
        rows = self.packed if cells is None else self.packed[np.asarray(cells)]
        plan = self._source()
        if not len(rows):
            return np.zeros((0, int(np.prod(self.output_shape)), self.dimension + 1))
        patterns = self.code.unpack(rows)
        if not patterns:
            return np.repeat(region_of(plan, ()).output[None], len(rows), axis=0)
        return np.stack([region.output for region in regions_of(plan, patterns)])

    def region(self, cell: int) -> LocalRegion:
        """All half-spaces and the affine map of one region.

        Args:
            cell: number of the region.

        Returns:
            The region; its coordinates are those of the domain's chart.

        Raises:
            InputError: if there is no such region.
        """
        if not 0 <= cell < self.cell_count:
            raise InputError(f"expected a region number from 0 to {self.cell_count - 1}, got {cell}")
        return region_of(self._source(), tuple(part[0] for part in self.code.unpack(self.packed[[cell]])))

    def locate(self, t: np.ndarray) -> np.ndarray:
        """Find the regions that hold points.

        Args:
            t: (n, d) coordinates.

        Returns:
            (n,) numbers of regions, -1 where the point's region was not found.

        Raises:
            InputError: if the points do not have d coordinates.
        """
        from inscape.geometry import patterns_at

        points = np.atleast_2d(np.asarray(t, dtype=np.float64))
        if points.shape[1] != self.dimension:
            raise InputError(f"expected points with {self.dimension} coordinates, got shape {points.shape}")
        packed = self.code.pack(patterns_at(self._source(), points), len(points))
        return np.array([self._places.get(row.tobytes(), -1) for row in packed], np.int64)

    def graph(self) -> Any:
        """Dual graph of the regions found.

        Returns:
            (C, C) symmetric scipy sparse array of ones: regions that share a facet.
        """
        from scipy.sparse import coo_array

        row, column = np.concatenate([self.edges, self.edges[:, ::-1]]).T
        return coo_array((np.ones(len(row)), (row, column)), shape=(self.cell_count,) * 2).tocsr()

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        shown: dict[str, object] = {
            "domain": words(self.domain) if self.domain is not None else f"all of R^{self.dimension}",
            "regions": self.cell_count,
            "complete": "yes" if self.complete else f"no, {self.frontier} more seen",
            "predicates": int(self.code.widths.sum()),
        }
        if self.cell_count:
            shown["facets of a region"] = f"{self.facet_counts.mean():.3g} on average, walls not counted"
        if self.estimate is not None:
            found = self.estimate
            shown["estimate from samples"] = (
                f"{found.estimate:.4g} regions (95 %: {found.low:.4g} to {found.high:.4g}), of which {found.observed} "
                f"met by {found.samples} random points that cover {found.coverage:.1%} of the volume"
            )
        if self.head:
            shown["output"] = f"the input of {self.head}"
        return shown

    def columns(self) -> dict[str, Any]:
        """One row for each region."""
        shown: dict[str, Any] = {"cell": np.arange(self.cell_count), "priority": self.priorities}
        shown |= {f"centre_{i}": self.centres[:, i] for i in range(min(self.dimension, _MOST_COORDINATES))}
        return shown | {"radius": self.radii, "facets": self.facet_counts, "uncertain": self.uncertain}

    def info(self) -> Any:
        """How many regions were found up to each distance (or step, or number of the caller's)."""
        from inscape.plotting import Lines, Series

        order = np.sort(self.priorities)
        series = Series(x=order, y=np.arange(1, len(order) + 1, dtype=np.float64), name="regions")
        return Lines(
            series=(series,),
            xlabel=str(self.provenance.options.get("priority", "priority")),
            ylabel="regions found",
            title=f"{self.cell_count:,} regions ({self.status})",
        )

    def _source(self) -> LocalPlan:
        if self.plan is None:
            raise InputError("this exploration was loaded from a file and has no network; call explore again")
        return self.plan
