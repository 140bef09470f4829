"""Single regions of a program in a whole affine space of any dimension: half-spaces and affine map."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from inscape._errors import DomainError
from inscape.geometry._domains import Chart
from inscape.geometry._levels import Splitting, splitting
from inscape.geometry._local_rows import Rows, coincident
from inscape.geometry._plan import needed_nodes
from inscape.geometry._program import Kind, Maximum, Program, Rule

Pattern: TypeAlias = tuple[np.ndarray, ...]
"""For each nonlinear node in order: which predicates are positive, or for a maximum the position of each leader."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalStep:
    """One nonlinear node.

    Attributes:
        node: position in the program.
        rule: how it splits.
        split: its predicates; empty for a maximum.
        base: first label of its predicates.
        name: path of the module.
    """

    node: int
    rule: Rule
    split: Splitting
    base: int
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalPlan:
    """A program on a whole affine space, without walls, ready for questions about single regions.

    Attributes:
        program: the network.
        origin: (D,) point of the input space with coordinates 0.
        basis: (d, D) directions in input space, one row per coordinate.
        order: positions of the nodes to evaluate, ascending.
        steps: position → nonlinear node.
        last_use: position → last node that reads it.
        size: number of labels.
    """

    program: Program
    origin: np.ndarray
    basis: np.ndarray
    order: tuple[int, ...]
    steps: dict[int, LocalStep]
    last_use: dict[int, int]
    size: int

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return len(self.basis)


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalRegion:
    """A region of a piecewise-linear program: the points x with normals · x ≤ offsets, on which it is one affine map.

    Attributes:
        pattern: pattern of each nonlinear node, see :data:`Pattern`.
        normals: (m, d) outward normals of the half-spaces of all predicates; zero where a predicate is constant.
        offsets: (m,) right-hand sides.
        errors: (m, 2) bounds on the rounding errors of the offset and of the normal (its 2-norm).
        labels: (m,) predicate of each half-space, counted over all nonlinear nodes. For a maximum it is the place of
            the rival in its table of groups, for a sort the pair of neighbours in the order.
        output: (outputs, d + 1) value of the output at the origin, then its derivatives.
    """

    pattern: Pattern
    normals: np.ndarray
    offsets: np.ndarray
    errors: np.ndarray
    labels: np.ndarray
    output: np.ndarray

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return self.normals.shape[1]

    @cached_property
    def hyperplanes(self) -> tuple[np.ndarray, np.ndarray]:
        """(m,) number of the hyperplane of each half-space, and (m,) side ±1 of it on which the region lies.

        The number is the same where hyperplanes coincide up to rounding, -1 where the predicate is zero and -2 where it
        is another constant.
        """
        return coincident(Rows(normals=self.normals, offsets=self.offsets, errors=self.errors))

    @cached_property
    def distinct(self) -> np.ndarray:
        """(k,) half-spaces that differ from one another, those of constant predicates left out."""
        number, side = self.hyperplanes
        _, first = np.unique(2 * number + (side > 0), return_index=True)
        return np.sort(first[number[first] >= 0])

    @property
    def contradictory(self) -> bool:
        """Whether a constant predicate has the wrong sign, so that no point has this pattern."""
        constant = self.hyperplanes[0] == -2
        return bool((self.offsets[constant] < 0).any())

    def values(self, x: np.ndarray) -> np.ndarray:
        """Output of the affine map.

        Args:
            x: (n, d) points.

        Returns:
            (n, outputs) values; those of the program where x lies in the region.
        """
        return self.output[:, 0] + np.asarray(x) @ self.output[:, 1:].T

    def slack(self, x: np.ndarray) -> np.ndarray:
        """Distances of points to the hyperplanes, negative outside; infinite for constant predicates.

        Args:
            x: (n, d) points.

        Returns:
            (n, m) distances.
        """
        length = np.linalg.norm(self.normals, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.offsets - np.asarray(x) @ self.normals.T) / length
        return np.where(self.hyperplanes[0] >= 0, found, np.inf)


def local_plan(program: Program, chart: Chart | None = None) -> LocalPlan:
    """Prepare a program for questions about single regions.

    Args:
        program: the network.
        chart: a chart whose affine space, without its walls, is looked at; by default the whole input space.

    Returns:
        The plan.

    Raises:
        DomainError: if the chart lies in another space than the program's input.
        UnsupportedLayerError: if a smooth operation lies before the output.
    """
    nodes = program.nodes
    space = int(np.prod(nodes[0].shape))
    if chart is not None and chart.origin.size != space:
        raise DomainError(
            f"expected a domain in the network's input space of shape {tuple(nodes[0].shape)} ({space} numbers), "
            f"got one of shape {tuple(chart.shape)} ({chart.origin.size} numbers)"
        )
    order = tuple(needed_nodes(nodes, program.output))
    steps: dict[int, LocalStep] = {}
    base = 0
    for i in order:
        node = nodes[i]
        if node.kind is Kind.PIECEWISE and node.rule is not None:
            split = _split(node.rule, sum(int(np.prod(nodes[j].shape)) for j in node.inputs))
            steps[i] = LocalStep(node=i, rule=node.rule, split=split, base=base, name=node.name)
            base += node.rule.groups.size if isinstance(node.rule, Maximum) else split.size
    return LocalPlan(
        program=program,
        origin=np.zeros(space) if chart is None else np.asarray(chart.origin),
        basis=np.eye(space) if chart is None else np.asarray(chart.basis),
        order=order,
        steps=steps,
        last_use={j: i for i in order for j in nodes[i].inputs},
        size=base,
    )


def _split(rule: Rule, width: int) -> Splitting:
    if isinstance(rule, Maximum):
        none = np.zeros(0, np.int32)
        return Splitting(left=none, right=none, offset=np.zeros(0))
    return splitting(rule, width)
