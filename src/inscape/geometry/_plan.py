"""What has to be computed, in which order, and how long each value is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from inscape._errors import DomainError, UnsupportedLayerError
from inscape.geometry._bounds import UNIT_ROUNDOFF, Bound, affine_bound, gamma
from inscape.geometry._domains import Chart
from inscape.geometry._kernels_edges import evaluate_affine
from inscape.geometry._levels import Splitting, Stage, stages
from inscape.geometry._program import Elementwise, Kind, Node, Program, Rule


@dataclass(frozen=True, kw_only=True)
class Affine:
    """Values that are affine on the whole chart: origin + t · directions.

    Attributes:
        table: (d + 1, width) row 0 is the value at t = 0, the others change per chart coordinate.
        bound: bounds on the chart's window.
    """

    table: np.ndarray
    bound: Bound

    def at(self, t: np.ndarray) -> np.ndarray:
        """Values at chart coordinates.

        Args:
            t: (n, d) chart coordinates.

        Returns:
            (n, width) values.
        """
        return evaluate_affine(t, self.table)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One nonlinear node, or the head: what it reads, how it splits.

    Attributes:
        node: position of the node in the program, -1 for a head.
        inputs: positions of the nodes that it reads.
        rule: how it splits.
        stages: its rounds of predicates.
        base: number of predicates of all earlier steps: its labels start here.
        name: path of the module.
    """

    node: int
    inputs: tuple[int, ...]
    rule: Rule
    stages: tuple[Stage, ...]
    base: int
    name: str

    @property
    def split(self) -> Splitting:
        """Predicates of the first round."""
        return self.stages[0].split

    @property
    def size(self) -> int:
        """Number of predicates of all rounds."""
        return sum(stage.split.size for stage in self.stages)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A program on a chart, ready to be subdivided.

    Attributes:
        program: the network.
        chart: the domain.
        order: positions of the nodes to evaluate, ascending; a head follows as -1.
        steps: position → step of the nonlinear nodes among them (and -1 for the head).
        affine: position → values that are affine on the whole chart.
        last_use: position → last entry of ``order`` that reads it.
        roots: position of a step → nonlinear or chart-affine nodes from which its input follows by affine nodes.
        plain: positions of the steps whose predicates are the values themselves, as those of a ReLU.
        last: the last step.
        widths: number of units of each node.
        max_cells: how many cells are wanted at most.
    """

    program: Program
    chart: Chart
    order: tuple[int, ...]
    steps: dict[int, Step]
    affine: dict[int, Affine]
    last_use: dict[int, int]
    roots: dict[int, tuple[int, ...]]
    plain: frozenset[int]
    last: int
    widths: tuple[int, ...]
    max_cells: int

    @cached_property
    def units_ahead(self) -> list[int]:
        """For each entry of the order the units of the steps that are still to come."""
        widths = [sum(self.widths[j] for j in self.steps[i].inputs) if i in self.steps else 0 for i in self.order]
        return [sum(widths[place:]) for place in range(len(widths))]


def plan(program: Program, chart: Chart, head: Rule | None = None, *, max_cells: int = 1_000_000) -> Plan:
    """Lay out the evaluation of a program on a chart.

    Args:
        program: the network.
        chart: the domain.
        head: a rule that cuts the output at the end, such as the maximum over classes.
        max_cells: how many cells are wanted at most.

    Returns:
        The plan.

    Raises:
        DomainError: if the chart lies in another space than the program's input.
        UnsupportedLayerError: if a smooth operation lies before the output.
    """
    nodes = program.nodes
    widths = tuple(prod(node.shape) for node in nodes)
    if chart.origin.size != widths[0]:
        raise DomainError(
            f"expected a domain in the network's input space of shape {tuple(nodes[0].shape)} ({widths[0]} numbers), "
            f"got one of shape {tuple(chart.shape)} ({chart.origin.size} numbers)"
        )
    needed = needed_nodes(nodes, program.output)
    affine = _chart_affine(nodes, needed, chart)
    steps: dict[int, Step] = {}
    base = 0
    for i in needed:
        node = nodes[i]
        if node.kind is Kind.PIECEWISE and node.rule is not None:
            rounds = stages(node.rule, sum(widths[j] for j in node.inputs))
            steps[i] = Step(node=i, inputs=node.inputs, rule=node.rule, stages=rounds, base=base, name=node.name)
            base += steps[i].size
    if head is not None:
        rounds = stages(head, widths[program.output])
        steps[-1] = Step(node=-1, inputs=(program.output,), rule=head, stages=rounds, base=base, name="output")
    last = -1 if head is not None else max(steps, default=0)
    stop = needed if head is not None else [i for i in needed if i <= last]
    order = tuple(stop) + ((-1,) if head is not None else ())
    return Plan(
        program=program,
        chart=chart,
        order=order,
        steps=steps,
        affine=affine,
        last_use=_last_use(nodes, order, steps),
        roots={i: _roots(nodes, step.inputs, affine) for i, step in steps.items()},
        plain=frozenset(i for i, step in steps.items() if _plain(step, widths)),
        last=last,
        widths=widths,
        max_cells=max_cells,
    )


def _plain(step: Step, widths: tuple[int, ...]) -> bool:
    """Whether the predicates are the values themselves, all of them."""
    return (
        isinstance(step.rule, Elementwise)
        and step.split.size == sum(widths[j] for j in step.inputs)
        and step.split.plain
    )


def needed_nodes(nodes: Sequence[Node], output: int) -> list[int]:
    """Positions of the nodes that an output depends on, itself included.

    Args:
        nodes: the operations in topological order.
        output: position of the output.

    Returns:
        Positions, ascending.

    Raises:
        UnsupportedLayerError: if a smooth operation is among them.
    """
    found, stack = set(), [output]
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(nodes[i].inputs)
    for i in sorted(found):
        if nodes[i].kind is Kind.SMOOTH:
            raise UnsupportedLayerError(
                f"exact geometry needs a piecewise-linear network, got {nodes[i].operation} at {nodes[i].name!r}; "
                "supported: ReLU and its relatives, absolute value, clamps, max, min, pooling, sort"
            )
    return sorted(found)


def _chart_affine(nodes: Sequence[Node], needed: list[int], chart: Chart) -> dict[int, Affine]:
    corner = np.maximum(np.abs(chart.low), np.abs(chart.high))
    affine: dict[int, Affine] = {}
    for i in needed:
        node = nodes[i]
        if node.kind is Kind.INPUT:
            table = np.vstack([chart.origin[None], chart.basis])
            reach = np.abs(table[0]) + corner @ np.abs(table[1:])
            plain = np.all(chart.origin == 0) and chart.shape == chart.low.shape and chart.dimension == reach.size
            error = np.zeros_like(reach) if plain else gamma(chart.dimension + 2) * reach
            bound = Bound(magnitude=reach, error=error, slope=np.linalg.norm(table[1:], axis=0))
        elif node.kind is Kind.AFFINE and all(j in affine for j in node.inputs):
            table = _push_table(node, [affine[j].table for j in node.inputs], [nodes[j].shape for j in node.inputs])
            loose = affine_bound(node, [nodes[j].shape for j in node.inputs], [affine[j].bound for j in node.inputs])
            reach = np.abs(table[0]) + corner @ np.abs(table[1:])
            bound = Bound(
                magnitude=reach + loose.error,
                error=2 * loose.error + gamma(chart.dimension + 2) * reach,
                slope=np.linalg.norm(table[1:], axis=0) * (1 + 1e-9) + UNIT_ROUNDOFF,
            )
        else:
            continue
        affine[i] = Affine(table=table, bound=bound)
    return affine


def _push_table(node: Node, tables: list[np.ndarray], shapes: list[tuple[int, ...]]) -> np.ndarray:
    base = [t[:1].reshape(1, *shape) for t, shape in zip(tables, shapes, strict=True)]
    directions = [t[1:].reshape(-1, *shape) for t, shape in zip(tables, shapes, strict=True)]
    constant = node.apply(*base).reshape(1, -1)
    return np.vstack([constant, node.linear(*directions).reshape(len(tables[0]) - 1, -1)])


def _last_use(nodes: Sequence[Node], order: tuple[int, ...], steps: dict[int, Step]) -> dict[int, int]:
    last: dict[int, int] = {}
    for place, i in enumerate(order):
        for j in steps[i].inputs if i in steps else nodes[i].inputs:
            last[j] = place
    return last


def _roots(nodes: Sequence[Node], inputs: tuple[int, ...], affine: dict[int, Affine]) -> tuple[int, ...]:
    found, stack = set(), list(inputs)
    while stack:
        i = stack.pop()
        node = nodes[i]
        if i in affine or node.kind is not Kind.AFFINE:
            found.add(i)
        else:
            stack.extend(node.inputs)
    return tuple(sorted(found))
