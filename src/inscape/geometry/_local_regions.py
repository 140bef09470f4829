"""From a point or a pattern to its region, and from a region to the patterns beyond its facets."""

from collections.abc import Sequence

import numpy as np

from inscape.geometry._local import LocalPlan, LocalRegion, LocalStep, Pattern, local_plan
from inscape.geometry._local_push import Front, bend, carry, joined, start
from inscape.geometry._local_rows import row_labels, step_rows
from inscape.geometry._local_ties import resolve, tied, ties_beyond
from inscape.geometry._program import Program

_CHUNK_NUMBERS = 1 << 23


def _planned(program: Program | LocalPlan) -> LocalPlan:
    return program if isinstance(program, LocalPlan) else local_plan(program)


class _Walk:
    """Fronts on their way through the nodes, in order; each is dropped after its last use."""

    def __init__(self, plan: LocalPlan, first: Front) -> None:
        self.plan, self.fronts, self.place = plan, {plan.order[0]: first}, 1

    def reach(self, step: LocalStep) -> Front:
        """The joined inputs of the next nonlinear node."""
        self._advance(step.node)
        return joined([self.fronts[j] for j in self.plan.program.nodes[step.node].inputs])

    def leave(self, step: LocalStep, front: Front, pattern: np.ndarray) -> None:
        """Pass the nonlinear node."""
        self.fronts[step.node] = bend(step.rule, front, pattern)
        self.place += 1
        self._drop(step.node)

    def finish(self) -> Front:
        """The output."""
        self._advance(self.plan.program.output + 1)
        return self.fronts[self.plan.program.output]

    def _advance(self, stop: int) -> None:
        nodes, order = self.plan.program.nodes, self.plan.order
        while self.place < len(order) and order[self.place] < stop:
            i = order[self.place]
            inputs = nodes[i].inputs
            self.fronts[i] = carry(nodes[i], [self.fronts[j] for j in inputs], [nodes[j].shape for j in inputs])
            self.place += 1
            self._drop(i)

    def _drop(self, passed: int) -> None:
        last, output = self.plan.last_use, self.plan.program.output
        for j in [j for j in self.fronts if j != output and last[j] <= passed]:
            del self.fronts[j]


def patterns_at(program: Program | LocalPlan, x: np.ndarray, direction: np.ndarray | None = None) -> Pattern:
    """The patterns of points.

    A point on a hyperplane, as far as rounding can tell, belongs to the region on the side to which the direction
    points; what does not change along the direction is off, and the lowest index leads.

    Args:
        program: the network, or its plan.
        x: (n, d) points.
        direction: (d,) or (n, d) directions; by default one that is in general position.

    Returns:
        For each nonlinear node (n, ·) patterns.
    """
    plan = _planned(program)
    points = np.asarray(x, dtype=np.float64).reshape(-1, plan.dimension)
    ahead = np.random.default_rng(0x10CA1).standard_normal(plan.dimension) if direction is None else direction
    ahead = np.broadcast_to(np.asarray(ahead, dtype=np.float64), points.shape)
    walk = _Walk(plan, start(plan.origin + points @ plan.basis, (ahead @ plan.basis)[:, None]))
    found = []
    for step in plan.steps.values():
        front = walk.reach(step)
        ties = tied(step.rule, step.split, front.table[:, 0], front.error[:, 0])
        found.append(resolve(step.rule, step.split, ties, front.table[:, 1], front.error[:, 1]))
        walk.leave(step, front, found[-1])
    return tuple(found)


def region_at(program: Program | LocalPlan, x: np.ndarray, *, direction: np.ndarray | None = None) -> LocalRegion:
    """The region of a point.

    Args:
        program: the network, or its plan.
        x: (d,) point, of any shape with d numbers.
        direction: where the point lies on a hyperplane, the region on this side is taken; see :func:`patterns_at`.

    Returns:
        The region.
    """
    plan = _planned(program)
    return region_of(plan, tuple(part[0] for part in patterns_at(plan, np.reshape(x, (1, -1)), direction)))


def region_of(program: Program | LocalPlan, pattern: Pattern) -> LocalRegion:
    """The region of a pattern.

    Args:
        program: the network, or its plan.
        pattern: for each nonlinear node (n,) its pattern.

    Returns:
        The region; it is empty if no point has the pattern.
    """
    return regions_of(program, tuple(part[None] for part in pattern))[0]


