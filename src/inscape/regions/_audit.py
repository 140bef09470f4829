"""An audit of a partition against independent computations."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape.geometry import Elementwise, Kind, Maximum, Step, faces
from inscape.regions._read import embed
from inscape.results import MEASURED, Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Audit(Result):
    """What :meth:`Partition.verify` found. Every number is 0 (or within rounding) for a right partition.

    Attributes:
        volume_error: |sum of volumes - volume of the domain|, relative.
        euler: alternating sum of the numbers of faces, V - E + F - ..., which must be 1.
        open_facets: interior facets that do not have exactly two cells.
        pattern_errors: cells whose signs differ from a forward pass at their centroid.
        map_error: largest difference between affine maps and the forward pass at random points, relative.
        lost_points: random points that no cell holds.
        mean_degree: mean number of neighbours of a cell.
        degree_bound: 2 d where every unit bends along one hyperplane, else infinity.
        status: measured, since the comparisons are floating-point evaluations.
        provenance: of the partition.
    """

    kind: ClassVar[str] = "audit"

    volume_error: float
    euler: int
    open_facets: int
    pattern_errors: int
    map_error: float
    lost_points: int
    mean_degree: float
    degree_bound: float
    status: Status
    provenance: Provenance

    @property
    def passed(self) -> bool:
        """Whether everything is as it must be."""
        return (
            self.volume_error < 1e-9
            and self.euler == 1
            and self.open_facets == 0
            and self.pattern_errors == 0
            and self.map_error < 1e-8
            and self.lost_points == 0
            and self.mean_degree <= self.degree_bound
        )

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        return {
            "passed": self.passed,
            "volume error": f"{self.volume_error:.2g}",
            "Euler characteristic": self.euler,
            "open facets": self.open_facets,
            "pattern errors": self.pattern_errors,
            "map error": f"{self.map_error:.2g}",
            "lost points": self.lost_points,
            "mean degree": f"{self.mean_degree:.3f} (bound {self.degree_bound:g})",
        }


def audit(cells: Any, *, points: int, rng: int) -> Audit:
    """Compare a partition with forward passes and with the identities that every subdivision obeys.

    Args:
        cells: a partition with its network.
        points: number of random points.
        rng: seed of the points.

    Returns:
        The audit.
    """
    made, domain = cells.complex, cells.domain
    window = float(np.prod(domain.high - domain.low))
    sides = made.neighbours
    if made.dimension > 1:
        interior = made.facet_label >= 0
    else:
        at = made.vertices[:, 0]
        interior = (at > domain.low[0]) & (at < domain.high[0])
    t = np.random.default_rng(rng).uniform(domain.low, domain.high, (points, made.dimension))
    map_error, lost = _compare_maps(cells, t)
    degree = 2.0 * float((sides >= 0).all(1).sum()) / max(made.cell_count, 1)
    simple = all(_one_hyperplane(step.rule) for step in cells.steps)
    return Audit(
        volume_error=abs(float(made.volumes.sum()) - window) / window,
        euler=faces(made).euler,
        open_facets=int(((sides < 0).any(1) & interior).sum()),
        pattern_errors=_compare_patterns(cells),
        map_error=map_error,
        lost_points=lost,
        mean_degree=degree,
        degree_bound=2.0 * made.dimension if simple else float("inf"),
        status=MEASURED,
        provenance=cells.provenance,
    )


def _one_hyperplane(rule: Any) -> bool:
    return isinstance(rule, Elementwise) and len(rule.thresholds) == 1


def _compare_maps(cells: Any, t: np.ndarray) -> tuple[float, int]:
    program = cells._source().plan.program
    found = cells.evaluate(t)
    lost = np.isnan(found).any(1)
    truth = program.evaluate(embed(cells.domain, t[~lost])).reshape(int((~lost).sum()), -1)
    scale = max(float(np.abs(truth).max(initial=0.0)), 1e-300)
    return float(np.abs(found[~lost] - truth).max(initial=0.0)) / scale, int(lost.sum())


def _compare_patterns(cells: Any) -> int:
    """Cells with a sign or a leader that a forward pass at the centroid clearly contradicts."""
    plan, made = cells._source().plan, cells.complex
    wrong = np.zeros(made.cell_count, np.bool_)
    size = max(1, (1 << 23) // max(int(np.prod(node.shape)) for node in plan.program.nodes))
    for start in range(0, made.cell_count, size):
        chosen = np.arange(start, min(start + size, made.cell_count))
        values = _forward(plan.program, embed(cells.domain, cells.centroids[chosen]))
        for level, step in enumerate(cells.steps):
            z = np.concatenate([values[j].reshape(len(chosen), -1) for j in step.inputs], axis=1)
            pattern = made.pattern(level, step, made.ancestors(level, chosen))
            wrong[chosen] |= _contradicted(step, z, pattern)
    return int((wrong & ~made.doubt & (made.volumes > 0)).sum())


def _contradicted(step: Step, z: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """(c,) where the input values z of a step clearly contradict its pattern."""
    clear = 1e-9 * max(float(np.abs(z).max(initial=0.0)), 1e-300)
    if isinstance(step.rule, Maximum):
        groups = step.rule.groups
        members = np.where(groups >= 0, step.rule.sign * z[:, groups], -np.inf)
        leading = np.take_along_axis(members, pattern[:, :, None].astype(np.int64), axis=2)[:, :, 0]
        return (members.max(2) - leading > clear).any(1)
    split = step.split
    z = z[:, split.left] - np.where(split.right >= 0, z[:, np.maximum(split.right, 0)], split.offset)
    return ((np.abs(z) > clear) & ((z > 0) != pattern)).any(1)


def _forward(program: Any, x: np.ndarray) -> dict[int, np.ndarray]:
    """Values of all nodes."""
    values: dict[int, np.ndarray] = {}
    for i, node in enumerate(program.nodes):
        values[i] = x if node.kind is Kind.INPUT else node.apply(*(values[j] for j in node.inputs))
    return values
