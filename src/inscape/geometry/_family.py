"""Families of linear regions: all regions on which some units are decided, as linear inequalities on a ball."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from inscape.geometry._ball import Ball
from inscape.geometry._forms import Forms, affine, input_forms, joined
from inscape.geometry._inequalities import Inequalities
from inscape.geometry._program import Kind, Program
from inscape.geometry._relaxation import Decision, bend


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The set that is looked for: sign · (f[left] - f[right] - offset) ≤ 0.

    Attributes:
        left: output.
        right: second output, -1 for none.
        offset: constant.
        sign: +1 or -1.
    """

    left: int
    right: int = -1
    offset: float = 0.0
    sign: int = 1

    def margin(self, outputs: np.ndarray) -> np.ndarray:
        """How far outputs are from the set.

        Args:
            outputs: (n, m) outputs of the network.

        Returns:
            (n,) margins, positive outside the set.
        """
        other = outputs[:, self.right] if self.right >= 0 else 0.0
        return self.sign * (outputs[:, self.left] - other - self.offset)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Enclosure:
    """A family on a ball.

    Attributes:
        outputs: forms of the network's output.
        decided: inequalities that hold in the family.
        cuts: inequalities that hold everywhere on the ball and tie the deviations to the offset.
        splits: for each deviation the decision that would narrow it.
    """

    outputs: Forms
    decided: Inequalities
    cuts: Inequalities
    splits: tuple[Decision, ...]


def head_start(program: Program, ball: Ball) -> tuple[Ball, dict[int, Forms]]:
    """Forms of all nodes before the first piecewise-linear ones: they are the same for all families.

    Args:
        program: the network.
        ball: the ball.

    Returns:
        The ball, with the first units as basis if they are fewer than its coordinates, and the forms of the nodes that
        other nodes read.
    """
    known: dict[int, Forms] = {}
    order = ancestors(program)
    for i in order:
        node = program.nodes[i]
        if node.kind is Kind.INPUT:
            known[i] = input_forms(ball)
        elif node.kind is Kind.AFFINE and all(j in known for j in node.inputs):
            shapes = [tuple(program.nodes[j].shape) for j in node.inputs]
            known[i] = affine(node, shapes, [known[j] for j in node.inputs], ball)
    read = {j for i in order if i not in known for j in program.nodes[i].inputs} | {program.output}
    first = {i: forms for i, forms in known.items() if i in read}
    width = sum(len(forms.slack) for forms in first.values())
    if width >= ball.dimension:
        return ball, first
    basis = np.concatenate([forms.table[1:] for forms in first.values()], axis=1)
    constants = {i: forms.table[0] for i, forms in first.items()}
    slack = {i: forms.slack for i, forms in first.items()}
    return replace(ball, basis=basis, span=np.linalg.qr(basis)[0]), _units(constants, slack, width)


def _units(constants: Mapping[int, np.ndarray], slack: Mapping[int, np.ndarray], width: int) -> dict[int, Forms]:
    """Forms of the first units in the basis that they are themselves."""
    made, start = {}, 0
    for i, constant in constants.items():
        size = len(constant)
        made[i] = Forms(table=np.vstack([constant[None], np.eye(width)[:, start : start + size]]), slack=slack[i])
        start += size
    return made


def recentred(program: Program, ball: Ball, known: Mapping[int, Forms]) -> dict[int, Forms]:
    """The head start for a ball with another centre and the same basis, without bounds of rounding.

    Args:
        program: the network.
        ball: the ball, with the basis that :func:`head_start` gave.
        known: forms of the head start.

    Returns:
        The forms at the new centre.
    """
    if ball.basis is None:
        return head_start(program, ball)[1]
    values = forward(program, ball.centre[None], known)
    none = {i: np.zeros_like(forms.slack) for i, forms in known.items()}
    return _units({i: values[i].ravel() for i in known}, none, ball.rank)


def forward(program: Program, points: np.ndarray, wanted: Iterable[int]) -> dict[int, np.ndarray]:
    """Evaluate nodes of a network.

    Args:
        program: the network.
        points: (n, D) flattened inputs.
        wanted: positions of nodes.

    Returns:
        Position → (n, *shape) values of these nodes.
    """
    values: dict[int, np.ndarray] = {}
    targets = set(wanted)
    for i in ancestors(program):
        node = program.nodes[i]
        if node.kind is Kind.INPUT:
            values[i] = np.ascontiguousarray(points).reshape(-1, *node.shape)
        else:
            values[i] = node.apply(*(values[j] for j in node.inputs))
        if targets <= values.keys():
            break
    return {i: values[i] for i in targets}