def regions_of(program: Program | LocalPlan, patterns: Pattern, count: int = 1) -> list[LocalRegion]:
    """The regions of several patterns at once, which is cheaper for small networks.

    Args:
        program: the network, or its plan.
        patterns: for each nonlinear node (c, n) patterns.
        count: number c, for a program without nonlinear nodes.

    Returns:
        The c regions.
    """
    plan = _planned(program)
    if not patterns:
        return _built(plan, ()) * count
    widest = max(int(np.prod(plan.program.nodes[i].shape)) for i in plan.order)
    size = max(1, _CHUNK_NUMBERS // (widest * (plan.dimension + 1)))
    found: list[LocalRegion] = []
    for first in range(0, len(patterns[0]), size):
        found += _built(plan, tuple(part[first : first + size] for part in patterns))
    return found


def _built(plan: LocalPlan, patterns: Pattern) -> list[LocalRegion]:
    walk, rows, labels = _Walk(plan, start(plan.origin, plan.basis)), [], []
    count = len(patterns[0]) if patterns else 1
    for step, pattern in zip(plan.steps.values(), patterns, strict=True):
        front = walk.reach(step)
        rows.append(step_rows(step.rule, step.split, front, pattern))
        labels.append(step.base + row_labels(step.rule, step.split, pattern))
        walk.leave(step, front, pattern)
    output = np.broadcast_to(np.moveaxis(walk.finish().table, 1, 2), (count, *_output_shape(plan)))
    return [
        LocalRegion(
            pattern=tuple(part[c] for part in patterns),
            normals=np.concatenate([np.zeros((0, plan.dimension)), *(part.normals[c] for part in rows)]),
            offsets=np.concatenate([np.zeros(0), *(part.offsets[c] for part in rows)]),
            errors=np.concatenate([np.zeros((0, 2)), *(part.errors[c] for part in rows)]),
            labels=np.concatenate([np.zeros(0, np.int64), *(part[c] for part in labels)]),
            output=output[c],
        )
        for c in range(count)
    ]


def _output_shape(plan: LocalPlan) -> tuple[int, int]:
    return int(np.prod(plan.program.nodes[plan.program.output].shape)), plan.dimension + 1


def neighbours(program: Program | LocalPlan, region: LocalRegion, facets: np.ndarray) -> Pattern:
    """The patterns on the other side of some facets.

    Predicates that do not vanish on the facet keep their sign. The others, among them those that are zero on the whole
    region, are decided layer by layer by how they change across the facet; so units that are duplicated, negated or
    dead are right, and a predicate that only touches zero on the facet is not flipped.

    Args:
        program: the network, or its plan.
        region: the region.
        facets: (f,) half-spaces of the region, positions in its arrays.

    Returns:
        For each nonlinear node (f, n) patterns.
    """
    return neighbours_of(program, [region], [np.asarray(facets)])


def neighbours_of(
    program: Program | LocalPlan, regions: Sequence[LocalRegion], facets: Sequence[np.ndarray]
) -> Pattern:
    """The patterns beyond facets of several regions at once, which is cheaper for small networks.

    Args:
        program: the network, or its plan.
        regions: the regions, at least one.
        facets: for each region half-spaces, positions in its arrays.

    Returns:
        For each nonlinear node (f, n) patterns, for all facets of the first region, then of the second, and so on.
    """
    plan = _planned(program)
    outward, vanish = [], []
    for region, rows in zip(regions, facets, strict=True):
        number, _ = region.hyperplanes
        vanish.append((number == number[rows, None]) | (number == -1))
        outward.append(region.normals[rows] / np.linalg.norm(region.normals[rows], axis=1, keepdims=True))
    if not sum(map(len, outward)):
        return tuple(np.repeat(part[None], 0, axis=0) for part in regions[0].pattern)
    walk = _Walk(plan, start(plan.origin, (np.concatenate(outward) @ plan.basis)[:, None]))
    found, first = [], 0
    for place, step in enumerate(plan.steps.values()):
        patterns = [region.pattern[place] for region in regions]
        last = first + row_labels(step.rule, step.split, patterns[0][None]).shape[1]
        parts = zip(patterns, vanish, strict=True)
        ties = np.concatenate([ties_beyond(step.rule, pattern, gone[:, first:last]) for pattern, gone in parts])
        front = walk.reach(step)
        found.append(resolve(step.rule, step.split, ties, front.table[:, 1], front.error[:, 1]))
        walk.leave(step, front, found[-1])
        first = last
    return tuple(found)


def neighbour(program: Program | LocalPlan, region: LocalRegion, facet: int) -> Pattern:
    """The pattern on the other side of one facet, see :func:`neighbours`.

    Args:
        program: the network, or its plan.
        region: the region.
        facet: a half-space of the region, position in its arrays.

    Returns:
        For each nonlinear node (n,) its pattern.
    """
    return tuple(part[0] for part in neighbours(program, region, np.array([facet])))