def ancestors(program: Program) -> list[int]:
    """Positions of the nodes that the output needs, in order."""
    found, stack = set(), [program.output]
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(program.nodes[i].inputs)
    return sorted(found)


def enclose(
    program: Program, ball: Ball, decisions: tuple[Decision, ...] = (), known: Mapping[int, Forms] | None = None
) -> Enclosure | None:
    """Enclose a family of regions on a ball.

    Args:
        program: the network.
        ball: the ball.
        decisions: what is decided about the family's regions.
        known: forms that :func:`head_start` found, for this ball's basis and on this ball or a larger one.

    Returns:
        The enclosure; None if the family is certainly empty on the ball.
    """
    if known is None:
        ball, known = head_start(program, ball)
    held = dict(known)
    rows: list[tuple[np.ndarray, float]] = []
    splits: list[Decision] = []
    cuts: list[Forms] = []
    for i in ancestors(program):
        node = program.nodes[i]
        if i in held or any(j not in held for j in node.inputs) or node.kind is Kind.INPUT:
            continue
        inputs = [held[j] for j in node.inputs]
        if node.kind is Kind.AFFINE or node.rule is None:
            held[i] = affine(node, [tuple(program.nodes[j].shape) for j in node.inputs], inputs, ball)
            continue
        z = joined(inputs)
        z = Forms(table=z.padded(1 + ball.rank + len(splits)), slack=z.slack)
        mine = tuple(made for made in decisions if made.node == i)
        rows += [_row(made, z) for made in mine]
        bent = bend(node.rule, i, z, ball, mine)
        if bent.forms is None:
            return None
        held[i] = bent.forms
        splits += bent.splits
        cuts += [] if bent.cuts is None else [bent.cuts]
    size = 1 + ball.rank + len(splits)
    outputs = Forms(table=held[program.output].padded(size), slack=held[program.output].slack)
    return Enclosure(
        outputs=outputs,
        decided=_stacked(rows, size, ball),
        cuts=_inequalities(
            np.concatenate([np.zeros((0, size)), *(part.padded(size).T for part in cuts)]),
            np.concatenate([np.zeros(0), *(part.slack for part in cuts)]),
            ball,
        ),
        splits=tuple(splits),
    )


def _row(made: Decision | Target, forms: Forms, direction: int = -1) -> tuple[np.ndarray, float]:
    """Direction · sign · (z[left] - z[right] - offset) as a column of a table, with its slack."""
    column, slack = forms.table[:, made.left].copy(), float(forms.slack[made.left])
    sizes = np.abs(column)
    if made.right >= 0:
        column -= forms.table[:, made.right]
        sizes += np.abs(forms.table[:, made.right])
        slack += float(forms.slack[made.right])
    column[0] -= made.offset
    return direction * made.sign * column, slack


def _stacked(rows: list[tuple[np.ndarray, float]], size: int, ball: Ball) -> Inequalities:
    table = np.zeros((len(rows), size))
    for place, (column, _) in enumerate(rows):
        table[place, : len(column)] = column
    return _inequalities(table, np.array([slack for _, slack in rows]), ball)


def _inequalities(table: np.ndarray, slack: np.ndarray, ball: Ball) -> Inequalities:
    inner = ball.rank + 1
    slopes, rounding = ball.slopes(table[:, 1:inner].T)
    return Inequalities(constants=table[:, 0], slopes=slopes.T, spread=table[:, inner:], slack=slack + rounding)


def towards(enclosure: Enclosure, target: Target, ball: Ball) -> Inequalities:
    """The inequality that says that a point lies in the target, followed by those of the family.

    Args:
        enclosure: the family.
        target: the set that is looked for.
        ball: the ball.

    Returns:
        The inequalities, that of the target first.
    """
    size = len(enclosure.outputs.table)
    return _stacked([_row(target, enclosure.outputs, 1)], size, ball).and_also(enclosure.decided)
